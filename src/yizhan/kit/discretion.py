"""What a log line may say: no password, no number, no text, whatever a library or an error put into it."""

import builtins
import re
import sys
from collections.abc import MutableMapping
from traceback import walk_tb
from types import TracebackType
from typing import Any

from yizhan.kit.masking import mask_number

# ``Pwd=…`` and its like in a URL, a form, JSON or a repr, in any case, also percent-encoded (%50wd%3D…).
_NAMES = ("pwd", "newpwd", "pass", "passwd", "password", "cardpwd", "secret", "authorization", "content", "jsonstring")
_LETTERS = {letter: f"(?:{letter}|%{ord(letter):02x}|%{ord(letter.upper()):02x})" for letter in "".join(_NAMES)}
_SECRET = re.compile(
    rf"(?i)((?:{'|'.join(''.join(_LETTERS[letter] for letter in name) for name in _NAMES)})"
    r"(?:[\"']?\s*(?:=|:|%3d|%3a)\s*))(\"[^\"]*\"|'[^']*'|[^&\s,;<>\"')}\]]*)"
)
_ELEMENT = re.compile(rf"(?i)(<(?:\w+:)?(?:{'|'.join(_NAMES)})\b[^>]*>)[^<]*")
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
_NUMBER = re.compile(r"\+?\d{8,}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# Errors whose words are the machine's own. Any other error may quote what it failed at, so only its name is told.
_OWN_WORDS = frozenset(
    {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, OSError)}
    | {"OperationalError", "IntegrityError", "DatabaseError", "SSLError", "SSLCertVerificationError"}
    | {"Unusable", "Locked"}
)
_REPR = re.compile(r"(\w+)\(.*\)", re.DOTALL)
_KEPT = frozenset({"station", "level", "timestamp"})


def discreet(text: str) -> str:
    """``text`` without secrets, numbers of eight digits and more, and characters that act on a terminal."""
    text = _LOGIN.sub("***@", _ELEMENT.sub(r"\1***", _SECRET.sub(r"\1***", text)))
    text = _NUMBER.sub(lambda match: mask_number(match.group()), text)
    return _CONTROL.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def name_of(error: BaseException) -> str:
    """The name of ``error``, with its words only where those cannot quote anybody."""
    name = type(error).__name__
    return discreet(f"{name}: {error}") if name in _OWN_WORDS else name


def trace_of(error: BaseException | None) -> str:
    """Names and places of ``error`` and what led to it, innermost first; without source lines, values or words."""
    told: list[str] = []
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        told.append(f"{name_of(one)} at {_places(one.__traceback__)}")
        waiting.append(one.__cause__ or (None if one.__suppress_context__ else one.__context__))
        waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
    return " < ".join(told)


def _places(trace: TracebackType | None) -> str:
    frames = [(frame.f_code, line) for frame, line in walk_tb(trace)][-12:]
    return ", ".join(f"{code.co_filename.rpartition('/')[2]}:{line} {code.co_name}" for code, line in frames)


def keep_quiet(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor of structlog that every line goes through, ours and the libraries'."""
    if trouble := event.pop("exc_info", None):
        trouble = sys.exc_info() if trouble is True else trouble
        error = trouble[1] if isinstance(trouble, tuple) else trouble
        event["exception"] = trace_of(error)
    for key, value in event.items():
        if isinstance(value, BaseException):
            event[key] = name_of(value)
        elif isinstance(value, str) and key not in _KEPT:
            shown = _REPR.fullmatch(value) if key == "error" else None
            event[key] = shown[1] if shown and shown[1] not in _OWN_WORDS else discreet(value)
        elif isinstance(value, list | tuple):
            event[key] = [discreet(item) if isinstance(item, str) else item for item in value]
    return event
