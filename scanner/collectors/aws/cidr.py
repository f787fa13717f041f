"""Which address ranges are the internet."""

from __future__ import annotations

import ipaddress

# A range this short is no longer anybody's own network: the largest blocks that one organisation holds are an IPv4 /8
# and an IPv6 /19 (the registries themselves get /12). Halves and quarters of the internet are shorter still, so
# 0.0.0.0/1 beside 128.0.0.0/1 is seen for what it is.
_PUBLIC_PREFIX = {4: 8, 6: 16}


def is_public(cidr: str) -> bool | None:
    """Whether the range is the internet; None for text that is no range."""
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
    return network.prefixlen <= _PUBLIC_PREFIX[network.version] and not _is_private(network)


def _is_private(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return network.prefixlen > 0 and (network.is_private or network.is_loopback or network.is_multicast)
