"""Rows 1 to 18 of the contract's table (section 5): one function a row, in its order; the first refusal answers.

IDENTIFY says who calls; then the password is checked (row 6, slow, in ``flow.identify``); REST judges the call itself.
Row 19, the balance, is decided inside the accept transaction.
"""

from collections.abc import Callable

from yizhan.model.operation import Pace, PasswordForm
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Encoding
from yizhan.policy.addresses import parse_address
from yizhan.policy.case import Case
from yizhan.policy.credentials import is_md5_hex
from yizhan.wire.segment import count_units

Rule = Callable[[Case], Refusal | None]


def address_on_blacklist(case: Case) -> Refusal | None:
    """Row 1: -100."""
    hit = case.standing.addresses.find(parse_address(case.call.address), case.now_ms)
    return Refusal(Reject.ADDRESS_BLOCKED, str(hit)) if hit else None


def corp_id_empty(case: Case) -> Refusal | None:
    """Row 2: -20."""
    return None if case.call.account else Refusal(Reject.CORP_ID_EMPTY)


def password_empty(case: Case) -> Refusal | None:
    """Row 3: -21."""
    return None if case.call.password else Refusal(Reject.PASSWORD_EMPTY)


def password_not_md5(case: Case) -> Refusal | None:
    """Row 4: -23, only where the manual's table has it."""
    if case.call.operation.password is not PasswordForm.MD5_STRICT or is_md5_hex(case.call.password):
        return None
    return Refusal(Reject.PASSWORD_NOT_MD5, f"{len(case.call.value('pwd'))} characters")


def operation_closed(case: Case) -> Refusal | None:
    """Operations that change accounts are off until configured: -2 (contract, section 4)."""
    operation = case.call.operation
    if not operation.closed or operation.name in case.terms.policy.open_operations:
        return None
    return Refusal(Reject.OTHER, "not in policy.open_operations")


def account_unknown(case: Case) -> Refusal | None:
    """Row 5: -1."""
    return None if case.account else Refusal(Reject.ACCOUNT_UNKNOWN)


def account_disabled(case: Case) -> Refusal | None:
    """Row 7: -102."""
    return None if case.known_account.enabled else Refusal(Reject.ACCOUNT_DISABLED)


def address_not_allowed(case: Case) -> Refusal | None:
    """Row 8: -103."""
    account = case.known_account
    if not account.allowed or case.standing.allowed.admit(account.id, parse_address(case.call.address)):
        return None
    return Refusal(Reject.ADDRESS_NOT_ALLOWED, case.call.address)


def interval_of(case: Case) -> float:
    """Seconds that have to lie between two answered calls of the operation."""
    policy = case.terms.policy
    return {Pace.NONE: 0.0, Pace.QUERY: policy.query_interval_s, Pace.REPORT: policy.report_interval_s}[
        case.call.operation.pace
    ]


def too_soon(case: Case) -> Refusal | None:
    """Row 9: -101; exactly the interval passes."""
    since_last_s = case.since_last_s
    if since_last_s is None:
        return None
    return Refusal(Reject.TOO_SOON, f"{since_last_s:.1f} s") if since_last_s < interval_of(case) else None


def no_valid_number(case: Case) -> Refusal | None:
    """Row 10: -9."""
    return None if case.numbers.valid else Refusal(Reject.NO_VALID_NUMBER, case.call.value("mobile")[:32])


def content_empty(case: Case) -> Refusal | None:
    """Row 11: -22."""
    return None if case.content else Refusal(Reject.CONTENT_EMPTY)


def content_too_long(case: Case) -> Refusal | None:
    """Row 12: -8; the manual's 300 characters are UTF-16 units."""
    limit = case.terms.policy.max_content_chars
    if 2 * len(case.content) <= limit:  # a character is two units at most: what is short need not be counted
        return None
    units = count_units(case.content, Encoding.UCS2)
    return Refusal(Reject.CONTENT_TOO_LONG, str(units)) if units > limit else None


def signature_missing(case: Case) -> Refusal | None:
    """Row 13: -7."""
    return None if case.signed else Refusal(Reject.SIGNATURE_MISSING, case.known_account.signature)


def send_time_malformed(case: Case) -> Refusal | None:
    """Row 14: -6."""
    malformed = case.send_time and case.send_at_ms is None
    return Refusal(Reject.SEND_TIME_MALFORMED, case.send_time[:32]) if malformed else None


def send_time_past(case: Case) -> Refusal | None:
    """Row 15: -10; a time inside the grace means now."""
    if case.send_at_ms is None or case.send_at_ms >= case.now_ms - case.terms.policy.send_time_grace_s * 1000:
        return None
    return Refusal(Reject.SEND_TIME_PAST, case.send_time)


def cell_malformed(case: Case) -> Refusal | None:
    """Row 16: -2."""
    longest = case.terms.policy.sender_max_digits - case.standing.access_digits - len(case.known_account.extension)
    if not case.cell or (case.cell.isascii() and case.cell.isdigit() and len(case.cell) <= longest):
        return None
    return Refusal(Reject.CELL_MALFORMED, case.cell[:32])


def too_many_numbers(case: Case) -> Refusal | None:
    """Row 16: -2."""
    limit = case.terms.policy.max_numbers
    return Refusal(Reject.TOO_MANY_NUMBERS, f"more than {limit}") if case.numbers.too_many else None


def keyword(case: Case) -> Refusal | None:
    """Row 17: -12."""
    hit = case.standing.keywords.first_hit(case.content)
    return Refusal(Reject.KEYWORD, hit) if hit else None


def numbers_blocked(case: Case) -> Refusal | None:
    """Row 18: -11, for IntlSend -2."""
    valid = case.numbers.valid
    return Refusal(Reject.NUMBERS_BLOCKED, next(iter(valid))) if len(case.blocked) == len(valid) else None


IDENTIFY: tuple[Rule, ...] = (
    address_on_blacklist,
    operation_closed,
    corp_id_empty,
    password_empty,
    password_not_md5,
    account_unknown,
)

ACCESS: tuple[Rule, ...] = (account_disabled, address_not_allowed, too_soon)

MESSAGE: tuple[Rule, ...] = (
    no_valid_number,
    content_empty,
    content_too_long,
    signature_missing,
    send_time_malformed,
    send_time_past,
    cell_malformed,
    too_many_numbers,
    keyword,
    numbers_blocked,
)

_ACCESS_AND_MESSAGE = ACCESS + MESSAGE


def identify(case: Case) -> Refusal | None:
    """Rows 1 to 5: who calls?"""
    return _first_refusal(IDENTIFY, case)


def judge_stranger(case: Case) -> Refusal | None:
    """Row 1 for a call that no account makes."""
    return address_on_blacklist(case) or operation_closed(case)


def judge(case: Case) -> Refusal | None:
    """Rows 7 to 18 (7 to 9 for a call without a message): may this be done?"""
    return _first_refusal(_ACCESS_AND_MESSAGE if case.call.operation.submits else ACCESS, case)


def judge_access(case: Case) -> Refusal | None:
    """Rows 7 to 9: may this account call this operation, from there and now?"""
    return _first_refusal(ACCESS, case)


def judge_message(case: Case) -> Refusal | None:
    """Rows 10 to 18: may this message be sent?"""
    return _first_refusal(MESSAGE, case)


def _first_refusal(rules: tuple[Rule, ...], case: Case) -> Refusal | None:
    for rule in rules:
        refusal = rule(case)
        if refusal is not None:
            return refusal
    return None
