"""The tables that say what was read, what was not, and which environment each resource is in."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

from scanner.tables.base import Derived, Resource, Row, column, required

Reason = Literal[
    "denied", "throttled", "expired", "deadline", "error", "unsupported", "after_apply", "stale", "unassigned",
    "not_requested",
]  # fmt: skip
REASONS: tuple[str, ...] = get_args(Reason)


class Scope(Row, title="One place that is read or not read as a whole"):
    """An account in a region, an account's global part, a cluster, a folder, a plan."""

    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str = required("`aws/<account>/<region or global>`, `kubernetes/<cluster>`, `config/<layers>`, …")
    source: str = required("aws, kubernetes, config, terraform, manifests.")
    account: str = column("Cloud account id, '' where there is none.", default="")
    region: str = column("Cloud region; '' for an account's global part.", default="")
    cluster: str = column("Cluster name as declared in tierwall.yaml.", default="")
    identity: str = column("Who read: the caller's ARN, the kubeconfig's user; '' where there is none.", default="")


class Requested(Row, title="A table that this run asked a scope for"):
    """What is not here is out of scope: listed in reports, but no gap."""

    key: ClassVar[tuple[str, ...]] = ("scope", "table_name")
    scope: str = required("`scope.id`.")
    table_name: str = required("A typed table.")


class Call(Row, title="One logical API call, all its pages and attempts together"):
    """Reading a file is a call too: service `file`, operation the reader."""

    key: ClassVar[tuple[str, ...]] = ("id",)
    id: int = column("Number within the snapshot, from 1.", default=0)
    scope: str = required("`scope.id`.")
    service: str = required("The service as its SDK names it: s3, ec2, core/v1, file.")
    operation: str = required("The operation as the service names it: GetBucketPolicy, list pods.")
    uid: str = column("The resource that was asked about; '' for a listing.", default="")
    status: str = column("ok, absent (the declared answer for «not set»), or a gap's reason.", default="ok")
    code: str = column("The service's error code, '' if there was none.", default="")
    permission: str = column("The permission that the call needs: s3:GetBucketPolicy, pods/list.", default="")
    request_id: str = column("The service's id of the last request.", default="")
    pages: int = column("Pages read.", default=1)
    items: int = column("Items in the answer.", default=0)
    attempts: int = column("Requests sent, retries included.", default=1)
    started: float = column("When the first request was sent.", unit="UTC seconds", default=0.0)
    finished: float = column("When the last answer had come.", unit="UTC seconds", default=0.0)


class Gap(Row, title="Something that was to be read and was not"):
    """The one mechanism for «not read»: refusals, failed pages, known after apply, not modelled, stale."""

    key: ClassVar[tuple[str, ...]] = ("scope", "uid", "table_name", "column_name", "reason", "call")
    scope: str = required("`scope.id`.")
    uid: str = column("The resource, '' when the whole scope is meant.", default="")
    table_name: str = required("The typed table that lacks something.")
    column_name: str = column("The column, '' when rows may be missing.", default="")
    reason: str = required("One of: " + ", ".join(REASONS) + ".")
    call: int = column("`call.id` of the refused call, 0 when no call was made.", default=0)
    detail: str = column("What in words, such as the construct that is not modelled.", default="")


class Environment(Row, title="A declared or inferred environment with the thresholds of its policy"):
    """The row with id '' stands for «in no environment»: its other columns are NULL."""

    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str = required("Name; '' for resources in no environment.")
    tier: str | None = column("local, feature, integration, development, staging, production or shared.")
    is_production: bool | None = column("The tier is production.")
    owner: str | None = column("Who answers for it; '' if nobody is named.")
    mirrors: str | None = column("The environment it is meant to be alike; '' if none.")
    branch: str | None = column("The git branch a feature environment belongs to; '' for the others.")
    ttl_seconds: int | None = column("How long it may live; 0 for ever.", unit="seconds")
    holds_personal_data: bool | None = column("Declared to hold personal data.")
    holds_health_data: bool | None = column("Declared to hold health data.")
    holds_financial_records: bool | None = column("Declared to hold financial records.")
    backup_full_every_seconds: int | None = column("Longest time between full backups; 0 none asked.", unit="seconds")
    backup_incremental_every_seconds: int | None = column(
        "Longest time between incremental backups; 0 none asked.", unit="seconds"
    )
    backup_keep_seconds: int | None = column("How long backups are kept at least; 0 none asked.", unit="seconds")
    backup_copy_to_other_region: bool | None = column("Backups are copied to another region.")
    audit_retention_seconds: int | None = column("How long audit logs are kept at least.", unit="seconds")
    session_timeout_seconds: int | None = column("Longest session without a new sign-in.", unit="seconds")
    password_min_length: int | None = column("Shortest password allowed.", unit="characters")
    mfa_required: bool | None = column("People sign in with a second factor.")
    vpn_required: bool | None = column("Reached through a VPN alone.")
    tls_required: bool | None = column("Connections to databases are encrypted.")
    encryption_at_rest_required: bool | None = column("Stored data is encrypted.")
    data_masking_required: bool | None = column("Personal data that comes from production is masked.")
    high_availability_required: bool | None = column("One failed zone or node does not stop the service.")
    deletion_protection_required: bool | None = column("Data stores cannot be deleted in one call.")
    database_pool_size_min: int | None = column("Fewest connections of an application's pool.", unit="connections")
    database_timeout_max_seconds: int | None = column("Longest wait for a database.", unit="seconds")
    detailed_monitoring_required: bool | None = column("Detailed monitoring is on.")
    alerts_required: bool | None = column("Alerts are on and reach somebody.")
    cache_required: bool | None = column("Answers are cached.")
    cdn_required: bool | None = column("Static content is served by a content delivery network.")
    debug_allowed: bool | None = column("Debug settings may be on.")


class Assignment(Row, title="Which environment a resource is in, and why"):
    """NULL is a tie or an unreadable tag; '' is no environment."""

    key: ClassVar[tuple[str, ...]] = ("uid",)
    uid: str = required("The resource.")
    environment: str | None = column("`environment.id`; NULL for a tie or an unreadable tag, '' for none.")
    because: str = column("What decided, such as «tag environment=staging»; '' where nothing matched.", default="")
    candidates: str = column("All environments that it may be in, separated by spaces.", default="")
    reason: str = column(
        "Why the tags that would decide are not known, one of a gap's reasons; '' if they are.", default=""
    )
    call: int = column("`call.id` of the call that did not give them; 0 when there is none.", default=0)


class TierwallAssignment(Derived, title="Whether a resource is in exactly one environment"):
    """Same uid as the resource, in whose table the rest is. What is not known has a gap on this table, with the call.

    Account, region and cluster, and what has no namespace, serve every environment in them: they are in the strictest.
    """

    inputs: ClassVar[tuple[str, ...]] = ()  # only those gaps count that leave the answer open, and they are written
    resource_table: str | None = column("The resource's own table.")
    is_assigned: bool | None = column("It is in an environment; also true of one that is in several.")
    is_ambiguous: bool | None = column("It is in several environments: their matches are equally particular.")
    is_shared: bool | None = column("It serves all environments of its place, and is judged as the strictest of them.")
    candidates: str | None = column("The environments that match, separated by spaces; '' if none.")
    because: str | None = column("What decided; '' where nothing matched.")


class TierwallThreshold(Derived, title="A threshold of an environment, and who says so"):
    """One row a column of `environment` that holds a threshold; uid `threshold:<environment>/<column>`."""

    inputs: ClassVar[tuple[str, ...]] = ()
    environment: str | None = column("`environment.id`.")
    column_name: str | None = column("Column of `environment`.")
    value: int | None = column("Seconds, a count, or 0 and 1.")
    origin: str | None = column(
        "`tierwall.yaml:<line>`; `line <n>` of the environment management guide; or `tierwall default`."
    )


class TierwallAllowedPath(Derived, title="A way from one environment into another that tierwall.yaml allows"):
    """One row a pair of environments, plane and port; uid `allowed:<number>/<from>/<to>/<port>`."""

    inputs: ClassVar[tuple[str, ...]] = ()
    from_environment: str | None = column("Where the way begins, `environment.id`.")
    to_environment: str | None = column("Where it ends, `environment.id`.")
    plane: str | None = column("network, identity, data or configuration.")
    port: int | None = column("The port; -1 for every port, and on planes that have none.")
    reason: str | None = column("Why it is allowed.")
    ticket: str | None = column("The ticket; '' if none.")
    expires: int | None = column("From then on it is not allowed any more; 0 never.", unit="UTC seconds")


class TierwallRun(Resource, title="A run of Tierwall itself: scan, evaluation, gate, report"):
    """Kept since it is evidence: that scans ran, when, with which rules, and how they ended."""

    operation: str | None = column("scan, evaluate, gate, report, prune.")
    started: int | None = column("Start.", unit="UTC seconds")
    finished: int | None = column("End.", unit="UTC seconds")
    snapshot: str | None = column("The snapshot written or judged; '' if none.")
    tool_version: str | None = column("Version of Tierwall.")
    rules_digest: str | None = column("SHA-256 of the rules used; '' if none.")
    policy_digest: str | None = column("SHA-256 of tierwall.yaml as used; '' if inferred.")
    result_digest: str | None = column("SHA-256 of what came out; '' if nothing.")
    exit_code: int | None = column("The exit code answered.")
    failed: int | None = column("Failing verdicts.")
    unknown: int | None = column("Unknown verdicts.")
