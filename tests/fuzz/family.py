"""Sections 4 and 5 of the contract, written down a second time: what each operation may answer.

On purpose not made from the program's own tables: a code that slips into one of them must not slip into the judge.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# The name of an operation in a path, in lower case; no name is longer than 32, and inputs may be very long.
_NAMED = re.compile(r"([a-z0-9]{1,32})\.aspx|linkws\.asmx/([a-z0-9]{1,32})")

_COUNT = re.compile(r"0|[1-9][0-9]{0,9}")
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"
_REPLIES = re.compile(rf"(?:\|\|[1-9][0-9]{{6,14}}#[^|#\r\n]*#{_TIME}#[0-9]*)*")
_REPORTS = re.compile(
    rf"(?:[1-9][0-9]{{0,9}}\$\$\$\$\$[^$|#\r\n]{{0,64}}\$\$\$\$\${_TIME}\$\$\$\$\$[123]\$\$\$\$\$[A-Za-z0-9:_-]+"
    rf"\$\$\$\$\${_TIME}\|\|\|)*"
)
_FAILURES = re.compile(
    rf"全部正确提交,无错误返回报告|(?:\|\|[^$|#\r\n]{{0,64}}#[A-Za-z0-9:_-]+#{_TIME}#[0-9]*)+", re.ASCII
)
_NUMBERS = re.compile(r"(?:[1-9][0-9]{6,14}(?:,[1-9][0-9]{6,14})*)?")

_ENTRY = frozenset({-1, -3, -100, -102, -103})  # rows 1 to 8 of a plain operation
_SEND = frozenset({*_ENTRY, -2, -5, -6, -7, -8, -9, -10, -11, -12})
_INTL = (_SEND - {-11}) | {-20, -21, -22, -23}
_QUERY = frozenset({*_ENTRY, -2, -101})


def is_id(value: str) -> bool:
    """A submission's id: positive, fits int32."""
    return is_count(value) and value != "0"


def is_count(value: str) -> bool:
    """A count: ASCII digits, no leading zero, fits int32."""
    return bool(_COUNT.fullmatch(value)) and int(value) <= 2**31 - 1


def is_results(value: str) -> bool:
    """The JSON of BatchContentSms, without a space outside its strings."""
    try:
        rows = json.loads(value)
    except ValueError:
        return False
    good = isinstance(rows, list) and all(isinstance(row, dict) and list(row) == ["ID", "Result"] for row in rows)
    if not good or value != json.dumps(rows, ensure_ascii=False, separators=(",", ":")):
        return False
    return bool(rows) and all(isinstance(row["ID"], str) and FAMILY["BatchSend2"].takes(row["Result"]) for row in rows)


def _word(*words: str) -> Callable[[str], bool]:
    return lambda value: value in words


def _like(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Row:
    """One operation: the type of its result, its codes, and what it says when it succeeds."""

    result: str
    codes: frozenset[int]
    succeeds: Callable[[str], bool]

    def takes(self, value: str) -> bool:
        """Whether the operation may answer ``value``."""
        return value in map(str, self.codes) or self.succeeds(value)


_NEVER = _word()
FAMILY: dict[str, Row] = {
    "IntlSend": Row("string", _INTL, is_id),
    "GetBalance": Row("string", _QUERY | {-20, -21}, is_count),
    "Send": Row("int", _SEND, _word("0")),
    "BatchSend": Row("int", _SEND, lambda value: value == "1" or is_id(value)),
    "Send2": Row("string", _SEND, is_id),
    "BatchSend2": Row("string", _SEND, is_id),
    "SelSum": Row("int", _QUERY, is_count),
    "Get": Row("string", _QUERY, _like(_REPLIES)),
    "GetReportSMS": Row("string", _QUERY, _like(_REPORTS)),
    "GetReportFail": Row("string", _QUERY, _like(_FAILURES)),
    "NotSend": Row("string", _QUERY, _like(_NUMBERS)),
    "UpdPwd": Row("int", _ENTRY | {-2}, _word("0")),
    "UpdReg": Row("int", _ENTRY | {-2}, _word("0")),
    "Reg": Row("int", frozenset({-1, -2, -100}), _word("0")),
    "UnReg": Row("int", _ENTRY | {-2}, _word("0")),
    "ChargeUp": Row("int", _ENTRY | {-2, -7}, _word("0")),
    "AgentMakeAccount": Row("string", _ENTRY | {-2}, _word("OK", "accounthasuse")),
    "AgentChangeAccount": Row("string", _ENTRY | {-2, -5}, _word("OK")),
    "BatchContentSms": Row("string", _ENTRY | {-2}, is_results),
    "HelloWorld": Row("string", frozenset({-2}), _word("Hello World")),
    **dict.fromkeys(
        (
            *("SendMMS", "SendMMS2", "BatchSendMMS", "BatchSendMMS2", "GetMMS", "BalanceMMS", "GetReportMMS"),
            *("GetReportFailMMS", "ChargeUpMMS", "VoiceNotify"),
        ),
        Row("string", frozenset({-2}), _NEVER),
    ),
}
_BY_LOWER_NAME = {name.lower(): name for name in FAMILY}


def named_in(text: str) -> frozenset[str]:
    """The operations that ``text``, unquoted, may call by a path."""
    names: Iterable[str] = (aspx or asmx for aspx, asmx in _NAMED.findall(text.lower()))
    return frozenset(_BY_LOWER_NAME[name] for name in names if name in _BY_LOWER_NAME)
