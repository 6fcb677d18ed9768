"""Send: a message by the API, through the same admission as a client's call."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial

from yizhan.flow.accept import Accepting
from yizhan.flow.ask import Ask
from yizhan.model.call import Call, Original, Transport
from yizhan.model.operation import FAMILY
from yizhan.model.reject import Refusal
from yizhan.model.views import SentMessage, SentNumber
from yizhan.store.once import Once
from yizhan.wire.codes import code_of

_OPERATION = FAMILY[0]  # IntlSend, of which the contract's table speaks first
_LOCAL = "127.0.0.1"


class Refused(Exception):
    """The message is not sent, and nothing is kept or charged. The text says why."""

    def __init__(self, refusal: Refusal) -> None:
        hit = f": {refusal.hit}" if refusal.hit else ""
        super().__init__(f"{refusal.reject.value.replace('_', ' ')}{hit}")
        self.reject = refusal.reject.value
        self.hit = refusal.hit
        self.code = code_of(refusal.reject, _OPERATION)  # what the old protocol answers


class Send:
    """Turns what the API was asked into a call, and what became of it into an answer."""

    def __init__(self, accepting: Accepting, ask: Ask, keep_bytes: int) -> None:
        """``keep_bytes``: so much of a request is kept with its message."""
        self._accepting = accepting
        self._ask = ask
        self._keep_bytes = keep_bytes

    async def send(
        self,
        corp_id: str,
        values: Mapping[str, str],
        key: str | None,
        actor: str = "",
        original: Callable[..., Original] | None = None,
    ) -> SentMessage:
        """``values``: the call's, under lower-case names. ``key``: asked again with it, the message is not sent again;
        ``actor``: who shall stand in the audit log, with a key; ``original``: ``wire.original.keep`` of the
        request, but for ``most``.

        Raises Refused, and ValueError when the key stands for another message.
        """
        call = Call(_OPERATION, {**values, _OPERATION.login[0]: corp_id}, _LOCAL, Transport.API)
        if original is not None and self._keep_bytes:
            call.original = partial(original, most=self._keep_bytes)
        once = None if key is None else Once(key, _digest(values), actor)
        stored = await self._accepting.submit_known(call, once)
        if isinstance(stored, Refusal):
            raise Refused(stored)
        if stored is None:
            raise ValueError("the Idempotency-Key stands for another message")
        views = await self._ask.messages_of(stored.submission, corp_id)
        return SentMessage(
            submission=stored.submission,
            repeated=stored.before,
            account=corp_id,
            text=views[0].text if views else None,
            parts=views[0].parts if views else None,
            price=sum(view.price for view in views),
            numbers=[SentNumber(view.id, view.written, view.number, view.state, view.price) for view in views],
        )


def _digest(values: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()
