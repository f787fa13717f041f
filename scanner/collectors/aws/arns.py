"""The uid of every AWS resource, made of its natural keys. Live answers and Terraform plans both use these.

`{id}` is what the service calls the thing: an id (vpc-…, i-…), a name (an RDS instance), or for IAM the path and
the name (`/team/alice`). Some patterns are ours. AWS gives regions no ARN. And what several accounts see alike has a
uid, and a row, in each: a peering, a trail of the organization, a managed policy of AWS.
"""

from __future__ import annotations

import re

_EC2 = "arn:{partition}:ec2:{region}:{account}:"
PATTERNS: dict[str, str] = {
    "aws_account": "arn:{partition}:iam::{account}:root",
    "aws_region": _EC2 + "region/{region}",
    "aws_vpc": _EC2 + "vpc/{id}",
    "aws_subnet": _EC2 + "subnet/{id}",
    "aws_route_table": _EC2 + "route-table/{id}",
    "aws_vpc_peering_connection": _EC2 + "vpc-peering-connection/{id}",
    "aws_internet_gateway": _EC2 + "internet-gateway/{id}",
    "aws_egress_only_internet_gateway": _EC2 + "egress-only-internet-gateway/{id}",
    "aws_nat_gateway": _EC2 + "natgateway/{id}",
    "aws_vpn_gateway": _EC2 + "vpn-gateway/{id}",
    "aws_transit_gateway": _EC2 + "transit-gateway/{id}",
    "aws_local_gateway": _EC2 + "local-gateway/{id}",
    "aws_carrier_gateway": _EC2 + "carrier-gateway/{id}",
    "aws_vpc_endpoint": _EC2 + "vpc-endpoint/{id}",
    "aws_network_acl": _EC2 + "network-acl/{id}",
    "aws_security_group": _EC2 + "security-group/{id}",
    "aws_network_interface": _EC2 + "network-interface/{id}",
    "aws_flow_log": _EC2 + "vpc-flow-log/{id}",
    "aws_instance": _EC2 + "instance/{id}",
    "aws_ebs_volume": _EC2 + "volume/{id}",
    "aws_ebs_snapshot": "arn:{partition}:ec2:{region}::snapshot/{id}",
    "aws_s3_bucket": "arn:{partition}:s3:::{id}",
    "aws_rds_instance": "arn:{partition}:rds:{region}:{account}:db:{id}",
    "aws_rds_snapshot": "arn:{partition}:rds:{region}:{account}:snapshot:{id}",
    "aws_iam_user": "arn:{partition}:iam::{account}:user{id}",
    "aws_iam_group": "arn:{partition}:iam::{account}:group{id}",
    "aws_iam_role": "arn:{partition}:iam::{account}:role{id}",
    "aws_iam_policy": "arn:{partition}:iam::{account}:policy{id}",
    "aws_iam_instance_profile": "arn:{partition}:iam::{account}:instance-profile{id}",
    "aws_kms_key": "arn:{partition}:kms:{region}:{account}:key/{id}",
    "aws_cloudtrail_trail": "arn:{partition}:cloudtrail:{region}:{account}:trail/{id}",
    "aws_backup_vault": "arn:{partition}:backup:{region}:{account}:backup-vault:{id}",
    "aws_log_group": "arn:{partition}:logs:{region}:{account}:log-group:{id}",
    "aws_alarm": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{id}",
    "aws_dynamodb_table": "arn:{partition}:dynamodb:{region}:{account}:table/{id}",
    "aws_efs_file_system": "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{id}",
    "aws_sqs_queue": "arn:{partition}:sqs:{region}:{account}:{id}",
    "aws_load_balancer": "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{id}",
    "aws_redshift_cluster": "arn:{partition}:redshift:{region}:{account}:cluster:{id}",
    "aws_eks_cluster": "arn:{partition}:eks:{region}:{account}:cluster/{id}",
    "aws_config_recorder": "arn:{partition}:config:{region}:{account}:config-recorder/{id}",
    "aws_guardduty_detector": "arn:{partition}:guardduty:{region}:{account}:detector/{id}",
    "aws_ssm_instance": "arn:{partition}:ssm:{region}:{account}:managed-instance/{id}",
    "aws_sns_topic": "arn:{partition}:sns:{region}:{account}:{id}",
    "aws_lambda_function": "arn:{partition}:lambda:{region}:{account}:function:{id}",
    "aws_opensearch_domain": "arn:{partition}:es:{region}:{account}:domain/{id}",
    "aws_dax_cluster": "arn:{partition}:dax:{region}:{account}:cache/{id}",
    "aws_sagemaker_notebook": "arn:{partition}:sagemaker:{region}:{account}:notebook-instance/{id}",
    "aws_security_hub": "arn:{partition}:securityhub:{region}:{account}:hub/default",
    "aws_backup_plan": "arn:{partition}:backup:{region}:{account}:backup-plan:{id}",
}
_OF_AWS = re.compile("arn:[a-z-]+:iam::aws:policy/(.+)")
_ACCOUNT = re.compile("[0-9]{12}")


def arn(table: str, id: str = "", *, account: str = "", region: str = "", partition: str = "") -> str:
    """The uid of a resource of that table. The partition follows from the region where it is not given."""
    return PATTERNS[table].format(partition=partition or partition_of(region), account=account, region=region, id=id)


def partition_of(region: str) -> str:
    """The partition of a region: aws, aws-cn, aws-us-gov."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def partition_in(uid: str) -> str:
    """The partition in an ARN; '' for what is none."""
    fields = uid.split(":", 2)
    return fields[1] if len(fields) == 3 else ""


def account_of(uid: str) -> str:
    """The account in an ARN; '' where it has none."""
    fields = uid.split(":", 5)
    return fields[4] if len(fields) == 6 and _ACCOUNT.fullmatch(fields[4]) else ""


def region_of(uid: str) -> str:
    """The region in an ARN; '' where it has none."""
    fields = uid.split(":", 5)
    return fields[3] if len(fields) == 6 else ""


def policy_uid(policy_arn: str, account: str) -> str:
    """The uid of a managed policy as the account has it: a policy of AWS is a row in each account that uses it."""
    of_aws = _OF_AWS.fullmatch(policy_arn)
    if not of_aws:
        return policy_arn
    return f"arn:{policy_arn.split(':')[1]}:iam::{account}:aws-policy/{of_aws[1]}"
