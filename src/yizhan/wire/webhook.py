"""Webhooks: an event as JSON, signed as Standard Webhooks 1.0.0 has it, so that ready-made verifiers accept it.

The signed bytes are ``id.timestamp.body``. The id stays the same in every attempt, so that a receiver can tell a
repetition; the timestamp is that of the attempt, so that it can refuse an old one.
"""

import base64
import hashlib
import hmac
import json
import re
from typing import Any

from yizhan.kit.clock import to_rfc3339
from yizhan.model.event import Event, ReplyEvent, ReportEvent, TestEvent

SECRET_PREFIX = "whsec_"  # noqa: S105 (what every secret begins with, no secret itself)
MIN_SECRET_BYTES = 24
MAX_SECRET_BYTES = 64
# A dot in an id could move the borders between id, timestamp and body without changing the signature.
_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")


def write_secret(raw: bytes) -> str:
    """Random bytes as a secret that people can copy: ``whsec_`` and base64. ValueError unless 24 to 64 bytes."""
    if not MIN_SECRET_BYTES <= len(raw) <= MAX_SECRET_BYTES:
        raise ValueError(f"a secret has {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes, not {len(raw)}")
    return SECRET_PREFIX + base64.b64encode(raw).decode("ascii")


def read_secret(secret: str) -> bytes:
    """The key in a secret. ValueError says what is allowed, and does not repeat the secret."""
    allowed = f"a secret is {SECRET_PREFIX} and {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes in base64"
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(allowed)
    coded = secret.removeprefix(SECRET_PREFIX)
    try:
        # The reference verifiers take a secret without the "=" at its end, so secrets without it are about.
        raw = base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except ValueError:
        raise ValueError(allowed) from None
    if not MIN_SECRET_BYTES <= len(raw) <= MAX_SECRET_BYTES:
        raise ValueError(f"{allowed}; this one has {len(raw)} bytes")
    return raw


def write_event(event: Event) -> bytes:
    """``event`` as compact JSON in UTF-8: ``type``, ``timestamp`` (when it happened) and ``data``.

    Times are RFC 3339 in UTC with milliseconds. A lone surrogate becomes U+FFFD.
    """
    kind, at_ms, data = _describe(event)
    whole = {"type": kind, "timestamp": to_rfc3339(at_ms), "data": data}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def sign(secret: str, id: str, timestamp_s: int, body: bytes) -> str:
    """The signature of one attempt: ``v1,`` and the HMAC-SHA256 in base64.

    ValueError for a secret that ``read_secret`` refuses, and for an id that is not 1 to 256 of ``A-Za-z0-9_-``.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"a webhook's id is 1 to 256 of A-Z a-z 0-9 _ -, not {id!r}")
    signed = f"{id}.{timestamp_s}.".encode("ascii") + body
    return "v1," + base64.b64encode(hmac.digest(read_secret(secret), signed, hashlib.sha256)).decode("ascii")


def headers_of(secret: str, id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt at ``timestamp_s``, seconds since 1970. ValueError as ``sign``."""
    return {
        "content-type": "application/json; charset=utf-8",
        "webhook-id": id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": sign(secret, id, timestamp_s, body),
    }


def _describe(event: Event) -> tuple[str, int, dict[str, Any]]:
    """Type, moment and data."""
    match event:
        case ReportEvent():
            return "sms.report", event.reported_at_ms, _report(event)
        case ReplyEvent():
            return "sms.reply", event.received_at_ms, _reply(event)
        case TestEvent():
            return "test", event.at_ms, {"account": event.account}


def _report(event: ReportEvent) -> dict[str, Any]:
    return {
        "account": event.account,
        "submission": event.submission,
        "number": event.number,
        "cell": event.cell,
        "flag": event.flag,
        "status": event.status,
        "state": event.state,
        "submitted_at": to_rfc3339(event.submitted_at_ms),
        "reported_at": to_rfc3339(event.reported_at_ms),
    }


def _reply(event: ReplyEvent) -> dict[str, Any]:
    return {
        "account": event.account,
        "id": event.id,
        "number": event.number,
        "text": event.text,
        "cell": event.cell,
        "received_at": to_rfc3339(event.received_at_ms),
        "opted_out": event.opted_out,
    }
