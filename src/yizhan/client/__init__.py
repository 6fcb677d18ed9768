"""A client of any LinkWS platform: ours, or the one that a program is leaving.

with Client("http://127.0.0.1:8080/sdk2/", "demo", "demo") as client:
    client.send(["13800000000"], "您好【测试】")
    for report in client.reports():
        ...
"""

from yizhan.client.aio import AsyncClient
from yizhan.client.calls import Charset, Fate, SliceResult
from yizhan.client.errors import (
    BadNumber,
    BadSendTime,
    BadText,
    BalanceTooLow,
    KeywordFound,
    LinkWSError,
    NotAllowed,
    NotLinkWS,
    OtherRefusal,
    Refused,
    TooSoon,
    UnknownAccount,
    Unreachable,
    WrongPassword,
)
from yizhan.client.linkws import Client
from yizhan.client.records import Failure, Flag, Reply, Report, Unreadable

__all__ = [
    "AsyncClient",
    "BadNumber",
    "BadSendTime",
    "BadText",
    "BalanceTooLow",
    "Charset",
    "Client",
    "Failure",
    "Fate",
    "Flag",
    "KeywordFound",
    "LinkWSError",
    "NotAllowed",
    "NotLinkWS",
    "OtherRefusal",
    "Refused",
    "Reply",
    "Report",
    "SliceResult",
    "TooSoon",
    "UnknownAccount",
    "Unreachable",
    "Unreadable",
    "WrongPassword",
]
