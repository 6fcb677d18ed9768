"""Play: what an operator makes the simulator's handsets do."""

from collections.abc import Callable, Iterable, Sequence

from yizhan.flow.office import NotFound
from yizhan.flow.ports import Handsets, Inboxes
from yizhan.model.views import PhoneMessage
from yizhan.policy.numbers import to_e164

_MAX_TEXT = 1_000
_MAX_DIGITS = 32


class Play:
    """Handsets of all simulator channels; none when no node runs."""

    def __init__(self, handsets: Callable[[], Iterable[Handsets]], inboxes: Inboxes) -> None:
        """``handsets``: those there are at the moment of asking."""
        self._handsets = handsets
        self._inboxes = inboxes

    def inbox(self, to: str | None, limit: int, before: int | None = None) -> Sequence[PhoneMessage]:
        """What has arrived at one handset, or at all, newest first. ValueError for what is no number."""
        return self._inboxes.newest(None if to is None else _number(to), limit, before)

    async def wait(self, to: str, match: str, timeout_s: float) -> PhoneMessage:
        """The next message for a handset with ``match`` in its text: each is waited for once, also when it came before.

        ValueError for what is no number, NotFound when none has come after ``timeout_s`` seconds.
        """
        message = await self._inboxes.wait(_number(to), match, timeout_s)
        if message is None:
            about = f" with {match!r} in it" if match else ""
            raise NotFound(f"no message for {to}{about} came within {timeout_s:g} s")
        return message

    async def reply(self, number: str, sent_to: str, text: str) -> int:
        """A handset writes to an access number and the Cell behind it: the id of the stored reply.

        ValueError for what is no number or no text, NotFound when no channel has that access number.
        """
        e164, digits = _number(number), sent_to.strip().removeprefix("+")
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


def _number(written: str) -> str:
    """In E.164."""
    e164 = to_e164("".join(written.split()))
    if e164 is None:
        raise ValueError(f"not a telephone number: {written[:32]!r}")
    return e164
