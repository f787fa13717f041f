"""Which resource an instance of a plan is, and in which account and region it lives."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping

from scanner.collectors.aws import arns
from scanner.collectors.terraform.plan import Instance, Plan, Provider
from scanner.tables import Document

_ARN = re.compile(r"arn:([\w-]+):([\w-]+):([\w-]*):(\d{12})?:(.+)", re.DOTALL)
_ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]")
_ACCOUNT_ARGUMENTS = ("owner_id", "registry_id", "account_id")

# Resources whose ARN holds an id that AWS makes up, and the table whose uid pattern they have.
BY_ID: Mapping[str, str] = {
    "aws_vpc": "aws_vpc",
    "aws_default_vpc": "aws_vpc",
    "aws_subnet": "aws_subnet",
    "aws_default_subnet": "aws_subnet",
    "aws_route_table": "aws_route_table",
    "aws_default_route_table": "aws_route_table",
    "aws_vpc_peering_connection": "aws_vpc_peering_connection",
    "aws_internet_gateway": "aws_internet_gateway",
    "aws_egress_only_internet_gateway": "aws_egress_only_internet_gateway",
    "aws_nat_gateway": "aws_nat_gateway",
    "aws_network_acl": "aws_network_acl",
    "aws_default_network_acl": "aws_network_acl",
    "aws_network_interface": "aws_network_interface",
    "aws_security_group": "aws_security_group",
    "aws_default_security_group": "aws_security_group",
    "aws_flow_log": "aws_flow_log",
    "aws_vpc_endpoint": "aws_vpc_endpoint",
    "aws_ec2_transit_gateway": "aws_transit_gateway",
    "aws_vpn_gateway": "aws_vpn_gateway",
    "aws_instance": "aws_instance",
    "aws_ebs_volume": "aws_ebs_volume",
    "aws_ebs_snapshot": "aws_ebs_snapshot",
    "aws_ebs_snapshot_copy": "aws_ebs_snapshot",
    "aws_kms_key": "aws_kms_key",
    "aws_backup_plan": "aws_backup_plan",
    "aws_efs_file_system": "aws_efs_file_system",
    "aws_guardduty_detector": "aws_guardduty_detector",
}
# Resources whose ARN follows from arguments: the table, and the arguments that make its id.
_BY_NAME: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "aws_s3_bucket": ("aws_s3_bucket", ("bucket",)),
    "aws_iam_user": ("aws_iam_user", ("path", "name")),
    "aws_iam_group": ("aws_iam_group", ("path", "name")),
    "aws_iam_role": ("aws_iam_role", ("path", "name")),
    "aws_iam_policy": ("aws_iam_policy", ("path", "name")),
    "aws_iam_instance_profile": ("aws_iam_instance_profile", ("path", "name")),
    "aws_db_instance": ("aws_rds_instance", ("identifier",)),
    "aws_rds_cluster_instance": ("aws_rds_instance", ("identifier",)),
    "aws_db_snapshot": ("aws_rds_snapshot", ("db_snapshot_identifier",)),
    "aws_cloudtrail": ("aws_cloudtrail_trail", ("name",)),
    "aws_backup_vault": ("aws_backup_vault", ("name",)),
    "aws_cloudwatch_composite_alarm": ("aws_alarm", ("alarm_name",)),
    "aws_cloudwatch_log_group": ("aws_log_group", ("name",)),
    "aws_cloudwatch_metric_alarm": ("aws_alarm", ("alarm_name",)),
    "aws_dax_cluster": ("aws_dax_cluster", ("cluster_name",)),
    "aws_dynamodb_table": ("aws_dynamodb_table", ("name",)),
    "aws_eks_cluster": ("aws_eks_cluster", ("name",)),
    "aws_elasticsearch_domain": ("aws_opensearch_domain", ("domain_name",)),
    "aws_elb": ("aws_load_balancer", ("name",)),
    "aws_lambda_function": ("aws_lambda_function", ("function_name",)),
    "aws_opensearch_domain": ("aws_opensearch_domain", ("domain_name",)),
    "aws_redshift_cluster": ("aws_redshift_cluster", ("cluster_identifier",)),
    "aws_sagemaker_notebook_instance": ("aws_sagemaker_notebook", ("name",)),
    "aws_sns_topic": ("aws_sns_topic", ("name",)),
    "aws_sqs_queue": ("aws_sqs_queue", ("name",)),
}


def tables_of(kind: str) -> tuple[str, bool]:
    """The table whose uid pattern a type has, '' if none; and whether its id is a path with a name."""
    if kind in _BY_NAME:
        table, arguments = _BY_NAME[kind]
        return table, arguments[0] == "path"
    return BY_ID.get(kind, ""), False


def name_of(kind: str) -> str:
    """The argument that other resources name a type by; '' where they do so by an id that AWS makes up."""
    return _BY_NAME[kind][1][-1] if kind in _BY_NAME else ""


def known_id(document: Document, table: str) -> Callable[[str], str]:
    """Makes a uid of an id such as `vpc-123`. Without the account or region that it needs, the id is all there is."""

    def uid(value: str) -> str:
        if value.startswith(("arn:", "plan:")):
            return value
        return _arn(table, value, document.account, document.region) or value

    return uid


def _arn(table: str, identity: str, account: str, region: str) -> str:
    """The uid of that table's pattern; '' where the pattern needs a place that is not known."""
    pattern = arns.PATTERNS[table]
    if ("{account}" in pattern and not account) or ("{region}" in pattern and not region):
        return ""
    return arns.arn(table, identity, account=account, region=region)


class Places:
    """Accounts, regions and uids of one plan's instances. `account` is used where the plan does not say.

    `label` tells one plan from the others that are read with it: they may be of the same code.
    """

    def __init__(self, plan: Plan, account: str = "", label: str = "") -> None:
        self.providers = plan.providers
        self.declared = account
        self.label = label
        seen: defaultdict[str, set[str]] = defaultdict(set)
        for instance in (*plan.instances, *plan.gone):
            seen[instance.provider].add(_own(instance)[0])
        # An account that all existing resources of a provider are in is the one that new ones will be in.
        self.accounts = {key: (found - {""}).pop() for key, found in seen.items() if len(found - {""}) == 1}

    def account(self, instance: Instance) -> str:
        """Account id; '' where nothing tells it."""
        provider = self._provider(instance)
        return _own(instance)[0] or provider.account or self.accounts.get(instance.provider, "") or self.declared

    def region(self, instance: Instance) -> str:
        """Region; '' where nothing tells it."""
        return _own(instance)[1] or self._provider(instance).region

    def uid(self, instance: Instance) -> str:
        """The ARN before the change, else the ARN that follows from arguments, else that of the address."""
        return self._existing(instance) or self._by_name(instance) or self.planned(instance.address)

    def planned(self, address: str) -> str:
        """`plan:<address>`; where several plans are read together `plan:<label>#<address>`."""
        return f"plan:{self.label}#{address}" if self.label else f"plan:{address}"

    def _provider(self, instance: Instance) -> Provider:
        return self.providers.get(instance.provider, Provider(""))

    def _existing(self, instance: Instance) -> str:
        """Satellites share the id of what they belong to, so only types known to have ids of their own count."""
        given = instance.before.get("arn")
        if isinstance(given, str) and _ARN.fullmatch(given):
            return given
        identity = instance.before.get("id")
        if instance.type in BY_ID and isinstance(identity, str) and identity:
            return _arn(BY_ID[instance.type], identity, self.account(instance), self.region(instance)) or identity
        return ""

    def _by_name(self, instance: Instance) -> str:
        if instance.type not in _BY_NAME:
            return ""
        table, arguments = _BY_NAME[instance.type]
        values = [instance.after.get(name) for name in arguments]
        if not all(isinstance(value, str) and value for value in values):
            return ""
        return _arn(table, "".join(str(v) for v in values), self.account(instance), self.region(instance))


def _own(instance: Instance) -> tuple[str, str]:
    """Account and region that an instance's own values tell."""
    account = region = ""
    for values in (instance.before, instance.after):
        found = _ARN.fullmatch(str(values.get("arn") or ""))
        zone = _ZONE.fullmatch(str(values.get("availability_zone") or ""))
        account = account or (found[4] or "" if found else "")
        region = region or (found[3] if found else "") or (zone[1] if zone else "")
        if instance.type == "aws_s3_bucket" and isinstance(values.get("region"), str):
            region = region or values["region"]
        for name in _ACCOUNT_ARGUMENTS:
            value = values.get(name)
            if not account and isinstance(value, str) and re.fullmatch(r"\d{12}", value):
                account = value
    return account, region
