"""Who has shown at the gate who they are, and need not show it again while nothing has changed."""

import hashlib
import secrets

from yizhan.policy.case import Case
from yizhan.policy.standing import Standing

_MOST = 100_000


class Passes:
    """Remembers which callers passed rows 1 to 6 of the contract's table against the present snapshot.

    These rows look at the snapshot, the operation, the address, the account's name and its password, and at the clock
    only to end a block: where all of them are the same, so is the outcome. A program that sends all day shows the same
    ones with each call. What is kept is a MAC under a key that dies with the process, never the password.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._standing: Standing | None = None
        self._given: set[bytes] = set()

    def has(self, case: Case) -> bool:
        """Whether this caller has passed."""
        return case.standing is self._standing and self._mark(case) in self._given

    def give(self, case: Case) -> None:
        """This caller has passed. Another snapshot, or too many passes, void all that were given before."""
        if case.standing is not self._standing or len(self._given) >= _MOST:
            self._standing = case.standing
            self._given.clear()
        self._given.add(self._mark(case))

    def _mark(self, case: Case) -> bytes:
        call = case.call
        account = call.account
        # The length tells where the name ends, so that no other name and password run together into the same.
        shown = f"{call.operation.name} {call.address} {len(account)} {account}{call.password}"
        return hashlib.blake2s(shown.encode("utf-8", "surrogatepass"), key=self._key).digest()
