"""The codes of the contract's table (section 5): every row, for every kind of operation."""

from dataclasses import replace

import pytest

from yizhan.model.operation import FAMILY, Dialect, Operation, PasswordForm
from yizhan.model.reject import Reject
from yizhan.wire.codes import code_of

INTL_SEND, GET_BALANCE = FAMILY[:2]
SEND = replace(INTL_SEND, name="Send", dialect=Dialect.PLAIN, password=PasswordForm.PLAIN)  # of a later issue

# Reject: IntlSend, GetBalance, a plain operation.
TABLE: dict[Reject, tuple[int, int, int]] = {
    Reject.ADDRESS_BLOCKED: (-100, -100, -100),
    Reject.CORP_ID_EMPTY: (-20, -20, -1),
    Reject.PASSWORD_EMPTY: (-21, -21, -3),
    Reject.PASSWORD_NOT_MD5: (-23, -3, -3),
    Reject.ACCOUNT_UNKNOWN: (-1, -1, -1),
    Reject.PASSWORD_WRONG: (-3, -3, -3),
    Reject.ACCOUNT_DISABLED: (-102, -102, -102),
    Reject.ADDRESS_NOT_ALLOWED: (-103, -103, -103),
    Reject.TOO_SOON: (-101, -101, -101),
    Reject.NO_VALID_NUMBER: (-9, -9, -9),
    Reject.CONTENT_EMPTY: (-22, -22, -8),
    Reject.CONTENT_TOO_LONG: (-8, -8, -8),
    Reject.SIGNATURE_MISSING: (-7, -7, -7),
    Reject.SEND_TIME_MALFORMED: (-6, -6, -6),
    Reject.SEND_TIME_PAST: (-10, -10, -10),
    Reject.CELL_MALFORMED: (-2, -2, -2),
    Reject.TOO_MANY_NUMBERS: (-2, -2, -2),
    Reject.KEYWORD: (-12, -12, -12),
    Reject.NUMBERS_BLOCKED: (-2, -2, -11),
    Reject.BALANCE_TOO_LOW: (-5, -5, -5),
    Reject.OTHER: (-2, -2, -2),
    Reject.CARD_WRONG: (-7, -7, -7),
    Reject.ACCOUNT_EXISTS: (-1, -1, -1),
}


@pytest.mark.parametrize("reject", [pytest.param(reject, id=reject.value) for reject in Reject])
@pytest.mark.parametrize(
    ("column", "operation"),
    [
        pytest.param(0, INTL_SEND, id="IntlSend"),
        pytest.param(1, GET_BALANCE, id="GetBalance"),
        pytest.param(2, SEND, id="plain"),
    ],
)
def test_every_refusal_has_its_code(reject: Reject, column: int, operation: Operation) -> None:
    assert code_of(reject, operation) == TABLE[reject][column]
