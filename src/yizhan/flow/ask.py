"""What operators ask: accounts, lists, messages with their stories, refusals, the audit log, health."""

from collections.abc import Sequence

from yizhan import __version__
from yizhan.flow.living import Living
from yizhan.flow.office import NotFound
from yizhan.flow.ports import Courier
from yizhan.flow.story import tell
from yizhan.kit.clock import Clock, to_rfc3339
from yizhan.model.message import State
from yizhan.model.operation import find_operation
from yizhan.model.reject import Reject
from yizhan.model.views import (
    AccountView,
    AddressView,
    AuditView,
    HealthView,
    KeywordHit,
    LedgerCheck,
    LedgerView,
    MessageStory,
    MessageView,
    NumberView,
    RefusalView,
)
from yizhan.policy.numbers import to_e164
from yizhan.store import accounts, ledger, lists, messages, records
from yizhan.store.database import Database, Session
from yizhan.store.migrate import HEAD
from yizhan.store.records import RefusedCall
from yizhan.wire.codes import code_of

# Client ids are int32; message ids begin above them (``store.schema.FIRST_MESSAGE_KEY``).
_LAST_CLIENT_ID = 2_147_483_647


class Ask:
    """Every question an operator can ask. NotFound and ValueError as in ``flow.operate``."""

    def __init__(self, database: Database, living: Living, couriers: Sequence[Courier], clock: Clock) -> None:
        self._database = database
        self._living = living
        self._couriers = couriers
        self._clock = clock

    async def accounts(self) -> list[AccountView]:
        """All accounts, by CorpID."""
        return await self._database.read(accounts.view_accounts)

    async def account(self, corp_id: str) -> AccountView:
        """One account. NotFound."""
        self._account_id(corp_id)
        return (await self._database.read(lambda session: accounts.view_accounts(session, corp_id)))[0]

    async def demo_accounts(self) -> list[str]:
        """Accounts that ``serve --demo`` has made."""
        return await self._database.read(accounts.demo_accounts)

    async def ledger(self, corp_id: str | None, limit: int) -> list[LedgerView]:
        """The newest ledger entries, of one account or of all."""
        account_id = None if corp_id is None else self._account_id(corp_id)
        return await self._database.read(lambda session: ledger.list_entries(session, account_id, limit))

    async def verify_ledger(self) -> LedgerCheck:
        """Hold the ledger's rules against all rows."""
        return await self._database.read(ledger.verify_ledger)

    async def keywords(self) -> list[str]:
        """All forbidden keywords."""
        return await self._database.read(lists.load_keywords)

    async def test_keywords(self, text: str) -> list[KeywordHit]:
        """What the keyword rule would find in ``text``."""
        return self._living.standing.keywords.hits(text)

    async def addresses(self) -> list[AddressView]:
        """The IP blacklist."""
        return await self._database.read(lambda session: lists.view_addresses(session, self._clock.now_ms()))

    async def numbers(self, corp_id: str | None) -> list[NumberView]:
        """Blocked numbers: all, or one account's."""
        account_id = None if corp_id is None else self._account_id(corp_id)
        return await self._database.read(lambda session: lists.view_numbers(session, account_id))

    async def messages(
        self,
        *,
        account: str | None = None,
        state: str | None = None,
        number: str | None = None,
        submission: int | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> list[MessageView]:
        """The newest messages that match; ``before`` is the last id of the page above."""
        wanted = messages.Filter(
            account=account,
            state=None if state is None else _state(state),
            number=None if number is None else to_e164(number) or number,
            submission=submission,
            limit=limit,
            before=before,
        )
        return await self._database.read(lambda session: messages.list_messages(session, wanted))

    async def stories(self, id: int, account: str | None = None) -> list[MessageStory]:
        """The stories of a submission's messages (``id`` as the client got it) or of one message. NotFound."""
        if id <= _LAST_CLIENT_ID:
            wanted = messages.Filter(submission=id, account=account, limit=100)
        else:
            wanted = messages.Filter(message=id, account=account)
        found = await self._database.read(lambda session: messages.find_records(session, wanted))
        if not found:
            raise NotFound(f"no submission or message {id}")
        return [tell(record, self._clock.now_ms()) for record in reversed(found)]

    async def refusals(self, limit: int) -> list[RefusalView]:
        """The newest refused calls."""
        return [_refusal(call) for call in await self._database.read(lambda s: records.list_refusals(s, limit))]

    async def audit(self, limit: int) -> list[AuditView]:
        """The newest operator actions."""
        return await self._database.read(lambda session: records.list_actions(session, limit))

    async def health(self) -> HealthView:
        """Integrity of the store, the ledger's rules, what waits and how the channels stand."""

        def look(session: Session) -> tuple[str, LedgerCheck, dict[str, int]]:
            return self._database.integrity(session), ledger.verify_ledger(session), messages.count_waiting(session)

        integrity, check, waiting = await self._database.read(look)
        return HealthView(
            version=__version__,
            schema=HEAD,
            store=integrity,
            accounts=check.accounts,
            waiting=waiting,
            channels=[courier.view() for courier in self._couriers],
            commits=self._database.committer.commits,
            committed_calls=self._database.committer.calls,
            ledger=check,
        )

    def _account_id(self, corp_id: str) -> int:
        account = self._living.standing.accounts.get(corp_id)
        if account is None:
            raise NotFound(f"no account {corp_id}")
        return account.id


def _state(word: str) -> State:
    try:
        return State[word.upper()]
    except KeyError:
        raise ValueError(f"state must be one of {', '.join(state.word for state in State)}") from None


def _refusal(call: RefusedCall) -> RefusalView:
    operation = find_operation(call.operation)
    code = code_of(Reject(call.reject), operation) if operation else 0
    at = to_rfc3339(call.at_ms) or ""
    return RefusalView(at, call.operation, call.account, call.address, call.reject, code, call.hit, call.text)
