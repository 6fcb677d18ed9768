"""The way in and out: log-in, the first administrator's link, one's own password, language and colours."""

from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from yizhan.console.pages.call import Call, Entry, Page
from yizhan.console.pages.cookies import CODE, forget_session, keep
from yizhan.console.pages.frame import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, Frame, go, is_local
from yizhan.console.words import LANGUAGES
from yizhan.flow.login import Login, TooManyLogins, WrongLogin
from yizhan.flow.office import NotFound
from yizhan.flow.operate import Operate

_YEAR_S = 31_536_000


class EntryRoom:
    """``/login``, ``/logout``, ``/setup/…``, ``/password``, ``/language`` and ``/theme``."""

    def __init__(self, frame: Frame, login: Login, operate: Operate) -> None:
        self._frame = frame
        self._login = login
        self._operate = operate

    def pages(self) -> list[Page]:
        """All of them."""
        return [
            Page("/login", self._log_in, Entry.OPEN, Entry.OPEN),
            Page("/logout", self._log_out, None, Entry.NOT_ENROLLED),
            Page("/password", self._change_password, Entry.LOGGED_IN, Entry.LOGGED_IN),
            Page("/setup/{link}", self._set_up, Entry.OPEN, Entry.OPEN),
            Page("/language", self._choose_language, None, Entry.OPEN),
            Page("/theme", self._choose_theme, None, Entry.OPEN),
        ]

    async def _log_in(self, call: Call) -> Response:
        if call.visit is not None:
            return go("/")
        if not call.is_change:
            return self._frame.show(call, "entry/login", "log_in", name="")
        name, password = call.raw("name"), call.raw("password")
        try:
            logged_in = await self._login.log_in(name, password, call.source.address, call.session)
        except (WrongLogin, TooManyLogins) as error:
            return self._refuse(call, error, "entry/login", "log_in", name=name)
        return keep(call, go(CODE if logged_in.is_half else "/"), logged_in)

    async def _log_out(self, call: Call) -> Response:
        await self._login.log_out(call.logged_in, call.session or "")
        return forget_session(go("/login"))

    async def _change_password(self, call: Call) -> Response:
        visit = call.logged_in
        if not call.is_change:
            return self._frame.show(call, "entry/password", "change_password")
        try:
            await self._login.confirm(visit, call.raw("old"), call.source.address)
            await self._operate.set_person_password(call.actor, visit.person, call.raw("new"))
        except (WrongLogin, TooManyLogins, ValueError) as error:
            return self._refuse(call, error, "entry/password", "change_password")
        return forget_session(go("/login"))

    async def _set_up(self, call: Call) -> Response:
        link, name = call.request.path_params["link"], call.raw("name")
        if not await self._login.opens(link):
            raise NotFound("the link")
        if not call.is_change:
            return self._frame.show(call, "entry/setup", "setup", name="")
        try:
            await self._login.use_link(link, name, call.raw("password"))
        except ValueError as error:
            return self._refuse(call, error, "entry/setup", "setup", name=name)
        return go("/login")

    async def _choose_language(self, call: Call) -> Response:
        return _choose(call, LANGUAGE_COOKIE, call.raw("language"), LANGUAGES)

    async def _choose_theme(self, call: Call) -> Response:
        return _choose(call, THEME_COOKIE, call.raw("theme"), THEMES)

    def _refuse(self, call: Call, error: Exception, template: str, title: str, **values: Any) -> Response:
        """The same form again, with what was wrong."""
        if isinstance(error, WrongLogin):
            status, mistake = HTTPStatus.FORBIDDEN, "wrong_login"
        elif isinstance(error, TooManyLogins):
            status, mistake = HTTPStatus.TOO_MANY_REQUESTS, "too_many"
        else:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            mistake = "bad_name" if str(error).startswith("a name") else "too_short"
        return self._frame.show(call, template, title, status=status, mistake=mistake, **values)


def _choose(call: Call, cookie: str, value: str, known: Any) -> Response:
    """A choice of how pages look; back to where it was made."""
    back = call.raw("back")
    answer = go(back if is_local(back) else "/")
    if value in known:
        answer.set_cookie(cookie, value, max_age=_YEAR_S, httponly=True, samesite="strict")
    return answer
