"""CloudTrail trails."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsCloudtrailTrail(Resource, title="A trail that records API calls"):
    """Read in its home region.

    A trail of the organization is seen by each member: its uid there names the member's account, `trail_arn` the trail.
    """

    trail_arn: str | None = column("ARN of the trail; of the management account's, for an organization's trail.")
    is_multi_region: bool | None = column("Records all regions.")
    is_organization: bool | None = column("Records all accounts of the organization.")
    includes_global_services: bool | None = column("Records IAM, STS and the like.")
    is_logging: bool | None = column("Records now.")
    log_validation: bool | None = column("Digest files prove that logs were not altered.")
    kms_key_uid: str | None = column("Key that encrypts the logs, as it is named there; '' if none.")
    bucket_uid: str | None = column("Bucket that gets the logs.")
    log_group: str | None = column("ARN of the CloudWatch log group; '' if none.")
    management_events: str | None = column("Recorded management events: all, read, write or none.")
    s3_object_events: str | None = column("Recorded object events of all buckets: all, read, write or none.")
    last_delivery: int | None = column("Last delivery; 0 if never.", unit="UTC seconds", volatile=True)
    delivery_error: str | None = column("Error of the last delivery; '' if none.", volatile=True)
