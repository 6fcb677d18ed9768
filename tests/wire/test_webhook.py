"""Webhooks' bytes, judged by the reference verifier of Standard Webhooks."""

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from yizhan.model import event
from yizhan.wire.webhook import headers_of, read_secret, sign, write_event, write_secret

# 2023-11-14T22:13:20Z
AT_MS = 1_700_000_000_000
SECRET = write_secret(bytes(range(32)))
REPORT = event.ReportEvent("shop", 77, "+86 13800000000", "01", 1, "DELIVRD", "delivered", AT_MS, AT_MS + 1_005)
REPLY = event.ReplyEvent("shop", 5, "13800000000", "退订 😀", "01", AT_MS + 7, True)

BODIES: dict[str, tuple[event.Event, str]] = {
    "report": (
        REPORT,
        '{"type":"sms.report","timestamp":"2023-11-14T22:13:21.005Z","data":{"account":"shop","submission":77,'
        '"number":"+86 13800000000","cell":"01","flag":1,"status":"DELIVRD","state":"delivered",'
        '"submitted_at":"2023-11-14T22:13:20.000Z","reported_at":"2023-11-14T22:13:21.005Z"}}',
    ),
    "reply": (
        REPLY,
        '{"type":"sms.reply","timestamp":"2023-11-14T22:13:20.007Z","data":{"account":"shop","id":5,'
        '"number":"13800000000","text":"退订 😀","cell":"01","received_at":"2023-11-14T22:13:20.007Z",'
        '"opted_out":true}}',
    ),
    "test": (
        event.TestEvent("shop", AT_MS),
        '{"type":"test","timestamp":"2023-11-14T22:13:20.000Z","data":{"account":"shop"}}',
    ),
}

SECRETS_REFUSED = {
    "empty": "",
    "no prefix": base64.b64encode(bytes(32)).decode(),
    "another prefix": "whsk_" + base64.b64encode(bytes(32)).decode(),
    "23 bytes": "whsec_" + base64.b64encode(bytes(23)).decode(),
    "65 bytes": "whsec_" + base64.b64encode(bytes(65)).decode(),
    "no base64": "whsec_" + "!" * 32,
    "base64 for URLs": "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
    "white space within": "whsec_ " + base64.b64encode(bytes(32)).decode(),
    "a letter short": "whsec_" + "A" * 33,
    "full-width": "whsec_" + "Ａ" * 32,
}


@pytest.mark.parametrize(("value", "body"), BODIES.values(), ids=BODIES.keys())
def test_bodies(value: event.Event, body: str) -> None:
    assert write_event(value).decode() == body


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=50))
def test_any_text_is_json(text: str) -> None:
    body = write_event(event.ReplyEvent("shop", 1, "13800000000", text, "", AT_MS, False))
    told: dict[str, Any] = json.loads(body)
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert told["data"]["text"] == text
    assert b"\n" not in body


def test_a_lone_surrogate() -> None:
    body = write_event(event.ReplyEvent("shop", 1, "13800000000", "a\ud83d", "", AT_MS, False))
    assert json.loads(body)["data"]["text"] == "a\ufffd"


def test_the_specifications_own_signature() -> None:
    """The example that the reference libraries of every language are tested with."""
    secret, id, timestamp_s = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    signature = sign(secret, id, timestamp_s, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=24, max_size=64), st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True), st.text())
def test_the_reference_verifies(raw: bytes, id: str, text: str) -> None:
    secret = write_secret(raw)
    assert read_secret(secret) == raw
    assert read_secret(secret.rstrip("=")) == raw
    body = json.dumps({"text": text}, ensure_ascii=False).encode("utf-8", "replace")
    headers = headers_of(secret, id, int(time.time()), body)
    assert Webhook(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, {**headers, "webhook-id": f"{id}x"})


def test_headers() -> None:
    headers = headers_of(SECRET, "msg_1", 1_700_000_000, b"{}")
    assert list(headers) == ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"]
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_1", "1700000000")


@pytest.mark.parametrize("length", [0, 23, 65])
def test_a_secret_of_another_length_is_not_written(length: int) -> None:
    with pytest.raises(ValueError, match=f"24 to 64 bytes, not {length}"):
        write_secret(bytes(length))


@pytest.mark.parametrize("secret", SECRETS_REFUSED.values(), ids=SECRETS_REFUSED.keys())
def test_a_secret_that_is_none(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and 24 to 64 bytes in base64") as caught:
        read_secret(secret)
    assert not secret or secret not in str(caught.value), "what is wrong is said without the secret"


@pytest.mark.parametrize("id", ["", "a.b", "a b", "a\r\nx: y", "é", "x" * 257])
def test_an_id_that_could_mislead(id: str) -> None:
    with pytest.raises(ValueError, match="webhook's id"):
        sign(SECRET, id, 1, b"{}")
