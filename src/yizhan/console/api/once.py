"""Changes that may come again (``Idempotency-Key``): each is carried out once, and answered the same again.

What draft-ietf-httpapi-idempotency-key-header asks for: the same key with something else is 422, with the same while
that is under way 409. PUT, PATCH and DELETE need no key: done twice, they come to the same.
"""

import re
from typing import Any

from fastapi import Depends, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yizhan.console.api.problem import problem
from yizhan.console.desk import PREFIX, caller_of
from yizhan.flow.office import Claim, Twice, claimed
from yizhan.flow.repeats import Repeats, claim_of
from yizhan.policy.access import QUESTIONS

_MOST_CHARS = 64
_PATTERN = r"^[\x21-\x7e]+$"
_SENT = "/messages"  # has keys of its own, in the commit that accepts (``store.once``)
PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": _MOST_CHARS, "pattern": _PATTERN},
    "description": "For a day, what comes again with the same key and body is not done again, and answered the same."
    " Make it hard to guess, as a random UUID is.",
}


def takes_key(method: str, path: str) -> bool:
    """Whether what stands at ``path`` (below ``/api/v1``) may come with a key that counts here."""
    return method == "POST" and path != _SENT and (method, path) not in QUESTIONS


def _forbid_keeping(response: Response) -> None:
    response.headers["cache-control"] = "no-store"


# Of a path whose answer holds a secret: it is told once, and kept nowhere, here neither.
SECRET = Depends(_forbid_keeping)


class OnceOnly:
    """In front of the API's paths."""

    def __init__(self, app: ASGIApp, repeats: Repeats) -> None:
        self._app = app
        self._repeats = repeats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        key = None
        if scope["type"] == "http" and takes_key(scope["method"], scope["path"].removeprefix(PREFIX)):
            key = Request(scope).headers.get("idempotency-key")
        if key is None:
            await self._app(scope, receive, send)
        elif len(key) > _MOST_CHARS or not re.match(_PATTERN, key):
            said = f"Idempotency-Key: 1 to {_MOST_CHARS} printable ASCII characters and no spaces"
            await problem(422, said)(scope, receive, send)
        else:
            await self._once(key, scope, receive, send)

    async def _once(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        claim = claim_of(caller_of(request), key, f"{request.url.path}?{request.url.query}\n".encode() + body)
        try:
            before = await self._repeats.answered(claim)
        except (ValueError, Twice) as error:
            await problem(409 if isinstance(error, Twice) else 422, str(error))(scope, receive, send)
            return
        if before is None:
            await self._carry_out(claim, scope, body, receive, send)
        else:
            await _again(*before)(scope, receive, send)

    async def _carry_out(self, claim: Claim, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Nothing is said before the answer is kept."""
        said: list[Message] = []
        left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def hear() -> Message:
            return left.pop() if left else await receive()

        async def note(message: Message) -> None:
            said.append(message)

        with claimed(claim):
            await self._app(scope, hear, note)
        status = said[0]["status"]
        if claim.held or status < 300:
            text = b"".join(message.get("body", b"") for message in said[1:]).decode()
            await self._repeats.keep(claim, status, None if _is_secret(said[0]) else text)
        for message in said:
            await send(message)


def _is_secret(start: Message) -> bool:
    return (b"cache-control", b"no-store") in start["headers"]


def _again(status: int, body: str | None) -> Response:
    if body is None:
        return problem(409, "it was done with this key before, and the answer, which had a secret in it, was not kept")
    kind = "application/json" if status < 400 else "application/problem+json"
    headers: dict[str, Any] = {"idempotent-replayed": "true", **({"content-type": kind} if body else {})}
    return Response(body or None, status, headers)
