"""Who calls: the peer, or the hop that a trusted proxy vouches for."""

from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.front.caller import Callers, read_hop, read_host, seen_url

TRUSTED = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        pytest.param("192.0.2.9", [b"198.51.100.1"], "192.0.2.9", id="no proxy: its word does not count"),
        pytest.param("127.0.0.1", [], "127.0.0.1", id="proxy without the header"),
        pytest.param("127.0.0.1", [b""], "127.0.0.1", id="empty header"),
        pytest.param("127.0.0.1", [b"198.51.100.1"], "198.51.100.1", id="one hop"),
        pytest.param("127.0.0.1", [b"203.0.113.5, 198.51.100.1"], "198.51.100.1", id="the last hop, not the first"),
        pytest.param("127.0.0.1", [b"203.0.113.5, 198.51.100.1, 10.0.0.2"], "198.51.100.1", id="two proxies"),
        pytest.param("127.0.0.1", [b"203.0.113.5", b"198.51.100.1,10.0.0.2"], "198.51.100.1", id="two headers"),
        pytest.param("127.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3", id="all trusted: the farthest"),
        pytest.param("127.0.0.1", [b"198.51.100.1:4711"], "198.51.100.1", id="port"),
        pytest.param("127.0.0.1", [b"[2001:db8::1]:4711"], "2001:db8::1", id="IPv6 with a port"),
        pytest.param("127.0.0.1", [b"2001:DB8:0::1"], "2001:db8::1", id="IPv6 in another spelling"),
        pytest.param("127.0.0.1", [b"::ffff:198.51.100.1"], "198.51.100.1", id="IPv4 in IPv6"),
        pytest.param("127.0.0.1", [b"203.0.113.5, unknown"], "127.0.0.1", id="unknown: nobody vouches beyond it"),
        pytest.param("127.0.0.1", [b"203.0.113.5, \xff\x00, 10.0.0.2"], "10.0.0.2", id="garbage ends the search"),
        pytest.param("127.0.0.1", [b"999.1.1.1"], "127.0.0.1", id="no such address"),
        pytest.param("::ffff:192.0.2.9", [b"198.51.100.1"], "192.0.2.9", id="peer is IPv4 in IPv6"),
        pytest.param("::ffff:127.0.0.1", [b"198.51.100.1"], "198.51.100.1", id="proxy is IPv4 in IPv6"),
        pytest.param("fd00::1", [b"198.51.100.1"], "198.51.100.1", id="IPv6 proxy"),
        pytest.param("fe80::1%eth0", [], "fe80::1", id="zone"),
    ],
)
def test_address(peer: str, forwarded: list[bytes], address: str) -> None:
    headers = [(b"host", b"x"), *((b"x-forwarded-for", value) for value in forwarded)]
    assert Callers(TRUSTED).address(peer, headers) == address


@given(value=st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_garbage_never_crashes(value: bytes) -> None:
    address = Callers(TRUSTED).address("127.0.0.1", [(b"x-forwarded-for", value)])
    assert read_hop(address) == address
    host = read_host(value)
    assert not set(host) & set("<>&\"' \r\n\0/@")


@pytest.mark.parametrize(
    ("headers", "by_proxy", "url"),
    [
        pytest.param([(b"host", b"a:81")], False, "http://a:81", id="host"),
        pytest.param([(b"host", b"a"), (b"x-forwarded-host", b"b")], False, "http://a", id="a stranger's word"),
        pytest.param([(b"host", b"a"), (b"x-forwarded-host", b"b:444, c")], True, "http://b:444", id="a proxy's word"),
        pytest.param([(b"host", b"a"), (b"x-forwarded-proto", b"HTTPS")], True, "https://a", id="scheme"),
        pytest.param([(b"host", b"a"), (b"x-forwarded-proto", b"gopher")], True, "http://a", id="unknown scheme"),
        pytest.param([(b"host", b"a"), (b"x-forwarded-host", b"<b>")], True, "http://a", id="a proxy passing garbage"),
        pytest.param([], False, "http://[::1]:80", id="neither: the socket"),
    ],
)
def test_seen_url(headers: list[tuple[bytes, bytes]], by_proxy: bool, url: str) -> None:
    path = b"/\xc4\"<&>'/LinkWS.asmx"
    assert seen_url("http", ("::1", 80), headers, path, by_proxy) == url + "/%C4%22%3C%26%3E%27/LinkWS.asmx"


def test_an_address_without_a_socket_name() -> None:
    assert seen_url("http", None, [], b"/LinkWS.asmx", by_proxy=False) == "http://localhost/LinkWS.asmx"
