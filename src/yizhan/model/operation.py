"""The operations of the LinkWS family, one row each (contract, section 4).

Everything that depends on an operation's name (routes, SOAP bodies, the WSDL, the help page, which checks apply and
which codes answer) is derived from these rows, so that one more operation is one more row.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Action(Enum):
    """What the gateway does for a call; ``front`` maps each to one function of ``flow``."""

    SUBMIT = "submit"
    BALANCE = "balance"


class ResultType(StrEnum):
    """XML schema type of the answer (contract, section 4)."""

    STRING = "string"
    INT = "int"


class Dialect(Enum):
    """Which of the two code sets an operation answers with (contract, section 5)."""

    INTL = "intl"  # the manual's pair: -20 to -23
    PLAIN = "plain"  # the rest of the family: -1, -3 and -8 in their place


class PasswordForm(Enum):
    """What a client puts into ``Pwd`` (contract, section 3)."""

    MD5_STRICT = "md5_strict"  # 32 hex digits, anything else is -23
    MD5 = "md5"  # 32 hex digits, anything else is a wrong password
    PLAIN = "plain"  # the password itself; its MD5 is accepted too


class Pace(Enum):
    """Which minimum interval between two answered calls applies (contract, section 5, row 9)."""

    NONE = "none"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the family: its name as the WSDL spells it, and everything that follows from it."""

    name: str
    parameters: tuple[str, ...]
    action: Action
    result: ResultType
    dialect: Dialect
    password: PasswordForm
    pace: Pace = Pace.NONE

    @property
    def submits(self) -> bool:
        """Whether the call carries a message, so that rows 10 to 19 of the contract's table apply."""
        return self.action is Action.SUBMIT


FAMILY: tuple[Operation, ...] = (
    Operation(
        name="IntlSend",
        parameters=("CorpID", "Pwd", "Mobile", "Content", "Cell", "SendTime"),
        action=Action.SUBMIT,
        result=ResultType.STRING,
        dialect=Dialect.INTL,
        password=PasswordForm.MD5_STRICT,
    ),
    Operation(
        name="GetBalance",
        parameters=("CorpID", "Pwd"),
        action=Action.BALANCE,
        result=ResultType.STRING,
        dialect=Dialect.INTL,
        password=PasswordForm.MD5,
        pace=Pace.QUERY,
    ),
)

_BY_NAME = {operation.name.lower(): operation for operation in FAMILY}


def find_operation(name: str) -> Operation | None:
    """The operation called ``name`` in any case, or None."""
    return _BY_NAME.get(name.lower())
