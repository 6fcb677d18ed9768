"""Play: what an operator makes the simulator's handsets do."""

from collections.abc import Callable, Iterable

from yizhan.flow.office import NotFound
from yizhan.flow.ports import Handsets
from yizhan.policy.numbers import to_e164

_MAX_TEXT = 1_000
_MAX_DIGITS = 32


class Play:
    """Handsets of all simulator channels; none when no node runs."""

    def __init__(self, handsets: Callable[[], Iterable[Handsets]]) -> None:
        """``handsets``: those there are at the moment of asking."""
        self._handsets = handsets

    async def reply(self, number: str, sent_to: str, text: str) -> int:
        """A handset writes to an access number and the Cell behind it: the id of the stored reply.

        ValueError for what is no number or no text, NotFound when no channel has that access number.
        """
        e164, digits = to_e164("".join(number.split())), sent_to.strip().removeprefix("+")
        if e164 is None:
            raise ValueError(f"not a telephone number: {number[:32]!r}")
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
