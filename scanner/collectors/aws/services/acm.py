"""Certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_acm import AwsCertificate

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_CERTIFICATE = (AwsCertificate, AwsTag)
# Unless they are asked for, the listing leaves out all keys but RSA of 1024 and 2048 bits.
_KEYS = [
    "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1",
]  # fmt: skip


def shape(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("ListCertificates")
    row = AwsCertificate(**document.place)
    if raw is not None:
        row.domain, row.status = raw.get("DomainName", ""), raw.get("Status", "")
        row.expires = seconds(raw.get("NotAfter"), absent=0)
        row.in_use = raw.get("InUse")
        row.is_imported = raw.get("Type") == "IMPORTED"
        row.can_renew = raw.get("RenewalEligibility") == "ELIGIBLE"
        row.key_algorithm = raw.get("KeyAlgorithm", "")
    yield row
    yield from tag_rows(
        document, tag_map(field(document.parts.get("ListTagsForCertificate"), "Tags", ()) or ()), document.place
    )


KINDS = (Kind("aws_certificate", _CERTIFICATE, shape),)
PER = "region"
READS = (
    Read("acm", "ListCertificates", "acm:ListCertificates", rows=_CERTIFICATE),
    Read("acm", "ListTagsForCertificate", "acm:ListTagsForCertificate", rows=(AwsTag,), gives=("Tags",)),
)


def fetch(api: Api) -> None:
    """Every certificate, whatever its key."""
    listed = api.items("ListCertificates", "CertificateSummaryList", Includes={"keyTypes": _KEYS})
    api.each(lambda raw: _certificate(api, raw), listed)


def _certificate(api: Api, raw: Json) -> None:
    uid = raw["CertificateArn"]
    parts: dict[str, Json] = {"ListCertificates": raw}
    api.detail(parts, "ListTagsForCertificate", uid=uid, CertificateArn=uid)
    api.document("aws_certificate", uid, raw["DomainName"], parts)
