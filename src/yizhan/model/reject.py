"""Why a call is refused: a closed set, one member per row of the contract's table (section 5)."""

from dataclasses import dataclass
from enum import StrEnum


class Reject(StrEnum):
    """Reasons for refusing a call. Only ``wire.codes`` knows their numbers."""

    ADDRESS_BLOCKED = "address_blocked"
    CORP_ID_EMPTY = "corp_id_empty"
    PASSWORD_EMPTY = "password_empty"  # noqa: S105  a reason, not a secret
    PASSWORD_NOT_MD5 = "password_not_md5"  # noqa: S105
    ACCOUNT_UNKNOWN = "account_unknown"
    PASSWORD_WRONG = "password_wrong"  # noqa: S105
    ACCOUNT_DISABLED = "account_disabled"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    TOO_SOON = "too_soon"
    NO_VALID_NUMBER = "no_valid_number"
    CONTENT_EMPTY = "content_empty"
    CONTENT_TOO_LONG = "content_too_long"
    SIGNATURE_MISSING = "signature_missing"
    SEND_TIME_MALFORMED = "send_time_malformed"
    SEND_TIME_PAST = "send_time_past"
    CELL_MALFORMED = "cell_malformed"
    TOO_MANY_NUMBERS = "too_many_numbers"
    KEYWORD = "keyword"
    NUMBERS_BLOCKED = "numbers_blocked"
    BALANCE_TOO_LOW = "balance_too_low"
    CARD_WRONG = "card_wrong"
    ACCOUNT_EXISTS = "account_exists"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused call's reason and the thing that caused it (``hit``: a keyword, an address, a length, ...)."""

    reject: Reject
    hit: str = ""
