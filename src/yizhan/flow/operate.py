"""What operators change. Each action is one transaction with its audit entry, and holds for the next call."""

from yizhan.flow.living import Living
from yizhan.flow.office import Conflict, Deed, NotFound
from yizhan.flow.operate_accounts import AccountActions
from yizhan.flow.operate_cards import CardActions
from yizhan.flow.operate_channels import ChannelActions
from yizhan.flow.operate_lists import ListActions
from yizhan.flow.operate_people import PeopleActions
from yizhan.flow.operate_release import ReleaseActions
from yizhan.flow.operate_routes import RouteActions
from yizhan.flow.operate_second_factors import SecondFactorActions
from yizhan.flow.operate_tokens import TokenActions
from yizhan.flow.operate_webhooks import WebhookActions
from yizhan.flow.ports import Board
from yizhan.flow.repeats import Repeats
from yizhan.kit.clock import Clock
from yizhan.model.sentence import Sentence
from yizhan.model.settings import RefundRule
from yizhan.store.database import Database, Session
from yizhan.store.messages import cancel_submission, list_messages
from yizhan.store.queue import send_again
from yizhan.store.search import Filter, submission_keys
from yizhan.store.settle import give_up

__all__ = ["Conflict", "NotFound", "Operate"]


class Operate(
    AccountActions,
    ListActions,
    CardActions,
    WebhookActions,
    ChannelActions,
    RouteActions,
    TokenActions,
    PeopleActions,
    ReleaseActions,
    SecondFactorActions,
    Repeats,
):
    """Every change an operator can make. ``actor`` says who it was; ValueError says what is wrong with the wish."""

    def __init__(
        self,
        database: Database,
        living: Living,
        clock: Clock,
        board: Board,
        refund: RefundRule = RefundRule.FAILED,
    ) -> None:
        super().__init__(database, living, clock)
        self._board = board
        self._refund = refund

    async def cancel(self, actor: str, submission: int, *, corp_id: str | None = None) -> int:
        """Cancel the messages of a submission that were not yet sent, and pay them back: how many."""
        keys = await self._database.read(lambda session: submission_keys(session, submission, corp_id))
        if not keys:
            raise NotFound(f"no submission {submission}")
        at_ms = self._clock.now_ms()
        deed = Deed(actor, "submission cancel", str(submission), {}, {})

        def act(session: Session) -> int:
            count = cancel_submission(session, keys[0], at_ms)
            deed.before["not_yet_sent"] = deed.after["cancelled"] = count
            return count

        return await self._carry_out(deed, act)

    async def send_again(self, actor: str, message: int) -> None:
        """A held message: send it once more, though it may have arrived. Conflict when it is not held."""
        at_ms = self._clock.now_ms()
        deed = Deed(actor, "message resend", str(message), {"state": "uncertain"}, {"state": "queued"})
        if not await self._carry_out(deed, lambda session: send_again(session, message, at_ms)):
            raise Conflict(Sentence.NOT_HELD(message=message))
        self._board.changed()

    async def give_up(self, actor: str, message: int) -> None:
        """A held or queued message: it has failed, and is paid back. Conflict when it is neither."""
        at_ms, rule = self._clock.now_ms(), self._refund
        deed = Deed(actor, "message give-up", str(message), {}, {"state": "failed"})

        def act(session: Session) -> bool:
            deed.before.update(("state", one.state) for one in list_messages(session, Filter(message=message)).messages)
            return give_up(session, [message], at_ms, rule) > 0

        if not await self._carry_out(deed, act):
            raise Conflict(Sentence.NOT_WAITING(message=message))
