"""The second factor: the log-in's step that asks for its code, and the page where people turn their own on and off."""

from http import HTTPStatus
from typing import Any

import segno
from starlette.responses import Response

from yizhan.console.pages.call import Call, Entry, Page
from yizhan.console.pages.cookies import CODE, forget_half, half_of, keep
from yizhan.console.pages.frame import Frame, go
from yizhan.flow.login import LoggedIn, Login, TooManyLogins, WrongCode, WrongLogin
from yizhan.flow.office import NotFound
from yizhan.flow.operate import Operate
from yizhan.flow.operate_second_factors import WrongFirstCode, new_secret
from yizhan.kit.clock import to_rfc3339
from yizhan.policy.totp import is_secret, otpauth_uri
from yizhan.store.second_factors import SecondFactor

_ISSUER = "Yizhan"
_TITLE = "second_factor"
_MISTAKES: dict[type[Exception], tuple[int, str]] = {
    WrongLogin: (HTTPStatus.FORBIDDEN, "wrong_password"),
    WrongCode: (HTTPStatus.FORBIDDEN, "wrong_code"),
    WrongFirstCode: (HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_first_code"),
    TooManyLogins: (HTTPStatus.TOO_MANY_REQUESTS, "too_many_later"),
}


class SecondFactorRoom:
    """``/login/code`` and ``/second-factor``."""

    def __init__(self, frame: Frame, login: Login, operate: Operate) -> None:
        self._frame = frame
        self._login = login
        self._operate = operate

    def pages(self) -> list[Page]:
        """All of them."""
        return [
            Page(CODE, self._log_in_by_code, Entry.OPEN, Entry.OPEN),
            Page("/second-factor", self._change, Entry.NOT_ENROLLED, Entry.NOT_ENROLLED),
            Page("/second-factor/recovery", self._renew, Entry.NOT_ENROLLED, Entry.NOT_ENROLLED),
        ]

    async def _log_in_by_code(self, call: Call) -> Response:
        half = half_of(call)
        if call.visit is not None or not await self._login.is_halfway(half):
            return forget_half(go("/login"))
        if not call.is_change:
            return self._frame.show(call, "entry/code", "log_in")
        try:
            session = await self._login.log_in_by_code(half, call.raw("code"), call.source.address, call.session)
        except (WrongCode, TooManyLogins) as error:
            return self._frame.show(call, "entry/code", "log_in", **_mistake(error))
        except (NotFound, WrongLogin):  # too late, or he is somebody else by now
            return forget_half(go("/login"))
        return forget_half(keep(call, go("/"), LoggedIn(session, is_half=False)))

    async def _change(self, call: Call) -> Response:
        visit = call.logged_in
        factor = await self._operate.second_factor(visit.person)
        if factor is None:
            return await self._turn_on(call) if call.is_change else self._offer(call, new_secret())
        if not call.is_change:
            return self._enrolled(call, factor)
        try:
            await self._confirm(call)
            await self._operate.turn_second_factor_off(call.actor, visit.person, call.session)
        except (WrongLogin, WrongCode, TooManyLogins) as error:
            return self._enrolled(call, factor, **_mistake(error))
        return go("/second-factor", "second_factor_off")

    async def _renew(self, call: Call) -> Response:
        if await self._operate.second_factor(call.logged_in.person) is None:
            return go("/second-factor")
        if not call.is_change:
            return self._frame.show(call, "entry/renew", _TITLE)
        try:
            await self._confirm(call)
            codes = await self._operate.renew_recovery_codes(call.actor, call.logged_in.person)
        except (WrongLogin, WrongCode, TooManyLogins) as error:
            return self._frame.show(call, "entry/renew", _TITLE, **_mistake(error))
        return self._frame.show(call, "entry/recovery", _TITLE, codes=codes)

    async def _confirm(self, call: Call) -> None:
        """Whoever asks is the person, not somebody at a screen that was left open."""
        await self._login.confirm(call.logged_in, call.raw("password"), call.source.address)
        await self._login.confirm_code(call.logged_in, call.raw("code"), call.source.address)

    def _enrolled(self, call: Call, factor: SecondFactor, **mistake: Any) -> Response:
        since, left = to_rfc3339(factor.created_at_ms), len(factor.recovery)
        return self._frame.show(call, "entry/enrolled", _TITLE, since=since, left=left, **mistake)

    async def _turn_on(self, call: Call) -> Response:
        visit, secret = call.logged_in, call.raw("secret")
        try:
            await self._login.confirm(visit, call.raw("password"), call.source.address)
            codes = await self._operate.turn_second_factor_on(
                call.actor, visit.person, secret, call.raw("code"), call.session or ""
            )
        except (WrongLogin, WrongFirstCode, TooManyLogins) as error:
            return self._offer(call, secret if is_secret(secret) else new_secret(), **_mistake(error))
        return self._frame.show(call, "entry/recovery", _TITLE, codes=codes)

    def _offer(self, call: Call, secret: str, **mistake: Any) -> Response:
        """A secret for the app, as a picture and in words. It comes back with the form: it is nobody's until then."""
        uri = otpauth_uri(secret, call.logged_in.person, _ISSUER)
        picture = segno.make_qr(uri, error="m").svg_inline(omitsize=True, svgclass=None, lineclass=None, light="#fff")
        return self._frame.show(call, "entry/enrol", _TITLE, secret=secret, uri=uri, picture=picture, **mistake)


def _mistake(error: Exception) -> dict[str, Any]:
    status, words = _MISTAKES[type(error)]
    return {"status": status, "mistake": words}
