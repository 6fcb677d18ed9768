"""A call of a page: who it is, what was typed, and what that role may do."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from starlette.requests import Request
from starlette.responses import Response

from yizhan.console.desk import SESSION_COOKIE, Reach, Source
from yizhan.model.access import Visit
from yizhan.policy.access import may_call

Typed = Mapping[str, Sequence[str]]


class Entry(Enum):
    """Who gets to a page that shows or changes nothing of the gateway's."""

    OPEN = "whoever comes"
    NOT_ENROLLED = "whoever has logged in, though he may have to set up a second factor first"
    LOGGED_IN = "whoever has logged in"
    CUSTOMER = "whoever has an account of his own"


# Who gets to a page: whoever may call this (method and path below ``/api/v1``, as it is declared) on the admin API.
Need = Entry | tuple[str, str]


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that came with a form."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a page; ``visit`` is None for who has not logged in."""

    request: Request
    visit: Visit | None
    typed: Typed
    files: Mapping[str, SentFile]
    source: Source

    @property
    def session(self) -> str | None:
        """What the cookie says."""
        return self.request.cookies.get(SESSION_COOKIE)

    @property
    def is_change(self) -> bool:
        """Whether a form was sent."""
        return self.request.method == "POST"

    @property
    def logged_in(self) -> Visit:
        """Who it is, where nobody else gets."""
        assert self.visit is not None  # noqa: S101  see ``Frame.route``
        return self.visit

    @property
    def actor(self) -> str:
        """What the audit log calls him."""
        return self.logged_in.caller.name

    @property
    def reach(self) -> Reach:
        """Of which accounts he may know."""
        return Reach(self.logged_in.caller)

    def field(self, name: str) -> str:
        """What was typed into a field of the form, without the blanks around it; empty when there is none."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """The same as it was typed."""
        return next(iter(self.typed.get(name, ())), "")

    def lines(self, name: str) -> str:
        """The same where it may have several lines; forms end them by CR LF."""
        return self.raw(name).replace("\r\n", "\n")

    def asked(self, name: str) -> str | None:
        """A value of the address (``?name=value``); None when it is not there or empty."""
        return self.request.query_params.get(name, "").strip() or None

    @property
    def is_in(self) -> bool:
        """Whether he has logged in with all that his role has to show."""
        return self.visit is not None and not self.visit.must_enrol

    def may(self, method: str, path: str) -> bool:
        """Whether his role may call this on the admin API."""
        return self.is_in and may_call(self.logged_in.caller.role, method, path)

    def gets(self, need: Need) -> bool:
        """Whether he may have what ``need`` guards."""
        if need is Entry.CUSTOMER:
            return self.is_in and self.logged_in.caller.account is not None
        if isinstance(need, Entry):
            return need is Entry.OPEN or self.is_in or (need is Entry.NOT_ENROLLED and self.visit is not None)
        return self.may(*need)


View = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: who may see it, who may send its form (None: there is none), and how large a form may be."""

    path: str
    view: View
    see: Need | None = Entry.LOGGED_IN
    change: Need | None = None
    max_bytes: int = 16_384
