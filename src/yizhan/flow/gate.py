"""The gate: rows 1 to 6 of the contract's table. Who calls, and is it them?"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.account import Account, Network
from yizhan.model.reject import Refusal, Reject
from yizhan.policy.admission import identify
from yizhan.policy.case import Case, Terms
from yizhan.policy.credentials import CredentialCache, credential_matches, make_decoy, offered
from yizhan.policy.login_guard import NOBODY, LoginGuard
from yizhan.policy.passes import Passes
from yizhan.policy.tally import Tally

log = get_logger("gate")

# Only these two count as failed logins (contract, section 5, row 1).
_FAILED_LOGINS = (Reject.ACCOUNT_UNKNOWN, Reject.PASSWORD_WRONG)

# Block an address until a moment (UTC ms), for a reason.
BlockAddress = Callable[[str, int, str], Awaitable[None]]


class Gate:
    """Identifies callers; bounds the slow checks at once. ``policy.login_guard`` counts what failed."""

    def __init__(self, terms: Terms, clock: Clock, trusted_proxies: Sequence[Network], block: BlockAddress) -> None:
        self._policy = terms.policy
        self._clock = clock
        self._block = block
        self._cache = CredentialCache()
        self._passes = Passes()
        self._decoy = make_decoy()
        self._guard = LoginGuard(terms.policy, trusted_proxies)
        self._threads = ThreadPoolExecutor(terms.policy.slow_checks_at_once, thread_name_prefix="password")
        self._checks: dict[tuple[int, str, str], asyncio.Future[bool]] = {}

    @property
    def tallies(self) -> dict[str, Tally]:
        """What nodes that share a store count together."""
        return self._guard.tallies

    async def enter(self, case: Case) -> Refusal | None:
        """Rows 1 to 6; counts failed logins, and blocks the address that has too many."""
        if self._passes.has(case):
            return None
        refusal = identify(case)
        if refusal is None:
            refusal = await self._wrong_password(case, case.known_account)
        elif refusal.reject is Reject.ACCOUNT_UNKNOWN:
            await self._check_in_vain(case)
        if refusal is not None and refusal.reject in _FAILED_LOGINS:
            await self._count_failure(case)
        if refusal is None:
            self._passes.give(case)
        return refusal

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _wrong_password(self, case: Case, account: Account) -> Refusal | None:
        """Row 6: -3. Microseconds for a password seen before, else a slow check in a thread, a few at a time."""
        if self._guard.shut(case, account, self._clock.monotonic_s()):
            return Refusal(Reject.OTHER, "too many failed logins at this account")
        slow = []
        for password_md5 in offered(case.call.operation.password, case.call.password):
            known = self._cache.knows(account.id, account.credential, password_md5)
            if known:
                self._guard.welcome(case, account.id)
                return None
            if known is None:
                slow.append(password_md5)
        for password_md5 in slow:
            matches = await self._check_slowly(case, account.id, account.credential, password_md5)
            if matches is None:
                return Refusal(Reject.OTHER, "too many password checks")
            if matches:
                self._guard.welcome(case, account.id)
                return None
        return Refusal(Reject.PASSWORD_WRONG)

    async def _check_in_vain(self, case: Case) -> None:
        """The slow checks that a wrong password would cost, so that -1 takes the time of -3; none beyond the limits."""
        for password_md5 in offered(case.call.operation.password, case.call.password):
            if await self._check_slowly(case, NOBODY, self._decoy, password_md5) is None:
                return

    async def _check_slowly(self, case: Case, account_id: int, credential: str, password_md5: str) -> bool | None:
        """Whether it matches; None when there are too many checks. Equal checks at the same time share one."""
        key = (account_id, credential, password_md5)
        check = self._checks.get(key)
        if check is None:
            if len(self._checks) >= self._policy.slow_checks_waiting:
                return None
            if not self._guard.may_check(case, account_id, self._clock.monotonic_s()):
                return None
            loop = asyncio.get_running_loop()
            check = loop.run_in_executor(self._threads, credential_matches, credential, password_md5)
            self._checks[key] = check
            check.add_done_callback(lambda _: self._checks.pop(key, None))
        matches = await asyncio.shield(check)
        if matches:
            self._cache.remember(account_id, credential, password_md5)
            self._guard.proved(case, self._clock.monotonic_s())
        return matches

    async def _count_failure(self, case: Case) -> None:
        source = self._guard.failed(case, self._clock.monotonic_s())
        if source is None:
            return
        until_ms = case.now_ms + int(self._policy.failed_login_block_s * 1000)
        log.warning("address blocked after failed logins", address=source, until_ms=until_ms)
        await self._block(source, until_ms, f"{self._policy.failed_logins} failed logins")
