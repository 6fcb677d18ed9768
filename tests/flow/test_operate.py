"""Operators: what they change, what they ask, and what the audit log keeps of it."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from yizhan.flow.office import Twice, claimed
from yizhan.flow.operate import Conflict, NotFound
from yizhan.flow.repeats import claim_of
from yizhan.model.access import Caller, Role
from yizhan.model.account import LaneRule, SignatureRule
from yizhan.model.submission import Accepted
from yizhan.policy.credentials import md5_of

from .house import PWD, House, call

Wish = Callable[[House], Coroutine[Any, Any, Any]]


def actions(house: House) -> list[tuple[str, str, str]]:
    """The audit log, oldest first."""
    return [(view.actor, view.action, view.subject) for view in reversed(house.run(house.ask.audit(100)))]


def test_an_account_from_the_first_day_to_the_last(house: House) -> None:
    run, operate = house.run, house.operate
    view = run(
        operate.add_account("ann", "C1", password_md5=PWD, credit_milli=1_500, allow_ips=["192.0.2.77/24", "::1"])
    )
    assert (view.account, view.balance, view.enabled, view.lane, view.signature_rule) == (
        "C1",
        1.5,
        True,
        "auto",
        "required",
    )
    assert view.allow_ips == ["192.0.2.0/24", "::1/128"]
    view = run(
        operate.set_account(
            "bob", "C1", lane=LaneRule.URGENT, signature_rule=SignatureRule.BOUND, signature="【驿站】", allow_ips=[]
        )
    )
    assert (view.lane, view.signature_rule, view.signature, view.allow_ips) == ("urgent", "bound", "【驿站】", [])
    assert run(operate.set_account("bob", "C1", password_md5=md5_of("new"))).lane == "urgent", "the rest stays"
    assert run(operate.topup("ann", "C1", 2_000, "paid")).balance == 3.5
    assert run(operate.topup("ann", "C1", -3_500, "back")).balance == 0
    assert run(operate.disable_account("ann", "C1")).enabled is False
    assert run(operate.enable_account("ann", "C1")).enabled is True
    assert run(house.ask.account("C1")) == run(house.ask.accounts())[0]
    assert actions(house) == [
        ("ann", "account add", "C1"),
        ("bob", "account set", "C1"),
        ("bob", "account set", "C1"),
        ("ann", "account topup", "C1"),
        ("ann", "account topup", "C1"),
        ("ann", "account disable", "C1"),
        ("ann", "account enable", "C1"),
    ]
    assert [(entry.kind, entry.amount, entry.note) for entry in run(house.ask.ledger("C1", 10))] == [
        ("takeback", -3.5, "back"),
        ("topup", 2, "paid"),
        ("topup", 1.5, "first credit"),
    ]
    assert run(house.ask.verify_ledger()).holds


def test_the_audit_log_says_what_changed_and_no_secret(house: House) -> None:
    house.add()
    house.run(house.operate.set_account("op", "C1", password_md5=md5_of("new"), lane=LaneRule.URGENT))
    newest, first = house.run(house.ask.audit(10))
    assert json.loads(newest.before) == {"lane": "auto"}
    assert json.loads(newest.after) == {"credential": "changed", "lane": "urgent"}
    assert json.loads(first.after)["credit_milli"] == 100_000
    for view in (newest, first):
        assert "argon2" not in view.after + view.before and PWD not in view.after + view.before


async def _release(house: House) -> None:
    network = "192.0.2.0/24"
    await house.operate.block_address("op", network, reason="a", until_ms=None)
    await house.operate.block_address("op", network, reason="b")
    await house.operate.unblock_address("op", network)


async def _people(house: House) -> None:
    operate = house.operate
    await operate.add_person("op", "ann", "correct horse battery", Role.OPERATOR)
    await operate.disable_person("op", "ann")
    await operate.enable_person("op", "ann")
    await operate.set_person_password("op", "ann", "staple correct horse")
    await operate.remove_person("op", "ann")


async def _tokens(house: House) -> None:
    await house.operate.create_token("op", "t", Role.CUSTOMER, "C1")
    await house.operate.revoke_token("op", "t")


async def _numbers(house: House) -> None:
    await house.operate.block_number("op", "13800000000", corp_id="C1", reason="a")
    await house.operate.unblock_number("op", "13800000000", corp_id="C1")


async def _words(house: House) -> None:
    await house.operate.add_keywords("op", ["甲"])
    await house.operate.remove_keywords("op", ["甲"])


async def _money(house: House) -> None:
    await house.operate.topup("op", "C1", 500, "n")
    (card,) = await house.operate.create_cards("op", 1, 250)
    await house.operate.use_card("op", "C1", card.number, card.password)


async def _webhooks(house: House) -> None:
    await house.operate.set_webhook("op", "C1", "https://example.net/a")
    await house.operate.set_webhook("op", "C1", "https://example.net/b")
    await house.operate.remove_webhook("op", "C1")


_BLOCK, _CUSTOMER = {"reason": "a", "until": None}, {"role": "customer", "account": "C1"}
_KEPT = {"role": "operator", "account": None}
_HOOK = {"secret": "changed"}


@pytest.mark.parametrize(
    ("act", "changes"),
    [
        pytest.param(
            _release,
            [({}, _BLOCK), (_BLOCK, {**_BLOCK, "reason": "b"}), ({**_BLOCK, "reason": "b"}, {})],
            id="addresses",
        ),
        pytest.param(
            _people,
            [
                ({}, _KEPT),
                ({"disabled": False}, {"disabled": True}),
                ({"disabled": True}, {"disabled": False}),
                ({}, {"password": "changed"}),
                ({**_KEPT, "disabled": False}, {}),
            ],
            id="people",
        ),
        pytest.param(_tokens, [({}, {**_CUSTOMER, "until_ms": None}), ({**_CUSTOMER, "until": None}, {})], id="tokens"),
        pytest.param(
            _numbers, [({}, {"account": "C1", "reason": "a"}), ({"account": "C1", "reason": "a"}, {})], id="numbers"
        ),
        pytest.param(_words, [({}, {"words": ["甲"]}), ({"words": ["甲"]}, {})], id="keywords"),
        pytest.param(
            _money,
            [
                ({"balance_milli": 100_000}, {"amount_milli": 500, "note": "n", "balance_milli": 100_500}),
                ({}, {"count": 1, "credit_milli": 250}),
                ({"balance_milli": 100_500}, {"account": "C1", "balance_milli": 100_750}),
            ],
            id="money",
        ),
        pytest.param(
            _webhooks,
            [
                ({}, {"url": "https://example.net/a", **_HOOK}),
                ({"url": "https://example.net/a"}, {"url": "https://example.net/b", **_HOOK}),
                ({"url": "https://example.net/b"}, {}),
            ],
            id="webhooks",
        ),
    ],
)
def test_the_audit_log_has_both_sides(
    house: House, act: Wish, changes: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    house.add()
    house.run(act(house))
    found = house.run(house.ask.audit(len(changes)))
    assert [(json.loads(one.before), json.loads(one.after)) for one in reversed(found)] == changes


REFUSED = [
    pytest.param(lambda h: h.operate.add_account("op", "C1", password_md5=PWD), Conflict, id="the name is taken"),
    pytest.param(lambda h: h.operate.add_account("op", "", password_md5=PWD), ValueError, id="no name"),
    pytest.param(lambda h: h.operate.add_account("op", " C2", password_md5=PWD), ValueError, id="a space before it"),
    pytest.param(lambda h: h.operate.add_account("op", "C\n2", password_md5=PWD), ValueError, id="a line break in it"),
    pytest.param(lambda h: h.operate.add_account("op", "C" * 65, password_md5=PWD), ValueError, id="a name too long"),
    pytest.param(
        lambda h: h.operate.add_account("op", "C2", password_md5=PWD, credit_milli=-1), ValueError, id="negative credit"
    ),
    pytest.param(
        lambda h: h.operate.add_account("op", "C2", password_md5=PWD, allow_ips=["here"]), ValueError, id="no network"
    ),
    pytest.param(
        lambda h: h.operate.set_account("op", "C1", signature_rule=SignatureRule.BOUND),
        ValueError,
        id="bound to no signature",
    ),
    pytest.param(lambda h: h.operate.set_account("op", "C1", signature="[驿站]"), ValueError, id="no signature"),
    pytest.param(lambda h: h.operate.set_account("op", "C9"), NotFound, id="set: no such account"),
    pytest.param(lambda h: h.operate.enable_account("op", "C9"), NotFound, id="enable: no such account"),
    pytest.param(lambda h: h.operate.topup("op", "C9", 1), NotFound, id="topup: no such account"),
    pytest.param(lambda h: h.operate.topup("op", "C1", 0), ValueError, id="topup of nothing"),
    pytest.param(lambda h: h.operate.topup("op", "C1", -100_001), Conflict, id="more than there is"),
    pytest.param(lambda h: h.operate.add_keywords("op", ["ok", "\u200b"]), ValueError, id="a keyword nobody sees"),
    pytest.param(lambda h: h.operate.add_keywords("op", ["x" * 129]), ValueError, id="a keyword too long"),
    pytest.param(lambda h: h.operate.block_address("op", "here"), ValueError, id="block no address"),
    pytest.param(lambda h: h.operate.unblock_address("op", "192.0.2.1"), NotFound, id="unblock what is not blocked"),
    pytest.param(lambda h: h.operate.block_number("op", "12345"), ValueError, id="block no number"),
    pytest.param(lambda h: h.operate.block_number("op", "13800000000", corp_id="C9"), NotFound, id="for nobody"),
    pytest.param(lambda h: h.operate.unblock_number("op", "13800000000"), NotFound, id="unblock a free number"),
    pytest.param(lambda h: h.operate.cancel("op", 100_000_000), NotFound, id="cancel nothing"),
    pytest.param(lambda h: h.ask.account("C9"), NotFound, id="ask: no such account"),
    pytest.param(lambda h: h.ask.ledger("C9", 1), NotFound, id="ask: ledger of no account"),
    pytest.param(lambda h: h.ask.messages(state="lost"), ValueError, id="ask: no such state"),
    pytest.param(lambda h: h.ask.stories(100_000_000), NotFound, id="ask: no such submission"),
]


@pytest.mark.parametrize(("wish", "error"), REFUSED)
def test_what_cannot_be_done_changes_nothing_and_is_not_noted(house: House, wish: Wish, error: type[Exception]) -> None:
    house.add()
    before = house.run(house.ask.accounts()), house.living.standing, actions(house)
    with pytest.raises(error):
        house.run(wish(house))
    assert (house.run(house.ask.accounts()), house.living.standing, actions(house)) == before
    assert house.run(house.ask.verify_ledger()).holds


def test_two_operators_add_the_same_account_at_once(house: House) -> None:
    async def together() -> list[Any]:
        adding = (
            house.operate.add_account(actor, "C1", password_md5=PWD, credit_milli=1_000) for actor in ("ann", "bob")
        )
        return await asyncio.gather(*adding, return_exceptions=True)

    results = house.run(together())
    assert sum(isinstance(result, Conflict) for result in results) == 1, results
    assert house.run(house.ask.account("C1")).balance == 1
    assert len(actions(house)) == 1 and house.run(house.ask.verify_ledger()).holds


def test_a_claim_is_held_in_the_commit_of_its_change(house: House) -> None:
    """A crash may come between the change and its answer: it is not done again, and who asks is told to look."""
    run, operate, caller = house.run, house.operate, Caller("ann", Role.ADMIN)
    run(operate.add_account("ann", "C1", password_md5=PWD))

    async def top_up(key: str, asked: bytes = b"1000") -> None:
        claim = claim_of(caller, key, asked)
        assert await operate.answered(claim) is None
        with claimed(claim):
            await operate.topup("ann", "C1", 1_000)

    run(top_up("a"))
    for repeat, error in ((top_up("a"), Twice), (top_up("a", b"2000"), ValueError)):
        with pytest.raises(error):
            run(repeat)

    async def at_once() -> list[Any]:
        return list(await asyncio.gather(top_up("b"), top_up("b"), top_up("b"), return_exceptions=True))

    assert [type(one) for one in run(at_once()) if one is not None] == [Twice, Twice]
    assert run(house.ask.account("C1")).balance == 2
    assert run(house.ask.verify_ledger()).holds


def test_keywords(house: House) -> None:
    run, operate = house.run, house.operate
    assert run(operate.add_keywords("op", [" 视频 ", "abc", "视频", ""])) == 2
    assert run(operate.add_keywords("op", ["abc"])) == 0
    assert run(house.ask.keywords()) == ["abc", "视频"]
    (hit,) = run(house.ask.test_keywords("看视*频"))
    assert (hit.keyword, hit.start, hit.end) == ("视频", 1, 4)
    assert run(operate.remove_keywords("op", ["视频", "never"])) == 1
    assert run(house.ask.test_keywords("看视*频")) == []
    assert [action for _, action, _ in actions(house)] == ["keyword add", "keyword add", "keyword remove"]


def test_addresses(house: House) -> None:
    run, operate = house.run, house.operate
    until_ms = house.clock.now_ms() + 60_000
    assert run(operate.block_address("op", "192.0.2.9/24", reason="spam")).network == "192.0.2.0/24"
    run(operate.block_address("op", "2001:db8::1", until_ms=until_ms))
    assert [view.network for view in run(house.ask.addresses())] == ["192.0.2.0/24", "2001:db8::1/128"]
    house.clock.move(60)
    assert [view.network for view in run(house.ask.addresses())] == ["192.0.2.0/24"], "ended"
    run(operate.unblock_address("op", "192.0.2.0/24"))
    assert run(house.ask.addresses()) == []
    assert [action for _, action, _ in actions(house)] == ["ip block", "ip block", "ip unblock"]


def test_numbers(house: House) -> None:
    house.add()
    run, operate = house.run, house.operate
    assert run(operate.block_number("op", "138 0000 0000", reason="law")).number == "+8613800000000"
    run(operate.block_number("op", "13900000000", corp_id="C1"))
    assert [(view.number, view.account) for view in run(house.ask.numbers(None))] == [
        ("+8613800000000", None),
        ("+8613900000000", "C1"),
    ]
    assert [view.number for view in run(house.ask.numbers("C1"))] == ["+8613900000000"]
    with pytest.raises(NotFound):
        run(operate.unblock_number("op", "13900000000"))
    run(operate.unblock_number("op", "13900000000", corp_id="C1"))
    assert [action for _, action, _ in actions(house)][1:] == ["number block", "number block", "number unblock"]


def test_a_cancelled_call_and_its_story(house: House) -> None:
    house.add(credit=10)
    run = house.run
    mobile = "13800000000,12x,0085291234567"
    assert run(house.reception.submit(call(mobile=mobile, sendtime="20990101000000"))) == Accepted(
        100_000_000, batch_send_id=False
    )
    assert run(house.ask.account("C1")).balance == 8
    stories = run(house.ask.stories(100_000_000))
    assert [story.message.state for story in stories] == ["scheduled", "scheduled", "invalid"]
    assert run(house.operate.cancel("op", 100_000_000, corp_id="C1")) == 2
    assert run(house.operate.cancel("op", 100_000_000)) == 0, "there is nothing left to cancel"
    assert run(house.ask.account("C1")).balance == 10 and run(house.ask.verify_ledger()).holds
    stories = run(house.ask.stories(100_000_000, "C1"))
    assert [story.message.state for story in stories] == ["cancelled", "cancelled", "invalid"]
    assert [event.station for event in stories[0].events] == ["front", "policy", "accept", "end", "ledger"]
    (one,) = run(house.ask.stories(stories[1].message.id))
    assert one.message.number == "+85291234567"
    assert run(house.ask.messages(number="0085291234567")).messages[0].number == "+85291234567"
    with pytest.raises(NotFound):
        run(house.operate.cancel("op", 100_000_000, corp_id="C9"))


def test_health(house: House) -> None:
    house.add(credit=10)
    house.run(house.reception.submit(call()))
    health = house.run(house.ask.health())
    assert (health.store, health.accounts, health.waiting["queued"], health.ledger.holds) == ("ok", 1, 1, True)
    assert health.channels == [] and health.commits > 0 and health.committed_calls >= health.commits
