"""The turnstile: how many rows of calls are on their way to a commit at once, and whose call goes next.

Behind it stands one line for everybody, the committer's. It is kept short here, so that a flood waits before the work
on it begins, and waits behind its own calls, not in front of others'.
"""

import asyncio
from collections import OrderedDict, defaultdict, deque

from yizhan.store.committer import Overloaded

# The shortest number with its comma, about; what a call says of itself before anybody has looked at its numbers.
_NUMBER_CHARS = 12
# So many rows are called in before the loop looks at what else there is: about a call of 500 numbers.
_ROWS_AT_A_TIME = 500


def rows_of(mobile: str) -> int:
    """About how many rows a call with this Mobile will need."""
    return 1 + len(mobile) // _NUMBER_CHARS


class Turnstile:
    """Lets calls through while there is room, and accounts in turns when there is none.

    An account that has nothing on its way, or no more than its even share, never waits. None may have more waiting than
    is left for others, so that one flood does not fill the line.
    """

    def __init__(self, rows_at_once: int, rows_waiting: int, patience_s: float) -> None:
        """``rows_at_once`` may be on their way, ``rows_waiting`` wait in all, each call at most ``patience_s``."""
        self._room = rows_at_once
        self._most_waiting = rows_waiting
        self._patience_s = patience_s
        self._inside = 0
        self._waiting_rows = 0
        self._waiting_of: defaultdict[int, int] = defaultdict(int)
        # account -> its rows on their way; who waits has some, or comes next.
        self._of: defaultdict[int, int] = defaultdict(int)
        self._left: dict[int, None] = {}  # accounts that have more room than before, and calls that wait
        self._going_on = False  # in the loop's next turn
        self._lines: OrderedDict[int, deque[tuple[int, asyncio.Future[None]]]] = OrderedDict()

    def place(self, account_id: int, rows: int) -> "_Place":
        """To be on the way for as long as ``async with`` lasts, entered when it is the call's turn.

        Raises Overloaded, at once when too many wait, or when the turn has not come in time.
        """
        return _Place(self, account_id, rows)

    async def enter(self, account_id: int, rows: int) -> None:
        """See ``place``; ``leave`` must follow."""
        if account_id in self._lines or not self._fits(account_id, rows):
            await self._wait(account_id, rows)
        else:
            self._let_in(account_id, rows)

    def leave(self, account_id: int, rows: int) -> None:
        """The call has been committed, or was refused: there is room for others."""
        self._inside -= rows
        self._of[account_id] -= rows
        if not self._of[account_id]:
            del self._of[account_id]
        if account_id in self._lines:
            self._left[account_id] = None
        if not self._going_on:
            self._go_on()

    def _go_on(self) -> None:
        """Call in who fits: those first who have just left. The work on large calls keeps the loop, so after some rows
        the rest waits for its next turn, and others' calls are heard in between.
        """
        self._going_on = False
        rows = 0
        while (account_id := self._next()) is not None:
            if rows >= _ROWS_AT_A_TIME:
                self._going_on = True
                asyncio.get_running_loop().call_soon(self._go_on)
                return
            rows += self._lines[account_id][0][0]
            self._call_in(account_id)

    def _next(self) -> int | None:
        """Whose call goes next, if it fits."""
        while self._left:
            account_id = next(iter(self._left))
            if account_id in self._lines and self._fits(account_id, self._lines[account_id][0][0]):
                return account_id
            del self._left[account_id]
        first = next(iter(self._lines), None)
        return first if first is not None and self._fits(first, self._lines[first][0][0]) else None

    async def _wait(self, account_id: int, rows: int) -> None:
        if self._waiting_of.get(account_id, 0) + rows > self._most_waiting - self._waiting_rows:
            raise Overloaded
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (rows, turn)
        self._lines.setdefault(account_id, deque()).append(place)
        self._waiting_rows += rows
        self._waiting_of[account_id] += rows
        try:
            async with asyncio.timeout(self._patience_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.leave(account_id, rows)  # it was let in at the same moment
            elif place in self._lines.get(account_id, ()):
                self._lines[account_id].remove(place)
                self._out_of_line(account_id, rows)
            if isinstance(error, TimeoutError):
                raise Overloaded from error
            raise

    def _fits(self, account_id: int, rows: int) -> bool:
        if self._inside + rows <= self._room:
            return True
        own = self._of.get(account_id, 0)
        return not own or own + rows <= self._room // len(self._of)

    def _let_in(self, account_id: int, rows: int) -> None:
        self._inside += rows
        self._of[account_id] += rows

    def _call_in(self, account_id: int) -> None:
        """The account's next call goes through; with what it has left it waits behind the others."""
        rows, turn = self._lines[account_id].popleft()
        self._out_of_line(account_id, rows)
        if not turn.cancelled():  # else it has given up at the same moment
            self._let_in(account_id, rows)
            turn.set_result(None)

    def _out_of_line(self, account_id: int, rows: int) -> None:
        self._waiting_rows -= rows
        self._waiting_of[account_id] -= rows
        if self._lines[account_id]:
            self._lines.move_to_end(account_id)
        else:
            del self._lines[account_id], self._waiting_of[account_id]


class _Place:
    """One call's place."""

    __slots__ = ("_account_id", "_rows", "_turnstile")

    def __init__(self, turnstile: Turnstile, account_id: int, rows: int) -> None:
        self._turnstile = turnstile
        self._account_id = account_id
        self._rows = rows

    async def __aenter__(self) -> None:
        await self._turnstile.enter(self._account_id, self._rows)

    async def __aexit__(self, *raised: object) -> None:
        self._turnstile.leave(self._account_id, self._rows)
