"""Cookies of the log-in: the session, and between the two steps what waits for the second."""

from typing import TypeVar

from starlette.responses import Response

from yizhan.console.desk import SESSION_COOKIE
from yizhan.console.pages.call import Call
from yizhan.flow.login import LoggedIn

R = TypeVar("R", bound=Response)

_HALF_COOKIE = "yizhan_half"
CODE = "/login/code"  # where the second step is; nowhere else is the half session sent


def half_of(call: Call) -> str:
    """What waits for its second step, as the cookie says; empty when there is none."""
    return call.request.cookies.get(_HALF_COOKIE, "")


def keep(call: Call, answer: R, logged_in: LoggedIn) -> R:
    """The browser keeps this from now on."""
    name, path = (_HALF_COOKIE, CODE) if logged_in.is_half else (SESSION_COOKIE, "/")
    answer.set_cookie(name, logged_in.secret, path=path, secure=call.source.is_https, httponly=True, samesite="strict")
    return answer


def forget_half(answer: R) -> R:
    """The second step is done, or too late."""
    answer.delete_cookie(_HALF_COOKIE, path=CODE, httponly=True, samesite="strict")
    return answer


def forget_session(answer: R) -> R:
    """The browser is logged out."""
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return answer
