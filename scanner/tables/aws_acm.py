"""Certificates of AWS Certificate Manager."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsCertificate(Resource, title="A certificate"):
    domain: str | None = column("Domain name that it is for.")
    status: str | None = column("ISSUED, PENDING_VALIDATION, EXPIRED, …")
    expires: int | None = column("Ends; 0 while it is not issued.", unit="UTC seconds")
    in_use: bool | None = column("Something uses it.")
    is_imported: bool | None = column("Was made elsewhere, so that nobody renews it by himself.")
    can_renew: bool | None = column("AWS renews it.")
    key_algorithm: str | None = column("Algorithm and size of its key.")
