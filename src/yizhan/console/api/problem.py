"""Errors of the admin API as ``application/problem+json`` (RFC 9457): one shape, one clear ``detail``."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from yizhan.flow.operate import Conflict, NotFound
from yizhan.flow.send import Refused
from yizhan.kit.log import get_logger
from yizhan.model.reject import Reject

_log = get_logger("console")


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """A problem document; characters that UTF-8 cannot carry (lone surrogates) come out escaped."""
    safe = detail.encode("utf-8", "backslashreplace").decode()
    title = HTTPStatus(status).phrase
    return JSONResponse(
        {"type": "about:blank", "title": title, "status": status, "detail": safe, **more},
        status_code=status,
        media_type="application/problem+json",
    )


def explain(errors: Sequence[Any]) -> str:
    """pydantic's findings as one sentence each: where, and what is allowed. The input itself is never repeated."""
    return "; ".join(_sentence(error) for error in errors)


def _sentence(error: dict[str, Any]) -> str:
    where = ".".join(str(step) for step in error["loc"] if step not in ("body", "query", "path"))
    what = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}" if where else what


async def _not_found(_: Request, error: Exception) -> JSONResponse:
    return problem(404, str(error))


async def _conflict(_: Request, error: Exception) -> JSONResponse:
    return problem(409, str(error))


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)  # noqa: S101  as registered below
    status = 404 if error.reject == Reject.ACCOUNT_UNKNOWN else 422
    hit = error.hit.encode("utf-8", "backslashreplace").decode()
    return problem(status, str(error), reject=error.reject, hit=hit, code=error.code)


async def _wrong_value(_: Request, error: Exception) -> JSONResponse:
    return problem(422, str(error))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  as registered below
    return problem(422, explain(error.errors()))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    answer = problem(error.status_code, str(error.detail))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["allow"] = ", ".join(_allowed(request))
    return answer


def _allowed(request: Request) -> Iterator[str]:
    """What may be done there. Starlette names only what the first of several routes with this path does."""
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            yield method


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    # A customer may call too, and the cause may hold what is not his: the log has it, with names and places only.
    _log.error("admin call failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(500, f"unforeseen: {type(error).__name__}; the log says where")


def answer_problems(app: FastAPI) -> None:
    """Let ``app`` answer every error as a problem document."""
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(ValueError, _wrong_value)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)
