"""Sending by the API: the same admission, charges and fates as a client's call, once for each key."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from .program import TEXT, Customer, Program, eventually, running


@pytest.fixture(scope="module")
def us(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway with an account, a keyword and a blocked number."""
    with running(tmp_path_factory.mktemp("send") / "data") as program:
        program.account("C1", credit=1_000)
        program.account("poor", credit=0)
        program.account("off")
        program.api("POST", "/accounts/off/disable")
        program.api("POST", "/keywords", json={"words": ["视频"]})
        program.api("POST", "/numbers", json={"number": "13900000000"})
        yield program


def post(program: Program, key: str | None = None, **wanted: Any) -> httpx.Response:
    """One message."""
    body = {"account": "C1", "to": ["13800000000"], "text": TEXT, **wanted}
    transport = httpx.HTTPTransport(uds=str(program.data / "admin.sock"), verify=False)
    with httpx.Client(transport=transport, base_url="http://admin/api/v1") as client:
        return client.post("/messages", json=body, headers={} if key is None else {"Idempotency-Key": key})


def test_sent_and_delivered(us: Program) -> None:
    before = us.balance(Customer("C1", ""))
    answer = post(us, to=["13800000000", "+852 5123 4567", "13900000000", "12345"], cell="7")
    assert answer.status_code == 201, answer.text
    sent = answer.json()
    assert (sent["repeated"], sent["parts"], sent["price"], sent["text"]) == (False, 1, 2, TEXT)
    fates = {one["written"]: one["state"] for one in sent["numbers"]}
    assert list(fates) == ["13800000000", "+852 5123 4567", "13900000000", "12345"]
    assert (fates["13900000000"], fates["12345"]) == ("blocked", "invalid")
    us.wait_for("delivered", 2, submission=sent["submission"])
    assert before - us.balance(Customer("C1", "")) == 2
    (story,) = us.api("GET", f"/messages/{sent['numbers'][0]['message']}")
    assert story["message"]["number"] == "+8613800000000"


def test_the_same_again_is_not_sent_again(us: Program) -> None:
    before = us.balance(Customer("C1", ""))
    first, again = post(us, key="order-42"), post(us, key="order-42")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["submission"] == first.json()["submission"] and again.json()["repeated"]
    other = post(us, key="order-42", to=["13800000001"])
    assert (other.status_code, other.json()["detail"]) == (422, "the Idempotency-Key stands for another message")
    assert before - us.balance(Customer("C1", "")) == 1
    assert [post(us).status_code for _ in range(2)] == [201, 201], "without a key each is its own"


@pytest.mark.parametrize(
    ("wanted", "status", "reject", "code", "hit"),
    [
        pytest.param({"account": "nobody"}, 404, "account_unknown", -1, "", id="no account"),
        pytest.param({"account": "off"}, 422, "account_disabled", -102, "", id="disabled"),
        pytest.param({"account": "poor"}, 422, "balance_too_low", -5, "price 1", id="balance"),
        pytest.param({"text": "您好"}, 422, "signature_missing", -7, "", id="no signature"),
        pytest.param({"text": "看视频【测试】"}, 422, "keyword", -12, "视频", id="keyword"),
        pytest.param({"to": ["13900000000"]}, 422, "numbers_blocked", -2, "+8613900000000", id="blocked"),
        pytest.param({"send_at": "2020-01-01T00:00:00Z"}, 422, "send_time_past", -10, "20200101080000", id="past"),
    ],
)
def test_refusals_name_the_rule(
    us: Program, wanted: dict[str, Any], status: int, reject: str, code: int, hit: str
) -> None:
    count = len(us.messages())
    refused = post(us, key=f"refused {reject}".replace(" ", "-"), **wanted)
    assert refused.headers["content-type"] == "application/problem+json"
    said = refused.json()
    assert (refused.status_code, said["reject"], said["code"], said["hit"]) == (status, reject, code, hit)
    assert len(us.messages()) == count
    eventually(lambda: us.api("GET", "/refusals")[:1] and us.api("GET", "/refusals")[0]["reject"] == reject)


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"to": []}, id="to nobody"),
        pytest.param({"to": ["13800000000,13800000001"]}, id="two in one"),
        pytest.param({"send_at": "2030-01-01T00:00:00"}, id="a time without a zone"),
        pytest.param({"txet": "x"}, id="an unknown key"),
    ],
)
def test_what_is_no_message(us: Program, wanted: dict[str, Any]) -> None:
    assert post(us, **wanted).status_code == 422


def test_scheduled(us: Program) -> None:
    at = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    sent = post(us, send_at=at.isoformat()).json()
    (view,) = us.messages(submission=sent["submission"])
    assert (view["state"], datetime.fromisoformat(view["send_at"])) == ("scheduled", at)
