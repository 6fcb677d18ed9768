"""Passwords: argon2id of the lower-case MD5 hex at rest, and a cache that makes a repeated check cost microseconds."""

import hashlib
import hmac
import re
import secrets

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from yizhan.model.operation import PasswordForm

# OWASP's second recommended setting: 19 MiB, two passes, one lane. What is hashed is already an MD5, so the cost guards
# a stolen database, and the memory is small enough to check two at once on a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)
_MD5_HEX = re.compile(r"[0-9A-Fa-f]{32}")


def is_md5_hex(pwd: str) -> bool:
    """Whether ``pwd`` has the form of an MD5 in hex, either case."""
    return _MD5_HEX.fullmatch(pwd) is not None


def md5_of(password: str) -> str:
    """The lower-case MD5 hex of a plain password in UTF-8: what clients send (contract, section 3)."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


def make_credential(password_md5: str) -> str:
    """What is stored for a password. About 20 ms of one core."""
    return hash_password(password_md5.lower())


def hash_password(password: str) -> str:
    """The same for a password that is kept as it was typed: of people who log in at the console. About 20 ms."""
    return _HASHER.hash(password)


def credential_matches(credential: str, password: str) -> bool:
    """Whether ``password`` (of an account: its MD5 hex) belongs to ``credential``. About 20 ms of one core: never on
    the event loop.
    """
    try:
        return _HASHER.verify(credential, password)
    except (VerificationError, InvalidHashError):
        return False


def make_decoy() -> str:
    """What the password of an account that does not exist is held against, so that -1 costs what -3 costs. Made of
    random bytes: nothing matches it, and nobody knows it.
    """
    return make_credential(secrets.token_hex(16))


def offered(form: PasswordForm, pwd: str) -> tuple[str, ...]:
    """The MD5s that a ``Pwd`` may stand for under ``form``; none when it cannot be right."""
    as_md5 = (pwd.lower(),) if is_md5_hex(pwd) else ()
    if form is PasswordForm.PLAIN:
        return (md5_of(pwd), *as_md5)
    return as_md5


class CredentialCache:
    """Remembers, under a key that dies with the process, which MD5 a credential was found to be.

    One entry an account: at most as many as there are accounts. A changed password is another credential, so an old
    entry can never answer for it.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: dict[int, tuple[str, bytes]] = {}

    def knows(self, account_id: int, credential: str, password_md5: str) -> bool | None:
        """True: right. False: wrong, for the right one is known and differs. None: only a slow check can tell."""
        known = self._known.get(account_id)
        if known is None or known[0] != credential:
            return None
        return hmac.compare_digest(known[1], self._mac(password_md5))

    def remember(self, account_id: int, credential: str, password_md5: str) -> None:
        """Keep what a slow check has proved right."""
        self._known[account_id] = (credential, self._mac(password_md5))

    def _mac(self, password_md5: str) -> bytes:
        # BLAKE2 takes a key by itself, and a short text costs it a third of what it costs an HMAC.
        return hashlib.blake2s(password_md5.encode(), key=self._key).digest()
