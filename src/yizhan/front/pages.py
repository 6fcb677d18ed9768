"""What a GET of ``LinkWS.asmx`` shows: the WSDL, one operation, the discovery document or the list of operations."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from yizhan.front.reply import Reply
from yizhan.model.operation import find_operation
from yizhan.wire.pages import HTML, XML, discovery, help_page, operation_page
from yizhan.wire.wsdl import write_wsdl

_DOCUMENTS: dict[str, Callable[[str], bytes]] = {"wsdl": write_wsdl, "disco": discovery}


def read_page(query: bytes, address: str) -> Reply:
    """The page that ``query`` asks for (contract, section 1). ``address``: the service's URL as the caller sees it."""
    for field in query.lstrip(b"?").split(b"&"):
        name, _, value = field.partition(b"=")
        word = name.decode("latin-1").lower()
        if word in _DOCUMENTS:
            return Reply(200, _DOCUMENTS[word](address), XML)
        operation = find_operation(unquote_to_bytes(value).decode("latin-1")) if word == "op" else None
        if operation is not None:
            return Reply(200, operation_page(operation, address), HTML)
    return Reply(200, help_page(address), HTML)
