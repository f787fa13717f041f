"""Protocols and ports as EC2 writes them, live and in Terraform."""

from __future__ import annotations

_PROTOCOLS = {"-1": "all", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_ALL_PORTS = (0, 65535)
_NO_PORTS = (-1, -1)


def protocol_of(raw: str | int) -> str:
    """tcp, udp, icmp, icmpv6, all, or the number of another protocol."""
    return _PROTOCOLS.get(str(raw), str(raw).lower())


def ports_of(protocol: str, first: int | None, last: int | None) -> tuple[int, int]:
    """The ports that are meant: all of them for all protocols or where none is given, none where there are none."""
    if protocol == "all":
        return _ALL_PORTS
    if protocol not in ("tcp", "udp"):
        return _NO_PORTS
    if first is None or last is None or first == -1:
        return _ALL_PORTS
    return first, last
