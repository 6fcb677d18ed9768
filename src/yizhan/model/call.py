"""One call of a client, as it was meant: what ``wire`` decodes and ``policy`` judges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from yizhan.model.operation import Operation


class Transport(StrEnum):
    """The way a call came in; kept with the submission, for whoever looks later."""

    ASPX = "aspx"
    ASMX = "asmx"
    SOAP11 = "soap11"
    SOAP12 = "soap12"
    API = "api"


class Original(NamedTuple):
    """A request as it came: its first bytes, without a password, and how many there were (``wire.original``)."""

    raw: bytes
    size: int


@dataclass(slots=True)
class Call:
    """A decoded call. Nobody changes one; not frozen, since one is made for every call, and that takes twice the time.

    ``values`` holds the parameters under lower-case names; a missing one equals an empty one (contract, section 3).
    ``address`` is the caller's IP address in text, already taken from behind trusted proxies.
    """

    operation: Operation
    values: Mapping[str, str]
    address: str
    transport: Transport
    # Asked when the call is stored. Two calls that mean the same are equal, whatever they looked like.
    original: Callable[[], Original] | None = field(default=None, compare=False)

    @property
    def account(self) -> str:
        """The name of the account that calls."""
        return self.values.get(self.operation.login[0], "")

    @property
    def password(self) -> str:
        """What it gave as its password."""
        return self.values.get(self.operation.login[1], "")

    def value(self, name: str) -> str:
        """The parameter called ``name`` (any case), empty when missing."""
        return self.values.get(name.lower(), "")
