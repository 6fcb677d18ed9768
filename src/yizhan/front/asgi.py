"""The three things that an ASGI application is called with."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LEAVING = "yizhan.leaving"  # scope extension: await it behind the last send; whether every byte went to the socket
CROWDED = "yizhan.crowded"  # scope extension: one connection too many, answer that there is no room
