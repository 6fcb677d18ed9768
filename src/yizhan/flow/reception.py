"""The reception: everything that clients can call."""

from collections.abc import Callable
from typing import Any

from yizhan.flow.accept import Accepting
from yizhan.flow.fetch import Fetching
from yizhan.flow.inquire import Inquiring
from yizhan.flow.operate import Operate
from yizhan.flow.own import Owning
from yizhan.flow.turnstile import Turnstile
from yizhan.model.submission import Admitted
from yizhan.policy.tally import Tally
from yizhan.policy.throttle import Allowance


class Reception(Accepting, Inquiring, Fetching, Owning):
    """The ``River`` that ``front`` hands decoded calls to."""

    def __init__(self, *, accepted: Callable[[Admitted], None], operate: Operate, **shared: Any) -> None:
        """``accepted`` is told of each stored call; ``shared`` as in ``flow.desk.Desk``."""
        super().__init__(**shared)
        self._accepted = accepted
        self._operate = operate
        policy = self._terms.policy
        self._turnstile = Turnstile(policy.rows_at_once, policy.rows_waiting, policy.turn_wait_s)
        self._registrations = Allowance(policy.registrations_per_minute)
        self._password_changes = Allowance(policy.password_changes_per_minute)

    @property
    def tallies(self) -> dict[str, Tally]:
        """What nodes that share a store count together."""
        own = {"registrations": self._registrations, "new passwords": self._password_changes}
        return {**self._gate.tallies, **own}
