"""Where a webhook may point: the form of its URL, and the addresses that may be called.

A URL is written by an account, and called from inside the operator's network. Without these rules an account could
make the gateway call what only the gateway can reach: its own admin port, a database, a cloud's metadata.

The networks are those of the IANA registries of special-purpose addresses. They stand here, since what Python's
``ipaddress`` calls global differs between its releases.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from urllib.parse import SplitResult, quote, urlsplit

from yizhan.model.account import Network
from yizhan.policy.addresses import Address, covers

MAX_URL_CHARACTERS = 2_000

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_UNSAFE = re.compile('[\x00-\x20\x7f-\xa0\\\\<>"\ud800-\udfff]')
# The older rule for names in other scripts, which Python has, reads these otherwise than the newer one of browsers.
_TWO_READINGS = frozenset("ßς\u200c\u200d")
_PATH_SAFE = "/%:@!$&'()*+,;=~?[]"


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


_REFUSED: tuple[tuple[str, tuple[Network, ...]], ...] = (
    ("a loopback", _networks("127.0.0.0/8", "::1/128")),
    ("an unspecified", _networks("0.0.0.0/8", "::/128")),
    ("a private", _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("a link-local", _networks("169.254.0.0/16", "fe80::/10")),
    ("a multicast", _networks("224.0.0.0/4", "ff00::/8")),
    ("a shared", _networks("100.64.0.0/10")),  # carrier-grade NAT, and a cloud's metadata at 100.100.100.200
    ("a documentation", _networks("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")),
    # 168.63.129.16 is routable on paper; inside Azure it is the platform, metadata included.
    ("a cloud platform's own", _networks("168.63.129.16/32")),
    ("a reserved", _networks("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4", "2001::/23")),
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # of IPv6, all that has been given out
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")


def refused(address: Address, allow_networks: Iterable[Network]) -> str | None:
    """Why ``address`` may not be called ("10.0.0.1 is a private address"); None when it may.

    What lies in ``allow_networks`` may always. An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4) is as
    good as what it carries.
    """
    allowed = tuple(allow_networks)
    if covers(allowed, address):
        return None
    inner = _carried(address)
    if inner is not None:
        reason = refused(inner, allowed)
        return None if reason is None else f"{address} leads to {reason.replace(' is ', ', ')}"
    for word, networks in _REFUSED:
        if covers(networks, address):
            return f"{address} is {word} address"
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return f"{address} is a reserved address"
    return None


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address that packets to an IPv6 ``address`` end at."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _6TO4:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return None


def check_url(url: str) -> str:
    """``url`` in the one form that is stored and called: ASCII, host in lower case, no port that goes without saying.

    A host in another script becomes its ``xn--`` form, other characters of path and query become escapes of their
    UTF-8. Whether the host may be called is asked later, of its addresses. ValueError says what is wrong.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise ValueError(f"a webhook's URL has at most {MAX_URL_CHARACTERS:,} characters, this one has {len(url):,}")
    if _UNSAFE.search(url):
        raise ValueError("a webhook's URL holds no white space, control characters, backslashes, quotes, < or >")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"this is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a webhook's URL begins with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise ValueError("a webhook's URL holds no user name or password; the receiver should verify the signature")
    if "#" in url:
        raise ValueError("a webhook's URL has no fragment (#...), which would never be sent")
    if port == 0:
        raise ValueError("port must be 1 to 65535")
    shown_port = "" if port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{port}"
    checked = f"{parts.scheme}://{_host(parts)}{shown_port}{_target(parts)}"
    if len(checked) > MAX_URL_CHARACTERS:
        raise ValueError(f"a webhook's URL has at most {MAX_URL_CHARACTERS:,} characters once it is escaped")
    return checked


def _target(parts: SplitResult) -> str:
    """Path and query, escaped where they are not ASCII; what is escaped already stays."""
    query = f"?{quote(parts.query, safe=_PATH_SAFE)}" if parts.query else ""
    return (quote(parts.path, safe=_PATH_SAFE) or "/") + query


def _host(parts: SplitResult) -> str:
    """The host in ASCII: a name, an IPv4 address in any notation that the resolver knows, or [an IPv6 address]."""
    host = parts.hostname or ""
    try:
        if "[" in parts.netloc:
            if "%" in host:
                raise ValueError("a zone (%...) means something on one machine only")
            return f"[{IPv6Address(host).compressed}]"
        if not host.isascii():
            if _TWO_READINGS & set(host):
                raise ValueError("it can be read in two ways, so write it in its xn-- form")
            host = host.encode("idna").decode("ascii").lower()
        if not _NAME.fullmatch(host):
            raise ValueError("its parts are letters, digits and inner hyphens, at most 63 characters each")
    except ValueError as error:
        raise ValueError(f"{host!r} is no host name: {error}") from None
    return host
