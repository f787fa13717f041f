"""OpenSearch domains, those of Elasticsearch among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws import policies
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.services.network import attached_groups, uid_of
from scanner.collectors.aws.shaping import field, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_network import AwsAttachedSecurityGroup
from scanner.tables.aws_opensearch import AwsOpensearchDomain

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_DOMAIN = (AwsOpensearchDomain, AwsAttachedSecurityGroup, *policies.TABLES, AwsTag)
_BATCH = 5  # names that DescribeDomains takes


def shape(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeDomains")
    row = AwsOpensearchDomain(**document.place)
    network: Json = {}
    if raw is not None:
        at_rest = raw.get("EncryptionAtRestOptions", {})
        endpoint, network = raw.get("DomainEndpointOptions", {}), raw.get("VPCOptions", {})
        row.engine_version = raw.get("EngineVersion", "")
        row.encrypted_at_rest = at_rest.get("Enabled", False)
        row.kms_key_uid = at_rest.get("KmsKeyId", "")
        row.node_to_node_encrypted = raw.get("NodeToNodeEncryptionOptions", {}).get("Enabled", False)
        row.https_required = endpoint.get("EnforceHTTPS", False)
        row.tls_policy = endpoint.get("TLSSecurityPolicy", "")
        row.vpc_uid = uid_of(document, "aws_vpc", network.get("VPCId", ""))
        row.audit_logs_enabled = raw.get("LogPublishingOptions", {}).get("AUDIT_LOGS", {}).get("Enabled", False)
        row.fine_grained_access = raw.get("AdvancedSecurityOptions", {}).get("Enabled", False)
    yield row
    yield from attached_groups(document, [{"id": g} for g in network.get("SecurityGroupIds", ())], "id")
    policy = field(raw, "AccessPolicies", "")
    if policy:
        yield from policies.rows(document.place, [policies.Policy("resource", "", policies.parse(policy))])
    yield from tag_rows(document, tag_map(field(document.parts.get("ListTags"), "TagList", ()) or ()), document.place)


KINDS = (Kind("aws_opensearch_domain", _DOMAIN, shape, volatile=("DescribeDomains.Processing",)),)
PER = "region"
READS = (
    Read("opensearch", "ListDomainNames", "es:ListDomainNames", rows=_DOMAIN),
    Read("opensearch", "DescribeDomains", "es:DescribeDomains", rows=_DOMAIN, gives=("DomainStatusList",)),
    Read("opensearch", "ListTags", "es:ListTags", rows=(AwsTag,), gives=("TagList",)),
)


def fetch(api: Api) -> None:
    """Every domain, described five at once."""
    names = [found["DomainName"] for found in api.gather("ListDomainNames", "DomainNames") or ()]
    described = api.in_batches("DescribeDomains", "DomainStatusList", "DomainNames", names, _BATCH)
    api.each(lambda raw: _domain(api, raw), described)


def _domain(api: Api, raw: Json) -> None:
    uid = raw["ARN"]
    parts: dict[str, Json] = {"DescribeDomains": raw}
    api.detail(parts, "ListTags", uid=uid, ARN=uid)
    api.document("aws_opensearch_domain", uid, raw["DomainName"], parts)
