"""One call before the bench, with everything the rules of ``policy.admission`` ask about it, worked out once."""

from collections.abc import Set
from dataclasses import dataclass, field

from yizhan.kit.once import once
from yizhan.model.account import Account
from yizhan.model.call import Call
from yizhan.model.settings import PolicySettings
from yizhan.model.submission import SignatureFound
from yizhan.policy.numbers import NumberList, parse_numbers
from yizhan.policy.pricing import PriceList
from yizhan.policy.send_time import names_no_time, parse_send_time
from yizhan.policy.signature import sign
from yizhan.policy.standing import Standing


@dataclass(frozen=True, slots=True)
class Terms:
    """The static settings that decisions depend on."""

    policy: PolicySettings
    prices: PriceList


@dataclass(eq=False)
class Case:
    """One call before the bench: the call, the snapshot, the time, and what follows from them, worked out once.

    What is no more than a look is taken at once, what costs more when a rule asks for it.
    """

    call: Call
    standing: Standing
    terms: Terms
    now_ms: int
    since_last_s: float | None = None  # since the account's last answered call of the operation, where that matters
    account: Account | None = field(init=False)  # the one that the call names
    content: str = field(init=False)  # the text as the client meant it
    send_time: str = field(init=False)  # SendTime, "" when it means now by itself
    cell: str = field(init=False)  # the extension; the manual's ``*``, copied, counts as empty

    def __post_init__(self) -> None:
        """Take the looks."""
        value = self.call.values.get
        self.account = self.standing.accounts.get(self.call.account)
        self.content = value("content", "")
        send_time, cell = value("sendtime", "").strip(), value("cell", "").strip()
        self.send_time = "" if names_no_time(send_time) else send_time
        self.cell = "" if cell == "*" else cell

    @once
    def known_account(self) -> Account:
        """The account, in rules behind row 5."""
        assert self.account is not None  # noqa: S101  row 5 refused the call otherwise
        return self.account

    @once
    def numbers(self) -> NumberList:
        """The numbers of the call, distinct and normalised."""
        return parse_numbers(self.call.value("mobile"), self.terms.policy.max_numbers)

    @once
    def blocked(self) -> Set[str]:
        """Those of the valid numbers that get nothing."""
        return self.standing.numbers.among(self.known_account.id, self.numbers.valid)

    @once
    def signed(self) -> tuple[str, SignatureFound] | None:
        """The text with its signature, None when it lacks one."""
        account = self.known_account
        return sign(self.content, account.signature_rule, account.signature)

    @once
    def send_at_ms(self) -> int | None:
        """SendTime as a moment, None for now and for what is no time."""
        return parse_send_time(self.send_time) if self.send_time else None
