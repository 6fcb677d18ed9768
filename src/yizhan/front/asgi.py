"""An ASGI application behind our listener: the admin API. Its answers are taken whole, streams are not for it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from yizhan.front.reply import Reply
from yizhan.front.request import Answerer, Request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def answers_of(app: App) -> Answerer:
    """What ``app`` (ASGI 3, without lifespan) answers."""

    async def answer(request: Request) -> Reply:
        messages: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            messages.append(message)

        try:
            await app(_scope(request), receive, send)
        except Exception:
            if not messages:
                raise
            # Starlette raises what was unforeseen even after it has answered 500, and the application has logged it.
        return _reply(messages)

    return answer


def _scope(request: Request) -> Scope:
    path = request.path.decode("ascii", "replace")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": request.version,
        "server": request.server,
        "client": request.client,
        "scheme": request.scheme,
        "method": request.method,
        "root_path": "",
        "path": unquote(path) if "%" in path else path,
        "raw_path": request.path,
        "query_string": request.query,
        "headers": request.headers,
        "state": {},
        "extensions": {},
    }


def _reply(messages: list[MutableMapping[str, Any]]) -> Reply:
    headers = messages[0].get("headers", ())
    body = b"".join(message.get("body", b"") for message in messages[1:])
    content_type = dict(headers).get(b"content-type", b"").decode("latin-1")
    # The connection counts for itself. Each cookie has a header of its own, all under one name.
    others = tuple((name, value) for name, value in headers if name not in (b"content-length", b"content-type"))
    return Reply(messages[0]["status"], body, content_type, headers=others)
