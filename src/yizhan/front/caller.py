"""Who calls, and under which address they see us: the socket's word, or that of a proxy we were told to trust."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote_from_bytes

Headers = Sequence[tuple[bytes, bytes]]

# A name or an IPv4 address, or an IPv6 address in brackets; then a port. Nothing that means anything to XML or HTTP.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PATH_SAFE = "/%:@!$()*+,;=~-._"


class Callers:
    """Reads callers' addresses, believing the given proxies and nobody else."""

    def __init__(self, trusted: Iterable[IPv4Network | IPv6Network]) -> None:
        """``trusted``: the networks whose X-Forwarded-For, -Proto and -Host are believed (``trusted_proxies``)."""
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=1024)(self._looked_up)

    def address(self, peer: str, headers: Headers) -> str:
        """The caller's address: the peer, or behind trusted proxies the last hop of X-Forwarded-For that is not one.

        A hop that is no address ends the search at the proxy that wrote it: what stands before it anyone may have sent.
        """
        nearest = _plain(peer)
        if not self._trusted or not self._is_trusted(nearest):
            return nearest
        hops = b",".join(value for name, value in headers if name == b"x-forwarded-for")
        for hop in reversed(hops.decode("latin-1").split(",")):
            address = read_hop(hop)
            if address is None:
                break
            nearest = address
            if not self._is_trusted(nearest):
                break
        return nearest

    def believes(self, peer: str) -> bool:
        """Whether ``peer`` is a proxy whose word counts."""
        return bool(self._trusted) and self._is_trusted(_plain(peer))

    def _looked_up(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def read_hop(hop: str) -> str | None:
    """One hop of X-Forwarded-For without its port or brackets, or None when it is no IP address."""
    hop = hop.strip().strip('"')
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    parsed = _parse(hop)
    return None if parsed is None else str(parsed)


def seen_url(scheme: str, server: tuple[str, int | None] | None, headers: Headers, path: bytes, by_proxy: bool) -> str:
    """The URL of ``path`` as the caller sees it, safe to put into a page (still to be escaped for XML).

    From X-Forwarded-Proto and -Host if ``by_proxy`` (a trusted one is the peer), else from Host, else the socket.
    """
    named = dict(headers)
    host = read_host(named.get(b"host", b""))
    if by_proxy:
        scheme = {b"http": "http", b"https": "https"}.get(_first(named, b"x-forwarded-proto").lower(), scheme)
        host = read_host(_first(named, b"x-forwarded-host")) or host
    return f"{scheme}://{host or _socket_host(server)}{quote_from_bytes(path, safe=_PATH_SAFE)}"


def read_host(value: bytes) -> str:
    """A Host header's value if it is a host and nothing else, or empty."""
    text = value.decode("latin-1").strip()
    return text if _HOST.fullmatch(text) else ""


def _first(named: dict[bytes, bytes], name: bytes) -> bytes:
    return named.get(name, b"").partition(b",")[0].strip()


def _socket_host(server: tuple[str, int | None] | None) -> str:
    if server is None or server[1] is None:
        return "localhost"
    host, port = server
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _plain(peer: str) -> str:
    """A socket's peer in its usual spelling; only IPv6 has several."""
    if ":" not in peer:
        return peer
    parsed = _parse(peer)
    return peer if parsed is None else str(parsed)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address without its zone; an IPv4 address mapped into IPv6 as the IPv4 address it is."""
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed
