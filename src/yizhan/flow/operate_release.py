"""Release: an operator sends what a simulator had to the real telephone (ADR 0024)."""

from typing import Literal

from yizhan.flow.office import Conflict, Deed, NotFound, Office, channel_of
from yizhan.flow.ports import Board
from yizhan.model.sentence import Sentence
from yizhan.model.views import MessageView
from yizhan.store.database import Session
from yizhan.store.release import Original, find_original, lock_message, send_copy


class ReleaseActions(Office):
    """What leaves the simulator on purpose."""

    _board: Board

    async def release(self, actor: str, message: int, channel: str) -> MessageView:
        """Send a copy of a message that a simulator had over ``channel``, once: the copy, which nobody is charged for.

        NotFound without such a message or channel, ValueError for a channel that is a simulator itself, Conflict for
        what was never in a simulator, has no end yet, is blocked by now, or was released over that channel before.
        """
        if channel_of(self._board, channel).kind == "simulator":
            raise ValueError(Sentence.TO_SIMULATOR(channel=channel))
        original = await self._database.read(lambda session: find_original(session, message))
        if original is None:
            raise NotFound(f"no message {message}")
        if why := self._hindrance(original, channel):
            raise Conflict(why)
        at_ms = self._clock.now_ms()
        deed = Deed(actor, "message release", str(message), {}, {"channel": channel})

        def copy(session: Session) -> MessageView | Literal[False]:
            lock_message(session, message)
            now = find_original(session, message)
            if now is None or self._hindrance(now, channel):
                return False
            view = send_copy(session, now, channel, at_ms)
            deed.after.update(message=view.id, submission=view.submission)
            return view

        view = await self._carry_out(deed, copy)
        if view is False:
            raise Conflict(Sentence.RELEASED_NOW(message=message))
        self._board.changed()
        return view

    def _hindrance(self, original: Original, channel: str) -> str | None:
        """Why it cannot be released; None: nothing stands against it."""
        if not original.simulated:
            return Sentence.NOT_SIMULATED(message=original.id)
        if not original.state.through:
            return Sentence.NOT_DONE(message=original.id, state=original.state.word)
        if self._living.standing.numbers.among(original.account_id, [original.number]):
            return Sentence.BLOCKED(number=original.number)
        if (copy := original.released.get(channel)) is not None:
            return Sentence.RELEASED(message=original.id, channel=channel, copy=copy)
        return None
