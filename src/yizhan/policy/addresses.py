"""IP addresses and the sets of networks that they are held against."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yizhan.model.account import Account, Network

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
        # By version, then by the number of bits that are no part of the prefix, then by the prefix.
        self._shelves: dict[int, dict[int, dict[int, int | None]]] = {}
        for network, until_ms in entries:
            free_bits = network.max_prefixlen - network.prefixlen
            shelf = self._shelves.setdefault(network.version, {}).setdefault(free_bits, {})
            shelf[int(network.network_address) >> free_bits] = until_ms

    def covers(self, address: Address | None, now_ms: int = 0) -> bool:
        """Whether a network of the set names ``address`` at ``now_ms``."""
        return self._free_bits(address, now_ms) is not None

    def find(self, address: Address | None, now_ms: int = 0) -> Network | None:
        """The network that does, or None."""
        free_bits = self._free_bits(address, now_ms)
        if address is None or free_bits is None:
            return None
        return ip_network((address, address.max_prefixlen - free_bits), strict=False)

    def _free_bits(self, address: Address | None, now_ms: int) -> int | None:
        """How many bits of ``address`` the network that covers it leaves free; None when there is no such network."""
        if address is None or not self._shelves:
            return None
        number = int(address)
        for free_bits, shelf in self._shelves.get(address.version, {}).items():
            until_ms = shelf.get(number >> free_bits, 0)
            if until_ms is None or until_ms > now_ms:
                return free_bits
        return None


class AllowLists:
    """Where accounts may be called from: the networks of each account that names any, and those of all together."""

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        listed = {account.id: account.allowed for account in accounts if account.allowed}
        self._by_account = {id_: NetworkSet((network, None) for network in listed[id_]) for id_ in listed}
        self._together = NetworkSet((network, None) for networks in listed.values() for network in networks)

    def name(self, address: Address | None) -> bool:
        """Whether any account's list names ``address``."""
        return self._together.covers(address)

    def admit(self, account_id: int, address: Address | None) -> bool:
        """Whether the account's own list names ``address``; False for an account without one."""
        own = self._by_account.get(account_id)
        return own is not None and own.covers(address)


def covers(networks: Iterable[Network], address: Address | None) -> bool:
    """Whether one of a few ``networks`` (an allow-list) names ``address``."""
    return address is not None and any(address.version == net.version and address in net for net in networks)
