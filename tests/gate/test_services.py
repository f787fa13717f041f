"""A real plan of many services: each fault that was planted is found by file and line, and what is kept well passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.gate import GateOutcome
from tests.support.gate import judged
from tests.support.terraform import PLANS

# Rule → types whose resource named `bare` breaks it. The one named `kept` keeps to all of them.
FAULTS = {
    "aws-api-stage-logged": ["aws_apigatewayv2_stage"],
    "aws-cloudfront-https": ["aws_cloudfront_distribution"],
    "aws-dax-cluster-encrypted": ["aws_dax_cluster"],
    "aws-dynamodb-table-own-key": ["aws_dynamodb_table"],
    "aws-dynamodb-table-point-in-time-recovery": ["aws_dynamodb_table"],
    "aws-efs-file-system-backed-up": ["aws_efs_file_system"],
    "aws-efs-file-system-encrypted": ["aws_efs_file_system"],
    "aws-eks-cluster-endpoint-not-public": ["aws_eks_cluster"],
    "aws-eks-cluster-secrets-encrypted": ["aws_eks_cluster"],
    "aws-lambda-url-signed": ["aws_lambda_function"],
    "aws-load-balancer-access-logs": ["aws_elb", "aws_lb"],
    "aws-load-balancer-deletion-protection": ["aws_lb"],
    "aws-load-balancer-encrypted": ["aws_elb", "aws_lb"],
    "aws-log-group-encrypted": ["aws_cloudwatch_log_group"],
    "aws-opensearch-domain-encrypted": ["aws_opensearch_domain"],
    "aws-opensearch-domain-https": ["aws_opensearch_domain"],
    "aws-opensearch-domain-node-encryption": ["aws_opensearch_domain"],
    "aws-redshift-cluster-audit-logged": ["aws_redshift_cluster"],
    "aws-redshift-cluster-backup-retention": ["aws_redshift_cluster"],
    "aws-redshift-cluster-encrypted": ["aws_redshift_cluster"],
    "aws-redshift-cluster-not-public": ["aws_redshift_cluster"],
    "aws-sagemaker-notebook-encrypted": ["aws_sagemaker_notebook_instance"],
    "aws-sagemaker-notebook-no-direct-internet": ["aws_sagemaker_notebook_instance"],
    "aws-secret-rotated": ["aws_secretsmanager_secret"],
    "aws-sns-topic-encrypted": ["aws_sns_topic"],
    "aws-sns-topic-not-public": ["aws_sns_topic"],
}


@pytest.fixture(scope="module")
def outcome() -> GateOutcome:
    return judged([PLANS / "services"], *FAULTS)


def test_every_planted_fault_is_found_by_file_and_line_and_nothing_else(outcome: GateOutcome) -> None:
    failed = [f for f in outcome.result.findings if f.status == "fail"]

    assert {(f.rule, f.resource.address) for f in failed} == {
        (rule, f"{kind}.bare") for rule, kinds in FAULTS.items() for kind in kinds
    }
    for finding in failed:
        kind, name = finding.resource.address.split(".")
        line = Path(finding.resource.file).read_text().splitlines()[finding.resource.line - 1]
        assert line.startswith(f'resource "{kind}" "{name}"')


def test_what_a_plan_cannot_tell_waits_for_the_apply_alone() -> None:
    unknown = [f for f in judged([PLANS / "services"]).result.findings if f.status == "unknown"]

    assert [(f.rule, f.resource.address, f.because) for f in unknown if not f.waits_for_apply] == []
