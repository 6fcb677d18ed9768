"""The northbound protocol: bytes in, one call to the river, bytes out.

No framework stands here: every framework's query parsing turns GB2312 into replacement characters. Which operation is
meant comes from the path or the envelope; what it does comes from its row in ``model.operation``.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from yizhan.flow.ports import River
from yizhan.front.actions import Actions, Said, refused
from yizhan.front.caller import Callers, seen_url
from yizhan.front.mishap import log_mishap
from yizhan.front.pages import read_page
from yizhan.front.reply import Reply, plain_text
from yizhan.front.request import Request
from yizhan.front.routes import Binding, Route, find_route, last_segment
from yizhan.model.call import Call, Original, Transport
from yizhan.model.operation import Operation
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import ServerSettings
from yizhan.wire.answer import asmx_answer, aspx_answer, unknown_method_answer
from yizhan.wire.form import decode_call
from yizhan.wire.original import keep
from yizhan.wire.soap import (
    FaultCode,
    SoapCall,
    SoapFault,
    SoapVersion,
    content_type_of,
    read_envelope,
    write_answer,
    write_fault,
)

# Whether calls should come here, and what works, by name; asked by anybody, so it must not cost much.
Ready = Callable[[], Awaitable[tuple[bool, Mapping[str, bool]]]]
_PROBES = (b"/livez", b"/readyz")
_METHODS = ("GET", "POST", "HEAD")
_TRANSPORTS = {SoapVersion.V1_1: Transport.SOAP11, SoapVersion.V1_2: Transport.SOAP12}


class Gateway:
    """Answers every HTTP request that the listener lets through: with a value, a page, a SOAP fault, 404 or 405."""

    def __init__(
        self, river: River, settings: ServerSettings, max_batch_items: int, ready: Ready | None = None
    ) -> None:
        """``settings`` say whose X-Forwarded headers to believe; ``max_batch_items`` bounds BatchContentSms; ``ready``
        tells a probe what works and what does not.
        """
        self._ready = ready
        self._callers = Callers(settings.trusted_proxies)
        self._actions = Actions(river, max_batch_items)
        self._keep_bytes = settings.keep_request_bytes
        self._bindings: dict[Binding, Callable[[Route, Request], Awaitable[Reply]]] = {
            Binding.ASPX: self._aspx,
            Binding.METHOD: self._method,
            Binding.SERVICE: self._service,
        }

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        if request.method not in _METHODS:
            return plain_text(405, "The method must be GET, HEAD or POST.")
        route = find_route(request.path)
        if route is None and request.path in _PROBES:
            return await self._probe(request)
        if route is None:
            return plain_text(404, "Nothing here. Operations are at PREFIX/NAME.aspx and PREFIX/LinkWS.asmx.")
        return await self._bindings[route.binding](route, request)

    async def _probe(self, request: Request) -> Reply:
        """For whoever watches over nodes: ``/livez`` that this one runs, ``/readyz`` that calls should come here."""
        ready, checks = (True, {}) if self._ready is None or request.path == b"/livez" else await self._ready()
        lines = ["ok" if ready else "not ready"]
        if request.query.lstrip(b"?").partition(b"=")[0] == b"verbose":
            lines = [f"{'+' if good else '-'} {name}" for name, good in checks.items()] + lines
        return plain_text(200 if ready else 503, "\n".join(lines))

    async def _aspx(self, route: Route, request: Request) -> Reply:
        """``NAME.aspx``: the answer is the bare value. HEAD executes nothing and has none."""
        if route.operation is None:
            return plain_text(404, "There is no such operation.")
        said = await self._said(route.operation, Transport.ASPX, request, partial(_form, route, request))
        return _written(said, lambda: aspx_answer(said.text, route.utf8))

    async def _method(self, route: Route, request: Request) -> Reply:
        """``LinkWS.asmx/NAME``: the same parameters, the answer is one XML element."""
        if route.operation is None:
            return Reply(500, *unknown_method_answer(last_segment(request.path)))
        said = await self._said(route.operation, Transport.ASMX, request, partial(_form, route, request))
        operation = route.operation
        return _written(said, lambda: asmx_answer(operation, said.text))

    async def _service(self, _route: Route, request: Request) -> Reply:
        """``LinkWS.asmx``: a POST is SOAP, whatever its query or type; a GET asks for a page."""
        if request.method != "POST":
            return read_page(request.query, self._service_url(request))
        try:
            call = self._read_soap(request)
        except SoapFault as fault:
            # A version mismatch is told in SOAP 1.1, which is the version such a fault names.
            return Reply(fault.status, write_fault(fault), content_type_of(fault.version))
        said = await self._said(call.operation, _TRANSPORTS[call.version], request, lambda: call.values)
        return _written(
            said, lambda: (write_answer(call.version, call.operation, said.text), content_type_of(call.version))
        )

    def _read_soap(self, request: Request) -> SoapCall:
        """The call in an envelope; SoapFault for everything that is none, our own mistakes included."""
        try:
            return read_envelope(request.body, request.header(b"content-type"), request.header(b"soapaction"))
        except SoapFault:
            raise
        except Exception as error:
            log_mishap(error, "SOAP", self._address(request))
            raise SoapFault(SoapVersion.V1_1, FaultCode.SERVER, "The request could not be read.") from None

    async def _said(
        self, operation: Operation, transport: Transport, request: Request, read: Callable[[], Mapping[str, str]]
    ) -> Said:
        """What a call is answered with: an id, a count, text or a code. HEAD does nothing and has no answer.

        Whatever goes wrong on our side is -2 (row 20).
        """
        if request.method == "HEAD":
            return Said("")
        try:
            if request.crowded:
                return refused(operation, Refusal(Reject.OTHER))
            original = self._original(request, transport) if operation.submits and self._keep_bytes else None
            return await self._actions.take(Call(operation, read(), self._address(request), transport, original))
        except Exception as error:
            log_mishap(error, operation.name, self._address(request))
            return refused(operation, Refusal(Reject.OTHER))

    def _original(self, request: Request, transport: Transport) -> Callable[[], Original]:
        """What is kept of a request, should its message be stored."""
        parts = request.method, request.path, request.query, request.headers, request.body
        return partial(keep, *parts, is_document=transport in _TRANSPORTS.values(), most=self._keep_bytes)

    def _address(self, request: Request) -> str:
        """The caller's IP address; empty on a socket that has none."""
        return self._callers.address(request.client[0], request.headers) if request.client else ""

    def _service_url(self, request: Request) -> str:
        """The URL of the Web service as the caller sees it, with the prefix that it used."""
        by_proxy = request.client is not None and self._callers.believes(request.client[0])
        return seen_url(request.scheme, request.server, request.headers, request.path, by_proxy)


def _written(said: Said, write: Callable[[], tuple[bytes, str]]) -> Reply:
    """The answer as its binding writes it; what cannot be written does not leave."""
    try:
        return Reply(200, *write(), said.left)
    except BaseException:
        if said.left is not None:
            said.left(False)
        raise


def _form(route: Route, request: Request) -> Mapping[str, str]:
    """The parameters of a query and a form (contract, section 3, says which of the two wins)."""
    return decode_call(
        utf8_path=route.utf8,
        query=request.query,
        content_type=request.header(b"content-type") if request.body else "",
        body=request.body,
        form_wins=route.binding is Binding.METHOD,
    )
