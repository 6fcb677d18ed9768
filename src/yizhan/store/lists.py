"""The lists that calls are held against: keywords, blocked addresses, blocked numbers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import ip_network

from sqlalchemy import Connection, delete, func, literal, or_, select, tuple_

from yizhan.kit.clock import to_rfc3339
from yizhan.model.account import Network
from yizhan.model.views import AddressView, NumberView
from yizhan.store.insert import insert
from yizhan.store.schema import accounts, blocked_addresses, blocked_numbers, keywords

EVERYBODY = 0  # the account id of a number blocked for all


def add_keywords(connection: Connection, words: Sequence[str], at_ms: int) -> int:
    """How many of ``words`` were new."""
    rows = [{"word": word, "created_at_ms": at_ms} for word in words]
    before = count_keywords(connection)
    if rows:
        connection.execute(insert(connection, keywords).on_conflict_do_nothing(), rows)
    return count_keywords(connection) - before


def remove_keywords(connection: Connection, words: Iterable[str]) -> int:
    """How many of ``words`` were listed."""
    return sum(connection.execute(delete(keywords).where(keywords.c.word == word)).rowcount for word in words)


def count_keywords(connection: Connection) -> int:
    """How many there are."""
    return int(connection.execute(select(func.count()).select_from(keywords)).scalar_one())


def load_keywords(connection: Connection, part: str = "", after: str = "", limit: int | None = None) -> list[str]:
    """Keywords, or those with ``part`` in them and behind ``after``, in the order of their characters."""
    query = select(keywords.c.word).where(keywords.c.word.contains(part, autoescape=True), keywords.c.word > after)
    return list(connection.execute(query.order_by(keywords.c.word).limit(limit)).scalars())


def block_address(connection: Connection, network: str, reason: str, until_ms: int | None, at_ms: int) -> None:
    """Put ``network`` on the blacklist, or give its entry another end and reason."""
    row = {"network": network, "reason": reason, "until_ms": until_ms, "created_at_ms": at_ms}
    renew = {"reason": reason, "until_ms": until_ms}
    connection.execute(
        insert(connection, blocked_addresses).values(row).on_conflict_do_update(index_elements=["network"], set_=renew)
    )


def unblock_address(connection: Connection, network: str) -> bool:
    """Whether it was listed."""
    return bool(connection.execute(delete(blocked_addresses).where(blocked_addresses.c.network == network)).rowcount)


def forget_ended_blocks(connection: Connection, now_ms: int) -> int:
    """Remove temporary entries that have ended."""
    return connection.execute(delete(blocked_addresses).where(blocked_addresses.c.until_ms <= now_ms)).rowcount


def load_addresses(connection: Connection) -> list[tuple[Network, int | None]]:
    """Every blocked network with the end of its entry."""
    rows = connection.execute(select(blocked_addresses.c.network, blocked_addresses.c.until_ms))
    return [(ip_network(row.network), row.until_ms) for row in rows]


def view_addresses(connection: Connection, now_ms: int) -> list[AddressView]:
    """The blacklist as operators see it: what holds now."""
    until = blocked_addresses.c.until_ms
    query = select(blocked_addresses).where(or_(until.is_(None), until > now_ms)).order_by(blocked_addresses.c.network)
    return [
        AddressView(row.network, row.reason, to_rfc3339(row.until_ms), to_rfc3339(row.created_at_ms) or "")
        for row in connection.execute(query)
    ]


def block_number(connection: Connection, account_id: int, number: str, reason: str, at_ms: int) -> None:
    """Block ``number`` (E.164) for an account or for EVERYBODY."""
    row = {"account_id": account_id, "number": number, "reason": reason, "created_at_ms": at_ms}
    connection.execute(insert(connection, blocked_numbers).values(row).on_conflict_do_nothing())


def unblock_number(connection: Connection, account_id: int, number: str) -> bool:
    """Whether it was blocked."""
    query = delete(blocked_numbers).where(
        blocked_numbers.c.account_id == account_id, blocked_numbers.c.number == number
    )
    return bool(connection.execute(query).rowcount)


def load_numbers(connection: Connection) -> dict[int, frozenset[str]]:
    """Blocked numbers by account id (EVERYBODY among them)."""
    by_account: dict[int, set[str]] = defaultdict(set)
    for row in connection.execute(select(blocked_numbers.c.account_id, blocked_numbers.c.number)):
        by_account[row.account_id].add(row.number)
    return {account_id: frozenset(numbers) for account_id, numbers in by_account.items()}


def view_numbers(
    connection: Connection,
    account_id: int | None,
    part: str = "",
    after: tuple[int, str] | None = None,
    limit: int | None = None,
) -> list[NumberView]:
    """Blocked numbers as operators see them: all, or those of one account (EVERYBODY is one), with ``part`` in them.
    ``after``: account and number of the last one of the page above.
    """
    number, of = blocked_numbers.c.number, blocked_numbers.c.account_id
    query = (
        select(blocked_numbers, accounts.c.corp_id)
        .outerjoin(accounts, accounts.c.id == of)
        .where(number.contains(part, autoescape=True))
        .order_by(of, number)
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(of == account_id)
    if after is not None:
        query = query.where(tuple_(of, number) > tuple_(*map(literal, after)))
    return [
        NumberView(row.number, row.corp_id, row.reason, to_rfc3339(row.created_at_ms) or "")
        for row in connection.execute(query)
    ]
