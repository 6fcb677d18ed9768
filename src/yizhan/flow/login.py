"""Log-in of people: who is it, is it them, and how long are they in.

Who has a second factor logs in by two steps, and has nothing but a half session between them. What comes too often is
refused before the slow check. A name that there is not costs the same check as a wrong password.
"""

import asyncio
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from yizhan.flow.living import Living
from yizhan.flow.office import Conflict, Deed, NotFound, Office
from yizhan.flow.operate_people import PeopleActions, is_name
from yizhan.flow.operate_tokens import hash_of
from yizhan.kit.clock import Clock
from yizhan.model.access import Caller, Role, Visit
from yizhan.model.settings import AdminSettings
from yizhan.policy.addresses import parse_address
from yizhan.policy.credentials import credential_matches, make_decoy
from yizhan.policy.login_guard import Known, source_of
from yizhan.policy.tally import Tally
from yizhan.policy.throttle import Allowance
from yizhan.policy.totp import as_typed
from yizhan.store.database import Database
from yizhan.store.people import Person, find_person, has_people
from yizhan.store.second_factors import Shown, use_code, use_recovery_code
from yizhan.store.sessions import (
    delete_half_session,
    delete_session,
    find_half_session,
    find_session,
    insert_half_session,
    insert_session,
    see_session,
)

_RANDOM_BYTES = 32
_IPV6_PREFIX = 64
_CHECKS_AT_ONCE = 1
_CHECKS_WAITING = 16
_MOST_CHARS = 256  # no password is longer
_HALF_MS = 300_000  # for so long a password waits for its code
# Wrong codes of one person, from wherever, since who gets that far knows the password. Three codes are good at a time:
# who guesses for a year has a chance of one in four, and stands in the audit log all along.
_CODES, _CODES_WINDOW_S = 10, 3_600
_SEEN_EVERY_MS = 60_000  # that a session is in use is written down so often and not more


class WrongLogin(Exception):
    """No such person, or not that password; nobody is told which."""


class WrongCode(Exception):
    """Not the code that the app shows, or one that was used."""


class TooManyLogins(Exception):
    """Not now."""


class LoggedIn(NamedTuple):
    """What a browser keeps from now on: a session, or what waits for the second step."""

    secret: str
    is_half: bool


class Login(Office):
    """Sessions of people, and the link by which the first of them is made."""

    def __init__(
        self, database: Database, living: Living, clock: Clock, settings: AdminSettings, people: PeopleActions
    ) -> None:
        super().__init__(database, living, clock)
        self._settings = settings
        self._people = people
        self._by_source = Allowance(settings.logins_per_minute)
        self._by_name = Allowance(settings.logins_per_minute)
        self._by_code = Allowance(_CODES, _CODES_WINDOW_S)
        self._known = Known()
        self._decoy = make_decoy()
        self._threads = ThreadPoolExecutor(_CHECKS_AT_ONCE, thread_name_prefix="login")
        self._checks = 0
        self._link = ("", 0.0)  # its hash, and until when it is good

    @property
    def tallies(self) -> dict[str, Tally]:
        """What nodes that share a store count together."""
        return {
            "log-ins by source": self._by_source,
            "log-ins by name": self._by_name,
            "log-ins by code": self._by_code,
            "log-ins known": self._known,
        }

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def log_in(self, name: str, password: str, address: str, former: str | None = None) -> LoggedIn:
        """A new session, which takes the place of the ``former`` one, or the first of two steps to it. WrongLogin,
        TooManyLogins.
        """
        person = await self._prove(name, password, address)
        if not person.second_factor:
            return LoggedIn(await self._begin(person, address, former), is_half=False)
        half = secrets.token_urlsafe(_RANDOM_BYTES)
        row = {"hash": hash_of(half), "person": person.name, "ends_at_ms": self._clock.now_ms() + _HALF_MS}
        if not await self._database.change(lambda store: insert_half_session(store, row, person)):
            raise WrongLogin
        return LoggedIn(half, is_half=True)

    async def log_in_by_code(self, half: str, code: str, address: str, former: str | None = None) -> str:
        """The second step. NotFound when it is too late for it; WrongCode, TooManyLogins."""
        person = await self._halfway(half)
        await self._prove_code(person.name, code, address)
        hash = hash_of(half)
        if not await self._database.change(lambda store: delete_half_session(store, hash)):
            raise NotFound("somebody has used it")
        return await self._begin(person, address, former)

    async def is_halfway(self, half: str) -> bool:
        """Whether this waits for its second step."""
        try:
            await self._halfway(half)
        except NotFound:
            return False
        return True

    async def _halfway(self, half: str) -> Person:
        hash, now_ms = hash_of(half), self._clock.now_ms()
        person = await self._database.read(lambda store: find_half_session(store, hash, now_ms))
        if person is None:
            raise NotFound("the password has to be shown again")
        return person

    async def _begin(self, person: Person, address: str, former: str | None) -> str:
        session, now_ms = secrets.token_urlsafe(_RANDOM_BYTES), self._clock.now_ms()
        row = {
            "hash": hash_of(session),
            "person": person.name,
            "csrf": secrets.token_urlsafe(_RANDOM_BYTES),
            "created_at_ms": now_ms,
            "seen_at_ms": now_ms,
            "ends_at_ms": now_ms + int(self._settings.session_max_s * 1000),
        }
        old = None if former is None else hash_of(former)
        deed = Deed(_actor(person.name), "person log-in", person.name, {}, {"address": address})
        if not await self._carry_out(deed, lambda store: insert_session(store, row, person, old)):
            raise WrongLogin
        self._known.add(_acquaintance(person.name, _source(address)))
        return session

    async def visit(self, session: str, *, in_use: bool = True) -> Visit | None:
        """Whose session it is; None: nobody's, or it has ended. It is ``in_use`` when a page is asked for."""
        hash, now_ms = hash_of(session), self._clock.now_ms()
        found = await self._database.read(lambda store: find_session(store, hash))
        idle_ms = int(self._settings.session_idle_s * 1000)
        if found is None or now_ms >= min(found.ends_at_ms, found.seen_at_ms + idle_ms):
            return None
        if in_use and now_ms - found.seen_at_ms >= min(_SEEN_EVERY_MS, idle_ms // 4):
            await self._database.change(lambda store: see_session(store, hash, now_ms))
        caller = Caller(_actor(found.person), found.role, found.account)
        must_enrol = found.role in self._settings.require_totp and not found.second_factor
        return Visit(found.person, caller, found.csrf, must_enrol)

    async def log_out(self, visit: Visit, session: str) -> None:
        """It has ended."""
        hash = hash_of(session)
        deed = Deed(visit.caller.name, "person log-out", visit.person, {}, {})
        await self._carry_out(deed, lambda store: delete_session(store, hash))

    async def confirm(self, visit: Visit, password: str, address: str) -> None:
        """Whoever has the session knows the password, too. WrongLogin, TooManyLogins."""
        await self._prove(visit.person, password, address)

    async def confirm_code(self, visit: Visit, code: str, address: str) -> None:
        """Whoever has the session has the second factor, too. WrongCode, TooManyLogins."""
        await self._prove_code(visit.person, code, address)

    async def make_link(self) -> str | None:
        """What the link to the first administrator ends in; None when there is somebody. A new one ends the old one."""
        if await self._database.read(has_people):
            return None
        link = secrets.token_urlsafe(_RANDOM_BYTES)
        self._link = (hash_of(link), self._clock.monotonic_s() + self._settings.setup_link_s)
        return link

    async def opens(self, link: str) -> bool:
        """Whether this link is good."""
        hash, until_s = self._link
        if not hmac.compare_digest(hash, hash_of(link)) or self._clock.monotonic_s() >= until_s:
            return False
        return not await self._database.read(has_people)

    async def use_link(self, link: str, name: str, password: str) -> None:
        """Make the first administrator. NotFound when the link is not good (any more); ValueError."""
        if not await self.opens(link):
            raise NotFound("the link is not good any more")
        try:
            await self._people.add_person("setup link", name, password, Role.ADMIN, first=True)
        except Conflict as error:  # somebody else was quicker
            raise NotFound(str(error)) from error
        self._link = ("", 0.0)

    async def _prove(self, name: str, password: str, address: str) -> Person:
        now_s, source = self._clock.monotonic_s(), _source(address)
        # Other nodes are told of the keys, and what was typed may be a password.
        key = hash_of(name)
        is_stranger = _acquaintance(name, source) not in self._known
        if self._checks >= _CHECKS_WAITING or not self._by_source.take(source, now_s):
            raise TooManyLogins
        if is_stranger and not self._by_name.take(key, now_s):
            raise TooManyLogins
        self._checks += 1
        try:
            person = await self._database.read(lambda store: find_person(store, name)) if is_name(name) else None
            credential = self._decoy if person is None else person.credential
            right = await asyncio.get_running_loop().run_in_executor(
                self._threads, credential_matches, credential, password[: _MOST_CHARS + 1]
            )
        finally:
            self._checks -= 1
        if person is None or person.disabled or not right:
            await self._note_refusal(source, "nobody" if person is None else person.name, "password")
            raise WrongLogin
        self._by_source.give_back(source, now_s)
        if is_stranger:
            self._by_name.give_back(key, now_s)
        return person

    async def _prove_code(self, name: str, code: str, address: str) -> None:
        now_s, source, key = self._clock.monotonic_s(), _source(address), hash_of(name)
        if not self._by_source.take(source, now_s) or not self._by_code.take(key, now_s):
            raise TooManyLogins
        shown = Shown(name, code, hash_of(as_typed(code)), self._clock.now_ms())
        deed = Deed(_actor(name), "person recovery-code", name, {}, {"address": address})
        if not await self._database.change(lambda store: use_code(store, shown)) and not await self._carry_out(
            deed, lambda store: use_recovery_code(store, shown)
        ):
            await self._note_refusal(source, name, "code")
            raise WrongCode
        self._by_source.give_back(source, now_s)
        self._by_code.give_back(key, now_s)

    async def _note_refusal(self, source: str, subject: str, wrong: str) -> None:
        deed = Deed(f"from {source}", "person log-in refused", subject, {}, {"wrong": wrong})
        await self._carry_out(deed, lambda _: True)


def _actor(name: str) -> str:
    return f"person {name}"


def _source(address: str) -> str:
    parsed = parse_address(address)
    return address if parsed is None else source_of(parsed, _IPV6_PREFIX)


def _acquaintance(name: str, source: str) -> str:
    return hash_of(f"{name} {source}")
