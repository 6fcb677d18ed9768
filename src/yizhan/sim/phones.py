"""Phones: what the simulator has delivered, as a phone shows it. In memory, the newest only; the journal has it all."""

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from itertools import islice

from yizhan.kit.clock import Clock, to_rfc3339
from yizhan.model.views import Phone, PhoneMessage, PhoneNote
from yizhan.policy.verification_code import code_in

_MOST = 10_000
_MOST_PHONES = 12  # that lie on the table
_MOST_LINES = 50  # that one of them shows


class Phones:
    """All phones together; one on the event loop of the node."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: deque[PhoneMessage | PhoneNote] = deque(maxlen=_MOST)
        self._table: OrderedDict[str, int] = OrderedDict()  # phone -> the line behind which it appeared; last used last
        self._awaited: set[int] = set()  # what ``wait`` has given out
        self.boot = secrets.token_hex(4)  # ids begin anew with the program
        self.last = 0  # the id of the newest line
        self.cleared = -1  # what it was when a phone last went from the table
        self._came = asyncio.Event()

    def receive(self, to: str, sender: str, text: str, parts: int, message: int) -> None:
        """A whole message for the phone ``to`` (E.164)."""
        self._show(PhoneMessage(self.last + 1, to, sender, text, parts, self._now(), code_in(text), message))
        self._came.set()
        self._came = asyncio.Event()

    def miss(self, to: str, sender: str, word: str, message: int) -> None:
        """A message for the phone ``to`` that does not arrive."""
        self._show(PhoneNote(self.last + 1, to, sender, "", word, message, self._now()))

    def write(self, number: str, to: str, text: str) -> None:
        """The phone ``number`` has written."""
        self._show(PhoneNote(self.last + 1, number, to, text, "", None, self._now()))

    def lay_out(self, number: str) -> None:
        """Put a phone on the table, without any message yet."""
        is_new = number not in self._table
        self._put(number)
        self.last += is_new

    def table(self) -> Sequence[Phone]:
        """The phones that were used last, in the order in which they came, with what they show."""
        lines: dict[str, list[PhoneMessage | PhoneNote]] = {number: [] for number in self._table}
        for line in self._lines:
            if line.to in lines:
                lines[line.to].append(line)
        phones = (Phone(number, since, lines[number][-_MOST_LINES:]) for number, since in self._table.items())
        return sorted(phones, key=lambda phone: phone.since)

    def newest(self, to: str | None, limit: int, before: int | None = None) -> Sequence[PhoneMessage]:
        """At most ``limit`` messages, newest first (or those before one), of one phone or of all."""
        messages = (line for line in reversed(self._lines) if isinstance(line, PhoneMessage))
        found = (one for one in messages if to in (None, one.to) and (before is None or one.id < before))
        return list(islice(found, limit))

    async def wait(self, to: str, match: str, timeout_s: float) -> PhoneMessage | None:
        """The oldest message for ``to`` with ``match`` in its text that nobody has waited for yet; None: none came.

        Each message is given out once, so the next wait is for the next message.
        """

        def found() -> PhoneMessage | None:
            messages = (line for line in self._lines if isinstance(line, PhoneMessage) and line.to == to)
            fits = (one for one in messages if match in one.text and one.id not in self._awaited)
            return next(fits, None)

        message = await self._until(found, timeout_s)
        if message is not None:
            self._awaited.add(message.id)
        return message

    async def _until(self, look: Callable[[], PhoneMessage | None], timeout_s: float) -> PhoneMessage | None:
        try:
            async with asyncio.timeout(timeout_s):
                while (message := look()) is None:
                    await self._came.wait()
        except TimeoutError:
            return None
        return message

    def _show(self, line: PhoneMessage | PhoneNote) -> None:
        if len(self._lines) == _MOST:
            self._awaited.discard(self._lines[0].id)
        self._put(line.to)
        self._lines.append(line)
        self.last = line.id

    def _put(self, number: str) -> None:
        self._table.setdefault(number, self.last)
        self._table.move_to_end(number)
        if len(self._table) > _MOST_PHONES:
            self._table.popitem(last=False)
            self.cleared = self.last

    def _now(self) -> str:
        return to_rfc3339(self._clock.now_ms()) or ""
