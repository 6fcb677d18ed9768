"""Addresses and sets of networks (contract, section 5, rows 1 and 8)."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.policy.addresses import AllowLists, NetworkSet, covers, parse_address, parse_network

from .bench import ACCOUNT


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", id="IPv4"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", id="IPv4-mapped"),
        pytest.param("2001:db8::1", "2001:db8::1", id="IPv6"),
        pytest.param("fe80::1%eth0", "fe80::1", id="with a zone"),
        pytest.param("unix:", None, id="a unix socket's peer"),
        pytest.param("", None, id="empty"),
        pytest.param("192.0.2.256", None, id="no address"),
    ],
)
def test_parse_address(text: str, address: str | None) -> None:
    assert parse_address(text) == (None if address is None else ip_address(address))


@pytest.mark.parametrize(
    ("text", "network"),
    [
        pytest.param("192.0.2.1", "192.0.2.1/32", id="one address"),
        pytest.param("192.0.2.77/24", "192.0.2.0/24", id="host bits are dropped"),
        pytest.param(" 2001:db8::/32 ", "2001:db8::/32", id="white space around"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1/32", id="IPv4-mapped, as callers are seen"),
        pytest.param("::ffff:192.0.2.0/120", "192.0.2.0/24", id="a block of IPv4-mapped ones"),
        pytest.param("::/0", "::/0", id="everything"),
    ],
)
def test_parse_network(text: str, network: str) -> None:
    assert parse_network(text) == ip_network(network)


@pytest.mark.parametrize("text", ["", "here", "192.0.2.1/33", "192.0.2.0/24/24", "192.0.2"])
def test_no_network(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|network|IPv4|IPv6"):
        parse_network(text)


def test_a_block_covers_its_mapped_form() -> None:
    blocked = NetworkSet([(parse_network("192.0.2.0/24"), None)])
    assert blocked.find(parse_address("::ffff:192.0.2.9")) == ip_network("192.0.2.0/24")
    assert NetworkSet([(parse_network("::ffff:192.0.2.9"), None)]).find(parse_address("192.0.2.9"))


def test_until() -> None:
    here = parse_address("192.0.2.1")
    blocked = NetworkSet([(parse_network("192.0.2.1"), 1_000)])
    assert blocked.find(here, 999)
    assert blocked.find(here, 1_000) is None, "the end itself is free"


def test_an_ended_entry_does_not_hide_a_lasting_one() -> None:
    blocked = NetworkSet([(parse_network("192.0.2.1"), 1_000), (parse_network("192.0.2.0/24"), None)])
    assert blocked.find(parse_address("192.0.2.1"), 2_000) == ip_network("192.0.2.0/24")


def test_nothing_is_found_for_no_address() -> None:
    assert NetworkSet([(parse_network("0.0.0.0/0"), None)]).find(None) is None
    assert not covers([parse_network("0.0.0.0/0")], None)


def test_versions_do_not_mix() -> None:
    everything4 = parse_network("0.0.0.0/0")
    assert NetworkSet([(everything4, None)]).find(parse_address("::1")) is None
    assert not covers([everything4], parse_address("::1"))


def test_allow_lists() -> None:
    one = replace(ACCOUNT, id=1, allowed=(parse_network("192.0.2.0/24"), parse_network("2001:db8::/32")))
    lists = AllowLists([one, replace(ACCOUNT, id=2, allowed=(parse_network("198.51.100.7"),)), replace(ACCOUNT, id=3)])
    here, there, nowhere = (parse_address(text) for text in ("192.0.2.9", "198.51.100.7", "203.0.113.1"))
    assert [lists.admit(1, address) for address in (here, parse_address("2001:db8::1"), there)] == [True, True, False]
    assert [lists.admit(2, address) for address in (here, there)] == [False, True]
    assert not lists.admit(3, here), "an account without a list is not asked about"
    assert [lists.name(address) for address in (here, there, nowhere, None)] == [True, True, False, False]


# Addresses whose bits meet often: any first byte, and the last two bits.
some_addresses = st.builds(lambda first, last: IPv4Address(first << 24 | last), st.integers(0, 255), st.integers(0, 3))
some_blocks = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False), some_addresses, st.integers(0, 32)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(some_blocks, max_size=8), some_addresses)
def test_the_set_agrees_with_one_by_one(networks: list[IPv4Network], address: IPv4Address) -> None:
    together = NetworkSet((network, None) for network in networks)
    found = together.find(address)
    assert (found is not None) == together.covers(address) == covers(networks, address)
    assert found is None or found in networks
