"""Where a webhook may point."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.model.account import Network
from yizhan.policy.destinations import check_url, refused

# Name -> address, the reason without the address.
INSIDE = {
    "loopback": ("127.0.0.1", "is a loopback address"),
    "the last loopback": ("127.255.255.255", "is a loopback address"),
    "unspecified": ("0.0.0.0", "is an unspecified address"),
    "this network": ("0.1.2.3", "is an unspecified address"),
    "private 10": ("10.255.255.255", "is a private address"),
    "private 172": ("172.16.0.1", "is a private address"),
    "the last private 172": ("172.31.255.255", "is a private address"),
    "private 192": ("192.168.0.1", "is a private address"),
    "shared": ("100.64.0.1", "is a shared address"),
    "a cloud's metadata, shared": ("100.100.100.200", "is a shared address"),
    "a cloud's metadata, link-local": ("169.254.169.254", "is a link-local address"),
    "a cloud's metadata, reserved": ("192.0.0.192", "is a reserved address"),
    "a cloud's platform": ("168.63.129.16", "is a cloud platform's own address"),
    "multicast": ("224.0.0.1", "is a multicast address"),
    "the last multicast": ("239.255.255.255", "is a multicast address"),
    "reserved": ("240.0.0.1", "is a reserved address"),
    "broadcast": ("255.255.255.255", "is a reserved address"),
    "for benchmarks": ("198.19.255.255", "is a reserved address"),
    "for documents": ("203.0.113.5", "is a documentation address"),
    "IPv6 loopback": ("::1", "is a loopback address"),
    "IPv6 unspecified": ("::", "is an unspecified address"),
    "IPv6 private": ("fc00::1", "is a private address"),
    "a cloud's metadata, IPv6": ("fd00:ec2::254", "is a private address"),
    "IPv6 site-local": ("fec0::1", "is a private address"),
    "IPv6 link-local": ("fe80::1", "is a link-local address"),
    "IPv6 link-local with a zone": ("fe80::1%eth0", "is a link-local address"),
    "IPv6 multicast": ("ff02::1", "is a multicast address"),
    "IPv6 for documents": ("2001:db8::1", "is a documentation address"),
    "IPv6 for documents, newer": ("3fff::1", "is a documentation address"),
    "Teredo": ("2001::7f00:1", "is a reserved address"),
    "IPv4-compatible": ("::127.0.0.1", "is a reserved address"),
    "NAT64 of one's own": ("64:ff9b:1::7f00:1", "is a reserved address"),
    "discard-only": ("100::1", "is a reserved address"),
    "never given out": ("4000::1", "is a reserved address"),
    "IPv4-mapped": ("::ffff:127.0.0.1", "leads to 127.0.0.1, a loopback address"),
    "IPv4-mapped private": ("::ffff:192.168.1.1", "leads to 192.168.1.1, a private address"),
    "NAT64": ("64:ff9b::10.0.0.1", "leads to 10.0.0.1, a private address"),
    "NAT64 of a metadata service": ("64:ff9b::a9fe:a9fe", "leads to 169.254.169.254, a link-local address"),
    "6to4": ("2002:a00:1::1", "leads to 10.0.0.1, a private address"),
}
OUTSIDE = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "223.255.255.255",
    "2400:3200::1",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
]
ALLOWED = {
    "the address": ("10.0.0.1", "10.0.0.1"),
    "its block": ("10.0.0.1", "10.0.0.0/8"),
    "IPv6": ("fd00::5", "fd00::/8"),
    "what is carried by a mapped one": ("::ffff:10.0.0.1", "10.0.0.0/8"),
    "what is carried by NAT64": ("64:ff9b::10.0.0.1", "10.0.0.0/8"),
    "the carrier": ("64:ff9b::10.0.0.1", "64:ff9b::/96"),
}
NOT_ALLOWED = {
    "beside the block": ("10.0.1.1", "10.0.0.0/24"),
    "another family": ("10.0.0.1", "::/0"),
    "carried beside the block": ("::ffff:10.0.1.1", "10.0.0.0/24"),
}

URLS = {
    "plain": ("http://example.com/", "http://example.com/"),
    "no path": ("https://example.com", "https://example.com/"),
    "capitals": ("HTTPS://Example.COM/Path?Q=A", "https://example.com/Path?Q=A"),
    "a port": ("http://example.com:8080/x", "http://example.com:8080/x"),
    "the usual port": ("https://example.com:443/x", "https://example.com/x"),
    "the other's port": ("http://example.com:443/x", "http://example.com:443/x"),
    "an empty port": ("http://example.com:/x", "http://example.com/x"),
    "a query without a path": ("http://example.com?a=b", "http://example.com/?a=b"),
    "parameters of the path": ("http://example.com/a;b=1/c;d?e", "http://example.com/a;b=1/c;d?e"),
    "escapes stay": ("http://example.com/%2e%E7?%26=%3D", "http://example.com/%2e%E7?%26=%3D"),
    "Chinese in path and query": ("http://example.com/短?信=是", "http://example.com/%E7%9F%AD?%E4%BF%A1=%E6%98%AF"),
    "a Chinese host": ("http://例子.测试/", "http://xn--fsqu00a.xn--0zwm56d/"),
    "an xn-- host": ("http://xn--fsqu00a.xn--0zwm56d/", "http://xn--fsqu00a.xn--0zwm56d/"),
    "one label": ("http://erp:8080/", "http://erp:8080/"),
    "an underscore": ("http://web_hook.example.com/", "http://web_hook.example.com/"),
    "IPv4": ("http://192.0.2.1/", "http://192.0.2.1/"),
    "a number": ("http://2130706433/", "http://2130706433/"),
    "IPv6": ("http://[2001:DB8:0::1]:80/", "http://[2001:db8::1]/"),
    "2,000 characters": ("http://a/" + "x" * 1991, "http://a/" + "x" * 1991),
}
NO_URLS = {
    "empty": ("", "http:// or https://"),
    "no scheme": ("example.com/x", "http:// or https://"),
    "only a path": ("/x", "http:// or https://"),
    "another scheme": ("ftp://example.com/", "http:// or https://"),
    "a file": ("file:///etc/passwd", "http:// or https://"),
    "a unix socket": ("http+unix://%2Frun%2Fx.sock/", "http:// or https://"),
    "no host": ("http:///x", "http:// or https://"),
    "a port without a host": ("http://:80/", "http:// or https://"),
    "a user": ("http://user@example.com/", "user name"),
    "a password": ("http://user:secret@example.com/", "user name"),
    "an empty user": ("http://@example.com/", "user name"),
    "a host before the host": ("http://example.com@127.0.0.1/", "user name"),
    "a fragment": ("http://example.com/#x", "fragment"),
    "an empty fragment": ("http://example.com/#", "fragment"),
    "port 0": ("http://example.com:0/", "1 to 65535"),
    "port 65536": ("http://example.com:65536/", "no URL"),
    "a port of letters": ("http://example.com:http/", "no URL"),
    "a negative port": ("http://example.com:-1/", "no URL"),
    "a space before": (" http://example.com/", "white space"),
    "a space within": ("http://example.com/a b", "white space"),
    "a tab in the scheme": ("ht\ttp://example.com/", "control"),
    "a line break, a header": ("http://example.com/\r\nX: y", "control"),
    "NUL": ("http://example.com\x00.test/", "control"),
    "a backslash": ("http://example.com\\@127.0.0.1/", "backslash"),
    "a quote": ('http://example.com/"', "quotes"),
    "a lone surrogate": ("http://example.com/\ud800", "characters"),
    "escapes in the host": ("http://%31%32%37.0.0.1/", "no host name"),
    "an empty label": ("http://example..com/", "no host name"),
    "a dot at the end": ("http://example.com./", "no host name"),
    "a hyphen at the end": ("http://example-/", "no host name"),
    "a long label": (f"http://{'a' * 64}.com/", "no host name"),
    "a long host": (f"http://{'a.' * 127}com/", "no host name"),
    "two readings": ("http://straße.de/", "two ways"),
    "an IPv6 zone": ("http://[fe80::1%25eth0]/", "no host name"),
    "no IPv6": ("http://[::zz]/", "no"),
    "half a bracket": ("http://[::1/", "no URL"),
    "IPv6 without brackets": ("http://::1/", "no URL"),
    "IPvFuture": ("http://[v1.x]/", "no"),
    "too long": ("http://a/" + "x" * 1992, "at most 2,000"),
    "too long once escaped": ("http://a/" + "短" * 500, "once it is escaped"),
}


@pytest.mark.parametrize(("address", "said"), INSIDE.values(), ids=INSIDE.keys())
def test_inside(address: str, said: str) -> None:
    reason = refused(ip_address(address), ())
    assert reason is not None
    assert reason.split(" ", 1)[1] == said


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside(address: str) -> None:
    assert refused(ip_address(address), ()) is None


@pytest.mark.parametrize(("address", "network"), ALLOWED.values(), ids=ALLOWED.keys())
def test_allowed(address: str, network: str) -> None:
    assert refused(ip_address(address), ()) is not None
    assert refused(ip_address(address), (ip_network("192.0.2.0/24"), ip_network(network))) is None


@pytest.mark.parametrize(("address", "network"), NOT_ALLOWED.values(), ids=NOT_ALLOWED.keys())
def test_not_allowed(address: str, network: str) -> None:
    assert refused(ip_address(address), (ip_network(network),)) is not None


# Half of the addresses lie near the special ones, where mistakes would be.
near_special = st.sampled_from([int(ip_address(address)) for address, _ in INSIDE.values() if ":" not in address])
some_ipv4 = st.one_of(
    st.integers(0, 2**32 - 1), st.builds(lambda at, by: (at + by) % 2**32, near_special, st.integers(-300, 300))
).map(IPv4Address)


@settings(max_examples=2000, deadline=None)
@given(some_ipv4)
def test_what_python_holds_for_special_is_refused(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast:
        assert refused(address, ()) is not None


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_ipv6_outside_what_was_given_out_is_refused(address: IPv6Address) -> None:
    if int(address) >> 125 != 1:
        assert refused(address, ()) is not None


@settings(max_examples=500, deadline=None)
@given(some_ipv4, st.sampled_from([(), (ip_network("10.0.0.0/8"),)]))
def test_what_carries_an_address_is_as_good_as_it(address: IPv4Address, allow: tuple[Network, ...]) -> None:
    bare = refused(address, allow) is None
    for carrier in (
        IPv6Address(0xFFFF << 32 | int(address)),
        IPv6Address(int(IPv6Address("64:ff9b::")) | int(address)),
        IPv6Address(0x2002 << 112 | int(address) << 80 | 1),
    ):
        assert (refused(carrier, allow) is None) == bare


@pytest.mark.parametrize(("url", "checked"), URLS.values(), ids=URLS.keys())
def test_urls(url: str, checked: str) -> None:
    assert check_url(url) == checked
    assert check_url(checked) == checked, "the checked form is checked"


@pytest.mark.parametrize(("url", "said"), NO_URLS.values(), ids=NO_URLS.keys())
def test_no_urls(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_url(url)


@settings(max_examples=2000, deadline=None)
@given(st.sampled_from(["", "http://", "https://a", "http://a.b:1/", "http://["]), st.text(max_size=60))
def test_any_text_is_a_url_in_ascii_or_refused(beginning: str, text: str) -> None:
    try:
        checked = check_url(beginning + text)
    except ValueError as error:
        assert type(error) is ValueError, "and in our words"
        return
    assert checked.isascii()
    assert checked.isprintable()
    assert " " not in checked
    assert check_url(checked) == checked
