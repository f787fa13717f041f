"""Resources of many services in a real plan: bare, as the services make them, and kept, as code says."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from scanner.collectors.terraform import KINDS
from scanner.tables import Gap, Row
from scanner.tables.aws_api_gateway import AwsApiStage
from scanner.tables.aws_cloudfront import AwsCloudfrontDistribution, AwsCloudfrontOrigin
from scanner.tables.aws_cloudwatch import AwsAlarm, AwsAlarmAction, AwsAlarmMetric
from scanner.tables.aws_detection import AwsConfigRecorder, AwsGuarddutyDetector
from scanner.tables.aws_dynamodb import AwsDaxCluster, AwsDynamodbTable
from scanner.tables.aws_efs import AwsEfsFileSystem
from scanner.tables.aws_eks import AwsEksCluster, AwsEksLog, AwsEksPublicCidr
from scanner.tables.aws_lambda import AwsLambdaFunction, AwsLambdaUrl
from scanner.tables.aws_load_balancer import AwsLoadBalancer, AwsLoadBalancerListener
from scanner.tables.aws_logs import AwsLogGroup, AwsLogMetricFilter, AwsLogWatch
from scanner.tables.aws_messaging import AwsSnsSubscription, AwsSnsTopic, AwsSqsQueue
from scanner.tables.aws_network import AwsAttachedSecurityGroup
from scanner.tables.aws_opensearch import AwsOpensearchDomain
from scanner.tables.aws_policy import AwsPolicyCondition, AwsPolicyStatement
from scanner.tables.aws_redshift import AwsRedshiftCluster
from scanner.tables.aws_sagemaker import AwsSagemakerNotebook
from scanner.tables.aws_secret import AwsSecret
from tests.support.terraform import PLANS, Collected, change, made, plan

KEY = "plan:aws_kms_key.kept"
DAY = 86_400
PLACE = {"scope", "uid", "name", "account", "region", "cluster", "namespace", "source", "file", "line", "ordinal"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    return Collected(plan("services"), tmp_path_factory.mktemp("services"), source=PLANS / "services")


def said(row: Row) -> dict[str, Any]:
    """What a row says of its resource, without what is not known."""
    return {n: v for n, v in dataclasses.asdict(row).items() if n not in PLACE and v is not None}


@pytest.mark.parametrize(
    ("table", "bare", "kept"),
    [
        (AwsSnsTopic, {"kms_key_uid": ""}, {"kms_key_uid": KEY}),
        (
            AwsSqsQueue,
            {"is_encrypted": True, "kms_key_uid": "", "dead_letter_uid": "", "retention_seconds": 4 * DAY},
            {"is_encrypted": True, "kms_key_uid": KEY, "dead_letter_uid": "arn:aws:sqs:eu-west-1:111111111111:dead",
             "retention_seconds": 4 * DAY},
        ),
        (
            AwsSecret,
            {"kms_key_uid": "", "rotation_enabled": False, "rotation_interval_seconds": 0, "last_rotated": 0,
             "last_read": 0, "deletion_time": 0},
            {"kms_key_uid": KEY, "rotation_enabled": True, "rotation_interval_seconds": 30 * DAY, "last_rotated": 0,
             "last_read": 0, "deletion_time": 0},
        ),
        (
            AwsDynamodbTable,
            {"encryption": "AWS_OWNED", "kms_key_uid": "", "pitr_enabled": False, "pitr_period_seconds": 0,
             "deletion_protection": False},
            {"encryption": "KMS", "kms_key_uid": KEY, "pitr_enabled": True, "pitr_period_seconds": 35 * DAY,
             "deletion_protection": True},
        ),
        (
            AwsDaxCluster,
            {"is_encrypted": False, "tls_enabled": False}, {"is_encrypted": True, "tls_enabled": True},
        ),
        (
            AwsEfsFileSystem,
            {"is_encrypted": False, "kms_key_uid": "", "backup_enabled": False},
            {"is_encrypted": True, "kms_key_uid": KEY, "backup_enabled": True},
        ),
        (
            AwsRedshiftCluster,
            {"is_encrypted": False, "kms_key_uid": "", "publicly_accessible": True, "backup_retention_seconds": DAY,
             "audit_logging_enabled": False},
            {"is_encrypted": True, "kms_key_uid": KEY, "publicly_accessible": False,
             "backup_retention_seconds": 35 * DAY, "audit_logging_enabled": True},
        ),
        (
            AwsOpensearchDomain,
            {"encrypted_at_rest": False, "kms_key_uid": "", "node_to_node_encrypted": False, "https_required": False,
             "vpc_uid": "", "audit_logs_enabled": False, "fine_grained_access": False},
            {"encrypted_at_rest": True, "kms_key_uid": KEY, "node_to_node_encrypted": True, "https_required": True,
             "tls_policy": "Policy-Min-TLS-1-2-2019-07", "audit_logs_enabled": True, "fine_grained_access": True},
        ),
        (
            AwsLogGroup,
            {"retention_seconds": 0, "kms_key_uid": "", "log_class": "STANDARD", "stored_bytes": 0},
            {"retention_seconds": 365 * DAY, "kms_key_uid": KEY, "log_class": "STANDARD", "stored_bytes": 0},
        ),
        (
            AwsAlarm,
            {"is_composite": False, "actions_enabled": True, "has_alarm_action": False},
            {"is_composite": False, "actions_enabled": True, "has_alarm_action": True},
        ),
        (
            AwsLambdaFunction,
            {"runtime": "", "role_uid": "arn:aws:iam::111111111111:role/kept", "kms_key_uid": "", "vpc_uid": "",
             "has_environment": True},
            {"runtime": "", "role_uid": "arn:aws:iam::111111111111:role/kept", "kms_key_uid": KEY,
             "has_environment": False},
        ),
        (
            AwsEksCluster,
            {"secrets_encrypted": False, "kms_key_uid": "", "public_endpoint": True, "private_endpoint": False,
             "role_uid": "arn:aws:iam::111111111111:role/kept"},
            {"secrets_encrypted": True, "kms_key_uid": KEY, "public_endpoint": False, "private_endpoint": True,
             "role_uid": "arn:aws:iam::111111111111:role/kept"},
        ),
        (
            AwsSagemakerNotebook,
            {"kms_key_uid": "", "direct_internet_access": True, "root_access": True, "subnet_uid": "",
             "role_uid": "arn:aws:iam::111111111111:role/kept"},
            {"kms_key_uid": KEY, "direct_internet_access": False, "root_access": False,
             "subnet_uid": "plan:aws_subnet.kept", "role_uid": "arn:aws:iam::111111111111:role/kept"},
        ),
    ],
)  # fmt: skip
def test_what_is_not_set_is_as_the_service_makes_it(
    table: type[Row], bare: dict[str, Any], kept: dict[str, Any], services: Collected
) -> None:
    assert {str(row.name).rpartition(".")[2]: said(row) for row in services.rows(table)} == {
        "bare": bare,
        "kept": kept,
    }


def test_load_balancers_of_both_generations_and_their_listeners(services: Collected) -> None:
    listeners = {row.name: (row.is_encrypted, row.redirects_to_tls) for row in services.rows(AwsLoadBalancerListener)}
    kinds = {row.name: (row.kind, row.is_public, row.access_logs_bucket) for row in services.rows(AwsLoadBalancer)}

    assert kinds == {
        "aws_lb.bare": ("application", True, ""), "bare": ("classic", True, ""),
        "kept": ("application", False, "acme-logs"),
    }  # fmt: skip
    assert listeners == {"aws_lb.bare": (False, False), "bare": (False, False), "kept": (False, True)}


def test_what_others_say_of_a_resource_is_joined_to_it(services: Collected) -> None:
    (subscription,) = services.rows(AwsSnsSubscription)
    (url,) = services.rows(AwsLambdaUrl)
    (action,) = services.rows(AwsAlarmAction)
    (recorder,) = services.rows(AwsConfigRecorder)
    statements = {
        row.name: row.allows_everyone
        for row in services.rows(AwsPolicyStatement, policy_kind="resource")
        if row.uid.startswith("arn:aws:sns:")
    }

    assert (subscription.protocol, subscription.is_confirmed) == ("sqs", True)
    assert subscription.endpoint == services.one(AwsSqsQueue, name="kept").uid
    assert (url.name, url.is_public, url.allows_any_origin) == ("bare", True, True)
    assert action.target_uid == services.one(AwsSnsTopic, name="kept").uid
    assert (recorder.is_recording, recorder.records_all, recorder.records_global) == (True, True, False)
    assert services.one(AwsGuarddutyDetector).is_enabled is True
    assert statements == {"bare": True, "kept": False}, "the topic named kept has the default policy: its account alone"


def test_metrics_filters_and_what_they_watch_come_together(services: Collected) -> None:
    (found,) = services.rows(AwsLogMetricFilter)
    watched = {row.change for row in services.rows(AwsLogWatch) if row.is_watched}

    assert (found.metric_namespace, found.metric_name) == ("acme", "root")
    assert {(row.metric_namespace, row.metric_name) for row in services.rows(AwsAlarmMetric)} == {("acme", "root")}
    assert watched <= {"root-usage"}


def test_the_open_ends_of_clusters_and_distributions(services: Collected) -> None:
    (cidr,) = services.rows(AwsEksPublicCidr)
    (origin,) = services.rows(AwsCloudfrontOrigin)
    stages = {(row.protocol, row.api_name, row.is_private) for row in services.rows(AwsApiStage)}

    assert (cidr.name, cidr.cidr, cidr.is_public) == ("bare", "0.0.0.0/0", True)
    assert {row.log for row in services.rows(AwsEksLog)} == {
        "api", "audit", "authenticator", "controllerManager", "scheduler",
    }  # fmt: skip
    assert (origin.protocol_policy, origin.has_access_control) == ("", False)
    assert services.one(AwsCloudfrontDistribution).https_only is False
    assert stages == {("REST", "bare", False), ("HTTP", "bare", False)}


def test_every_null_has_a_gap_that_says_why(services: Collected) -> None:
    explained = {(gap.uid, gap.table_name, gap.column_name) for gap in services.rows(Gap)}

    for kind in KINDS:
        for row in services.rows(kind.tables[0]):
            empty = {name for name, value in dataclasses.asdict(row).items() if value is None}
            assert {(row.uid, row.table, name) for name in empty} <= explained


def test_nothing_of_a_new_resource_is_unsupported(services: Collected) -> None:
    assert [gap for gap in services.rows(Gap) if gap.reason != "after_apply"] == []


def test_no_secret_of_these_services_is_kept(services: Collected) -> None:
    written = b"".join(path.read_bytes() for path in services.folder.glob("estate-*"))

    for secret in (b"planted-value-9", b"Sufficiently-long-1"):
        assert secret not in written


@pytest.mark.parametrize(
    ("permission", "everyone"),
    [
        ({"principal": "*"}, True),
        ({"principal": "*", "source_account": "111111111111"}, False),
        ({"principal": "s3.amazonaws.com", "source_arn": "arn:aws:s3:::b"}, False),
        ({"principal": "222222222222"}, False),
    ],
)
def test_permissions_of_a_function_are_the_statements_of_its_policy(
    permission: dict[str, str], everyone: bool, tmp_path: Path
) -> None:
    function = change("aws_lambda_function.f", {"function_name": "f", "runtime": "python3.13", "role": "arn:x"})
    more = {"function_name": "f", "action": "lambda:InvokeFunction", "statement_id": "s"}

    found = Collected(made(function, change("aws_lambda_permission.p", permission | more)), tmp_path)

    row = found.one(AwsPolicyStatement)
    assert (row.sid, row.allows, row.allows_everyone) == ("s", True, everyone)
    assert found.gap_rows("aws_policy_statement") == []


def test_a_permission_whose_source_is_made_with_it_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    function = change("aws_lambda_function.f", {"function_name": "f", "runtime": "python3.13", "role": "arn:x"})
    given = {"function_name": "f", "action": "lambda:InvokeFunction", "principal": "sns.amazonaws.com"}

    found = Collected(made(function, change("aws_lambda_permission.p", given, unknown={"source_arn": True})), tmp_path)

    row = found.one(AwsPolicyStatement)
    assert (row.allows, row.allows_everyone, row.has_conditions) == (True, False, True)
    assert [one.value for one in found.rows(AwsPolicyCondition)] == [None]


def test_a_group_that_is_attached_to_an_interface_by_itself_is_one_of_its_groups(tmp_path: Path) -> None:
    interface = change("aws_network_interface.i", {"security_groups": ["sg-1"], "subnet_id": "subnet-1"},
                       before={"id": "eni-1", "security_groups": ["sg-1"]}, actions=("no-op",))  # fmt: skip
    attached = change(
        "aws_network_interface_sg_attachment.a", {"network_interface_id": "eni-1", "security_group_id": "sg-2"}
    )

    found = Collected(made(interface, attached), tmp_path)

    groups = sorted(str(row.security_group_uid).rpartition("/")[2] for row in found.rows(AwsAttachedSecurityGroup))
    assert groups == ["sg-1", "sg-2"]
