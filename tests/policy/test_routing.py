"""Which channels may carry a message: rules, keys, states, weights."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.model.carriage import ChannelState, by_channel
from yizhan.model.route import Network, Passenger, Route, TextClass
from yizhan.policy.calling_code import calling_code
from yizhan.policy.mainland import network_of
from yizhan.policy.route_key import KeyMaker, bound_to, passenger, passenger_to, renewed, tried_by
from yizhan.policy.routing import decide, first_match, share_out, split
from yizhan.policy.text_class import text_class


def state(name: str, **changes: Any) -> ChannelState:
    """A channel in good order."""
    good = {"up": True, "paused": False, "free": 10, "errors": 0.0, "delivered": 1.0, "why": ""}
    return ChannelState(name=name, **{**good, **changes})


def states(*channels: ChannelState) -> dict[str, ChannelState]:
    """By name."""
    return {channel.name: channel for channel in channels}


def route(*tiers: Mapping[str, int], **matches: Any) -> Route:
    """A rule."""
    free: dict[str, Any] = {"account_id": None, "prefix": "", "country": "", "network": None, "text_class": None}
    return Route(id=1, position=1, tiers=tiers, **{**free, **matches})


WHO = Passenger(7, "86", Network.MOBILE, "8613800000000", TextClass.CODE)


@pytest.mark.parametrize(
    ("matches", "does"),
    [
        pytest.param({}, True, id="everything"),
        pytest.param({"account_id": 7}, True, id="the account"),
        pytest.param({"account_id": 8}, False, id="another account"),
        pytest.param({"prefix": "86138"}, True, id="prefix"),
        pytest.param({"prefix": "86139"}, False, id="another prefix"),
        pytest.param({"country": "86"}, True, id="country"),
        pytest.param({"country": "852"}, False, id="another country"),
        pytest.param({"network": Network.MOBILE}, True, id="network"),
        pytest.param({"network": Network.UNICOM}, False, id="another network"),
        pytest.param({"text_class": TextClass.CODE}, True, id="class"),
        pytest.param({"text_class": TextClass.MARKETING}, False, id="another class"),
        pytest.param({"account_id": 7, "country": "852"}, False, id="all of it has to match"),
    ],
)
def test_matching(matches: dict[str, Any], does: bool) -> None:
    rule = route({"a": 1}, **matches)
    assert (first_match([rule], WHO) is rule) == does


def test_the_first_rule_decides() -> None:
    rules = [route({"a": 1}, country="852"), route({"b": 1}), route({"c": 1}, account_id=7)]
    assert decide(rules, states(state("a"), state("b"), state("c")), WHO).open == {"b": 1}


def test_without_rules_every_channel_carries_everything() -> None:
    decision = decide([], states(state("a"), state("b")), WHO)
    assert (decision.open, decision.route, decision.rejected) == ({"a": 1, "b": 1}, None, ())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"paused": True}, "paused", id="paused"),
        pytest.param({"up": False, "why": "RINVPASWD"}, "not bound: RINVPASWD", id="not bound"),
        pytest.param({"free": 0}, "no room", id="full"),
        pytest.param({"errors": 0.6}, "refused 60%", id="it refuses too much"),
        pytest.param({"delivered": 0.05}, "only 5%", id="it delivers too little"),
    ],
)
def test_a_backup_takes_over_and_says_why(changes: dict[str, Any], why: str) -> None:
    decision = decide([route({"a": 1}, {"b": 2})], states(state("a", **changes), state("b")), WHO)
    assert decision.open == {"b": 2}
    (rejected,) = decision.rejected
    assert rejected.channel == "a" and why in rejected.why


def test_the_backup_waits_while_the_first_tier_has_room() -> None:
    decision = decide([route({"a": 3, "c": 1}, {"b": 1})], states(state("a"), state("b"), state("c")), WHO)
    assert decision.open == {"a": 3, "c": 1}
    assert [(one.channel, one.why) for one in decision.rejected] == [("b", "a better tier has room")]


def test_a_bad_channel_is_better_than_none() -> None:
    decision = decide([route({"a": 1}, {"b": 1})], states(state("a", errors=0.9), state("b", up=False)), WHO)
    assert decision.open == {"a": 1}
    assert [one.channel for one in decision.rejected] == ["b"]


def test_channels_that_refused_a_message() -> None:
    who = passenger(7, "!a")
    both = states(state("a"), state("b"))
    assert decide([], both, who).open == {"b": 1}
    assert not decide([], both, who).exhausted
    nobody = decide([], both, passenger(7, "!a!b"))
    assert (nobody.open, nobody.exhausted) == ({}, True)
    down = decide([route({"a": 1}, {"b": 1})], states(state("a"), state("b", up=False)), who)
    assert (down.open, down.exhausted) == ({}, False), "b may come back"


def test_a_rule_whose_channels_are_gone_holds_its_messages() -> None:
    decision = decide([route({"gone": 1})], states(state("a")), WHO)
    assert (decision.open, decision.exhausted) == ({}, False)
    assert decision.rejected[0].why == "there is no such channel"


# -- keys


def test_no_rules_make_one_crowd() -> None:
    keys = KeyMaker()
    assert keys.plain and {keys.key(n, TextClass.CODE) for n in ("+8613800000000", "+85291234567")} == {""}


@pytest.mark.parametrize(
    ("matches", "number", "key"),
    [
        pytest.param({"country": "852"}, "+85291234567", "852", id="country"),
        pytest.param({"network": Network.UNICOM}, "+8613000000000", "86.cu", id="network"),
        pytest.param({"network": Network.UNICOM}, "+85291234567", "852", id="no network abroad"),
        pytest.param({"prefix": "86139"}, "+8613900000000", ":86139", id="prefix"),
        pytest.param({"prefix": "86139"}, "+8613800000000", "", id="another prefix"),
        pytest.param({"text_class": TextClass.CODE}, "+8613800000000", "/code", id="class"),
    ],
)
def test_a_key_holds_what_the_rules_ask(matches: dict[str, Any], number: str, key: str) -> None:
    assert KeyMaker([route({"a": 1}, **matches)]).key(number, TextClass.CODE) == key


rules = st.builds(
    lambda prefix, country, network, kind: route(
        {"a": 1}, prefix=prefix, country=country, network=network, text_class=kind
    ),
    st.sampled_from(["", "8613", "86139", "852", "1"]),
    st.sampled_from(["", "86", "852", "1"]),
    st.sampled_from([None, *Network]),
    st.sampled_from([None, *TextClass]),
)
numbers = st.sampled_from(["+8613900000000", "+8613012345678", "+85291234567", "+13125550000", "+8619212345678"])


@settings(max_examples=300, deadline=None)
@given(st.lists(rules, max_size=5), numbers, st.sampled_from(TextClass))
def test_a_key_decides_as_the_message_itself(known: list[Route], number: str, kind: TextClass) -> None:
    """Whatever the rules are, the key leads to the same rule as everything that is known of the message."""
    by_key = first_match(known, passenger(7, KeyMaker(known).key(number, kind)))
    assert by_key is first_match(known, passenger_to(7, number, kind))


def test_keys_remember_who_refused() -> None:
    key = "86.cm/code" + tried_by("a") + tried_by("b-1")
    assert passenger(7, key).tried == {"a", "b-1"}
    assert renewed("852", key) == "852!a!b-1"


# -- shares


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 500),
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9), min_size=1),
    st.lists(st.integers(0, 200), min_size=4, max_size=4),
    st.floats(0, 1),
)
def test_shares(slots: int, weights: dict[str, int], rooms: list[int], chance: float) -> None:
    room = dict(zip("abcd", rooms, strict=True))
    shares = share_out(slots, weights, room, chance)
    assert sum(shares.values()) == min(slots, sum(room[name] for name in weights))
    assert all(0 < share <= room[name] for name, share in shares.items())


@pytest.mark.parametrize(
    ("count", "rooms", "parts"),
    [
        pytest.param(7, [10], [7], id="one"),
        pytest.param(10, [10, 10], [5, 5], id="even"),
        pytest.param(3, [10, 10], [2, 1], id="the first has one more"),
        pytest.param(9, [20, 10], [6, 3], id="by their room"),
        pytest.param(5, [0, 5], [0, 5], id="one is full"),
        pytest.param(0, [0, 0], [0, 0], id="nothing"),
        pytest.param(13, [1, 5, 7], [1, 5, 7], id="all that there is"),
    ],
)
def test_splitting_by_room(count: int, rooms: list[int], parts: list[int]) -> None:
    assert split(count, rooms) == parts


@pytest.mark.parametrize(
    ("shares", "one"),
    [
        pytest.param([{"free": 3}], {"free": 3}, id="whole"),
        pytest.param([{"free": 3}, {"free": 4}], {"free": 7}, id="both up"),
        pytest.param([{"up": False, "free": 0, "errors": 1.0}, {"free": 4}], {"free": 4}, id="one down"),
        pytest.param(
            [{"up": False, "why": "refused"}] * 2, {"up": False, "why": "refused", "free": 20}, id="both down"
        ),
        pytest.param([{"errors": 0.2}, {"errors": 0.4}], {"free": 20, "errors": pytest.approx(0.3)}, id="errors"),
        pytest.param([{"delivered": None}, {"delivered": 0.5}], {"free": 20, "delivered": 0.5}, id="no report yet"),
        pytest.param([{"delivered": None}] * 2, {"free": 20, "delivered": None}, id="no report at all"),
    ],
)
def test_shares_of_a_channel_are_one_channel(shares: list[dict[str, Any]], one: dict[str, Any]) -> None:
    found = by_channel([state("a", **share) for share in shares] + [state("b")])
    assert found == {"a": state("a", **one), "b": state("b")}


def test_weights_hold_over_many_single_slots() -> None:
    sent: Counter[str] = Counter()
    for step in range(1_000):
        sent.update(share_out(1, {"a": 3, "b": 1}, {"a": 9, "b": 9}, step / 1_000))
    assert sent == {"a": 750, "b": 250}


def test_weights_hold_in_one_large_share() -> None:
    assert share_out(400, {"a": 3, "b": 1}, {"a": 1_000, "b": 1_000}, 0.0) == {"a": 300, "b": 100}
    assert share_out(400, {"a": 3, "b": 1}, {"a": 50, "b": 1_000}, 0.0) == {"a": 50, "b": 350}, "a is full"


# -- what numbers and texts are


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+8613800000000", "86"),
        ("+85291234567", "852"),
        ("+13125550000", "1"),
        ("+79161234567", "7"),
        ("+33612345678", "33"),
        ("+4915112345678", "49"),
        ("+886912345678", "886"),
        ("+35312345678", "353"),
    ],
)
def test_calling_codes(number: str, code: str) -> None:
    assert calling_code(number) == code


@pytest.mark.parametrize(
    ("number", "network"),
    [
        ("13912345678", Network.MOBILE),
        ("13491234567", Network.TELECOM),
        ("13481234567", Network.MOBILE),
        ("18612345678", Network.UNICOM),
        ("17001234567", Network.TELECOM),
        ("17031234567", Network.MOBILE),
        ("17041234567", Network.UNICOM),
        ("19212345678", Network.BROADNET),
        ("19912345678", Network.TELECOM),
        ("12012345678", None),
    ],
)
def test_networks(number: str, network: Network | None) -> None:
    assert network_of(number) is network


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("您的验证码是123456【测试】", TextClass.CODE),
        ("Your verification code is 1234", TextClass.CODE),
        ("OTP: 1234", TextClass.CODE),
        ("全场五折，回T退订【商城】", TextClass.MARKETING),
        ("大促 拒收请回复R【商城】", TextClass.MARKETING),
        ("Sale! Reply STOP to opt out", TextClass.MARKETING),
        ("您的订单已发货【商城】", TextClass.NOTICE),
        ("", TextClass.NOTICE),
    ],
)
def test_text_classes(text: str, kind: TextClass) -> None:
    assert text_class(text) is kind


def test_what_was_released_goes_over_its_channel_alone() -> None:
    rule, key = route({"b": 1}), bound_to("a")
    both = states(state("a"), state("b"))
    decision = decide([rule], both, passenger(7, key))
    assert (decision.route, decision.open, decision.exhausted) == (None, {"a": 1}, False)
    paused = decide([rule], states(state("a", paused=True), state("b")), passenger(7, key))
    assert (paused.open, [one.channel for one in paused.rejected], paused.exhausted) == ({}, ["a"], False)
    refused = key + tried_by("a")
    assert decide([rule], both, passenger(7, refused)).exhausted
    assert renewed("86", refused) == refused, "new rules change nothing"
    gone = decide([], states(state("b")), passenger(7, key))
    assert (gone.open, gone.exhausted) == ({}, False), "it waits for the channel to come back, or for an operator"
