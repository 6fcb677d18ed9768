"""Which binding of the contract a path names: only its last segments count, in any case (contract, section 1)."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from urllib.parse import unquote

from yizhan.model.operation import Operation, find_operation

_SERVICE = "linkws.asmx"
# The cache is for the few paths that programs repeat; what is longer than this is nobody's address.
_MAX_PATH_BYTES = 1024


class Binding(Enum):
    """The ways to call an operation."""

    ASPX = "aspx"  # <prefix>/<Operation>.aspx
    SERVICE = "service"  # <prefix>/LinkWS.asmx: SOAP by POST, pages by GET
    METHOD = "method"  # <prefix>/LinkWS.asmx/<Operation>: form in, XML out


@dataclass(frozen=True, slots=True)
class Route:
    """Where a path leads. ``operation`` is None for the service itself, and where its name is unknown."""

    binding: Binding
    operation: Operation | None
    utf8: bool  # a segment of the path says so: UTF-8 in and out


def find_route(raw_path: bytes) -> Route | None:
    """The route of a path as it was sent, or None when there is none."""
    return _find_route(raw_path) if len(raw_path) <= _MAX_PATH_BYTES else None


@lru_cache(maxsize=1024)
def _find_route(raw_path: bytes) -> Route | None:
    segments = unquote(raw_path.decode("latin-1"), encoding="latin-1").lower().split("/")
    utf8 = "utf8" in segments
    last = segments[-1]
    if last.endswith(".aspx"):
        return Route(Binding.ASPX, find_operation(last.removesuffix(".aspx")), utf8)
    if last == _SERVICE or segments[-2:] == [_SERVICE, ""]:
        return Route(Binding.SERVICE, None, utf8)
    if segments[-2:-1] == [_SERVICE]:
        return Route(Binding.METHOD, find_operation(last), utf8)
    return None


def last_segment(raw_path: bytes) -> str:
    """The last segment of a path as the caller spelt it."""
    return unquote(raw_path.rpartition(b"/")[2].decode("latin-1"))
