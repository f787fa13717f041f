"""What AWS does where an argument is not set, with the date since when and the page that says so.

Used only for resources that the plan creates, and only where the configuration does not give the argument.
Arguments whose default the provider fills in by itself are not here: the plan shows those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Default:
    """A service's default. `since` is '' where it has been so from the service's start."""

    value: Any
    source: str
    since: str = ""
    block: bool = False  # a nested block, which `dynamic` may write without a trace in the plan's configuration
    unless: tuple[str, ...] = ()  # arguments that give the value themselves, such as the snapshot a copy is made of

    @property
    def shown(self) -> dict[str, Any]:
        """How it is kept with the document of a resource."""
        return {"value": self.value, "since": self.since, "source": self.source}


_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_S3_API = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html"
_S3_ENCRYPTION = _S3 + "default-encryption-faq.html"
_S3_BLOCK = _S3 + "access-control-block-public-access.html"
_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"
_EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
_DATABASE = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/db_instance"
_COPIES = ("replicate_source_db", "restore_to_point_in_time", "s3_import", "snapshot_identifier")
_GROUP = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/security_group"
_NACL = "https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html"
_KMS = "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html"
_ROUTES = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"
_TRAIL = "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html"
_BACKUP = "https://docs.aws.amazon.com/aws-backup/latest/devguide/"
_IAM = "https://docs.aws.amazon.com/IAM/latest/APIReference/"

_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"
_MANAGER = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html"
_DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"
_EFS = "https://docs.aws.amazon.com/efs/latest/ug/API_CreateFileSystem.html"
_REDSHIFT = "https://docs.aws.amazon.com/redshift/latest/mgmt/behavior-changes.html"
_OPENSEARCH = "https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_CreateDomain.html"
_ELB = "https://docs.aws.amazon.com/elasticloadbalancing/"
_CONFIG = "https://docs.aws.amazon.com/config/latest/APIReference/API_RecordingGroup.html"
_API = "https://docs.aws.amazon.com/apigateway/latest/api/API_EndpointConfiguration.html"
_EKS = "https://docs.aws.amazon.com/eks/latest/APIReference/API_VpcConfigRequest.html"
_LOGS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html"
_CLOUDFRONT = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html"

_SEARCH_DOMAIN = {
    "access_policies": Default("", _OPENSEARCH),
    "advanced_security_options": Default([], _OPENSEARCH, block=True),
    "domain_endpoint_options": Default([], _OPENSEARCH, block=True),
    "encrypt_at_rest": Default([], _OPENSEARCH, block=True),
    "node_to_node_encryption": Default([], _OPENSEARCH, block=True),
}

# The public access block and the ownership of objects of new buckets.
S3_BLOCKED = Default(True, _S3_BLOCK, "2023-04-05")
S3_OWNERSHIP = Default("BucketOwnerEnforced", _S3 + "about-object-ownership.html", "2023-04-05")
# No account-wide public access block is set on an account unless somebody sets it.
S3_ACCOUNT_BLOCK = Default(False, _S3_BLOCK)

DEFAULTS: Mapping[str, Mapping[str, Default]] = {
    "aws_s3_bucket": {
        "acl": Default("private", _S3_API),
        "grant": Default([], _S3_API, block=True),
        "lifecycle_rule": Default([], _S3_API, block=True),
        "logging": Default([], _S3_API, block=True),
        "object_lock_configuration": Default([], _S3_API, block=True),
        "object_lock_enabled": Default(False, _S3_API),
        "policy": Default("", _S3_API),
        "replication_configuration": Default([], _S3_API, block=True),
        "server_side_encryption_configuration": Default(
            [
                {
                    "rule": [
                        {
                            "apply_server_side_encryption_by_default": [
                                {"sse_algorithm": "AES256", "kms_master_key_id": ""}
                            ],
                            "bucket_key_enabled": False,
                        }
                    ]
                }
            ],
            _S3_ENCRYPTION,
            "2023-01-05",
            block=True,
        ),
        "versioning": Default([], _S3 + "Versioning.html", block=True),
    },
    "aws_db_instance": {
        "backup_retention_period": Default(0, _DATABASE, unless=_COPIES),  # the API's is 1, but the provider sends 0
        "deletion_protection": Default(False, _RDS),
        "enabled_cloudwatch_logs_exports": Default([], _RDS),
        "iam_database_authentication_enabled": Default(False, _RDS, unless=_COPIES),
        "parameter_group_name": Default("", _RDS, unless=_COPIES),  # the engine's default group
        "multi_az": Default(False, _RDS, unless=_COPIES),
        "replicate_source_db": Default("", _RDS),
        "storage_encrypted": Default(False, _RDS, unless=_COPIES),
    },
    "aws_instance": {
        "iam_instance_profile": Default("", _EC2 + "API_RunInstances.html"),
        "key_name": Default("", _EC2 + "API_RunInstances.html"),
        "monitoring": Default(False, _EC2 + "API_RunInstances.html"),
        "user_data": Default("", _EC2 + "API_RunInstances.html"),
        "user_data_base64": Default("", _EC2 + "API_RunInstances.html"),
    },
    "aws_ebs_volume": {
        # An account may encrypt all new volumes; unless somebody sets that, it does not.
        "encrypted": Default(
            False,
            "https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html",
            unless=("snapshot_id",),
        ),
        "snapshot_id": Default("", _EC2 + "API_CreateVolume.html"),
        "type": Default("gp2", _EC2 + "API_CreateVolume.html"),
    },
    "aws_security_group": {
        "ingress": Default([], _GROUP),
        "egress": Default([], _GROUP),  # the provider takes away the rule that AWS gives new groups
    },
    "aws_network_acl": {"ingress": Default([], _NACL), "egress": Default([], _NACL), "subnet_ids": Default([], _NACL)},
    "aws_route_table": {"route": Default([], _ROUTES), "propagating_vgws": Default([], _ROUTES)},
    "aws_subnet": {"ipv6_cidr_block": Default("", _EC2 + "API_CreateSubnet.html")},
    "aws_internet_gateway": {"vpc_id": Default("", _EC2 + "API_CreateInternetGateway.html")},
    "aws_vpc": {"ipv6_cidr_block": Default("", _EC2 + "API_CreateVpc.html")},
    "aws_cloudtrail": {"event_selector": Default([], _TRAIL), "advanced_event_selector": Default([], _TRAIL)},
    "aws_vpc_peering_connection": {
        "peer_owner_id": Default("", _EC2 + "API_CreateVpcPeeringConnection.html"),  # the own account
        "peer_region": Default("", _EC2 + "API_CreateVpcPeeringConnection.html"),  # the own region
    },
    "aws_kms_key": {
        "multi_region": Default(False, _KMS),
        "policy": Default("", "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"),
        "rotation_period_in_days": Default(365, _KMS),
    },
    "aws_iam_role": {
        "inline_policy": Default([], _IAM + "API_CreateRole.html", block=True),
        "managed_policy_arns": Default([], _IAM + "API_CreateRole.html"),
    },
    "aws_backup_selection": {
        "condition": Default([], _BACKUP + "API_BackupSelection.html", block=True),
        "not_resources": Default([], _BACKUP + "API_BackupSelection.html"),
        "resources": Default([], _BACKUP + "API_BackupSelection.html"),
    },
    "aws_sns_topic": {"policy": Default("", "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html")},
    "aws_sqs_queue": {
        "sqs_managed_sse_enabled": Default(True, _SQS, "2022-10-04", unless=("kms_master_key_id",)),
        "redrive_policy": Default("", _SQS),
        "policy": Default("", _SQS),
    },
    "aws_secretsmanager_secret": {"policy": Default("", _MANAGER)},
    "aws_dynamodb_table": {
        "server_side_encryption": Default([], _DYNAMODB, block=True),  # AWS's own key
        "point_in_time_recovery": Default([], _DYNAMODB, block=True),
    },
    "aws_efs_file_system": {"encrypted": Default(False, _EFS), "availability_zone_name": Default("", _EFS)},
    "aws_redshift_cluster": {
        "encrypted": Default(True, _REDSHIFT, "2025-01-10", unless=("snapshot_identifier", "snapshot_arn")),
        "logging": Default([], _REDSHIFT, block=True),
    },
    "aws_opensearch_domain": _SEARCH_DOMAIN,
    "aws_elasticsearch_domain": _SEARCH_DOMAIN,
    "aws_lb": {"internal": Default(False, _ELB + "2015-12-01/APIReference/API_CreateLoadBalancer.html")},
    "aws_elb": {"internal": Default(False, _ELB + "2012-06-01/APIReference/API_CreateLoadBalancer.html")},
    "aws_config_configuration_recorder": {"recording_group": Default([], _CONFIG, block=True)},  # everything
    "aws_api_gateway_rest_api": {"endpoint_configuration": Default([], _API, block=True)},
    "aws_cloudwatch_log_group": {"log_group_class": Default("STANDARD", _LOGS)},
    "aws_cloudfront_distribution": {"web_acl_id": Default("", _CLOUDFRONT)},
}

# The same inside blocks: block and argument.
NESTED: Mapping[str, Mapping[tuple[str, str], Default]] = {
    "aws_eks_cluster": {("vpc_config", "public_access_cidrs"): Default(["0.0.0.0/0"], _EKS)},
    "aws_dynamodb_table": {("point_in_time_recovery", "recovery_period_in_days"): Default(35, _DYNAMODB)},
    "aws_s3_bucket_versioning": {
        ("versioning_configuration", "mfa_delete"): Default("Disabled", _S3 + "MultiFactorAuthenticationDelete.html")
    },
}
