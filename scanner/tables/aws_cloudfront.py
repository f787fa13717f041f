"""CloudFront distributions."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsCloudfrontDistribution(Resource, title="A CloudFront distribution"):
    domain_name: str | None = column("Name that it is reached by.")
    is_enabled: bool | None = column("Answers requests.")
    https_only: bool | None = column("Every behaviour refuses plain HTTP or sends it on to HTTPS.")
    tls_policy: str | None = column("Least version of TLS that viewers must speak.")
    web_acl_uid: str | None = column("Web ACL in front of it; '' if none.")
    logging_enabled: bool | None = column("Standard logs are written.")


class AwsCloudfrontOrigin(Child, title="An origin of a distribution"):
    origin: str | None = column("Id of the origin.")
    domain_name: str | None = column("Where it fetches from.")
    protocol_policy: str | None = column("http-only, https-only, match-viewer; '' for S3.")
    has_access_control: bool | None = column("Only the distribution may read the bucket; false for other origins.")
