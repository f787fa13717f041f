"""Services that look for trouble: Config, GuardDuty, Security Hub, Systems Manager."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsConfigRecorder(Resource, title="A recorder of AWS Config"):
    is_recording: bool | None = column("Records now.")
    records_all: bool | None = column("Records every type of resource that it can.")
    records_global: bool | None = column("Records global resources too.")
    last_status: str | None = column("How the last delivery went: SUCCESS, PENDING, FAILURE; '' if none.")


class AwsGuarddutyDetector(Resource, title="A GuardDuty detector"):
    is_enabled: bool | None = column("Looks for threats now.")
    high_findings: int | None = column("Findings of severity 7 or more that are not archived.", volatile=True)


class AwsSecurityHub(Resource, title="Security Hub in a region"):
    standards: int | None = column("Standards that are checked.")
    products: int | None = column("Products whose findings come in.")


class AwsSsmInstance(Resource, title="A machine that Systems Manager manages"):
    instance_uid: str | None = column("The EC2 instance; '' for machines elsewhere.")
    ping_status: str | None = column("Online, ConnectionLost or Inactive.", volatile=True)
    platform: str | None = column("Operating system.")
    patch_status: str | None = column("COMPLIANT or NON_COMPLIANT; '' where patches were never looked at.")
