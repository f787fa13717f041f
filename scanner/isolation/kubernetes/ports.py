"""Sets of destination ports of TCP, UDP and SCTP, as intervals.

These are the protocols for which the API of network policies promises anything; of ICMP and others it says that the
outcome is not defined (https://kubernetes.io/docs/concepts/services-networking/network-policies/).
A set is a tuple of disjoint intervals in ascending order, in one line of numbers: UDP's ports follow TCP's.
"""

from __future__ import annotations

from functools import lru_cache

Ports = tuple[tuple[int, int], ...]

PROTOCOLS = ("TCP", "UDP", "SCTP")
_SPAN = 65536  # of one protocol; port 0 is none
NONE: Ports = ()
ALL: Ports = tuple((n * _SPAN + 1, n * _SPAN + 65535) for n in range(len(PROTOCOLS)))


def of(protocol: str, first: int = 1, last: int = 65535) -> Ports:
    """The ports first to last of a protocol, or of every protocol for ''; none where nothing is in the range."""
    first, last = max(first, 1), min(last, 65535)
    if first > last:
        return NONE
    wanted = PROTOCOLS if protocol == "" else (protocol,)
    return tuple((n * _SPAN + first, n * _SPAN + last) for n, name in enumerate(PROTOCOLS) if name in wanted)


@lru_cache(65536)
def union(a: Ports, b: Ports) -> Ports:
    if not a or not b or a == b:
        return a or b
    out: list[tuple[int, int]] = []
    for first, last in sorted((*a, *b)):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return tuple(out)


@lru_cache(65536)
def intersection(a: Ports, b: Ports) -> Ports:
    if a == b:
        return a
    out = []
    i = j = 0
    while i < len(a) and j < len(b):
        first, last = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if first <= last:
            out.append((first, last))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(out)


@lru_cache(65536)
def difference(a: Ports, b: Ports) -> Ports:
    if not a or not b:
        return a
    out = []
    for first, last in a:
        for low, high in b:
            if high < first:
                continue
            if low > last:
                break
            if low > first:
                out.append((first, low - 1))
            first = high + 1
        if first <= last:
            out.append((first, last))
    return tuple(out)


def ranges(ports: Ports) -> list[tuple[str, int, int]]:
    """Protocol, first and last port of each interval; one line with protocol '' for all of them."""
    if ports == ALL:
        return [("", 1, 65535)]
    return [(PROTOCOLS[first // _SPAN], first % _SPAN, last % _SPAN) for first, last in ports]


def shown(ports: Ports) -> str:
    """For people: `all ports`, `TCP 443,8000-8010; UDP 53`; '' for none."""
    if ports == ALL:
        return "all ports"
    by_protocol: dict[str, list[str]] = {}
    for protocol, first, last in ranges(ports):
        every = (first, last) == (1, 65535)
        text = "all" if every else str(first) if first == last else f"{first}-{last}"
        by_protocol.setdefault(protocol, []).append(text)
    return "; ".join(f"{protocol} {','.join(texts)}" for protocol, texts in by_protocol.items())
