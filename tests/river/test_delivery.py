"""From the positive answer to the final state: fates, refunds, schedule, cancelling, lanes, and money that adds up."""

from datetime import UTC, datetime, timedelta

import pytest

from yizhan.kit.clock import BEIJING

from .program import TEXT, Program, eventually

FATES = {
    "0001": ("failed", "UNDELIV", 1),
    "0002": ("expired", "EXPIRED", 1),
    "0003": ("rejected", "REJECTD", 1),
    "0004": ("sent", "", 0),
    "0005": ("failed", "RINVDSTADR", 1),
    "0006": ("failed", "RINVSRCADR", 1),
    "0008": ("delivered", "DELIVRD", 0),
    "0009": ("delivered", "DELIVRD", 0),
}


@pytest.mark.parametrize(("ending", "fate"), FATES.items(), ids=FATES.keys())
@pytest.mark.parametrize("parts", [1, 3])
def test_a_numbers_ending_decides_its_fate(
    gateway: Program, ending: str, fate: tuple[str, str, int], parts: int
) -> None:
    state, word, refunded = fate
    customer = gateway.account(f"fate-{ending}-{parts}", credit=100)
    text = TEXT if parts == 1 else "字" * 150 + "【测试】"
    submission = gateway.send(customer, Mobile=f"1380000{ending}", Content=text)
    (message,) = gateway.wait_for(state, submission=submission)
    assert message["parts"] == parts
    assert message["price"] == parts
    assert message["word"] == word
    assert message["refunded"] == refunded * parts
    assert gateway.balance(customer) == 100 - parts + refunded * parts
    assert gateway.api("GET", "/ledger/check")["faults"] == []


def test_the_story_of_a_message_is_told_to_its_end(gateway: Program) -> None:
    customer = gateway.account("story", credit=10)
    submission = gateway.send(customer)
    gateway.wait_for("delivered", submission=submission)
    (story,) = gateway.api("GET", f"/messages/{submission}")
    assert [step["station"] for step in story["steps"]] == [
        "front",
        "policy",
        "accept",
        "dispatch",
        "carrier",
        "receipt",
    ]
    assert "DELIVRD" in story["steps"][-1]["what"]
    assert "charged 1 条" in story["steps"][2]["what"]
    (by_message_id,) = gateway.api("GET", f"/messages/{story['message']['id']}")
    assert by_message_id == story


def test_fates_of_the_numbers_of_one_call(gateway: Program) -> None:
    customer = gateway.account("fates", credit=10)
    gateway.api("POST", "/numbers", json={"number": "13922222222", "account": "fates"})
    submission = gateway.send(customer, Mobile="13800000000， 8613800000000;+852 1234 5678,12,13922222222,")
    gateway.wait_for("delivered", count=2, submission=submission)
    rows = {row["written"]: row for row in gateway.messages(submission=submission)}
    assert {written: row["state"] for written, row in rows.items()} == {
        "13800000000": "delivered",
        "+852 1234 5678": "delivered",
        "12": "invalid",
        "13922222222": "blocked",
    }
    assert rows["+852 1234 5678"]["number"] == "+85212345678"
    assert rows["12"]["price"] == rows["13922222222"]["price"] == 0
    assert gateway.balance(customer) == 8


def test_a_message_with_a_send_time_goes_out_at_that_time(gateway: Program) -> None:
    customer = gateway.account("later", credit=10)
    moment = datetime.now(BEIJING).replace(microsecond=0) + timedelta(seconds=2)
    submission = gateway.send(customer, SendTime=moment.strftime("%Y%m%d%H%M%S"))
    (message,) = gateway.messages(submission=submission)
    assert message["state"] == "scheduled"
    assert gateway.balance(customer) == 9
    gateway.wait_for("delivered", submission=submission)
    joined = "messages JOIN submissions s ON s.id = submission_id"
    (line,) = gateway.query(f"SELECT claimed_at_ms FROM {joined} WHERE client_id = {submission}")
    assert datetime.fromtimestamp(line[0] / 1000, UTC) >= moment


def test_a_scheduled_message_can_be_cancelled_and_is_paid_back(gateway: Program) -> None:
    customer = gateway.account("cancelled", credit=10)
    submission = gateway.send(customer, Mobile="13800000000,13800000009", SendTime="20991231235959")
    assert gateway.balance(customer) == 8
    gateway.api("POST", f"/submissions/{submission}/cancel")
    assert {row["state"] for row in gateway.messages(submission=submission)} == {"cancelled"}
    assert gateway.balance(customer) == 10
    assert gateway.api("GET", "/ledger/check")["faults"] == []


def test_living_settings_hold_for_the_next_call(gateway: Program) -> None:
    customer = gateway.account("living", credit=10)
    assert gateway.send(customer) > 0
    gateway.api("POST", "/keywords", json={"words": ["新词"]})
    assert gateway.send(customer, Content="新词【测试】") == -12
    gateway.api("POST", "/keywords/remove", json={"words": ["新词"]})
    assert gateway.send(customer, Content="新词【测试】") > 0
    gateway.api("PATCH", "/accounts/living", json={"allow_ips": ["10.0.0.0/8"]})
    assert gateway.send(customer) == -103
    gateway.api("PATCH", "/accounts/living", json={"allow_ips": [], "password": "another"})
    assert gateway.send(customer) == -3
    gateway.api("POST", "/accounts/living/disable")
    assert gateway.send(customer) == -3


def test_a_guessing_address_is_blocked_for_a_while(gateway: Program) -> None:
    guesser = "127.9.9.9"  # loopback is exempt, so this proves that exemption and the next test the block
    customer = gateway.account("guessed", credit=10)
    wrong = type(customer)("guessed", "wrong")
    assert {gateway.send(wrong, source=guesser) for _ in range(25)} == {-3}
    assert gateway.send(customer, source=guesser) > 0


def test_the_journal_holds_what_was_sent(gateway: Program) -> None:
    customer = gateway.account("journal", credit=10)
    submission = gateway.send(customer, Mobile="13855556666", Cell="42")
    gateway.wait_for("delivered", submission=submission)
    submits = [e for e in gateway.journal() if e["event"] == "submit" and e["number"] == "+8613855556666"]
    assert len(submits) == 1
    assert submits[0]["sender"] == "1069000042"
    assert submits[0]["text"] == TEXT
    assert eventually(lambda: any(e["event"] == "report" and e["id"] == submits[0]["id"] for e in gateway.journal()))
