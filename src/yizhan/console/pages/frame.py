"""What all pages share: who gets in, whether a form is ours, the headers, the languages, and how a page is drawn."""

import hashlib
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from yizhan.console.desk import Source, is_own_change, visit_of
from yizhan.console.pages.call import Call, Entry, Need, Page, SentFile, Typed
from yizhan.console.telling import in_words
from yizhan.console.words import LANGUAGES, language_of
from yizhan.flow.office import Conflict, NotFound
from yizhan.kit.clock import BEIJING
from yizhan.kit.log import get_logger
from yizhan.model.sentence import Told, spoken
from yizhan.wire.charset import Charset
from yizhan.wire.media import is_multipart
from yizhan.wire.multipart import Part, read_parts

_log = get_logger("console")

LANGUAGE_COOKIE = "yizhan_language"
THEME_COOKIE = "yizhan_theme"
THEMES = ("auto", "light", "dark")
_NOTICE_COOKIE = "yizhan_notice"
_NOTICE_S = 20
_MAX_FIELDS = 400
_STATIC = Path(__file__).parent.parent / "static"
_YEAR_S = 31_536_000
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    # The setup link is an address. "no-referrer" would hide the origin of our own forms from us, too.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Door:
    """A line of the menu: its word, its address, and who gets there."""

    word: str
    path: str
    need: Need = Entry.LOGGED_IN


@dataclass(frozen=True, slots=True)
class Corridor:
    """A part of the menu."""

    word: str
    doors: Sequence[Door]


class _Key(Convertor[int]):
    """``{id:key}`` in a path. Starlette's ``int`` takes more digits than Python reads."""

    regex = "[0-9]{1,19}"

    def convert(self, value: str) -> int:
        """As the path says it."""
        return int(value)

    def to_string(self, value: int) -> str:
        """As a path says it."""
        return str(value)


register_url_convertor("key", _Key())


class Frame:
    """Draws pages, and stands before each."""

    def __init__(
        self,
        source: Callable[[Request], Source],
        menu: Sequence[Corridor],
        is_there: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """``is_there``: whether behind the door to an address there is anything now."""
        self._source = source
        self._menu = menu
        self._is_there = is_there
        self._assets = {path.relative_to(_STATIC).as_posix(): path for path in _STATIC.rglob("*") if path.is_file()}
        self._versions = {
            name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in self._assets.items()
        }
        self._templates = Environment(
            loader=PackageLoader("yizhan.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["beijing"] = beijing
        self._templates.globals["asset"] = self._asset
        self._templates.filters["told"] = in_words
        self._templates.tests["told"] = lambda said: isinstance(said, Told)

    def app(self, pages: Sequence[Page]) -> Starlette:
        """All of them as an ASGI application."""
        routes = [self.route(page) for page in pages]
        return Starlette(
            routes=[*routes, Route("/static/{name:path}", self._static)],
            exception_handlers={HTTPException: self._fault, Exception: self._unforeseen},
        )

    def route(self, page: Page) -> Route:
        """What every page has in common: who it is, whether the form is ours, and the headers."""

        async def answer(request: Request) -> Response:
            visit = visit_of(request)
            call = Call(request, visit, {}, {}, self._source(request))
            need = page.change if call.is_change else page.see
            if need is not Entry.OPEN and visit is None:
                reply: Response = _leave_for("/login", request)
            elif visit is not None and visit.must_enrol and need is not None and not call.gets(need):
                reply = _leave_for("/second-factor", request)
            elif need is None or not call.gets(need):
                reply = self._nothing_here(call)
            else:
                reply = await self._guarded(page, call, is_open=need is Entry.OPEN)
            reply.headers.update(_HEADERS)
            if call.request.cookies.get(_NOTICE_COOKIE) and reply.status_code != HTTPStatus.SEE_OTHER:
                reply.delete_cookie(_NOTICE_COOKIE, httponly=True, samesite="strict")
            return reply

        methods = [name for name, need in (("GET", page.see), ("POST", page.change)) if need is not None]
        return Route(page.path, answer, methods=methods)

    async def _guarded(self, page: Page, call: Call, *, is_open: bool) -> Response:
        if call.is_change and len(await call.request.body()) > page.max_bytes:
            return self.say(
                call, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "too_large_why", f"{page.max_bytes}"
            )
        form = await _read_form(call.request) if call.is_change else ({}, {})
        if form is None:
            return self.say(call, HTTPStatus.FORBIDDEN, "refused", "refused_why")
        call = Call(call.request, call.visit, *form, call.source)
        if call.is_change and not _is_ours(call, is_open=is_open):
            return self.say(call, HTTPStatus.FORBIDDEN, "refused", "refused_why")
        try:
            return await page.view(call)
        except NotFound:
            return self._nothing_here(call)
        except HTTPException as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
            return self._nothing_here(call)
        except Conflict as error:
            return self.say(call, HTTPStatus.CONFLICT, "conflict", "conflict_why", spoken(error))
        except ValueError as error:  # of a value that no form of ours offers: whoever offers one shows it again
            return self.say(call, HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_value", "wrong_value_why", spoken(error))

    def show(
        self,
        call: Call,
        template: str,
        title: str,
        *,
        status: int = HTTPStatus.OK,
        mistake: str = "",
        detail: str = "",
        about: str = "",
        **values: Any,
    ) -> Response:
        """A page: ``title`` and ``mistake`` are keys of the words; ``about`` is what the page is about, an account's
        name say; ``detail`` says more of the mistake, as the gateway says it.

        A template draws with ``w`` (the words), ``may(method, path)``, ``visit``, ``call``, ``asset(name)``
        and ``values``.
        """
        w = self.words(call)
        notice = w.get(call.request.cookies.get(_NOTICE_COOKIE, ""), "")
        theme = call.request.cookies.get(THEME_COOKIE, "")
        text = self._templates.get_template(f"{template}.html").render(
            w=w,
            title=f"{w[title]} {about}" if about else w[title],
            call=call,
            visit=call.visit,
            may=call.may,
            menu=[self._seen(corridor, call) for corridor in self._menu],
            path=call.request.url.path,
            here=call.request.url.path + (f"?{call.request.url.query}" if call.request.url.query else ""),
            theme=theme if theme in THEMES else "auto",
            mistake=w[mistake] if mistake else "",
            detail=detail,
            notice=notice,
            **values,
        )
        return HTMLResponse(text, status, headers={"vary": "Accept-Language, Cookie"})

    def fragment(self, call: Call, template: str, **values: Any) -> Response:
        """A piece of a page, for htmx to put in its place."""
        return HTMLResponse(self.draw(call, template, **values), headers={"vary": "Accept-Language, Cookie"})

    def draw(self, call: Call, template: str, **values: Any) -> str:
        """The same as text."""
        w = self.words(call)
        return self._templates.get_template(f"{template}.html").render(
            w=w, call=call, visit=call.visit, may=call.may, **values
        )

    def say(self, call: Call, status: int, title: str, words: str, detail: str = "") -> Response:
        """A page that says one sentence."""
        return self.show(call, "words", title, status=status, words=words, detail=detail)

    def _nothing_here(self, call: Call) -> Response:
        return self.say(call, HTTPStatus.NOT_FOUND, "gone", "gone_why")

    def words(self, call: Call) -> Mapping[str, str]:
        """In the language that he has chosen, or his browser asks for."""
        chosen = call.request.cookies.get(LANGUAGE_COOKIE, "")
        return LANGUAGES[language_of(chosen, call.request.headers.get("accept-language", ""))]

    def _seen(self, corridor: Corridor, call: Call) -> Corridor:
        doors = [door for door in corridor.doors if call.gets(door.need) and self._is_there(door.path)]
        return Corridor(corridor.word, doors)

    def _asset(self, name: str) -> str:
        """The address of a file under ``static/``; another one when the file is another."""
        return f"/static/{name}?v={self._versions[name]}"

    async def _static(self, request: Request) -> Response:
        path = self._assets.get(request.path_params["name"])
        if path is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        lasts = f"max-age={_YEAR_S}, immutable" if "v" in request.query_params else "no-cache"
        return Response(path.read_bytes(), media_type=kind, headers={**_HEADERS, "cache-control": lasts})

    async def _fault(self, request: Request, error: Exception) -> Response:
        call = Call(request, visit_of(request), {}, {}, self._source(request))
        if call.visit is None:
            reply: Response = go("/login")
        else:
            status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
            words = ("gone", "gone_why") if isinstance(error, HTTPException) else ("mishap", "mishap_why")
            reply = self.say(call, status, *words)
        reply.headers.update(_HEADERS)
        return reply

    async def _unforeseen(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, ClientDisconnect):  # who took a stream has left, or only asked for its head
            path = request.url.path
            path = "/setup/" if path.startswith("/setup/") else path  # the link is for nobody who reads logs
            _log.error("a page failed", method=request.method, path=path, exc_info=error)
        return await self._fault(request, error)


def go(path: str, notice: str = "") -> RedirectResponse:
    """On to another page of ours, which begins with ``notice`` (a key of the words)."""
    answer = RedirectResponse(path, HTTPStatus.SEE_OTHER)
    if notice:
        answer.set_cookie(_NOTICE_COOKIE, notice, max_age=_NOTICE_S, httponly=True, samesite="strict")
    return answer


def _leave_for(path: str, request: Request) -> Response:
    """The whole page goes there, also when only a piece of it was asked for, which htmx would put in its place."""
    if request.headers.get("hx-request"):
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"hx-redirect": path})
    return go(path)


def is_local(path: str) -> bool:
    """Whether an address is one of ours, and leads nowhere else."""
    return path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()


async def _read_form(request: Request) -> tuple[Typed, Mapping[str, SentFile]] | None:
    """The fields of a form, and its files; None when it is none of ours."""
    body, content_type = await request.body(), request.headers.get("content-type", "")
    if is_multipart(content_type):
        return _read_parts(list(islice(read_parts(body, content_type, Charset.UTF_8), _MAX_FIELDS + 1)))
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS), {}
    except ValueError:
        return None


def _read_parts(parts: Sequence[Part]) -> tuple[Typed, Mapping[str, SentFile]] | None:
    typed: dict[str, list[str]] = {}
    for part in parts:
        if not part.file:
            typed.setdefault(part.name, []).append(part.content.decode("utf-8", "replace"))
    files = {part.name: SentFile(part.file, part.content) for part in parts if part.file}
    return None if len(parts) > _MAX_FIELDS else (typed, files)


def _is_ours(call: Call, *, is_open: bool) -> bool:
    """Whether a form was sent from a page of ours: by its secret, or before there is one by what browsers say of where
    it comes from.
    """
    if not is_open:
        return is_own_change(call.logged_in, call.raw("csrf"))
    headers = call.request.headers
    if (site := headers.get("sec-fetch-site")) is not None:
        return site in ("same-origin", "none")
    # Browsers say that (Fetch Metadata, section 2.3) over HTTPS and to this machine only; this they say always. Names
    # are enough: some proxies leave out our port.
    origin = headers.get("origin")
    return origin is None or _name_of(origin.partition("://")[2]) == _name_of(call.source.host)


def _name_of(host: str) -> str:
    return host.lower() if host.endswith("]") else host.rpartition(":")[0].lower() or host.lower()


def beijing(at: str) -> str:
    """A moment (RFC 3339) by Beijing's wall clock."""
    return datetime.fromisoformat(at).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
