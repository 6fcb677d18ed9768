"""The reception: from the gate to the commit, and what is unforeseen (contract, section 5, rows 7 to 20)."""

import asyncio

import pytest

from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import PolicySettings
from yizhan.model.submission import Accepted

from .house import House, call


def submit(house: House, **values: str) -> int | Refusal:
    """Send one message: the client's id."""
    answer = house.run(house.reception.submit(call(**values)))
    return answer if isinstance(answer, Refusal) else answer.submission


def balance(house: House, **values: str) -> int | Refusal:
    """Ask for the balance."""
    return house.run(house.reception.balance(call("GetBalance", **values)))


def why(answer: object) -> Reject:
    """The reason of a refusal."""
    assert isinstance(answer, Refusal), answer
    return answer.reject


def test_a_call_is_stored_and_dispatch_hears_of_it(house: House) -> None:
    house.add(credit=3)
    assert submit(house) == 100_000_000
    assert [admitted.price_milli for admitted in house.accepted] == [1_000]
    (message,) = house.run(house.ask.messages()).messages
    assert (message.submission, message.number, message.text, message.state) == (
        100_000_000,
        "+8613800000000",
        "您好【驿站】",
        "queued",
    )
    assert balance(house) == 2_000


def test_balance_too_low(house: House) -> None:
    house.add(credit=1)
    assert why(submit(house, mobile="13800000000,13800000001")) is Reject.BALANCE_TOO_LOW
    assert house.accepted == [] and house.run(house.ask.messages()).messages == []
    assert balance(house) == 1_000


def test_interval(house: House) -> None:
    house.add(credit=5)
    house.add("C2", credit=7)
    assert balance(house) == 5_000
    house.clock.move(29.9)
    assert why(balance(house)) is Reject.TOO_SOON
    assert balance(house, corpid="C2") == 7_000, "each account has its own"
    house.clock.move(0.1)
    assert balance(house) == 5_000, "a refused call did not start it anew; exactly 30 s passes"
    assert submit(house) == 100_000_000, "it is not for sending"


def test_of_two_at_the_same_time_one_is_answered(house: House) -> None:
    house.add(credit=5)

    async def together() -> list[int | Refusal]:
        return await asyncio.gather(*(house.reception.balance(call("GetBalance")) for _ in range(2)))

    answers = house.run(together())
    assert [answer for answer in answers if isinstance(answer, int)] == [5_000]


@pytest.mark.parametrize("values", [{"pwd": "0" * 32}, {"corpid": "C9"}], ids=["wrong password", "unknown account"])
def test_a_refused_call_starts_no_interval(house: House, values: dict[str, str]) -> None:
    house.add(credit=5)
    assert isinstance(balance(house, **values), Refusal)
    assert balance(house) == 5_000


def test_when_the_store_fails_the_interval_is_given_back(house: House) -> None:
    house.add(credit=5)
    house.sql("ALTER TABLE accounts RENAME TO elsewhere")
    assert why(balance(house)) is Reject.OTHER
    house.sql("ALTER TABLE elsewhere RENAME TO accounts")
    assert balance(house) == 5_000, "at once"
    house.clock.move(10)
    house.sql("ALTER TABLE accounts RENAME TO elsewhere")
    assert why(balance(house)) is Reject.TOO_SOON
    house.sql("ALTER TABLE elsewhere RENAME TO accounts")


@pytest.mark.parametrize("table", ["accounts", "ledger", "submissions", "messages", "counters"])
def test_when_the_store_fails_nothing_is_kept_or_charged(house: House, table: str) -> None:
    house.add(credit=5)
    house.sql(f"ALTER TABLE {table} RENAME TO elsewhere")
    assert why(submit(house)) is Reject.OTHER
    house.sql(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert balance(house) == 5_000 and house.run(house.ask.messages()).messages == []
    assert house.run(house.ask.verify_ledger()).holds
    assert house.accepted == []
    assert submit(house) == 100_000_000


def test_a_closing_node_answers_other(house: House) -> None:
    house.add(credit=5)
    assert submit(house) == 100_000_000  # the password is known from here
    house.database.finish()
    assert submit(house) == Refusal(Reject.OTHER, "closed")


def test_living_settings_hold_for_the_next_call(house: House) -> None:
    house.add(credit=50)
    run, operate = house.run, house.operate
    assert isinstance(submit(house), int)
    run(operate.add_keywords("op", ["您好"]))
    assert why(submit(house)) is Reject.KEYWORD
    run(operate.remove_keywords("op", ["您好"]))
    run(operate.block_number("op", "13800000000", corp_id="C1"))
    assert why(submit(house)) is Reject.NUMBERS_BLOCKED
    run(operate.unblock_number("op", "+8613800000000", corp_id="C1"))
    run(operate.block_address("op", "192.0.2.0/24"))
    assert why(submit(house)) is Reject.ADDRESS_BLOCKED
    run(operate.unblock_address("op", "192.0.2.0/24"))
    run(operate.set_account("op", "C1", allow_ips=["198.51.100.1"]))
    assert why(submit(house)) is Reject.ADDRESS_NOT_ALLOWED
    run(operate.set_account("op", "C1", allow_ips=[]))
    run(operate.disable_account("op", "C1"))
    assert why(submit(house)) is Reject.ACCOUNT_DISABLED
    run(operate.enable_account("op", "C1"))
    assert isinstance(submit(house), int)


def test_refusals_can_be_looked_up(house: House) -> None:
    house.add(credit=1)
    house.run(house.operate.add_keywords("op", ["视频"]))
    submit(house, content="看視*頻123【驿站】")
    submit(house, corpid="nobody")
    submit(house, mobile="13800000000,13800000001")
    house.run(house.refusals.flush())
    found = house.run(house.ask.refusals(10))
    assert [(view.account, view.reject, view.code, view.hit) for view in found] == [
        ("C1", "balance_too_low", -5, "price 2"),
        ("nobody", "account_unknown", -1, ""),
        ("C1", "keyword", -12, "视频"),
    ]
    assert found[2].text == "看視*頻**…(11)" and found[2].address == "192.0.2.1"
    assert len(house.run(house.ask.refusals(1))) == 1


def test_refusals_are_written_by_themselves(house: House) -> None:
    async def until_written() -> int:
        writer = asyncio.ensure_future(house.refusals.run())
        await house.reception.submit(call(corpid="nobody"))
        async with asyncio.timeout(5):
            while not (found := await house.ask.refusals(10)):
                await asyncio.sleep(0.05)
        writer.cancel()
        return len(found)

    assert house.run(until_written()) == 1


def test_an_interval_of_zero_is_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    house = House(tmp_path_factory.mktemp("off"), PolicySettings(query_interval_s=0))
    house.add(credit=5)
    assert [balance(house), balance(house)] == [5_000, 5_000]
    house.close()


def test_an_account_may_have_batch_send_answer_the_id(house: House) -> None:
    house.add(credit=5)
    assert house.run(house.reception.submit(call())) == Accepted(100_000_000, batch_send_id=False)
    house.run(house.operate.set_account("op", "C1", batch_send_id=True))
    assert house.run(house.reception.submit(call())) == Accepted(100_000_001, batch_send_id=True)


def test_the_accounts_own_blocked_numbers_and_nobody_elses(house: House) -> None:
    house.add(credit=5)
    house.add("C2", credit=5)
    for number, corp_id in (("13800000001", "C1"), ("85291234567", "C1"), ("13800000002", "C2"), ("13800000003", None)):
        house.run(house.operate.block_number("op", number, corp_id=corp_id))
    assert house.run(house.reception.blocked(call("NotSend"))) == ["+85291234567", "+8613800000001"]
    assert why(house.run(house.reception.blocked(call("NotSend")))) is Reject.TOO_SOON
    assert house.run(house.reception.blocked(call("NotSend", corpid="C2"))) == ["+8613800000002"]
