"""To whom a reply belongs: the longest access number and extension that begin the number it was sent to."""

from collections.abc import Iterable
from dataclasses import dataclass

from yizhan.model.account import Account


@dataclass(frozen=True, slots=True)
class Claim:
    """The accounts that the number may belong to, and the Cell that is left of it for them."""

    account_ids: frozenset[int]
    cell: str


def claim(sent_to: str, access: str, accounts: Iterable[Account]) -> Claim:
    """Who may claim a reply to ``sent_to`` (digits) on a channel whose access number is ``access``.

    Several when accounts share an extension (usually none at all); nobody when the access number is another one.

    >>> claim("1069000012", "10690000", []).cell
    '12'
    """
    if not sent_to.startswith(access):
        return Claim(frozenset(), "")
    rest = sent_to.removeprefix(access)
    fitting = [account for account in accounts if rest.startswith(account.extension)]
    longest = max((len(account.extension) for account in fitting), default=0)
    return Claim(frozenset(a.id for a in fitting if len(a.extension) == longest), rest[longest:])
