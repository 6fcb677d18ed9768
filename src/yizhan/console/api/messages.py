"""Admin API: messages, their stories, cancelling; refusals, audit, health."""

import pathlib
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from yizhan.console.api.bodies import (
    BackupTo,
    Cancellation,
    FateWish,
    HandsetReply,
    Limit,
    Message,
    NewMessage,
    Release,
    RowId,
    WallTime,
)
from yizhan.console.api.document import STOPPED_AT, errors
from yizhan.console.api.paging import Before, Next
from yizhan.console.desk import Actor, Own, of_node
from yizhan.console.telling import tell
from yizhan.flow.ask import Ask
from yizhan.flow.explain import Explain
from yizhan.flow.operate import Operate
from yizhan.flow.play import Play
from yizhan.flow.send import Send
from yizhan.kit.clock import to_ms
from yizhan.model.views import (
    AuditView,
    ChosenFate,
    Explanation,
    HealthView,
    MessageStory,
    MessageView,
    PhoneMessage,
    RefusalView,
    ReplyView,
    SentMessage,
    SubmissionView,
)
from yizhan.store.backup import BackupView
from yizhan.wire.original import keep

Number = Annotated[str, Query(min_length=1, max_length=64)]
Part = Annotated[str, Query(min_length=1, max_length=128)]
OptionalId = Annotated[RowId | None, Query()]
_ACCEPTED = "Accepted {}. Without a zone it is Beijing's time."


def message_router(operate: Operate, ask: Ask, send: Send | None) -> APIRouter:
    """``/messages``, newest first."""
    router = APIRouter(prefix="/messages", tags=["messages"])

    @router.get("", responses=errors(404))
    async def list_messages(
        *,
        own: Own,
        onward: Next,
        account: str | None = None,
        state: str | None = None,
        number: Number | None = None,
        submission: OptionalId = None,
        channel: str | None = None,
        text: Annotated[
            str | None,
            Query(
                min_length=1,
                max_length=1_000,
                description="A piece of the text, of whatever case. Without since, the last 24 hours are searched.",
            ),
        ] = None,
        since: Annotated[WallTime | None, Query(description=_ACCEPTED.format("then, or later"))] = None,
        until: Annotated[WallTime | None, Query(description=_ACCEPTED.format("earlier"))] = None,
        limit: Annotated[Limit, Query()] = 50,
        before: Before = None,
    ) -> list[MessageView]:
        page = await ask.messages(
            account=own.only(account),
            state=state,
            number=number,
            submission=submission,
            channel=channel,
            text=text,
            since_ms=None if since is None else to_ms(since),
            until_ms=None if until is None else to_ms(until),
            limit=limit,
            before=before,
        )
        if page.before is not None:
            onward.at(before=page.before)
        if page.stopped_at is not None:
            onward.headers[STOPPED_AT] = page.stopped_at
        return page.messages

    @router.post("", status_code=201, responses=errors(404, 409))
    async def send_message(
        body: NewMessage,
        request: Request,
        response: Response,
        own: Own,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")] = None,
    ) -> SentMessage:
        target = request.url.path.encode(), request.url.query.encode()
        original = partial(keep, request.method, *target, request.headers.raw, await request.body(), is_document=False)
        sent = await of_node(send).send(own.account(body.account), body.values(), idempotency_key, original=original)
        if sent.repeated:
            response.status_code = 200
        return sent

    @router.get("/{id}", responses=errors(404))
    async def show_message(id: Annotated[RowId, Path()], own: Own, account: str | None = None) -> list[MessageStory]:
        return [tell(story) for story in await ask.stories(id, own.only(account))]

    @router.post("/{id}/resend", status_code=204, responses=errors(409))
    async def send_again(id: Annotated[RowId, Path()], actor: Actor) -> None:
        await operate.send_again(actor, id)

    @router.post("/{id}/give-up", status_code=204, responses=errors(409))
    async def give_up(id: Annotated[RowId, Path()], actor: Actor) -> None:
        await operate.give_up(actor, id)

    @router.post("/{id}/release", status_code=201, responses=errors(404, 409))
    async def release(id: Annotated[RowId, Path()], body: Release, actor: Actor) -> MessageView:
        return await operate.release(actor, id, body.channel)

    return router


def explain_router(explain: Explain | None) -> APIRouter:
    """``/explain``: what would become of a message, without sending it."""
    router = APIRouter(tags=["messages"])

    @router.post("/explain", responses=errors(404, 409))
    async def explain_message(body: Message, own: Own) -> Explanation:
        values = {"mobile": ",".join(body.to), "content": body.text, "cell": body.cell, "sendtime": body.send_time}
        return await of_node(explain).explain(own.account(body.account), body.operation, values)

    return router


def reply_router(ask: Ask, play: Play) -> APIRouter:
    """``/replies``, and ``/simulator/replies`` that makes one."""
    router = APIRouter(tags=["messages"])

    @router.get("/replies", responses=errors(404))
    async def list_replies(
        *,
        own: Own,
        onward: Next,
        account: str | None = None,
        nobodys: bool = False,
        limit: Annotated[Limit, Query()] = 50,
        before: Before = None,
    ) -> Sequence[ReplyView]:
        of = own.only(account)
        return onward.behind(await ask.replies(of, nobodys and of is None, limit, before), limit)

    @router.post("/simulator/replies", status_code=201, responses=errors(404))
    async def reply(body: HandsetReply) -> ReplyView:
        return await ask.reply(await play.reply(body.number, body.to, body.text))

    return router


def inbox_router(play: Play) -> APIRouter:
    """``/inbox``: what has arrived on the simulator's handsets, and waiting for it."""
    router = APIRouter(prefix="/inbox", tags=["handsets"])

    @router.get("")
    async def list_inbox(
        onward: Next, to: Number | None = None, limit: Annotated[Limit, Query()] = 50, before: Before = None
    ) -> Sequence[PhoneMessage]:
        return onward.behind(play.inbox(to, limit, before), limit)

    @router.get("/wait", responses=errors(404))
    async def wait(
        to: Number,
        match: Annotated[str, Query(max_length=1_000)] = "",
        timeout_s: Annotated[float, Query(ge=0, le=300)] = 30,
    ) -> PhoneMessage:
        return await play.wait(to, match, timeout_s)

    return router


def fate_router(play: Play) -> APIRouter:
    """``/simulator/fates``: what the simulator will do with messages to its handsets."""
    router = APIRouter(prefix="/simulator/fates", tags=["handsets"])

    @router.get("")
    async def list_fates() -> Sequence[ChosenFate]:
        return play.chosen_fates()

    @router.post("", status_code=201, responses=errors(409))
    async def choose_fate(body: FateWish) -> ChosenFate:
        return play.choose_fate(body.to, body.fate, body.count, body.delay_s)

    @router.delete("", status_code=204, responses=errors(404))
    async def forget_fate(to: Number | None = None) -> None:
        play.forget_fate(to)

    return router


def submission_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/submissions``: a whole call, by the id its client got."""
    router = APIRouter(prefix="/submissions", tags=["messages"])

    @router.get("/{id}", responses=errors(404))
    async def show_submission(id: Annotated[RowId, Path()], own: Own, account: str | None = None) -> SubmissionView:
        return await ask.submission(id, own.only(account))

    @router.post("/{id}/cancel", responses=errors(404))
    async def cancel(id: Annotated[RowId, Path()], actor: Actor, body: Cancellation | None = None) -> dict[str, int]:
        return {"cancelled": await operate.cancel(actor, id, corp_id=body.account if body else None)}

    return router


def watch_router(ask: Ask) -> APIRouter:
    """``/refusals``, ``/audit`` and ``/health``: what happened, and how the gateway is."""
    router = APIRouter(tags=["watch"])

    @router.get("/refusals")
    async def list_refusals(
        onward: Next,
        account: Annotated[str | None, Query(description="As the caller named it.")] = None,
        reject: Annotated[str | None, Query(description="Only by this rule, say keyword.")] = None,
        limit: Annotated[Limit, Query()] = 50,
        before: Before = None,
    ) -> Sequence[RefusalView]:
        return onward.behind(await ask.refusals(limit, before, account=account, reject=reject), limit)

    @router.get("/audit")
    async def list_audit(
        *,
        onward: Next,
        actor: Part | None = None,
        action: Part | None = None,
        subject: Part | None = None,
        limit: Annotated[Limit, Query()] = 50,
        before: Before = None,
    ) -> Sequence[AuditView]:
        found = await ask.audit(limit, actor=actor, action=action, subject=subject, before=before)
        return onward.behind(found, limit)

    @router.get("/health")
    async def show_health() -> HealthView:
        return await ask.health()

    @router.post("/backup", status_code=201, responses=errors(409))
    async def back_up(body: BackupTo) -> BackupView:
        return await ask.back_up(pathlib.Path(body.file))

    return router
