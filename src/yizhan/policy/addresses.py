"""IP addresses and the sets of networks that they are held against."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yizhan.model.account import Network

Address = IPv4Address | IPv6Address
# Of an IPv4-mapped IPv6 address (::ffff:a.b.c.d) so many bits stand before the IPv4 one.
_MAPPED_BITS = 96


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """The address in ``text``, an IPv4-mapped IPv6 one as IPv4; None when it is none (a unix socket's peer)."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_network(text: str) -> Network:
    """An address or CIDR block. ValueError says what is wrong; host bits behind the mask are allowed and dropped.

    A block of IPv4-mapped addresses becomes the IPv4 block that it means, since callers are seen as IPv4.
    """
    network = ip_network(text.strip(), strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


class NetworkSet:
    """Networks, each with the moment its entry ends (None: never); looked up by prefix length, not one by one."""

    def __init__(self, entries: Iterable[tuple[Network, int | None]] = ()) -> None:
        self._by_prefix: dict[tuple[int, int], dict[int, int | None]] = {}
        for network, until_ms in entries:
            shelf = self._by_prefix.setdefault((network.version, network.prefixlen), {})
            shelf[int(network.network_address)] = until_ms

    def find(self, address: Address | None, now_ms: int = 0) -> Network | None:
        """The network that covers ``address`` at ``now_ms``, or None."""
        if address is None or not self._by_prefix:
            return None
        number, bits = int(address), address.max_prefixlen
        for (version, prefix), shelf in self._by_prefix.items():
            if version != address.version:
                continue
            base = number >> (bits - prefix) << (bits - prefix)
            if base in shelf:
                until_ms = shelf[base]
                if until_ms is None or until_ms > now_ms:
                    return IPv4Network((base, prefix)) if version == 4 else IPv6Network((base, prefix))
        return None


def covers(networks: Iterable[Network], address: Address | None) -> bool:
    """Whether one of a few ``networks`` (an allow-list) names ``address``."""
    return address is not None and any(address.version == net.version and address in net for net in networks)
