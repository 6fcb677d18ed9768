"""Long replies: whatever comes first, twice or never."""

import itertools
from functools import partial

import pytest

from yizhan.model.carriage import LongReply
from yizhan.store.long_replies import Joined, add_parts, overdue_replies, store_joined
from yizhan.store.replies import NOBODY, Arrived

from .rows import Store


def part(number: int, text: str, total: int = 3, reference: int = 7, at_ms: int = 1_000) -> LongReply:
    """One part."""
    return LongReply("+8613800000000", "1069", reference, total, number, text, at_ms)


def add(store: Store, *parts: LongReply, channel: str = "one") -> list[Joined]:
    """Bring parts: what is complete now."""
    (complete,) = store.do(add_parts, (channel, parts))
    return complete


def keep(store: Store, joined: list[Joined]) -> None:
    """Store them as replies of nobody's."""
    arrived = [Arrived("one", one.reply, NOBODY, "", ()) for one in joined]
    store.do(store_joined, (arrived, joined))


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_any_order(store: Store, order: tuple[int, ...]) -> None:
    texts = {1: "一", 2: "二", 3: "三"}
    *first, last = order
    for number in first:
        assert add(store, part(number, texts[number])) == []
        assert add(store, part(number, texts[number])) == [], "the same once more"
    (joined,) = add(store, part(last, texts[last]))
    assert joined.reply.text == "一二三"
    assert len(add(store, part(last, texts[last]))) == 1, "until it is stored, a crash may bring it again"
    keep(store, [joined])
    keep(store, [joined])
    assert store.rows("SELECT text FROM replies") == [("一二三",)], "once, also where two nodes have found it complete"
    assert store.rows("SELECT * FROM reply_parts") == []


def test_references_and_channels_do_not_mix(store: Store) -> None:
    assert add(store, part(1, "a", 2, reference=1), part(2, "b", 2, reference=2)) == []
    assert add(store, part(2, "c", 2, reference=1), channel="two") == []
    (joined,) = add(store, part(2, "d", 2, reference=1))
    assert joined.reply.text == "ad"


def test_a_pair_that_was_cut_between_two_parts(store: Store) -> None:
    pair = "😀".encode("utf-16-be")
    halves = [pair[:2].decode("utf-16-be", "surrogatepass"), pair[2:].decode("utf-16-be", "surrogatepass")]
    (joined,) = add(store, part(1, "a" + halves[0], 2), part(2, halves[1] + "b", 2))
    assert joined.reply.text == "a😀b"


def test_what_never_comes(store: Store) -> None:
    add(store, part(1, "一"), part(3, "三", at_ms=2_000))
    look = partial(overdue_replies, channel="one", limit=10)
    assert store.ask(partial(look, before_ms=2_000)) == []
    (joined,) = store.ask(partial(look, before_ms=2_001))
    assert (joined.reply.text, joined.reply.at_ms) == ("一…三", 2_000)
    keep(store, [joined])
    assert store.ask(partial(look, before_ms=9_000)) == []
