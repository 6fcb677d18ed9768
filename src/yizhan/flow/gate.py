"""The gate: rows 1 to 6 of the contract's table. Who calls, and is it them?"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.account import Account, Network
from yizhan.model.call import Call
from yizhan.model.reject import Refusal, Reject
from yizhan.policy.addresses import covers, parse_address
from yizhan.policy.admission import identify
from yizhan.policy.case import Case, Terms
from yizhan.policy.credentials import CredentialCache, credential_matches, offered
from yizhan.policy.throttle import Allowance, FailedLogins

log = get_logger("gate")

# Only these two count as failed logins (contract, section 5, row 1).
_FAILED_LOGINS = (Reject.ACCOUNT_UNKNOWN, Reject.PASSWORD_WRONG)

# Block an address until a moment (UTC ms), for a reason.
BlockAddress = Callable[[str, int, str], Awaitable[None]]


class Gate:
    """Identifies callers; keeps the counters that guard it: failed logins, slow checks at once and per account."""

    def __init__(self, terms: Terms, clock: Clock, trusted_proxies: Sequence[Network], block: BlockAddress) -> None:
        policy = terms.policy
        self._policy = policy
        self._clock = clock
        self._trusted_proxies = trusted_proxies
        self._block = block
        self._cache = CredentialCache()
        self._failed = FailedLogins(policy.failed_logins, policy.failed_login_window_s)
        self._allowance = Allowance(policy.slow_checks_per_account_minute)
        self._threads = ThreadPoolExecutor(policy.slow_checks_at_once, thread_name_prefix="password")
        self._checks: dict[tuple[int, str, str], asyncio.Future[bool]] = {}

    async def enter(self, case: Case) -> Refusal | None:
        """Rows 1 to 6; counts failed logins, and blocks the address that has too many."""
        refusal = identify(case)
        if refusal is None:
            refusal = await self._wrong_password(case.known_account, case.call)
        if refusal is not None and refusal.reject in _FAILED_LOGINS:
            await self._count_failure(case)
        return refusal

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _wrong_password(self, account: Account, call: Call) -> Refusal | None:
        """Row 6: -3. Microseconds for a password seen before, else a slow check in a thread, a few at a time."""
        slow = []
        for password_md5 in offered(call.operation.password, call.password):
            known = self._cache.knows(account.id, account.credential, password_md5)
            if known:
                return None
            if known is None:
                slow.append(password_md5)
        for password_md5 in slow:
            matches = await self._check_slowly(account, password_md5)
            if matches is None:
                return Refusal(Reject.OTHER, "too many password checks")
            if matches:
                return None
        return Refusal(Reject.PASSWORD_WRONG)

    async def _check_slowly(self, account: Account, password_md5: str) -> bool | None:
        """Whether it matches; None when there are too many checks. Equal checks at the same time share one."""
        key = (account.id, account.credential, password_md5)
        check = self._checks.get(key)
        if check is None:
            if len(self._checks) >= self._policy.slow_checks_waiting:
                return None
            if not self._allowance.take(account.id, self._clock.monotonic_s()):
                return None
            loop = asyncio.get_running_loop()
            check = loop.run_in_executor(self._threads, credential_matches, account.credential, password_md5)
            self._checks[key] = check
            check.add_done_callback(lambda _: self._checks.pop(key, None))
        matches = await asyncio.shield(check)
        if matches:
            self._cache.remember(account.id, account.credential, password_md5)
        return matches

    async def _count_failure(self, case: Case) -> None:
        address = parse_address(case.call.address)
        if address is None or address.is_loopback or covers(self._trusted_proxies, address):
            return
        if case.standing.allowed.find(address) or not self._failed.record(str(address), self._clock.monotonic_s()):
            return
        until_ms = case.now_ms + int(self._policy.failed_login_block_s * 1000)
        log.warning("address blocked after failed logins", address=str(address), until_ms=until_ms)
        await self._block(str(address), until_ms, f"{self._policy.failed_logins} failed logins")
