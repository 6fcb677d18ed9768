"""What operators ask: accounts, lists, messages with their stories, refusals, the audit log, health."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from yizhan import __version__
from yizhan.flow.ask_messages import LAST_CLIENT_ID, MessageQuestions
from yizhan.flow.faults import find_faults
from yizhan.flow.office import Conflict, NotFound, channel_of
from yizhan.flow.operate_tokens import hash_of
from yizhan.flow.story import tell
from yizhan.kit.clock import to_rfc3339
from yizhan.model.access import Caller
from yizhan.model.account import Profile
from yizhan.model.carriage import by_channel
from yizhan.model.channel import keys_of, shown
from yizhan.model.message import State
from yizhan.model.money import as_number
from yizhan.model.operation import find_operation
from yizhan.model.reject import Reject
from yizhan.model.route import Route
from yizhan.model.story import Story
from yizhan.model.views import (
    AccountView,
    AddressView,
    AuditView,
    CardView,
    ChannelCard,
    ChannelQueue,
    ChannelView,
    DayView,
    HealthView,
    KeywordHit,
    LedgerCheck,
    LedgerView,
    MessagePage,
    MessageView,
    NumberView,
    PersonView,
    PushView,
    RefusalView,
    RejectedChannel,
    ReplyView,
    RouteExplained,
    RouteView,
    TestStep,
    TokenView,
    TracedPdu,
    WebhookView,
)
from yizhan.policy.numbers import named_number, to_e164
from yizhan.policy.route_key import passenger, passenger_to
from yizhan.policy.routing import decide, ways_of
from yizhan.policy.text_class import text_class
from yizhan.store import accounts, cards, ledger, lists, messages, pushes, queue, records, replies
from yizhan.store.backup import BackupFailed, BackupView
from yizhan.store.channels import is_simulated
from yizhan.store.database import WHOLE, Session
from yizhan.store.lists import EVERYBODY
from yizhan.store.migrate import schema_of
from yizhan.store.people import view_people
from yizhan.store.records import RefusedCall
from yizhan.store.replies import NOBODY
from yizhan.store.search import Filter
from yizhan.store.tokens import find_token, view_tokens
from yizhan.store.totals import Total, day_of, totals
from yizhan.wire.codes import code_of

_DAY_MS = 86_400_000
_MOST_CHARS = 1_000  # of a text that is looked for
_MOST_OF_ONE = 100_000  # messages of a submission: more than any limit lets through


class Ask(MessageQuestions):
    """Every question an operator can ask. NotFound and ValueError as in ``flow.operate``.

    Lists and counts that grow with the traffic are searches, which a replica may answer.
    """

    async def accounts(self, part: str = "", after: str = "", limit: int | None = None) -> list[AccountView]:
        """Accounts by CorpID: all, or those with ``part`` in it; ``after`` is the last one of the page above."""
        return await self._database.read(
            lambda session: accounts.view_accounts(session, part=part, after=after, limit=limit)
        )

    async def account(self, corp_id: str) -> AccountView:
        """One account. NotFound."""
        self._account_id(corp_id)
        return (await self._database.read(lambda session: accounts.view_accounts(session, corp_id)))[0]

    async def demo_accounts(self) -> list[str]:
        """Accounts that ``serve --demo`` has made."""
        return await self._database.read(accounts.demo_accounts)

    async def ledger(self, corp_id: str | None, limit: int, before: int | None = None) -> list[LedgerView]:
        """The newest ledger entries, of one account or of all."""
        account_id = None if corp_id is None else self._account_id(corp_id)
        return await self._database.search(lambda session: ledger.list_entries(session, account_id, limit, before))

    async def verify_ledger(self) -> LedgerCheck:
        """Hold the ledger's rules against all rows."""
        return await self._database.search(ledger.verify_ledger)

    async def keywords(self, part: str = "", after: str = "", limit: int | None = None) -> list[str]:
        """Forbidden keywords: all, or those with ``part`` in them; ``after`` is the last one of the page above."""
        return await self._database.read(lambda session: lists.load_keywords(session, part, after, limit))

    async def count_keywords(self) -> int:
        """How many there are."""
        return await self._database.read(lists.count_keywords)

    async def test_keywords(self, text: str) -> list[KeywordHit]:
        """What the keyword rule would find in ``text``."""
        return self._living.standing.keywords.hits(text)

    async def addresses(self) -> list[AddressView]:
        """The IP blacklist."""
        return await self._database.read(lambda session: lists.view_addresses(session, self._clock.now_ms()))

    async def numbers(
        self,
        corp_id: str | None,
        *,
        everybodys: bool = False,
        part: str = "",
        after: tuple[str | None, str] | None = None,
        limit: int | None = None,
    ) -> list[NumberView]:
        """Blocked numbers: all, one account's, or those for everybody, with ``part`` in them; ``after`` is account and
        number of the last one of the page above.
        """
        account_id = EVERYBODY if everybodys else None if corp_id is None else self._account_id(corp_id)
        behind = after and (EVERYBODY if after[0] is None else self._account_id(after[0]), after[1])
        return await self._database.read(
            lambda session: lists.view_numbers(session, account_id, part, behind or None, limit)
        )

    async def replies(
        self, corp_id: str | None, nobodys: bool, limit: int, before: int | None = None
    ) -> list[ReplyView]:
        """The newest replies: all, one account's, or those that belong to nobody."""
        account_id = NOBODY if nobodys else None if corp_id is None else self._account_id(corp_id)
        return await self._database.search(
            lambda session: replies.view_replies(session, account_id, limit, before=before)
        )

    async def reply(self, id: int) -> ReplyView:
        """One reply. NotFound."""
        found = await self._database.read(lambda session: replies.view_replies(session, None, 1, id))
        if not found:
            raise NotFound(f"no reply {id}")
        return found[0]

    async def webhooks(self) -> list[WebhookView]:
        """Every webhook with what waits for it."""
        return await self._database.search(pushes.view_webhooks)

    async def webhook(self, corp_id: str) -> WebhookView | None:
        """One account's webhook; None when it has none. NotFound."""
        account_id = self._account_id(corp_id)
        found = await self._database.search(lambda session: pushes.view_webhooks(session, account_id))
        return found[0] if found else None

    async def pushes(
        self, corp_id: str | None, parked: bool | None, limit: int, after: int | None = None
    ) -> list[PushView]:
        """Events that wait for webhooks or are parked, oldest first."""
        account_id = None if corp_id is None else self._account_id(corp_id)
        return await self._database.search(
            lambda session: pushes.view_pushes(session, account_id, parked, limit, after)
        )

    async def cards(self, used: bool | None, limit: int, before: str | None = None, part: str = "") -> list[CardView]:
        """The newest recharge cards, or those with ``part`` in their numbers."""
        return await self._database.search(lambda session: cards.view_cards(session, used, limit, before, part))

    async def profile(self, corp_id: str) -> Profile:
        """Who stands behind an account, as it said itself."""
        account_id = self._account_id(corp_id)
        return await self._database.read(lambda session: accounts.read_profile(session, account_id))

    async def messages(
        self,
        *,
        account: str | None = None,
        state: str | None = None,
        number: str | None = None,
        submission: int | None = None,
        channel: str | None = None,
        text: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> MessagePage:
        """The newest messages that match; ``before`` is the last id of the page above.

        ``text``: a piece of it, looked for in the last 24 hours if ``since_ms`` does not say otherwise. Moments are of
        acceptance. ValueError for what cannot be.
        """
        if text is not None and len(text) > _MOST_CHARS:
            raise ValueError(f"a piece of a text has at most {_MOST_CHARS} characters")
        if text is not None and since_ms is None:
            since_ms = (self._clock.now_ms() if until_ms is None else until_ms) - _DAY_MS
        if since_ms is not None and until_ms is not None and since_ms >= until_ms:
            raise ValueError("since must be earlier than until")
        wanted = Filter(
            account=account,
            state=None if state is None else _state(state),
            number=None if number is None else to_e164(number) or number,
            submission=submission,
            channel=channel,
            text=text,
            since_ms=since_ms,
            until_ms=until_ms,
            limit=limit,
            before=before,
        )
        return await self._database.search(lambda session: messages.list_messages(session, wanted))

    async def messages_of(self, submission: int, account: str) -> list[MessageView]:
        """All messages of a submission in their order, as they stand after everything that was committed."""
        wanted = Filter(account=account, submission=submission, limit=_MOST_OF_ONE)
        page = await self._database.read(lambda session: messages.list_messages(session, wanted))
        return page.messages[::-1]

    async def stories(self, id: int, account: str | None = None) -> list[Story]:
        """The stories of a submission's messages (``id`` as the client got it) or of one message. NotFound."""
        if id <= LAST_CLIENT_ID:
            wanted = Filter(submission=id, account=account, limit=100)
        else:
            wanted = Filter(message=id, account=account)
        found = await self._database.read(lambda session: messages.find_records(session, wanted))
        if not found:
            raise NotFound(f"no submission or message {id}")
        states = by_channel(courier.state() for courier in self._board.couriers())
        routes, now_ms = self._living.standing.routes, self._clock.now_ms()
        return [tell(record, now_ms, routes, states) for record in reversed(found)]

    async def days(self, corp_id: str, days: int, most: int) -> list[DayView]:
        """What an account sent today and on the days before, newest first; of no more than the newest ``most``
        messages. NotFound.
        """
        account_id, today = self._account_id(corp_id), day_of(self._clock.now_ms())
        found = await self._database.search(lambda session: totals(session, account_id, today - days + 1, most))
        by_day: dict[int, list[Total]] = defaultdict(list)
        for total in found:
            by_day[total.day].append(total)
        return [_day(day, by_day[day]) for day in sorted(by_day, reverse=True)]

    async def channels(self) -> list[ChannelView]:
        """Every channel as it stands now; without a running node only that there are such."""
        return [self._board.view(one) for one in self._board.settings()]

    async def is_simulated(self, name: str | None) -> bool:
        """Whether a channel that there is or was is a simulator."""
        return name is not None and await self._database.read(lambda session: is_simulated(session, name))

    async def channel(self, name: str) -> ChannelCard:
        """One channel with its settings. NotFound."""
        settings = channel_of(self._board, name)
        keys = settings.model_dump(mode="json", include=set(keys_of(settings.kind)))
        return ChannelCard(self._board.view(settings), shown(keys), self._board.in_file(name))

    async def queue_of(self, name: str) -> ChannelQueue:
        """What is queued for a channel. A walk over all that is queued. NotFound."""
        channel_of(self._board, name)
        sizes = await self._database.search(queue.queued)
        routes, channels = self._living.standing.routes, [one.name for one in self._board.settings()]
        may = only = 0
        for crowd, count in sizes:
            ways = ways_of(routes, channels, passenger(crowd.account_id, crowd.route_key))
            may += count * (name in ways)
            only += count * (ways == {name})
        return ChannelQueue(may, only)

    async def trace(self, name: str, after: int, number: str | None, limit: int, *, clear: bool) -> list[TracedPdu]:
        """The newest protocol messages of a channel behind ``after``; none while it is not at work. NotFound."""
        channel_of(self._board, name)
        couriers = [one for one in self._board.couriers() if one.name == name]

        def read() -> list[TracedPdu]:
            found = [pdu for one in couriers for pdu in one.trace(after, number, limit, clear=clear)]
            return sorted(found, key=lambda pdu: pdu.seq)[:limit]

        return await asyncio.to_thread(read)  # a whole ring, and nobody else waits for it

    async def try_channel(self, name: str) -> list[TestStep]:
        """Ask a channel's carrier whether it is there. NotFound, Conflict."""
        return await self._board.test(channel_of(self._board, name))

    async def routes(self) -> list[RouteView]:
        """Every rule, by position."""
        standing = self._living.standing
        names = standing.names()
        return [route_view(route, names) for route in standing.routes]

    async def explain_route(self, number: str, corp_id: str, text: str) -> RouteExplained:
        """Where a message would go now, and why not elsewhere. ValueError for what is no number; NotFound."""
        e164 = named_number(number)
        who = passenger_to(self._account_id(corp_id), e164, text_class(text))
        states = by_channel(courier.state() for courier in self._board.couriers())
        decision = decide(self._living.standing.routes, states, who)
        names = self._living.standing.names()
        return RouteExplained(
            number=e164,
            account=corp_id,
            country=who.country,
            network=who.network.value if who.network else None,
            text_class=who.text_class.value,
            rule=route_view(decision.route, names) if decision.route else None,
            open=dict(decision.open),
            rejected=[
                RejectedChannel(one.channel, one.why, one.obstacle.name.lower(), one.detail)
                for one in decision.rejected
            ],
        )

    async def refusals(
        self, limit: int, before: int | None = None, *, account: str | None = None, reject: str | None = None
    ) -> list[RefusalView]:
        """The newest refused calls; ``account`` as the caller named it."""
        rule = None if reject is None else _reject(reject)
        found = await self._database.search(
            lambda session: records.list_refusals(session, limit, before, account, rule)
        )
        return [_refusal(call) for call in found]

    async def audit(
        self,
        limit: int,
        *,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        before: int | None = None,
    ) -> list[AuditView]:
        """The newest operator actions that match; ``before`` is the last id of the page above."""
        wanted = records.Wanted(actor, action, subject, before, limit)
        return await self._database.search(lambda session: records.list_actions(session, wanted))

    async def tokens(self) -> list[TokenView]:
        """Every token of the admin API, by name."""
        return await self._database.read(view_tokens)

    async def people(self) -> list[PersonView]:
        """Everybody who may log in at the console, by name."""
        return await self._database.read(view_people)

    async def person(self, name: str) -> PersonView:
        """One of them. NotFound."""
        for view in await self.people():
            if view.name == name:
                return view
        raise NotFound(f"no person {name}")

    async def holder(self, token: str) -> Caller | None:
        """Who holds it; None when it is none, or over."""
        hash = hash_of(token)
        found = await self._database.read(lambda session: find_token(session, hash))
        if found is None or (found.until_ms is not None and found.until_ms <= self._clock.now_ms()):
            return None
        return Caller(f"token {found.name}", found.role, found.account)

    async def back_up(self, file: Path) -> BackupView:
        """Copy the store to ``file``. Conflict says why there is no copy; ValueError for a relative path."""
        if not file.is_absolute():
            raise ValueError("file must be an absolute path")
        try:
            return await self._database.back_up(file)
        except BackupFailed as error:
            raise Conflict(str(error)) from error

    async def health(self) -> HealthView:
        """Integrity of the store, the ledger's rules, what waits and how the channels stand."""

        def look(session: Session) -> tuple[LedgerCheck, dict[str, int], int, str]:
            check, waiting = ledger.verify_ledger(session), messages.count_waiting(session)
            return check, waiting, pushes.count_parked(session), schema_of(session) or ""

        integrity = await self._database.integrity()
        check, waiting, parked_events, schema = LedgerCheck(0, 0, []), dict[str, int](), 0, ""
        if integrity == WHOLE:  # else whatever is asked may fail, or be answered wrongly
            check, waiting, parked_events, schema = await self._database.search(look)
        disk_free_bytes, disk_low = self._database.disk()
        log_bytes, log_large = self._database.log()
        commits, committed_calls = self._database.committed()
        health = HealthView(
            version=__version__,
            schema=schema,
            store=integrity,
            disk_free_bytes=disk_free_bytes,
            disk_low=disk_low,
            log_bytes=log_bytes,
            log_large=log_large,
            replica=await self._database.replica(),
            accounts=check.accounts,
            waiting=waiting,
            parked_events=parked_events,
            channels=[self._board.view(one) for one in self._board.settings()],
            commits=commits,
            committed_calls=committed_calls,
            ledger=check,
        )
        return replace(health, faults=list(find_faults(health)))


def _day(day: int, totals: Sequence[Total]) -> DayView:
    return DayView(
        day=(date(1970, 1, 1) + timedelta(days=day)).isoformat(),
        states={one.state.word: one.messages for one in sorted(totals, key=lambda one: one.state)},
        price=as_number(sum(one.price_milli for one in totals)),
        refunded=as_number(sum(one.refunded_milli for one in totals)),
    )


def _state(word: str) -> State:
    try:
        return State[word.upper()]
    except KeyError:
        raise ValueError(f"state must be one of {', '.join(state.word for state in State)}") from None


def _reject(word: str) -> Reject:
    try:
        return Reject(word)
    except ValueError:
        raise ValueError(f"reject must be one of {', '.join(Reject)}") from None


def route_view(route: Route, names: Mapping[int, str]) -> RouteView:
    """A rule as operators see it; ``names``: accounts by id."""
    return RouteView(
        id=route.id,
        position=route.position,
        account=None if route.account_id is None else names.get(route.account_id, str(route.account_id)),
        prefix=route.prefix or None,
        country=route.country or None,
        network=route.network.value if route.network else None,
        text_class=route.text_class.value if route.text_class else None,
        tiers=[dict(tier) for tier in route.tiers],
        note=route.note,
    )


def _refusal(call: RefusedCall) -> RefusalView:
    operation = find_operation(call.operation)
    code = code_of(Reject(call.reject), operation) if operation else 0
    at = to_rfc3339(call.at_ms) or ""
    return RefusalView(call.id, at, call.operation, call.account, call.address, call.reject, code, call.hit, call.text)
