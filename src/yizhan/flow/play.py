"""Play: what an operator makes the simulator's handsets do."""

from collections.abc import Callable, Iterable, Sequence

from yizhan.flow.office import Conflict, NotFound
from yizhan.flow.ports import Handsets, Inboxes, Oracle
from yizhan.model.sentence import Sentence
from yizhan.model.views import ChosenFate, Phone, PhoneMessage
from yizhan.policy.numbers import named_number

_MAX_TEXT = 1_000
_MAX_DIGITS = 32
_MAX_DELAY_S = 86_400
_MAX_COUNT = 1_000_000


class Play:
    """Handsets of all simulator channels; none when no node runs."""

    def __init__(self, handsets: Callable[[], Iterable[Handsets]], inboxes: Inboxes, oracle: Oracle) -> None:
        """``handsets``: those there are at the moment of asking."""
        self._handsets = handsets
        self._inboxes = inboxes
        self._oracle = oracle

    @property
    def possible(self) -> bool:
        """Whether there is any handset."""
        return any(True for _ in self._handsets())

    def inbox(self, to: str | None, limit: int, before: int | None = None) -> Sequence[PhoneMessage]:
        """What has arrived at one handset, or at all, newest first. ValueError for what is no number."""
        return self._inboxes.newest(None if to is None else named_number(to), limit, before)

    async def wait(self, to: str, match: str, timeout_s: float) -> PhoneMessage:
        """The next message for a handset with ``match`` in its text: each is waited for once, also when it came before.

        ValueError for what is no number, NotFound when none has come after ``timeout_s`` seconds.
        """
        message = await self._inboxes.wait(named_number(to), match, timeout_s)
        if message is None:
            about = f" with {match!r} in it" if match else ""
            raise NotFound(f"no message for {to}{about} came within {timeout_s:g} s")
        return message

    @property
    def moment(self) -> str:
        """What the table shows by now, for ``news``."""
        return f"{self._inboxes.boot}-{self._inboxes.last}"

    def news(self, moment: str) -> int | None:
        """The line behind which everything is new to who has seen the table at ``moment``; None: he looks anew, since
        handsets have gone from it, or the program has started again.
        """
        boot, _, line = moment.partition("-")
        if boot != self._inboxes.boot or not line.isascii() or not line.isdigit() or len(line) > _MAX_DIGITS:
            return None
        return int(line) if self._inboxes.cleared < int(line) <= self._inboxes.last else None

    def table(self) -> Sequence[Phone]:
        """The handsets that were used last, each with what it shows."""
        return self._inboxes.table()

    def lay_out(self, number: str) -> str:
        """A handset more on the table: its number in E.164. ValueError for what is no number."""
        e164 = named_number(number)
        self._inboxes.lay_out(e164)
        return e164

    @property
    def fates(self) -> Sequence[str]:
        """What can be chosen."""
        return self._oracle.names

    def chosen_fates(self) -> Sequence[ChosenFate]:
        """What still waits for a message."""
        return self._oracle.chosen()

    def choose_fate(self, to: str | None, fate: str, count: int | None = 1, delay_s: float = 0) -> ChosenFate:
        """What becomes of the next ``count`` messages (None: of all) to a handset (None: to any), in place of what was
        chosen for it before. Numbers for which nothing is chosen keep the fate that their digits mean.

        Conflict without a simulator, ValueError for what cannot be chosen.
        """
        if not self.possible:
            raise Conflict(Sentence.NO_SIMULATOR())
        if fate not in self._oracle.names:
            raise ValueError(f"a fate is one of {', '.join(self._oracle.names)}: not {fate[:32]!r}")
        if count is not None and not 1 <= count <= _MAX_COUNT:
            raise ValueError(f"a count is a number from 1 to {_MAX_COUNT}")
        if not 0 <= delay_s <= _MAX_DELAY_S:
            raise ValueError(f"a delay is at most {_MAX_DELAY_S} seconds")
        chosen = ChosenFate(None if to is None else named_number(to), fate, count, delay_s)
        self._oracle.choose(chosen)
        return chosen

    def forget_fate(self, to: str | None) -> None:
        """A handset's digits decide again. NotFound when nothing was chosen for it (None: for any)."""
        if not self._oracle.forget(None if to is None else named_number(to)):
            raise NotFound(f"nothing is chosen for {to or 'any number'}")

    async def answer(self, number: str, text: str) -> int:
        """A handset answers what it got last; without anything, it writes to an access number: the stored reply's id.

        ValueError as below, Conflict without a simulator.
        """
        newest = self._inboxes.newest(named_number(number), 1)
        accesses = [handsets.access for handsets in self._handsets()]
        if not accesses:
            raise Conflict(Sentence.NO_SIMULATOR())
        return await self.reply(number, newest[0].sender if newest else accesses[0], text)

    async def reply(self, number: str, sent_to: str, text: str) -> int:
        """A handset writes to an access number and the Cell behind it: the id of the stored reply.

        ValueError for what is no number or no text, NotFound when no channel has that access number.
        """
        e164, digits = named_number(number), sent_to.strip().removeprefix("+")
        if not digits.isascii() or not digits.isdigit() or len(digits) > _MAX_DIGITS:
            raise ValueError(f"must be an access number and what stands behind it, 1 to {_MAX_DIGITS} digits")
        if not text or len(text) > _MAX_TEXT:
            raise ValueError(f"a reply has 1 to {_MAX_TEXT} characters")
        present = list(self._handsets())
        fitting = [handsets for handsets in present if digits.startswith(handsets.access)]
        if not fitting:
            known = ", ".join(handsets.access for handsets in present) or "none"
            raise NotFound(f"no simulator has an access number that begins {digits} (there are: {known})")
        best = max(fitting, key=lambda handsets: len(handsets.access))
        return await best.reply(e164, digits, text)
