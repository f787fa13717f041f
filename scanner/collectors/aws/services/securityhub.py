"""Security Hub: whether it is on, and what it checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.reads import Read, Refused
from scanner.collectors.aws.shaping import field
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_detection import AwsSecurityHub

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_OFF = ("InvalidAccessException", "ResourceNotFoundException")  # what it answers where nobody has turned it on


def shape(document: Document) -> Iterator[Placed]:
    standards = field(document.parts.get("GetEnabledStandards"), "StandardsSubscriptions", ())
    products = field(document.parts.get("ListEnabledProductsForImport"), "ProductSubscriptions", ())
    yield AwsSecurityHub(
        **document.place,
        standards=None if standards is None else len(standards),
        products=None if products is None else len(products),
    )


KINDS = (Kind("aws_security_hub", (AwsSecurityHub,), shape),)
PER = "region"
READS = (
    Read(
        "securityhub", "DescribeHub", "securityhub:DescribeHub", rows=(AwsSecurityHub,), gives=("HubArn",), absent=_OFF,
    ),
    Read(
        "securityhub", "GetEnabledStandards", "securityhub:GetEnabledStandards", gives=("StandardsSubscriptions",),
        columns={AwsSecurityHub: ("standards",)},
    ),
    Read(
        "securityhub", "ListEnabledProductsForImport", "securityhub:ListEnabledProductsForImport",
        gives=("ProductSubscriptions",), columns={AwsSecurityHub: ("products",)},
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """One hub a region, or none."""
    hub = api.attempt("DescribeHub")
    if hub is None or isinstance(hub, Refused):
        return
    uid = hub["HubArn"]
    parts: dict[str, Json] = {"DescribeHub": hub}
    api.detail(parts, "GetEnabledStandards", uid=uid)
    api.detail(parts, "ListEnabledProductsForImport", uid=uid)
    api.document("aws_security_hub", uid, api.region, parts)
