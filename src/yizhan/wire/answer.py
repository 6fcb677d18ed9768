"""Answers of the HTTP functions and of the asmx GET/POST binding (contract, section 6)."""

import re

from yizhan.model.operation import Operation
from yizhan.wire.charset import encode_cp936
from yizhan.wire.xml_text import NAMESPACE, PROLOG, escape

_MAINLAND = re.compile(r"861[3-9][0-9]{9}")  # contract, section 3


def aspx_answer(value: str, utf8: bool) -> tuple[bytes, str]:
    """The body and Content-Type of an ``.aspx`` answer: the bare value and nothing else.

    The charset follows the path (``utf8``: it has a ``utf8`` segment), never the request.
    """
    if utf8:
        return value.encode("utf-8", "replace"), "text/html; charset=utf-8"
    return encode_cp936(value), "text/html; charset=gb2312"


def asmx_answer(operation: Operation, value: str) -> tuple[bytes, str]:
    """The body and Content-Type of an answer to ``LinkWS.asmx/<Operation>``: one element, named after the type."""
    name = operation.result.value
    text = escape(value)
    element = f'<{name} xmlns="{NAMESPACE}">{text}</{name}>' if text else f'<{name} xmlns="{NAMESPACE}" />'
    return f"{PROLOG}\r\n{element}".encode(), "text/xml; charset=utf-8"


def unknown_method_answer(name: str) -> tuple[bytes, str]:
    """The body and Content-Type for ``LinkWS.asmx/<name>`` when there is no such operation; its status is 500."""
    return f"{name} Web Service method name is not valid.".encode("utf-8", "replace"), "text/plain; charset=utf-8"


def client_number(number: str) -> str:
    """An E.164 number as clients read it: 11 digits for the mainland, else country code and digits without ``+``
    (contract, section 9).
    """
    digits = number.removeprefix("+")
    return digits[2:] if _MAINLAND.fullmatch(digits) else digits
