"""The console's pages: rendered here, without a script. Whoever has not logged in sees the log-in, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from yizhan.console.desk import SESSION_COOKIE, Source, is_own_change, visit_of
from yizhan.console.words import LANGUAGES, language_of
from yizhan.flow.ask import Ask
from yizhan.flow.login import Login, TooManyLogins, WrongLogin
from yizhan.flow.office import NotFound
from yizhan.flow.operate import Operate
from yizhan.kit.clock import BEIJING
from yizhan.model.access import Visit
from yizhan.model.views import Overview

_PATHS = frozenset({"/", "/login", "/logout", "/password", "/language", "/static/console.css"})
_SETUP = "/setup/"
_LANGUAGE_COOKIE = "yizhan_language"
_YEAR_S = 31_536_000
_NEWEST = 20
_MAX_FIELDS = 20
_MAX_FORM_BYTES = 16_384
_STYLE = Path(__file__).with_name("static") / "console.css"
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # the setup link is an address
    "cache-control": "no-store",
}

View = Callable[["Call"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a page; ``visit`` is None for who has not logged in."""

    request: Request
    visit: Visit | None
    form: dict[str, str]
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
        assert self.visit is not None  # noqa: S101  see ``Pages._page``
        return self.visit


class Pages:
    """Every page, as an ASGI application."""

    def __init__(
        self,
        login: Login,
        operate: Operate,
        ask: Ask,
        overview: Callable[[], Awaitable[Overview]],
        source: Callable[[Request], Source],
    ) -> None:
        self._login = login
        self._operate = operate
        self._ask = ask
        self._overview = overview
        self._source = source
        self._templates = Environment(
            loader=PackageLoader("yizhan.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._templates.filters["beijing"] = _beijing
        self.app = Starlette(
            routes=[
                Route("/", self._page(self._show_home)),
                Route("/login", self._page(self._log_in, is_open=True), methods=["GET", "POST"]),
                Route("/logout", self._page(self._log_out), methods=["POST"]),
                Route("/password", self._page(self._change_password), methods=["GET", "POST"]),
                Route(_SETUP + "{link}", self._page(self._set_up, is_open=True), methods=["GET", "POST"]),
                Route("/language", self._page(self._choose_language, is_open=True), methods=["POST"]),
                Route("/static/console.css", _show_style),
            ],
            exception_handlers={HTTPException: _fault},
        )

    async def _show_home(self, call: Call) -> Response:
        account = call.logged_in.caller.account
        if account is None:
            return self._show(call, "overview", "overview", overview=await self._overview())
        newest = (await self._ask.messages(account=account, limit=_NEWEST)).messages
        return self._show(call, "account", "overview", account=await self._ask.account(account), messages=newest)

    async def _log_in(self, call: Call) -> Response:
        if call.visit is not None:
            return _go("/")
        if not call.is_change:
            return self._show(call, "login", "log_in", name="")
        name, password = call.form.get("name", ""), call.form.get("password", "")
        try:
            session = await self._login.log_in(name, password, call.source.address, call.session)
        except (WrongLogin, TooManyLogins) as error:
            return self._refuse(call, error, "login", "log_in", name=name)
        answer = _go("/")
        answer.set_cookie(SESSION_COOKIE, session, secure=call.source.is_https, httponly=True, samesite="strict")
        return answer

    async def _log_out(self, call: Call) -> Response:
        await self._login.log_out(call.logged_in, call.session or "")
        return _forget_session("/login")

    async def _change_password(self, call: Call) -> Response:
        visit = call.logged_in
        if not call.is_change:
            return self._show(call, "password", "change_password")
        try:
            await self._login.confirm(visit, call.form.get("old", ""), call.source.address)
            await self._operate.set_person_password(visit.caller.name, visit.person, call.form.get("new", ""))
        except (WrongLogin, TooManyLogins, ValueError) as error:
            return self._refuse(call, error, "password", "change_password")
        return _forget_session("/login")

    async def _set_up(self, call: Call) -> Response:
        link, name = call.request.path_params["link"], call.form.get("name", "")
        if not await self._login.opens(link):
            return self._say(call, HTTPStatus.NOT_FOUND, "gone", "gone_why")
        if not call.is_change:
            return self._show(call, "setup", "setup", name="")
        try:
            await self._login.use_link(link, name, call.form.get("password", ""))
        except NotFound:
            return self._say(call, HTTPStatus.NOT_FOUND, "gone", "gone_why")
        except ValueError as error:
            return self._refuse(call, error, "setup", "setup", name=name)
        return _go("/login")

    async def _choose_language(self, call: Call) -> Response:
        back, language = call.form.get("back", ""), call.form.get("language", "")
        answer = _go(back if back.startswith(("/login", "/password", _SETUP)) else "/")
        if language in LANGUAGES:
            answer.set_cookie(_LANGUAGE_COOKIE, language, max_age=_YEAR_S, httponly=True, samesite="strict")
        return answer

    def _page(self, view: View, *, is_open: bool = False) -> Callable[[Request], Awaitable[Response]]:
        """What every page has in common: who it is, whether the form is ours, and the headers."""

        async def answer(request: Request) -> Response:
            visit = visit_of(request)
            if visit is None and not is_open:
                reply: Response = _go("/login")
            else:
                form = await _read_form(request)
                call = Call(request, visit, form or {}, self._source(request))
                if form is None or (call.is_change and not _is_ours(call, is_open=is_open)):
                    reply = self._say(call, HTTPStatus.FORBIDDEN, "refused", "refused_why")
                else:
                    reply = await view(call)
            reply.headers.update(_HEADERS)
            return reply

        return answer

    def _show(
        self, call: Call, template: str, title: str, status: int = HTTPStatus.OK, mistake: str = "", **values: Any
    ) -> Response:
        headers = call.request.headers
        chosen = call.request.cookies.get(_LANGUAGE_COOKIE, "")
        w = LANGUAGES[language_of(chosen, headers.get("accept-language", ""))]
        values = {name: w[value] if name == "words" else value for name, value in values.items()}
        text = self._templates.get_template(f"{template}.html").render(
            w=w,
            title=w[title],
            visit=call.visit,
            path=call.request.url.path,
            mistake=w[mistake] if mistake else "",
            **values,
        )
        return HTMLResponse(text, status, headers={"vary": "Accept-Language, Cookie"})

    def _say(self, call: Call, status: int, title: str, words: str) -> Response:
        return self._show(call, "words", title, status, words=words)

    def _refuse(self, call: Call, error: Exception, template: str, title: str, **values: Any) -> Response:
        """The same form again, with what was wrong."""
        if isinstance(error, WrongLogin):
            status, mistake = HTTPStatus.FORBIDDEN, "wrong_login"
        elif isinstance(error, TooManyLogins):
            status, mistake = HTTPStatus.TOO_MANY_REQUESTS, "too_many"
        else:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            mistake = "bad_name" if str(error).startswith("a name") else "too_short"
        return self._show(call, template, title, status, mistake, **values)


def is_page(path: str) -> bool:
    """What the pages have for themselves; everything else is the API's."""
    return path in _PATHS or path.startswith(_SETUP)


async def _fault(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    return PlainTextResponse(HTTPStatus(status).phrase, status, headers=_HEADERS)


async def _show_style(_: Request) -> Response:
    return Response(_STYLE.read_bytes(), media_type="text/css", headers={**_HEADERS, "cache-control": "max-age=3600"})


async def _read_form(request: Request) -> dict[str, str] | None:
    """The fields of a urlencoded form; None when it is none of ours."""
    body = await request.body()
    if len(body) > _MAX_FORM_BYTES:
        return None
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}


def _is_ours(call: Call, *, is_open: bool) -> bool:
    """Whether a form was sent from a page of ours: by its secret, or before there is one by what browsers say of where
    it comes from (Fetch Metadata, section 2.3).
    """
    if is_open:
        return call.request.headers.get("sec-fetch-site", "none") in ("same-origin", "none")
    return is_own_change(call.logged_in, call.form.get("csrf", ""))


def _go(path: str) -> Response:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


def _forget_session(path: str) -> Response:
    answer = _go(path)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return answer


def _beijing(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
