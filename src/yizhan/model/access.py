"""Who calls the admin API, and what that role may do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """From the one that may do everything to the one that sees its own account only."""

    ADMIN = "admin"
    OPERATOR = "operator"  # everything but people, tokens and copies of the store
    AUDITOR = "auditor"  # reads everything, changes nothing
    CUSTOMER = "customer"  # reads one account and sends for it


# In the state of an ASGI scope: the name of who asks, where he is known.
WHOSE = "whose"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: the name for the audit log, the role, and for a customer the account."""

    name: str
    role: Role
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who has logged in; ``csrf`` comes back with every change that he makes.

    Who ``must_enrol`` lacks the second factor that his role has to have, and gets nowhere until he has one.
    """

    person: str
    caller: Caller
    csrf: str
    must_enrol: bool = False
