"""The northbound protocol as one raw ASGI application: bytes in, one call to the river, bytes out.

No framework stands here: every framework's query parsing turns GB2312 into replacement characters. Which operation is
meant comes from the path or the envelope; what it does comes from its row in ``model.operation``.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from yizhan.flow.ports import River
from yizhan.front.asgi import CROWDED, Receive, Scope, Send
from yizhan.front.caller import Callers, seen_url
from yizhan.front.mishap import log_mishap
from yizhan.front.pages import read_page
from yizhan.front.reply import Reply, plain_text
from yizhan.front.routes import Binding, Route, find_route, last_segment
from yizhan.model.call import Call, Transport
from yizhan.model.money import whole_credits
from yizhan.model.operation import Action, Operation, Success
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import ServerSettings
from yizhan.model.submission import Accepted
from yizhan.wire.answer import asmx_answer, aspx_answer, client_number, unknown_method_answer
from yizhan.wire.codes import code_of
from yizhan.wire.content_sms import read_items, write_results
from yizhan.wire.form import decode_call
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

_METHODS = ("GET", "POST", "HEAD")
_TRANSPORTS = {SoapVersion.V1_1: Transport.SOAP11, SoapVersion.V1_2: Transport.SOAP12}


class Gateway:
    """Answers every HTTP request that the listener lets through: with a value, a page, a SOAP fault, 404 or 405."""

    def __init__(self, river: River, settings: ServerSettings, max_batch_items: int = 1_000) -> None:
        """``settings`` say whose X-Forwarded headers to believe; ``max_batch_items`` bounds BatchContentSms."""
        self._max_batch_items = max_batch_items
        self._callers = Callers(settings.trusted_proxies)
        self._river = river
        self._actions: dict[Action, Callable[[Call], Awaitable[str | Refusal]]] = {
            Action.SUBMIT: self._submit,
            Action.SUBMIT_EACH: self._submit_each,
            Action.BALANCE: self._balance,
            Action.BLOCKED: self._blocked,
            Action.GREET: self._greet,
            Action.NOTHING: self._nothing,
        }
        self._bindings: dict[Binding, Callable[[Route, Scope, bytes], Awaitable[Reply]]] = {
            Binding.ASPX: self._aspx,
            Binding.METHOD: self._method,
            Binding.SERVICE: self._service,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        route = find_route(scope["raw_path"])
        if scope["method"] not in _METHODS:
            reply = plain_text(405, "The method must be GET, HEAD or POST.")
        elif route is None:
            reply = plain_text(404, "Nothing here. Operations are at PREFIX/NAME.aspx and PREFIX/LinkWS.asmx.")
        else:
            message = await receive()  # the listener hands over whole messages only
            if message["type"] == "http.disconnect":
                return
            reply = await self._bindings[route.binding](route, scope, message["body"])
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers()})
        await send({"type": "http.response.body", "body": reply.body})

    async def _aspx(self, route: Route, scope: Scope, body: bytes) -> Reply:
        """``NAME.aspx``: the answer is the bare value. HEAD executes nothing and has none."""
        if route.operation is None:
            return plain_text(404, "There is no such operation.")
        value = ""
        if scope["method"] != "HEAD":
            value = await self._value(route.operation, Transport.ASPX, scope, _form(route, scope, body))
        return Reply(200, *aspx_answer(value, route.utf8))

    async def _method(self, route: Route, scope: Scope, body: bytes) -> Reply:
        """``LinkWS.asmx/NAME``: the same parameters, the answer is one XML element."""
        if route.operation is None:
            return Reply(500, *unknown_method_answer(last_segment(scope["raw_path"])))
        value = ""
        if scope["method"] != "HEAD":
            value = await self._value(route.operation, Transport.ASMX, scope, _form(route, scope, body))
        return Reply(200, *asmx_answer(route.operation, value))

    async def _service(self, _route: Route, scope: Scope, body: bytes) -> Reply:
        """``LinkWS.asmx``: a POST is SOAP, whatever its query or type; a GET asks for a page."""
        if scope["method"] != "POST":
            return read_page(scope["query_string"], self._service_url(scope))
        try:
            call = self._read_soap(scope, body)
        except SoapFault as fault:
            # A version mismatch is told in SOAP 1.1, which is the version such a fault names.
            return Reply(fault.status, write_fault(fault), content_type_of(fault.version))
        value = await self._value(call.operation, _TRANSPORTS[call.version], scope, lambda: call.values)
        return Reply(200, write_answer(call.version, call.operation, value), content_type_of(call.version))

    def _read_soap(self, scope: Scope, body: bytes) -> SoapCall:
        """The call in an envelope; SoapFault for everything that is none, our own mistakes included."""
        try:
            return read_envelope(body, _header(scope, b"content-type"), _header(scope, b"soapaction"))
        except SoapFault:
            raise
        except Exception as error:
            log_mishap(error, "SOAP", self._address(scope))
            raise SoapFault(SoapVersion.V1_1, FaultCode.SERVER, "The request could not be read.") from None

    async def _value(
        self, operation: Operation, transport: Transport, scope: Scope, read: Callable[[], Mapping[str, str]]
    ) -> str:
        """What a call is answered with: an id, a count or a code. Whatever goes wrong on our side is -2 (row 20)."""
        try:
            if "extensions" in scope and CROWDED in scope["extensions"]:
                outcome: str | Refusal = Refusal(Reject.OTHER)
            else:
                outcome = await self._actions[operation.action](
                    Call(operation, read(), self._address(scope), transport)
                )
        except Exception as error:
            log_mishap(error, operation.name, self._address(scope))
            outcome = Refusal(Reject.OTHER)
        return str(code_of(outcome.reject, operation)) if isinstance(outcome, Refusal) else outcome

    async def _submit(self, call: Call) -> str | Refusal:
        """What the operation's programs test for: the id, 0 or 1 (contract, section 4)."""
        accepted = await self._river.submit(call)
        return accepted if isinstance(accepted, Refusal) else _success(call.operation, accepted)

    async def _submit_each(self, call: Call) -> str | Refusal:
        """BatchContentSms: a result for each item, under the item's own ID."""
        items = read_items(call.value("jsonstring"), self._max_batch_items)
        outcomes = await self._river.submit_each(call, None if items is None else [item.values for item in items])
        if isinstance(outcomes, Refusal):
            return outcomes
        named = zip(items or [], outcomes, strict=True)
        return write_results([(item.id, _result(call.operation, outcome)) for item, outcome in named])

    async def _balance(self, call: Call) -> str | Refusal:
        """The balance as clients count it: whole 条."""
        balance = await self._river.balance(call)
        return balance if isinstance(balance, Refusal) else str(whole_credits(balance))

    async def _blocked(self, call: Call) -> str | Refusal:
        """Numbers joined with commas; empty when there are none."""
        numbers = await self._river.blocked(call)
        return numbers if isinstance(numbers, Refusal) else ",".join(map(client_number, numbers))

    async def _greet(self, _call: Call) -> str:
        return "Hello World"

    async def _nothing(self, _call: Call) -> Refusal:
        """MMS and voice: this gateway carries text only (contract, section 4)."""
        return Refusal(Reject.OTHER)

    def _address(self, scope: Scope) -> str:
        """The caller's IP address; empty on a socket that has none."""
        client = scope["client"]
        return self._callers.address(client[0], scope["headers"]) if client else ""

    def _service_url(self, scope: Scope) -> str:
        """The URL of the Web service as the caller sees it, with the prefix that it used."""
        client = scope["client"]
        by_proxy = client is not None and self._callers.believes(client[0])
        return seen_url(scope["scheme"], scope["server"], scope["headers"], scope["raw_path"], by_proxy)


def _success(operation: Operation, accepted: Accepted) -> str:
    """What an accepted call is answered with."""
    if operation.success is Success.ID or (operation.success is Success.ONE and accepted.batch_send_id):
        return str(accepted.submission)
    return "0" if operation.success is Success.ZERO else "1"


def _result(operation: Operation, outcome: Accepted | Refusal) -> str:
    """The same for one message of several, its code if it was refused."""
    return str(code_of(outcome.reject, operation)) if isinstance(outcome, Refusal) else _success(operation, outcome)


def _form(route: Route, scope: Scope, body: bytes) -> Callable[[], Mapping[str, str]]:
    """How to read the parameters of a query and a form (contract, section 3, says which of the two wins)."""
    return partial(
        decode_call,
        utf8_path=route.utf8,
        query=scope["query_string"],
        content_type=_header(scope, b"content-type") if body else "",
        body=body,
        form_wins=route.binding is Binding.METHOD,
    )


def _header(scope: Scope, wanted: bytes) -> str:
    """The first header called ``wanted`` (in lower case), empty when there is none."""
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value, "latin-1")
    return ""
