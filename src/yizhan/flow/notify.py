"""Notify: reports and replies go to the webhooks of their accounts, in order per number."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yizhan.flow.ports import Messenger
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.event import Event, Posted, ReplyEvent, ReportEvent
from yizhan.model.handout import Queue
from yizhan.model.settings import PushSettings
from yizhan.policy.backoff import delay_s
from yizhan.store.committer import Turn
from yizhan.store.database import Database, Session
from yizhan.store.handouts import report_row
from yizhan.store.pushes import Push, Tried, Webhook, due, load_webhooks, settle_pushes
from yizhan.wire.answer import client_number
from yizhan.wire.hand_out import FLAGS, status_of

log = get_logger("notify")

_LOOK_S = 0.5
_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class _Due:
    """What to push next, and where."""

    webhook: Webhook
    pushes: Sequence[Push]


class Notifier:
    """One stream of events a webhook, so that a receiver that does not answer holds up nobody but itself."""

    def __init__(
        self,
        database: Database,
        messenger: Messenger,
        clock: Clock,
        settings: PushSettings,
        on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """``on_duty``: whether it is this node that pushes."""
        self._on_duty = on_duty
        self._database = database
        self._messenger = messenger
        self._clock = clock
        self._settings = settings

    async def run(self) -> None:
        """Until cancelled: look twice a second which webhooks have something due."""
        streams: dict[int, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                for webhook in await self._webhooks() if self._on_duty() else ():
                    stream = streams.get(webhook.account_id)
                    if stream is None or stream.done():
                        streams[webhook.account_id] = group.create_task(self._stream(webhook))
                await asyncio.sleep(_LOOK_S)

    async def _webhooks(self) -> list[Webhook]:
        try:
            return await self._database.read(load_webhooks)
        except Exception as error:
            log.error("webhooks cannot be read", error=repr(error))
            return []

    async def _stream(self, webhook: Webhook) -> None:
        """What is due, so many at once, until nothing is; the store's failures end it for a while."""
        account_id = webhook.account_id
        try:
            while self._on_duty() and (now := await self._due(account_id)) and now.pushes:
                tried = await asyncio.gather(*(self._try(now.webhook, push) for push in now.pushes))
                await self._database.write(Turn.CARE, settle_pushes, tried, rows=len(tried))
        except Exception as error:
            log.error("events cannot be pushed", account=webhook.corp_id, error=repr(error))
            await asyncio.sleep(_PAUSE_S)

    async def _due(self, account_id: int) -> _Due | None:
        """The webhook as it is set now, with what is due for it; None when it was removed."""
        now_ms, limit = self._clock.now_ms(), self._settings.at_once

        def look(session: Session) -> _Due | None:
            webhook = next(iter(load_webhooks(session, account_id)), None)
            return None if webhook is None else _Due(webhook, due(session, account_id, now_ms, limit))

        return await self._database.read(look)

    async def _try(self, webhook: Webhook, push: Push) -> Tried:
        """One attempt. An event keeps its id over all of them, so that a receiver can know it again."""
        try:
            posted = await self._post(webhook, push)
        except Exception as error:  # a mistake of ours must not make the others of its batch go out for ever
            log.exception("an event cannot be posted", account=webhook.corp_id, event_id=push.id)
            posted = Posted(accepted=False, status=None, said=type(error).__name__)
        if posted.accepted:
            return Tried(push.id, delivered=True)
        attempt, settings = push.attempts + 1, self._settings
        if attempt >= settings.max_attempts or posted.gone:
            submission = report_row(push.row).submission if push.queue is Queue.REPORTS else None
            about = {"account": webhook.corp_id, "submission": submission, "event_id": push.id}
            log.warning("an event is parked", **about, said=posted.said)
            return Tried(push.id, delivered=False, said=posted.said)
        wait_s = delay_s(attempt, settings.first_delay_s, settings.max_delay_s, random.random())  # noqa: S311  jitter
        next_at_ms = self._clock.now_ms() + int(wait_s * 1000)
        return Tried(push.id, delivered=False, next_at_ms=next_at_ms, said=posted.said)

    async def _post(self, webhook: Webhook, push: Push) -> Posted:
        id = f"evt_{push.queue:d}_{push.item_id}"
        event = event_of(webhook.corp_id, push)
        return await self._messenger.deliver(webhook.url, webhook.secret, id, self._clock.now_ms(), event)


def event_of(corp_id: str, push: Push) -> Event:
    """What a push tells."""
    if push.queue is Queue.REPLIES:
        id, number, text, cell, at_ms, opted_out = push.row
        return ReplyEvent(corp_id, id, client_number(number), text, cell, at_ms, bool(opted_out))
    row = report_row(push.row)
    return ReportEvent(
        account=corp_id,
        submission=row.submission,
        number=row.written.strip(),
        cell=row.cell,
        flag=FLAGS[row.state],
        status=status_of(row),
        state=row.state.word,
        submitted_at_ms=row.submitted_at_ms,
        reported_at_ms=row.reported_at_ms,
    )
