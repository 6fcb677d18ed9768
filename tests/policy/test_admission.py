"""Rows 1 to 18 of the contract's table (section 5), and what becomes of an admitted call."""

from collections.abc import Callable
from itertools import combinations

import pytest

from yizhan.model.account import LaneRule, SignatureRule
from yizhan.model.message import Lane, State
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import PolicySettings
from yizhan.model.submission import Encoding, Recipient, SignatureFound
from yizhan.policy.addresses import parse_network
from yizhan.policy.admission import identify, judge
from yizhan.policy.admit import admit
from yizhan.policy.send_time import parse_send_time

from .bench import NOW_MS, Setting

Breach = Callable[[Setting], object]
A, B = "+8613800000000", "+85291234567"


def decide(setting: Setting, since_last_s: float | None = None) -> Reject | None:
    """The first refusal, as the gate and the reception ask for it."""
    case = setting.case()
    case.since_last_s = since_last_s
    refusal = identify(case) or judge(case)
    return None if refusal is None else refusal.reject


# How to break each row, in the order of the table. Rows of one subject (2 and 5, 10 and 16, ...) cannot all be broken
# at once: then the later breach undoes the earlier one, and the pair is left out below.
def block_address(setting: Setting) -> None:
    setting.blocked_networks = ("192.0.2.0/24",)


def forbid_word(setting: Setting) -> None:
    setting.keywords = ("您好", "坏")
    setting.say(content=setting.values["content"] and "坏" + setting.values["content"])


def block_numbers(setting: Setting) -> None:
    setting.blocked = frozenset({A})


def too_many(setting: Setting) -> None:
    setting.policy = PolicySettings(max_numbers=2)
    setting.say(mobile=",".join([setting.values["mobile"]] * 3))


ROWS: list[tuple[Reject, Breach]] = [
    (Reject.ADDRESS_BLOCKED, block_address),
    (Reject.CORP_ID_EMPTY, lambda s: s.say(corpid="")),
    (Reject.PASSWORD_EMPTY, lambda s: s.say(pwd="")),
    (Reject.PASSWORD_NOT_MD5, lambda s: s.say(pwd="secret")),
    (Reject.ACCOUNT_UNKNOWN, lambda s: s.say(corpid="C2")),
    (Reject.ACCOUNT_DISABLED, lambda s: s.set(enabled=False)),
    (Reject.ADDRESS_NOT_ALLOWED, lambda s: s.set(allowed=(parse_network("198.51.100.0/24"),))),
    (Reject.NO_VALID_NUMBER, lambda s: s.say(mobile="12345")),
    (Reject.CONTENT_EMPTY, lambda s: s.say(content="")),
    (Reject.CONTENT_TOO_LONG, lambda s: s.say(content="长" * 301)),
    (Reject.SIGNATURE_MISSING, lambda s: s.say(content="您好")),
    (Reject.SEND_TIME_MALFORMED, lambda s: s.say(sendtime="20261301000000")),
    (Reject.SEND_TIME_PAST, lambda s: s.say(sendtime="20260102075459")),
    (Reject.CELL_MALFORMED, lambda s: s.say(cell="12a")),
    (Reject.TOO_MANY_NUMBERS, too_many),
    (Reject.KEYWORD, forbid_word),
    (Reject.NUMBERS_BLOCKED, block_numbers),
]
UNDOES = {
    (Reject.CORP_ID_EMPTY, Reject.ACCOUNT_UNKNOWN),
    (Reject.PASSWORD_EMPTY, Reject.PASSWORD_NOT_MD5),
    (Reject.CONTENT_EMPTY, Reject.CONTENT_TOO_LONG),
    (Reject.CONTENT_EMPTY, Reject.SIGNATURE_MISSING),
    (Reject.CONTENT_TOO_LONG, Reject.SIGNATURE_MISSING),
    (Reject.SEND_TIME_MALFORMED, Reject.SEND_TIME_PAST),
}


@pytest.mark.parametrize(("reject", "breach"), [pytest.param(*row, id=row[0].value) for row in ROWS])
def test_each_row(reject: Reject, breach: Breach) -> None:
    setting = Setting()
    assert decide(setting) is None, "nothing is wrong yet"
    breach(setting)
    assert decide(setting) is reject


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param(one, two, id=f"{one[0].value} before {two[0].value}")
        for one, two in combinations(ROWS, 2)
        if (one[0], two[0]) not in UNDOES
    ],
)
def test_the_first_row_answers(earlier: tuple[Reject, Breach], later: tuple[Reject, Breach]) -> None:
    setting = Setting()
    earlier[1](setting)
    later[1](setting)
    assert decide(setting) is earlier[0]


@pytest.mark.parametrize(
    ("breach", "reject"),
    [
        pytest.param(lambda s: s.say(content="长" * 302), Reject.CONTENT_TOO_LONG, id="length before signature"),
        pytest.param(lambda s: s.say(corpid="", pwd="x"), Reject.CORP_ID_EMPTY, id="-20 before -21 before -23"),
        pytest.param(lambda s: s.say(corpid="C2", pwd="x"), Reject.PASSWORD_NOT_MD5, id="-23 before -1"),
        pytest.param(lambda s: s.say(content="长" * 296 + "【驿站】"), None, id="300 characters with the signature"),
        pytest.param(lambda s: s.say(content="长" * 297 + "【驿站】"), Reject.CONTENT_TOO_LONG, id="301 characters"),
        pytest.param(lambda s: s.say(content="😀" * 148 + "【驿站】"), None, id="300 UTF-16 units"),
        pytest.param(lambda s: s.say(content="😀" * 149 + "【驿站】"), Reject.CONTENT_TOO_LONG, id="302 UTF-16 units"),
        pytest.param(lambda s: s.say(mobile="x,13800000000"), None, id="one valid number is enough"),
        pytest.param(lambda s: s.say(mobile=""), Reject.NO_VALID_NUMBER, id="Mobile empty"),
        pytest.param(lambda s: s.say(cell="*", sendtime="*"), None, id="the manual's template, copied"),
        pytest.param(lambda s: s.say(cell="123456789012"), None, id="12 digits behind an access number of 8"),
        pytest.param(lambda s: s.say(cell="1234567890123"), Reject.CELL_MALFORMED, id="13 digits behind 8"),
        pytest.param(lambda s: s.say(cell="１２"), Reject.CELL_MALFORMED, id="full-width digits"),
        pytest.param(lambda s: s.say(sendtime="20260102075500"), None, id="exactly the grace ago"),
        pytest.param(lambda s: s.say(sendtime="20260102075459.9"), Reject.SEND_TIME_PAST, id="a second more"),
        pytest.param(lambda s: s.set(allowed=(parse_network("192.0.2.0/24"),)), None, id="the allow-list names it"),
        pytest.param(lambda s: setattr(s, "address", "::ffff:192.0.2.1"), None, id="an IPv4-mapped caller"),
        pytest.param(lambda s: s.say(corpid="c1"), Reject.ACCOUNT_UNKNOWN, id="CorpID in another case"),
    ],
)
def test_edges(breach: Breach, reject: Reject | None) -> None:
    setting = Setting()
    breach(setting)
    assert decide(setting) is reject


@pytest.mark.parametrize(
    ("since_last_s", "reject"),
    [
        pytest.param(None, None, id="the first call"),
        pytest.param(29.999, Reject.TOO_SOON, id="a little less than 30 s"),
        pytest.param(30.0, None, id="exactly 30 s passes"),
    ],
)
def test_interval(since_last_s: float | None, reject: Reject | None) -> None:
    assert decide(Setting(name="GetBalance"), since_last_s) is reject
    assert decide(Setting(name="IntlSend"), since_last_s) is None, "row 9 is not for sending"


def test_interval_zero_is_off() -> None:
    assert decide(Setting(name="GetBalance", policy=PolicySettings(query_interval_s=0)), 0.0) is None


def test_access_comes_before_the_interval() -> None:
    assert decide(Setting(name="GetBalance").set(enabled=False), 1) is Reject.ACCOUNT_DISABLED


def test_get_balance_looks_at_no_message() -> None:
    setting = Setting(name="GetBalance").say(mobile="", content="", sendtime="x", cell="x", pwd="no MD5")
    assert decide(setting) is None, "-23 is not in its tables: row 6 decides"


def test_refusals_say_what_hit() -> None:
    case = Setting(keywords=("视频",)).say(content="視*頻【驿站】").case()
    assert judge(case) == Refusal(Reject.KEYWORD, "视频")


def test_keywords_are_looked_for_in_what_the_client_wrote() -> None:
    """A bound signature is the operator's own: it is registered, not judged."""
    setting = Setting(keywords=("驿站",)).say(content="您好")
    setting.set(signature_rule=SignatureRule.BOUND, signature="【驿站】")
    assert decide(setting) is None


def test_fate_of_each_number() -> None:
    setting = Setting(blocked=frozenset({B}), blocked_for={7: frozenset({"+33612345678"})}, prices={"852": 2_000})
    setting.say(mobile="+8613800000000,12x,13800000000,852 9123 4567,0033612345678,85291234568,12x")
    setting.say(content="长" * 70 + "【驿站】")
    assert decide(setting) is None
    admitted = admit(setting.case())
    assert admitted.recipients == (
        Recipient("+8613800000000", A, State.QUEUED, 2_000),
        Recipient("852 9123 4567", B, State.BLOCKED, 0),
        Recipient("0033612345678", "+33612345678", State.BLOCKED, 0),
        Recipient("85291234568", "+85291234568", State.QUEUED, 4_000),
        Recipient("12x", "12x", State.INVALID, 0),
    )
    assert (admitted.parts, admitted.price_milli, admitted.encoding) == (2, 6_000, Encoding.UCS2)
    assert admitted.accepted_at_ms == NOW_MS and admitted.account_id == 7


@pytest.mark.parametrize(
    ("sendtime", "send_at", "state"),
    [
        pytest.param("", None, State.QUEUED, id="empty"),
        pytest.param("*", None, State.QUEUED, id="star"),
        pytest.param("20260102075800", None, State.QUEUED, id="inside the grace is now"),
        pytest.param("20260102080000", None, State.QUEUED, id="this very moment"),
        pytest.param("20260102080001", "20260102080001", State.SCHEDULED, id="a second ahead"),
    ],
)
def test_when(sendtime: str, send_at: str | None, state: State) -> None:
    setting = Setting().say(sendtime=sendtime)
    assert decide(setting) is None
    admitted = admit(setting.case())
    assert admitted.send_at_ms == (None if send_at is None else parse_send_time(send_at))
    assert [recipient.state for recipient in admitted.recipients] == [state]


@pytest.mark.parametrize(
    ("rule", "numbers", "sendtime", "lane"),
    [
        pytest.param(LaneRule.AUTO, 5, "", Lane.URGENT, id="five numbers now"),
        pytest.param(LaneRule.AUTO, 6, "", Lane.BULK, id="six numbers"),
        pytest.param(LaneRule.AUTO, 1, "20260103000000", Lane.BULK, id="one number, later"),
        pytest.param(LaneRule.URGENT, 6, "", Lane.URGENT, id="an urgent account, six numbers"),
        pytest.param(LaneRule.URGENT, 1, "20260103000000", Lane.URGENT, id="an urgent account, later"),
    ],
)
def test_lane(rule: LaneRule, numbers: int, sendtime: str, lane: Lane) -> None:
    mobile = ",".join(f"1380000000{number}" for number in range(numbers))
    assert admit(Setting().set(lane=rule).say(mobile=mobile, sendtime=sendtime).case()).lane is lane


def test_a_bound_signature_counts_in_parts_and_price_not_in_length() -> None:
    setting = Setting().set(signature_rule=SignatureRule.BOUND, signature="【驿站】").say(content="长" * 300)
    assert decide(setting) is None
    admitted = admit(setting.case())
    assert admitted.text == "长" * 300 + "【驿站】" and admitted.signature is SignatureFound.APPENDED
    assert (admitted.parts, admitted.price_milli) == (5, 5_000)
    assert admit(Setting().say(content="长" * 264 + "【驿站】").case()).parts == 4, "268 characters fill four"


def test_a_free_account_may_send_seven_bits() -> None:
    admitted = admit(Setting().set(signature_rule=SignatureRule.FREE).say(content="a" * 160).case())
    assert (admitted.encoding, admitted.parts) == (Encoding.GSM7, 1)
    assert admitted.signature is SignatureFound.NONE_NEEDED
