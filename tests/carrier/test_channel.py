"""The SMPP channel against the SMSC: the interop checklist of the carriers' page, case by case, over real sockets."""

import asyncio
import time
from typing import Any

import pytest

from yizhan.carrier.trace import Trace
from yizhan.flow import insist
from yizhan.model.outcome import Outcome
from yizhan.wire.smpp.receipts import id_key

from .harness import CLOCK, letter, working

LONG = "长" * 150 + "😀" * 10 + "【驿站】"
TAKEN, UNCERTAIN = Outcome.TAKEN, Outcome.UNCERTAIN


def test_a_message_and_its_report() -> None:
    async def run() -> None:
        async with working() as works:
            await works.send(letter(1, "+8613800000000", cell="12"))
            await works.until(lambda: works.notebook.reported)
            (answer,), (receipt,) = works.notebook.answered, works.notebook.reported
            assert (answer.outcome, answer.part, answer.of) == (TAKEN, 1, 1)
            assert id_key(answer.carrier_id) in receipt.keys
            assert (receipt.word, receipt.number, receipt.carrier_id) == (
                "DELIVRD",
                "+8613800000000",
                answer.carrier_id,
            )
            await works.until(lambda: works.stats()["acknowledged"] == 1)

    asyncio.run(run())


def test_a_channel_that_may_be_anothers_by_now_writes_nothing() -> None:
    async def run() -> None:
        mine = [True]
        async with working(may_write=lambda: mine[0]) as works:
            await works.send(letter(1))
            await works.until(lambda: works.notebook.answered)
            mine[0] = False
            await works.send(letter(2), letter(3))
            await asyncio.sleep(0.3)
            assert works.stats()["submits"] == 1 and len(works.notebook.answered) == 1
            mine[0] = True
            await works.until(lambda: len(works.notebook.answered) == 3)

    asyncio.run(run())


@pytest.mark.parametrize("form", ["udh8", "udh16", "sar"])
def test_long_texts(form: str) -> None:
    async def run() -> None:
        async with working(long_text=form) as works:
            await works.send(letter(9, text=LONG))
            await works.until(lambda: len(works.notebook.reported) == 3)
            assert [(one.part, one.of) for one in works.notebook.answered] == [(1, 3), (2, 3), (3, 3)]
            assert len({one.carrier_id for one in works.notebook.answered}) == 3

    asyncio.run(run())


def test_a_payload_is_one_pdu() -> None:
    async def run() -> None:
        async with working(long_text="payload") as works:
            await works.send(letter(9, text=LONG))
            await works.until(lambda: works.notebook.reported)
            assert [(one.part, one.of) for one in works.notebook.answered] == [(1, 1)]
            assert works.stats()["submits"] == 1

    asyncio.run(run())


STATUSES: dict[str, tuple[int, Outcome]] = {
    "invalid destination": (0x0B, Outcome.REFUSED),
    "invalid source": (0x0A, Outcome.BARRED),
    "system error": (0x08, Outcome.BUSY),
    "permanent application error": (0x65, Outcome.BARRED),
    "a vendor's": (0x400, Outcome.BARRED),
}


@pytest.mark.parametrize(("status", "outcome"), STATUSES.values(), ids=STATUSES.keys())
def test_statuses(status: int, outcome: Outcome) -> None:
    async def run() -> None:
        async with working({"errors": [{"status": status, "number_ends": "5"}]}) as works:
            await works.send(letter(5), letter(6))
            await works.until(lambda: len(works.notebook.answered) == 2)
            assert works.notebook.outcomes() == {5: [outcome], 6: [TAKEN]}

    asyncio.run(run())


def test_a_part_that_is_refused_for_the_moment_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """To give the whole letter back would send its other parts twice."""
    from yizhan.carrier import outbox

    monkeypatch.setattr(outbox, "_FIRST_PAUSE_S", 0.02)

    async def run() -> None:
        async with working({"errors": [{"status": 8, "first": 2}]}) as works:
            await works.send(letter(1, text=LONG))
            await works.until(lambda: len(works.notebook.answered) == 3)
            assert works.notebook.outcomes() == {1: [TAKEN] * 3}
            assert works.stats()["twice"] == []

    asyncio.run(run())


IDS = {
    "same": {"ids": "same"},
    "hexadecimal": {"ids": "hex"},
    "decimal": {"ids": "decimal"},
    "with zeros in front": {"ids": "padded"},
    "early": {"early_share": 1.0},
    "twice": {"duplicate_share": 1.0},
    "only TLVs": {"tlv_only_share": 1.0},
}


@pytest.mark.parametrize("receipts", IDS.values(), ids=IDS.keys())
def test_reports_of_every_shape_name_their_part(receipts: dict[str, Any]) -> None:
    async def run() -> None:
        async with working({"receipts": {"delay_s": 0.02, **receipts}}) as works:
            await works.send(*(letter(n) for n in range(20)))
            await works.until(lambda: len(works.notebook.reported) >= 20 and len(works.notebook.answered) == 20)
            keys = {answer.message_id: id_key(answer.carrier_id) for answer in works.notebook.answered}
            numbers = {f"+86138{n:08d}": n for n in range(20)}
            assert all(keys[numbers[receipt.number]] in receipt.keys for receipt in works.notebook.reported)
            assert {receipt.word for receipt in works.notebook.reported} == {"DELIVRD"}

    asyncio.run(run())


def test_reports_without_an_id_have_the_number() -> None:
    async def run() -> None:
        async with working({"receipts": {"without_id_share": 1.0}}) as works:
            await works.send(letter(1))
            await works.until(lambda: works.notebook.reported)
            (receipt,) = works.notebook.reported
            assert (receipt.keys, receipt.number) == ((), "+8613800000001")

    asyncio.run(run())


def test_reports_that_nobody_can_read_are_acknowledged_all_the_same() -> None:
    async def run() -> None:
        async with working({"receipts": {"malformed_share": 1.0}}) as works:
            await works.send(letter(1))
            await works.until(lambda: works.stats()["acknowledged"] == 1)
            assert works.notebook.reported == []

    asyncio.run(run())


def test_reports_come_over_another_bind() -> None:
    async def run() -> None:
        async with working({"receipts": {"other_bind": True}}, binds=2) as works:
            await works.bound(2)
            await works.send(*(letter(n) for n in range(10)))
            await works.until(lambda: len(works.notebook.reported) == 10)

    asyncio.run(run())


def test_a_transmitter_and_a_receiver() -> None:
    async def run() -> None:
        async with working(bind="pair", binds=2) as works:
            await works.bound(4)
            await works.send(*(letter(n) for n in range(10)))
            await works.until(lambda: len(works.notebook.reported) == 10)
            assert works.channel.view().binds == 4

    asyncio.run(run())


def test_nothing_is_acknowledged_before_the_store_has_it() -> None:
    async def run() -> None:
        async with working({"receipts": {"delay_s": 0}}) as works:
            await works.bound()
            works.notebook.closed = True
            works.smsc.reply("8613800000000", "106912", "收到")
            await works.until(lambda: works.notebook.calls)
            await asyncio.sleep(0.05)
            assert works.stats()["acknowledged"] == 0
            works.notebook.closed = False
            await works.until(lambda: works.stats()["acknowledged"] == 1)
            (reply,) = works.notebook.replied
            assert (reply.number, reply.sent_to, reply.text) == ("+8613800000000", "106912", "收到")

    asyncio.run(run())


def test_what_the_store_does_not_take_is_brought_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insist, "RETRY_S", 0.01)

    async def run() -> None:
        async with working() as works:
            works.notebook.failing = 3
            await works.send(letter(1))
            await works.until(lambda: works.notebook.answered and works.notebook.reported)
            assert len(works.notebook.answered) == 1

    asyncio.run(run())


@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "in any order"])
def test_long_replies_come_in_parts(shuffle: bool) -> None:
    text = "回" * 130 + "😀" * 20

    async def run() -> None:
        async with working(binds=2) as works:
            await works.bound(2)
            works.smsc.reply("8613800000000", "1069", text, shuffle=shuffle)
            await works.until(lambda: len(works.notebook.parts) == 3)
            parts = sorted(works.notebook.parts, key=lambda part: part.part)
            assert {(part.total, part.reference) for part in parts} == {(3, parts[0].reference)}
            assert "".join(part.text for part in parts) == text

    asyncio.run(run())


def test_the_window_is_never_exceeded() -> None:
    async def run() -> None:
        async with working({"answer": {"delay_s": 0.02}}, window=5) as works:
            await works.bound()
            most = 0
            works.channel.hand_over([letter(n) for n in range(10)])
            while len(works.notebook.answered) < 10:
                most = max(most, works.stats()["submits"] - len(works.notebook.answered))
                await asyncio.sleep(0.001)
            assert most <= 10 and works.stats()["twice"] == []
            assert works.channel.state().free == 10, "twice the window is taken at most"

    asyncio.run(run())


def test_what_finds_no_place_in_the_window_goes_back() -> None:
    async def run() -> None:
        async with working({"answer": {"delay_s": 1}}, window=5, slot_timeout_s=0.2) as works:
            await works.bound()
            works.channel.hand_over([letter(n) for n in range(8)])
            await works.until(lambda: len(works.notebook.answered) == 3)
            assert works.notebook.outcomes() == {n: [Outcome.UNWRITTEN] for n in (5, 6, 7)}
            await works.until(lambda: len(works.notebook.answered) == 8)
            assert works.stats()["submits"] == 5

    asyncio.run(run())


def test_answers_out_of_order() -> None:
    async def run() -> None:
        async with working({"answer": {"delay_s": 0.02, "spread": "uniform"}}, window=50) as works:
            await works.send(*(letter(n) for n in range(50)))
            await works.until(lambda: len(works.notebook.answered) == 50)
            order = [answer.message_id for answer in works.notebook.answered]
            assert order != sorted(order) and set(order) == set(range(50))

    asyncio.run(run())


def test_a_swallowed_answer_is_uncertain() -> None:
    async def run() -> None:
        async with working({"answer": {"swallow_number_ends": "3"}}, answer_timeout_s=0.2) as works:
            await works.send(*(letter(n) for n in range(5)))
            await works.until(lambda: len(works.notebook.answered) == 5)
            assert works.notebook.outcomes() == {n: [UNCERTAIN if n == 3 else TAKEN] for n in range(5)}

    asyncio.run(run())


def test_a_cut_connection_makes_uncertain_what_was_written_and_gives_back_the_rest() -> None:
    async def run() -> None:
        async with working({"answer": {"delay_s": 30}}, window=5) as works:
            await works.bound()
            works.channel.hand_over([letter(n) for n in range(8)])
            await works.until(lambda: works.stats()["submits"] == 5)
            works.smsc.disconnect(abrupt=True)
            await works.until(lambda: len(works.notebook.answered) == 8)
            outcomes = works.notebook.outcomes()
            assert [outcomes[n] for n in range(5)] == [[UNCERTAIN]] * 5
            assert [outcomes[n] for n in range(5, 8)] == [[Outcome.UNWRITTEN]] * 3
            await works.bound()

    asyncio.run(run())


def test_with_another_bind_the_rest_goes_over_that() -> None:
    async def run() -> None:
        async with working({"answer": {"delay_s": 0.3}}, window=5, binds=2) as works:
            await works.bound(2)
            works.channel.hand_over([letter(n) for n in range(20)])
            await works.until(lambda: works.stats()["submits"] == 10)
            works.smsc.links[0].close(abrupt=True)
            await works.until(lambda: len(works.notebook.answered) == 20)
            outcomes = [outcome for (outcome,) in works.notebook.outcomes().values()]
            assert (outcomes.count(UNCERTAIN), outcomes.count(TAKEN)) == (5, 15)

    asyncio.run(run())


def test_a_disconnect_every_few_messages_loses_nothing() -> None:
    async def run() -> None:
        async with working({"trouble": {"disconnect_every": 40}}, window=10) as works:
            await works.bound()
            waiting, seen = [letter(n) for n in range(120)], 0
            done: set[int] = set()
            while len(done) < 120:
                if waiting and (free := works.channel.state().free):
                    works.channel.hand_over(waiting[:free])
                    waiting = waiting[free:]
                await asyncio.sleep(0.005)
                for answer in works.notebook.answered[seen:]:
                    seen += 1
                    if answer.outcome is TAKEN:
                        done.add(answer.message_id)
                    else:
                        waiting.append(letter(answer.message_id))
            counts = works.smsc.ledger.taken
            assert len(counts) == 120, "each arrived"
            uncertain = {a.message_id for a in works.notebook.answered if a.outcome is UNCERTAIN}
            twice = {number for number, count in counts.items() if count > 1}
            assert twice <= {f"86138{n:08d}" for n in uncertain}, "and nothing twice that was not uncertain"

    asyncio.run(run())


def test_throttling_is_waiting_and_not_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from yizhan.policy import pace

    monkeypatch.setattr(pace, "_PAUSE_S", 0.05)
    monkeypatch.setattr(pace, "_MOST_PAUSE_S", 0.1)

    async def run() -> None:
        async with working({"throttle": {"every_s": 1_000, "for_s": 0.3, "status": 0x58}}, window=200) as works:
            await works.send(*(letter(n) for n in range(100)))
            await works.until(lambda: len(works.notebook.answered) == 100)
            assert works.notebook.outcomes() == {n: [TAKEN] for n in range(100)}
            assert works.stats()["statuses"].get("RTHROTTLED", 0) > 0
            assert all(count == 1 for count in works.smsc.ledger.taken.values())

    asyncio.run(run())


def test_a_contract_rate_is_kept() -> None:
    async def run() -> None:
        async with working(rate_per_s=100, window=100) as works:
            await works.bound()
            begun = time.monotonic()
            await works.send(*(letter(n) for n in range(150)))
            await works.until(lambda: len(works.notebook.answered) == 150)
            assert time.monotonic() - begun >= 1.4, "at most 100 a second leave; the bucket holds five"

    asyncio.run(run())


def test_a_silent_peer_is_found_out() -> None:
    async def run() -> None:
        scenario = {"trouble": {"half_open_after": 3}}
        async with working(scenario, answer_timeout_s=0.3, enquire_link_s=0.2) as works:
            await works.send(*(letter(n) for n in range(3)))
            await works.until(lambda: len(works.notebook.answered) == 3)
            assert works.stats()["binds"] == 1
            await works.until(lambda: works.stats()["binds"] == 2)

    asyncio.run(run())


def test_a_peer_that_stops_reading_holds_up_nothing_but_itself() -> None:
    async def run() -> None:
        scenario = {"trouble": {"stop_reading_after": 1}}
        async with working(scenario, answer_timeout_s=0.4, window=10_000) as works:
            await works.bound()
            works.channel.hand_over([letter(n, text="长" * 60 + "【驿站】") for n in range(20_000)])
            await works.until(lambda: len(works.notebook.answered) == 20_000, patience_s=60)  # link by link
            outcomes = {outcome for (outcome,) in works.notebook.outcomes().values()}
            assert outcomes <= {TAKEN, UNCERTAIN, Outcome.UNWRITTEN}
            assert works.channel.view().in_flight == 0

    asyncio.run(run())


BINDS = {
    "wrong password": ({"bind": {"accounts": {"esme": "other"}}}, "RINVPASWD"),
    "unknown system_id": ({"bind": {"accounts": {"someone": "secret"}}}, "RINVSYSID"),
    "refused": ({"bind": {"refuse_share": 1.0}}, "RBINDFAIL"),
}


@pytest.mark.parametrize(("scenario", "why"), BINDS.values(), ids=BINDS.keys())
def test_a_refused_bind_says_why_and_does_not_hammer(scenario: dict[str, Any], why: str) -> None:
    async def run() -> None:
        async with working(scenario, password="secret") as works:
            await works.until(lambda: why in works.channel.state().why)
            state = works.channel.state()
            assert not state.up and state.free == 0
            assert len(works.smsc.links) <= 1

    asyncio.run(run())


def test_the_first_reconnect_comes_within_a_second() -> None:
    async def run() -> None:
        async with working() as works:
            await works.bound()
            works.smsc.disconnect(abrupt=True)
            await works.until(lambda: works.channel.view().bound == 0)
            begun = time.monotonic()
            await works.until(lambda: works.stats()["binds"] == 2)
            assert time.monotonic() - begun < 1.5

    asyncio.run(run())


def test_a_carrier_that_is_not_there_at_first() -> None:
    async def run() -> None:
        async with working() as works:
            works.door.close()
            works.smsc.disconnect(abrupt=True)
            await works.until(lambda: "connect" in works.channel.state().why or works.channel.state().why)
            await works.door.open()
            await works.bound()

    asyncio.run(run())


def test_leaving_finishes_what_is_in_hand_and_says_good_bye() -> None:
    async def run() -> None:
        async with working({"answer": {"delay_s": 0.1}}) as works:
            await works.bound()
            works.channel.hand_over([letter(n) for n in range(20)])
            async with asyncio.timeout(5):
                await works.channel.idle()
            assert works.notebook.outcomes() == {n: [TAKEN] for n in range(20)}
            assert works.channel.state().free == 0
            await works.until(lambda: works.smsc.links == [])

    asyncio.run(run())


def test_what_is_in_hand_at_the_end_is_reported_as_it_stands() -> None:
    async def run() -> None:
        async with working({"answer": {"delay_s": 30}}, window=5) as works:
            await works.bound()
            works.channel.hand_over([letter(n) for n in range(8)])
            await works.until(lambda: works.stats()["submits"] == 5)
            notebook = works.notebook
        outcomes = [outcome for (outcome,) in notebook.outcomes().values()]
        assert (outcomes.count(UNCERTAIN), outcomes.count(Outcome.UNWRITTEN)) == (5, 3)

    asyncio.run(run())


def test_a_paused_channel_takes_reports_and_nothing_else() -> None:
    async def run() -> None:
        async with working({"receipts": {"delay_s": 0.2}}) as works:
            await works.send(letter(1))
            works.channel.pause(True)
            assert works.channel.state().free == 0 and works.channel.state().paused
            await works.until(lambda: works.notebook.reported)
            works.channel.pause(False)
            assert works.channel.state().free > 0

    asyncio.run(run())


def test_the_trace_masks_unless_told_otherwise() -> None:
    async def run() -> None:
        async with working(password="secret") as works:
            await works.send(letter(1, "+8613812345678"), letter(2, "+8613900000000"))
            await works.until(lambda: len(works.notebook.reported) == 2)
            masked = works.channel.trace(0, None, 100, clear=False)
            everything = " ".join(pdu.summary for pdu in masked)
            assert "13812345678" not in everything and "secret" not in everything
            assert [pdu.command for pdu in masked[:2]] == ["bind_transceiver", "bind_transceiver_resp"]
            assert all(pdu.data == "" for pdu in masked)
            clear = works.channel.trace(0, "13812345678", 100, clear=True)
            assert [pdu.command for pdu in clear] == ["submit_sm", "submit_sm_resp", "deliver_sm", "deliver_sm_resp"]
            assert all("8613812345678" in pdu.summary for pdu in clear[::2])
            both = works.channel.trace(0, None, 100, clear=True)
            assert all("secret" not in pdu.summary and b"secret" not in bytes.fromhex(pdu.data) for pdu in both)
            assert b"esme\0******\0" in bytes.fromhex(both[0].data), "a bind that can still be decoded"
            assert works.channel.trace(masked[-1].seq, None, 100, clear=False) == []

    asyncio.run(run())


def test_a_trace_that_begins_anew_goes_on_behind_the_one_before() -> None:
    before = Trace(10, CLOCK.now_ms)
    before.note("a#1", True, bytes(16), "", "")
    (last,) = before.read(0, None, 10, clear=False)
    time.sleep(0.002)
    after = Trace(10, CLOCK.now_ms)
    after.note("a#1", True, bytes(16), "", "")
    assert [pdu.seq > last.seq for pdu in after.read(last.seq, None, 10, clear=False)] == [True]


def test_a_full_trace_is_read_page_by_page() -> None:
    trace = Trace(50, CLOCK.now_ms)
    for number in range(120):
        trace.note(f"{number}", True, bytes(16), "", "")
    seen, after = [], 0
    while page := trace.read(after, None, 7, clear=False):
        seen += [int(pdu.link) for pdu in page]
        after = page[-1].seq
    assert seen == list(range(70, 120))


def test_a_test_asks_over_the_binds_that_stand() -> None:
    async def run() -> None:
        async with working(bind="pair", binds=2) as works:
            await works.bound(4)
            steps = await works.channel.test()
            assert sorted(step.step for step in steps) == ["one#1-rx", "one#1-tx", "one#2-rx", "one#2-tx"]
            assert all(step.passed and "answers" in step.said for step in steps)
            assert works.stats()["binds"] == 4, "no further log-in"

    asyncio.run(run())


def test_a_test_without_a_bind_hears_why() -> None:
    async def run() -> None:
        async with working({"bind": {"refuse_share": 1.0}}) as works:
            await works.until(lambda: "refuses" in works.channel.view().why)
            (step,) = await works.channel.test()
            assert (step.step, step.passed) == ("bind_transceiver", False) and "RBINDFAIL" in step.said

    asyncio.run(run())


def test_a_carrier_that_does_not_answer_fails_the_test() -> None:
    async def run() -> None:
        async with working({"trouble": {"half_open_after": 1}}, answer_timeout_s=0.3, enquire_link_s=60) as works:
            await works.send(letter(1))
            await works.until(lambda: works.notebook.answered)
            (step,) = await works.channel.test()
            assert not step.passed and "answer" in step.said

    asyncio.run(run())
