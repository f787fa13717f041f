"""A believable estate with its verdicts, for everything that shows results. Names in it are as hostile as names get."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from scanner.attestations import Attestation
from scanner.frameworks import Clause, Control, Framework, Request
from scanner.results import Context, DocumentRef, Exclusion, Result, Snapshot, Tool, build
from scanner.rules.rule import Rule
from scanner.rules.verdict import Because, Verdict
from scanner.safe.text import storable
from scanner.store.estate import Estate
from scanner.tables import Assignment, Call, Environment, Gap, Placed, Requested, Row, Scope, tables
from scanner.tables.estate import TierwallAssignment
from scanner.waivers import Waiver

START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC).timestamp()
FINISH = START + 412
DAY = 86_400

PROD, STAGE = "111111111111", "222222222222"
HOSTILE = (
    "<script>alert('name')</script>",
    '=HYPERLINK("http://evil.example","pay")',
    "\x1b]0;owned\x07\x1b[31mred",
    "::error file=a.py::stop",
    "]]></failure><system-out>",
    "nul\x00byte",
    "\u202egnp.exe",
    "half \ud800 pair",
    "{{ 7 * 7 }} {% raw %}",
    '"><img src=x onerror=alert(1)>',
    "@SUM(A1) | `code`\r\n@everyone",
)


AREAS = {
    "s3": "access",
    "rds": "backup",
    "security": "isolation",
    "vpc": "isolation",
    "iam": "access",
    "kms": "encryption",
}


def _rule(
    id: str,
    title: str,
    severity: str,
    why: str,
    fix: str,
    resource: str,
    see_also: dict[str, tuple[str, ...]] | None = None,
) -> Rule:
    area = AREAS.get(id.split("-")[1], "configuration")
    require = "name <> ''"  # verdicts are given here; only what it reads is of interest
    path = Path(area) / f"{id}.yaml"
    return Rule(id, title, severity, why, fix, resource, title, require=require, see_also=see_also or {}, path=path)


RULES = (
    _rule(
        "aws-s3-bucket-not-public", "Buckets are not readable by the public", "critical",
        "Anyone on the internet can list and download what a public bucket holds.",
        "Turn on all four settings of Block Public Access for the bucket, and remove the wildcard from its policy.",
        "aws_s3_bucket", {"checkov": ("CKV_AWS_53", "CKV_AWS_54"), "prowler": ("s3_bucket_public_access",)},
    ),
    _rule(
        "aws-s3-bucket-versioning", "Buckets keep earlier versions of their objects", "medium",
        "Without versions an overwritten or deleted object cannot be restored.",
        "Enable versioning on the bucket.", "aws_s3_bucket", {"checkov": ("CKV_AWS_21",)},
    ),
    _rule(
        "aws-rds-backup-retention", "Backups are kept as long as the environment's policy asks", "high",
        "Deleted or corrupted data older than the newest kept backup cannot be restored.",
        "Raise the backup retention period of the instance to the policy's value.",
        "aws_rds_instance", {"checkov": ("CKV_AWS_133",), "prowler": ("rds_instance_backup_enabled",)},
    ),
    _rule(
        "aws-rds-not-public", "Databases have no public address", "critical",
        "A database with a public address is one firewall rule away from the internet.",
        "Set PubliclyAccessible to false and place the instance in private subnets.", "aws_rds_instance",
    ),
    _rule(
        "aws-rds-multi-az", "Databases of highly available environments run in two zones", "medium",
        "When the zone of a single-zone instance fails, the service stops.",
        "Turn on Multi-AZ for the instance.", "aws_rds_instance",
    ),
    _rule(
        "aws-security-group-no-open-admin-ports", "No security group opens administration ports to the world", "high",
        "Ports for administration that everyone can reach are attacked within minutes.",
        "Limit the source of the rule to the VPN's range, or use Session Manager.", "aws_security_group",
    ),
    _rule(
        "aws-vpc-no-peering-across-environments", "Networks of different environments are not peered", "high",
        "A peering lets a compromised test system talk to production.",
        "Delete the peering connection, or declare the path in allowed_paths with its reason.", "aws_vpc",
    ),
    _rule(
        "aws-iam-user-mfa", "Users with a console password sign in with a second factor", "high",
        "A stolen password alone opens the account.", "Assign a second factor to the user, or remove the password.",
        "aws_iam_user",
    ),
    _rule(
        "aws-iam-role-trust-own-environment", "Roles are assumed from their own environment only", "critical",
        "A role that another environment can assume carries that environment's weaknesses into this one.",
        "Remove the foreign account from the role's trust policy.", "aws_iam_role",
    ),
    _rule(
        "aws-kms-key-rotation", "Keys are rotated every year", "low",
        "A key that never changes protects everything or nothing.", "Turn on automatic rotation.", "aws_kms_key",
    ),
    _rule(
        "aws-ebs-volume-encrypted", "Volumes are encrypted", "medium",
        "A snapshot of an unencrypted volume can be read wherever it is restored.",
        "Restore the volume from an encrypted copy of its snapshot.", "aws_ebs_volume",
    ),
    _rule(
        "aws-cloudtrail-validated", "Trails prove that their files were not changed", "high",
        "Without validation an intruder can edit the record of what was done.",
        "Enable log file validation on the trail.", "aws_cloudtrail_trail",
    ),
    _rule(
        "kubernetes-workload-not-privileged", "Workloads run without privileged containers", "high",
        "A privileged container owns its node and every other workload there.",
        "Remove privileged: true; grant the one capability that is needed.", "kubernetes_workload",
    ),
    _rule(
        "kubernetes-workload-probes", "Workloads say when they are healthy", "low",
        "Without probes traffic goes to pods that cannot answer.", "Declare a readiness and a liveness probe.",
        "kubernetes_workload",
    ),
    _rule(
        "kubernetes-namespace-default-deny", "Namespaces deny traffic that no policy allows", "high",
        "Without a default policy every pod of the cluster can reach every other.",
        "Add a NetworkPolicy that selects all pods and allows nothing.", "kubernetes_namespace",
    ),
    _rule(
        "kubernetes-role-binding-no-cluster-admin", "Nobody but the platform team is cluster-admin", "critical",
        "cluster-admin can read every secret of every environment in the cluster.",
        "Bind the role that the job needs in its own namespace.", "kubernetes_role_binding",
    ),
)  # fmt: skip

HAS_ENVIRONMENT = _rule(
    "tierwall-resource-has-environment", "Resources belong to an environment", "medium",
    "What is in no environment is judged by nobody's policy.", "Tag the resource, or match it in tierwall.yaml.",
    "tierwall_assignment",
)  # fmt: skip

ENVIRONMENTS = (
    Environment(
        id="production", tier="production", is_production=True, owner="platform@acme.example", mirrors="", branch="",
        ttl_seconds=0, holds_personal_data=True, holds_health_data=True, holds_financial_records=True,
        backup_full_every_seconds=DAY, backup_incremental_every_seconds=3600, backup_keep_seconds=35 * DAY,
        backup_copy_to_other_region=True, audit_retention_seconds=365 * DAY, session_timeout_seconds=1800,
        password_min_length=8, mfa_required=True, tls_required=True, encryption_at_rest_required=True,
        high_availability_required=True, deletion_protection_required=True, detailed_monitoring_required=True,
        debug_allowed=False,
    ),
    Environment(
        id="staging", tier="staging", is_production=False, owner="release@acme.example", mirrors="production",
        branch="", ttl_seconds=0, backup_full_every_seconds=DAY, backup_incremental_every_seconds=0,
        backup_keep_seconds=14 * DAY, audit_retention_seconds=365 * DAY, session_timeout_seconds=3600,
        password_min_length=8, mfa_required=True, tls_required=True, debug_allowed=False,
    ),
    Environment(id="shared", tier="shared", is_production=False, owner="platform@acme.example", backup_keep_seconds=0),
    Environment(
        id="integration", tier="integration", is_production=False, owner="", backup_full_every_seconds=7 * DAY,
        backup_keep_seconds=7 * DAY, debug_allowed=True,
    ),
    Environment(
        id="feature/login", tier="feature", is_production=False, owner="", branch="login", ttl_seconds=14 * DAY,
        debug_allowed=True,
    ),
    Environment(id="local", tier="local", is_production=False, owner="", debug_allowed=True),
)  # fmt: skip

FRAMEWORKS = (
    Framework(
        "environment-management", "Environment management", "1.0.0", "Acme, Environment Management, 2025-05-24",
        (
            Control(
                "ENV-ISO-01", "line 49", "Separate networks per environment",
                "No network carries two environments, and none is joined to another without a declared reason.",
                "platform engineering", "partial", "test",
                (
                    Clause("Networks of two environments are not joined by peering.",
                           ("aws-vpc-no-peering-across-environments",)),
                    Clause("No transit gateway route leads from one environment to another."),
                ),
            ),
            Control(
                "ENV-ISO-02", "line 50", "Firewall rules and security groups",
                "Only the ports that are needed are open, and none of them to the world.",
                "security", "full", "test",
                (Clause("No security group opens administration ports.", ("aws-security-group-no-open-admin-ports",)),
                 Clause("Namespaces deny by default.", ("kubernetes-namespace-default-deny",))),
            ),
            Control(
                "BKP-PRD-01", "line 252", "Production: daily full, hourly incremental",
                "Production data can be restored to within the hour.", "database", "partial", "test",
                (Clause("Backups are kept as long as the policy asks.", ("aws-rds-backup-retention",), "partial"),
                 Clause("Buckets keep versions.", ("aws-s3-bucket-versioning",)),),
                (Request("restore-drill", "A restore was carried out and measured.", 90),),
            ),
            Control(
                "REC-DR-04", "line 276", "Business continuity procedures", "The plan is written, known and tried.",
                "compliance", "none", "interview", (Clause("The plan was exercised."),),
                (Request("continuity-exercise", "The continuity plan was exercised.", 365),),
            ),
            Control(
                "SEC-ACC-02", "line 193", "Multi-factor authentication", "People sign in with a second factor.",
                "security", "full", "test", (Clause("Console users have a second factor.", ("aws-iam-user-mfa",)),),
            ),
            Control(
                "ENV-DOC-01", "line 4", "Version", "The document has a version.", "compliance", "none", "examine",
                (Clause("The policy states its version."),),
            ),
        ),
        "ab" * 32,
    ),
    Framework(
        "gdpr", "General Data Protection Regulation", "2016/679", "Regulation (EU) 2016/679",
        (
            Control(
                "Art. 5(1)(f)", "Art. 5(1)(f)", "Integrity and confidentiality",
                "Personal data is protected against unlawful access and loss.", "security", "full", "test",
                (Clause("Stores are not public.", ("aws-s3-bucket-not-public", "aws-rds-not-public")),),
            ),
            Control(
                "Art. 32(1)(a)", "Art. 32(1)(a)", "Pseudonymisation and encryption", "Stored data is encrypted.",
                "security", "full", "test",
                (Clause("Volumes are encrypted.", ("aws-ebs-volume-encrypted",)),
                 Clause("Keys are rotated.", ("aws-kms-key-rotation",))),
            ),
            Control(
                "Art. 35", "Art. 35", "Impact assessment", "Risky processing is assessed before it starts.",
                "data protection officer", "none", "interview", (Clause("An assessment exists."),),
                (Request("impact-assessment", "An impact assessment was made and is current.", 365),),
            ),
        ),
        "cd" * 32,
    ),
)  # fmt: skip

WAIVERS = (
    Waiver(
        "W-2026-014", "aws-ebs-volume-encrypted", "arn:aws:ec2:*", "integration",
        "Synthetic data only; the volumes are replaced when the cluster moves in January.",
        "platform@acme.example", "ciso@acme.example", "SEC-204", date(2026, 10, 1), date(2027, 1, 31),
    ),
    Waiver(
        "W-2026-009", "kubernetes-workload-not-privileged", "k8s:prod-eu/*", "production",
        "The node agent needs the host until its vendor ships the unprivileged build.",
        "platform@acme.example", "ciso@acme.example", "SEC-171", date(2026, 5, 1), date(2026, 10, 28),
    ),
    Waiver(
        "W-2026-020", "aws-kms-key-rotation", "arn:aws:kms:eu-west-1:999999999999:*", "*",
        "Keys of the account that was closed in the summer of this year.",
        "platform@acme.example", "ciso@acme.example", "SEC-230", date(2026, 9, 1), date(2026, 12, 31),
    ),
)  # fmt: skip

ATTESTATIONS = (
    Attestation(
        "environment-management", "REC-DR-04", "continuity-exercise", (),
        "The plan was exercised on 18 September with the loss of eu-west-1; service returned after 52 minutes.",
        "j.doe@acme.example", "Head of operations", date(2026, 9, 20), date(2027, 9, 19),
        "2026-09-continuity-exercise.pdf", "5e" * 32,
    ),
    Attestation(
        "environment-management", "BKP-PRD-01", "restore-drill", ("production",),
        "The orders database was restored to 11 November, 10:00, in 38 minutes.",
        "d.base@acme.example", "Database lead", date(2026, 11, 12), date(2027, 2, 10),
        "2026-11-restore.txt", "7f" * 32,
    ),
)  # fmt: skip

SNAPSHOT = Snapshot("2026-11-24T02:00:00Z-6f1c", START, FINISH, "9c" * 32, "2026-11-23T02:00:00Z-11ab")
TOOL = Tool(
    "tierwall", "1.0.0",
    {"attestations": "a1" * 32, "frameworks": "f1" * 32, "policy": "b1" * 32, "rules": "c1" * 32, "waivers": "d1" * 32},
)  # fmt: skip

_PLACES = (  # environment, account or cluster, region or namespace
    ("production", PROD, "eu-west-1"), ("production", PROD, "eu-central-1"), ("staging", STAGE, "eu-west-1"),
    ("shared", STAGE, "eu-west-1"), ("integration", STAGE, "eu-west-1"), ("", STAGE, "us-east-1"),
)  # fmt: skip
_NAMESPACES = (
    ("production", "prod-eu", "orders"), ("production", "prod-eu", "payments"), ("staging", "nonprod", "staging"),
    ("integration", "nonprod", "integration"), ("feature/login", "nonprod", "feature-login"),
    (None, "nonprod", "experiments"),
)  # fmt: skip
_NAMES = ("orders", "payments", "invoices", "customers", "exports", "sessions", "search", "ledger", "mail", "audit-log")


def arn(table: str, account: str, region: str, name: str) -> str:
    """An ARN as AWS would form it, near enough."""
    service, kind = {
        "aws_s3_bucket": ("s3", ""), "aws_rds_instance": ("rds", "db:"),
        "aws_security_group": ("ec2", "security-group/"),
        "aws_vpc": ("ec2", "vpc/"), "aws_iam_user": ("iam", "user/"), "aws_iam_role": ("iam", "role/"),
        "aws_kms_key": ("kms", "key/"), "aws_ebs_volume": ("ec2", "volume/"),
        "aws_cloudtrail_trail": ("cloudtrail", "trail/"),
    }[table]  # fmt: skip
    if table == "aws_s3_bucket":
        return f"arn:aws:s3:::{name}"
    return f"arn:aws:{service}:{'' if service == 'iam' else region}:{account}:{kind}{name}"


@dataclass
class Sample:
    """An estate, what was judged of it, and what goes with it."""

    rows: list[Row]
    verdicts: list[Verdict]
    documents: dict[str, DocumentRef]


def sample(size: int = 3, seed: int = 8, hostile: bool = True) -> Sample:
    """`size` resources a table and place. Statuses are drawn with the seed; names come from HOSTILE as well."""
    draw = random.Random(seed)
    rows: list[Row] = list(_scopes())
    documents: dict[str, DocumentRef] = {}
    placed: list[tuple[Placed, str | None]] = []
    names = iter(_names(hostile))
    for table in dict.fromkeys(rule.resource for rule in RULES):
        for environment, first, second in _PLACES if table.startswith("aws") else _NAMESPACES:
            for _ in range(size):
                placed.append((_resource(table, first, second, next(names)), environment))
    rows.extend(row for row, _ in placed)
    rows.extend(_assignments(placed))
    rows.extend(TierwallAssignment(scope=row.scope, uid=row.uid, name=row.name) for row, _ in placed)
    rows.extend([*ENVIRONMENTS, Environment(id="")])
    rows.extend(_calls_and_gaps(placed))
    for row, _ in placed:
        digest = f"{draw.getrandbits(256):064x}"
        documents[row.uid] = DocumentRef(digest, ("ListBuckets",) if row.table == "aws_s3_bucket" else ())
    verdicts = list(_verdicts(placed, draw))
    return Sample(rows, verdicts, documents)


def result(
    size: int = 3,
    seed: int = 8,
    *,
    hostile: bool = True,
    include_passed: bool = True,
    made: Sample | None = None,
    **overrides: Any,
) -> Result:
    """The view of that sample."""
    made = made or sample(size, seed, hostile)
    options: dict[str, Any] = {
        "waivers": WAIVERS, "attestations": ATTESTATIONS, "tool": TOOL, "include_passed": include_passed,
        "context": Context(
            documents=made.documents,
            threshold_sources={("production", "backup_full_every_seconds"): "environment-management line 252",
                               ("production", "backup_keep_seconds"): "tierwall default"},
            excluded=(Exclusion("account 333333333333 (sandbox)", "not declared in tierwall.yaml"),),
        ),
        "frameworks": FRAMEWORKS,
    } | overrides  # fmt: skip
    frameworks = options.pop("frameworks")
    with tempfile.TemporaryDirectory() as folder, Estate.create(Path(folder) / "estate.db") as estate:
        estate.insert(made.rows)
        return build(estate, made.verdicts, (*RULES, HAS_ENVIRONMENT), frameworks, SNAPSHOT, FINISH, **options)


def _names(hostile: bool) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if hostile and number % 9 == 0:
            yield storable(f"{HOSTILE[number // 9 % len(HOSTILE)]}-{number}")
        else:
            yield f"acme-{_NAMES[number % len(_NAMES)]}-{number:04d}"


def _resource(table: str, first: str, second: str, name: str) -> Placed:
    declared = tables()[table]
    assert issubclass(declared, Placed)
    if table.startswith("aws"):
        return declared(
            scope=f"aws/{first}/{second}", uid=arn(table, first, second, name), name=name, account=first,
            region=second, source="aws",
        )  # fmt: skip
    kind = {"kubernetes_workload": "Deployment", "kubernetes_namespace": "Namespace"}.get(table, "RoleBinding")
    extra = {"kind": kind} if "kind" in declared.columns() else {}
    return declared(
        scope=f"kubernetes/{first}", uid=f"k8s:{first}/{second}/{kind}/{name}", name=name, cluster=first,
        namespace=second, source="manifests" if first == "nonprod" else "kubernetes",
        file="deploy/base.yaml" if first == "nonprod" else "", line=len(name) if first == "nonprod" else 0, **extra,
    )  # fmt: skip


def _scopes() -> Iterator[Row]:
    for account, region in sorted({(account, region) for _, account, region in _PLACES}):
        scope = f"aws/{account}/{region}"
        who = f"arn:aws:sts::{account}:assumed-role/TierwallRead/tierwall"
        yield Scope(id=scope, source="aws", account=account, region=region, identity=who)
        for table in sorted({rule.resource for rule in RULES if rule.resource.startswith("aws")}):
            yield Requested(scope=scope, table_name=table)
    for cluster in ("nonprod", "prod-eu"):
        yield Scope(id=f"kubernetes/{cluster}", source="kubernetes", cluster=cluster)
        for table in sorted({rule.resource for rule in RULES if rule.resource.startswith("kubernetes")}):
            yield Requested(scope=f"kubernetes/{cluster}", table_name=table)


def _assignments(placed: Sequence[tuple[Placed, str | None]]) -> Iterator[Row]:
    for row, environment in placed:
        tie = environment is None
        yield Assignment(
            uid=row.uid, environment=environment, because="" if tie else "account and region" if environment else "",
            candidates="integration staging" if tie else "",
        )  # fmt: skip


def _calls_and_gaps(placed: Sequence[tuple[Placed, str | None]]) -> Iterator[Row]:
    number = 0
    for account, region in sorted({(account, region) for _, account, region in _PLACES}):
        number += 1
        yield Call(
            id=number, scope=f"aws/{account}/{region}", service="s3", operation="ListBuckets", items=12, pages=1,
            permission="s3:ListAllMyBuckets", request_id=f"R{number:05d}",
            started=START + number, finished=START + number + 1,
        )  # fmt: skip
    for row, _ in placed:
        if row.table == "aws_s3_bucket":
            number += 1
            refused = number % 5 == 0
            yield Call(
                id=number, scope=row.scope, service="s3", operation="GetBucketPolicy", uid=row.uid,
                status="denied" if refused else "ok" if number % 2 else "absent",
                code="AccessDenied" if refused else "" if number % 2 else "NoSuchBucketPolicy",
                permission="s3:GetBucketPolicy", request_id=f"R{number:05d}", attempts=1 + refused,
                started=START + number, finished=START + number + 0.25,
            )  # fmt: skip
            if refused:
                yield Gap(scope=row.scope, uid=row.uid, table_name="aws_policy_statement", reason="denied", call=number)
    number += 1
    scope = f"aws/{STAGE}/us-east-1"
    yield Call(
        id=number, scope=scope, service="rds", operation="DescribeDBInstances", status="throttled",
        code="ThrottlingException", permission="rds:DescribeDBInstances", attempts=6, started=START + 300,
        finished=START + 331,
    )  # fmt: skip
    yield Gap(scope=scope, table_name="aws_rds_instance", reason="throttled", call=number)


def _verdicts(placed: Sequence[tuple[Placed, str | None]], draw: random.Random) -> Iterator[Verdict]:
    denied = {row.uid: number for number, row in _bucket_calls(placed) if number % 5 == 0}
    last = max(number for number, _ in _bucket_calls(placed)) + 1
    for rule in RULES:
        for row, environment in placed:
            if row.table != rule.resource:
                continue
            if rule.id == "aws-s3-bucket-not-public" and row.uid in denied:
                because = Because("denied", "aws_policy_statement", "", row.uid, row.scope, denied[row.uid])
                yield Verdict(rule.id, row.uid, "", "unknown", "the bucket's policy could not be read", (because,))
            elif environment == "" and rule.id == "aws-rds-backup-retention":
                because = Because("unassigned", "environment", "backup_keep_seconds", row.uid)
                yield Verdict(rule.id, row.uid, "", "unknown", "its environment is not known", (because,))
            else:
                weights = (70, 18, 4, 8) if environment == "production" else (58, 30, 4, 8)
                status = draw.choices(("pass", "fail", "unknown", "not_applicable"), weights)[0]
                because = (
                    Because("unsupported", rule.resource, "", row.uid, row.scope, 0, "a wildcard in a NotAction"),
                )
                port = "22" if rule.id == "aws-security-group-no-open-admin-ports" and status == "fail" else ""
                yield Verdict(
                    rule.id, row.uid, port, status, f"{row.name} was found to be so" if status == "fail" else "",
                    because if status == "unknown" else (),
                )  # fmt: skip
    for row, environment in placed:
        unassigned = environment == ""
        yield Verdict(
            HAS_ENVIRONMENT.id, row.uid, "", "fail" if unassigned else "pass",
            "no match in tierwall.yaml" if unassigned else "",
        )  # fmt: skip
    scope = f"aws/{STAGE}/us-east-1"
    yield Verdict(
        "aws-rds-not-public", f"scope:{scope}", "", "unknown", "the instances of the scope could not be listed",
        (Because("throttled", "aws_rds_instance", "", "", scope, last),),
    )  # fmt: skip


def _bucket_calls(placed: Sequence[tuple[Placed, str | None]]) -> list[tuple[int, Placed]]:
    first = len({(account, region) for _, account, region in _PLACES})
    buckets = [row for row, _ in placed if row.table == "aws_s3_bucket"]
    return [(first + number, row) for number, row in enumerate(buckets, 1)]
