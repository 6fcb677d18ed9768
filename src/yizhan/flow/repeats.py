"""Repeats: what the admin API is asked for with a key is carried out once, and answered the same again.

The key is taken in the commit of the change (``flow.office``), so that no crash comes between them. The answer is kept
in a commit of its own behind it: whoever asks again between the two is told to look.
"""

import hmac

from yizhan.flow.office import Claim, Office, Twice
from yizhan.model.access import Caller
from yizhan.store.answers import find_answer, keep_answer, take_key
from yizhan.store.database import Session


def claim_of(caller: Caller, key: str, asked: bytes) -> Claim:
    """What the store knows of it. A body may hold a password, so it is kept as nothing that could be tried out without
    the key, and the key is not kept.
    """

    def seal(text: bytes) -> str:
        return hmac.digest(key.encode(), text, "sha256").hex()

    return Claim(seal(f"{caller.role} {caller.account or ''}\n{caller.name}".encode()), seal(b"\n" + asked))


class Repeats(Office):
    """Answers that were given before."""

    async def answered(self, claim: Claim) -> tuple[int, str | None] | None:
        """Status and body that were answered; None: it is new. ValueError when something else came with the key,
        Twice when the answer is not known.
        """
        found = await self._database.read(lambda session: find_answer(session, claim.key))
        if found is None:
            return None
        if found.digest != claim.digest:
            raise ValueError("the Idempotency-Key stands for another request")
        if found.status is None:
            raise Twice
        return found.status, found.body

    async def keep(self, claim: Claim, status: int, body: str | None) -> None:
        """What is answered now."""
        at_ms = self._clock.now_ms()

        def write(session: Session) -> None:
            if claim.held or take_key(session, claim.key, claim.digest, at_ms):
                keep_answer(session, claim.key, status, body)

        await self._database.change(write)
