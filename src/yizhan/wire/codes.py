"""The numbers of the manual: which code answers a refusal (contract, section 5)."""

from yizhan.model.operation import Dialect, Operation, PasswordForm
from yizhan.model.reject import Reject

# The codes of the manual's pair; the comments name the row of the contract's table.
_INTL: dict[Reject, int] = {
    Reject.ADDRESS_BLOCKED: -100,  # 1
    Reject.CORP_ID_EMPTY: -20,  # 2
    Reject.PASSWORD_EMPTY: -21,  # 3
    Reject.PASSWORD_NOT_MD5: -23,  # 4
    Reject.ACCOUNT_UNKNOWN: -1,  # 5
    Reject.PASSWORD_WRONG: -3,  # 6
    Reject.ACCOUNT_DISABLED: -102,  # 7
    Reject.ADDRESS_NOT_ALLOWED: -103,  # 8
    Reject.TOO_SOON: -101,  # 9
    Reject.NO_VALID_NUMBER: -9,  # 10
    Reject.CONTENT_EMPTY: -22,  # 11
    Reject.CONTENT_TOO_LONG: -8,  # 12
    Reject.SIGNATURE_MISSING: -7,  # 13
    Reject.SEND_TIME_MALFORMED: -6,  # 14
    Reject.SEND_TIME_PAST: -10,  # 15
    Reject.CELL_MALFORMED: -2,  # 16
    Reject.TOO_MANY_NUMBERS: -2,  # 16
    Reject.KEYWORD: -12,  # 17
    Reject.NUMBERS_BLOCKED: -2,  # 18
    Reject.BALANCE_TOO_LOW: -5,  # 19
    Reject.OTHER: -2,  # 20
    Reject.CARD_WRONG: -7,  # ChargeUp (section 4)
    Reject.ACCOUNT_EXISTS: -1,  # Reg (section 4)
}

# The plain operations know no -20 to -23, and have a word for blocked numbers.
_PLAIN: dict[Reject, int] = _INTL | {
    Reject.CORP_ID_EMPTY: -1,
    Reject.PASSWORD_EMPTY: -3,
    Reject.PASSWORD_NOT_MD5: -3,
    Reject.CONTENT_EMPTY: -8,
    Reject.NUMBERS_BLOCKED: -11,
}


def code_of(reject: Reject, operation: Operation) -> int:
    """The code that ``operation`` answers for ``reject``; always negative."""
    if reject is Reject.PASSWORD_NOT_MD5 and operation.password is not PasswordForm.MD5_STRICT:
        return -3  # GetBalance's tables have no -23
    return (_INTL if operation.dialect is Dialect.INTL else _PLAIN)[reject]
