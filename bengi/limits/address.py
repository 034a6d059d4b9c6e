"""Which address a request comes from, whatever its headers claim."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

IPV6_PREFIX = 64
"""What one subscriber is given: addresses in it are theirs alone."""
NOWHERE = "unknown"


def client_address(request: HttpRequest) -> str:
    """Return what whoever asks is counted by: their address, an IPv6 one as its network."""
    return _of_subscriber(address_of(request))


def address_of(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """Return the address of whoever asks, None where there is none that can be read.

    X-Forwarded-For counts only where the connection comes from a proxy in TRUSTED_PROXIES, and is
    read from the right: up to the first address that is not such a proxy. What stands further left
    was written by the client.
    """
    nearest = _parse(request.META.get("REMOTE_ADDR", ""))
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    while nearest is not None and hops and _is_trusted(nearest):
        further = _parse(hops.pop())
        if further is None:
            break
        nearest = further
    return nearest


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, without the zone of a link-local one, which means nothing elsewhere."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


@lru_cache(maxsize=8)
def _networks(listed: tuple[str, ...]) -> list:
    return [ip_network(each, strict=False) for each in listed]


def _of_subscriber(address: IPv4Address | IPv6Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_PREFIX), strict=False))
    return str(address) if address else NOWHERE
