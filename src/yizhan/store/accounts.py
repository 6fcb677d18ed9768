"""Accounts: made, changed, and loaded as the snapshot that decisions are made against."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from ipaddress import ip_network
from typing import Any

from sqlalchemy import Connection, select, update

from yizhan.kit.clock import to_rfc3339
from yizhan.model.account import Account, LaneRule, Profile, SignatureRule
from yizhan.model.money import as_number
from yizhan.model.views import AccountView
from yizhan.store.insert import insert
from yizhan.store.schema import accounts, profiles


def insert_account(connection: Connection, row: Mapping[str, Any]) -> int:
    """A new account with balance 0: its id. IntegrityError when the CorpID is taken."""
    query = insert(connection, accounts).values(balance_milli=0, **row).returning(accounts.c.id)
    return int(connection.execute(query).scalar_one())


def change_account(connection: Connection, account_id: int, changes: Mapping[str, Any]) -> None:
    """Set the named columns."""
    connection.execute(update(accounts).where(accounts.c.id == account_id).values(**changes))


def load_accounts(connection: Connection) -> dict[str, Account]:
    """Every account by CorpID."""
    return {
        row.corp_id: Account(
            id=row.id,
            corp_id=row.corp_id,
            credential=row.credential,
            enabled=row.enabled,
            lane=LaneRule(row.lane),
            signature_rule=SignatureRule(row.signature_rule),
            signature=row.signature,
            allowed=tuple(ip_network(text) for text in json.loads(row.allow_ips)),
            batch_send_id=row.batch_send_id,
            extension=row.extension,
            opt_out=row.opt_out,
            agent=row.agent,
            agent_id=row.agent_id,
        )
        for row in connection.execute(select(accounts))
    }


def write_profile(connection: Connection, account_id: int, profile: Profile) -> None:
    """Who stands behind the account, in place of what was known."""
    row = asdict(profile)
    query = insert(connection, profiles).values(account_id=account_id, **row)
    connection.execute(query.on_conflict_do_update(index_elements=["account_id"], set_=row))


def read_profile(connection: Connection, account_id: int) -> Profile:
    """Who stands behind the account; an empty profile when nobody said."""
    row = connection.execute(select(profiles).where(profiles.c.account_id == account_id)).first()
    return Profile() if row is None else Profile(*row[1:])


def demo_accounts(connection: Connection) -> list[str]:
    """CorpIDs of accounts that ``serve --demo`` made."""
    return list(connection.execute(select(accounts.c.corp_id).where(accounts.c.demo)).scalars())


def balance_of(connection: Connection, account_id: int) -> int:
    """The balance in 1/1000 条."""
    return int(connection.execute(select(accounts.c.balance_milli).where(accounts.c.id == account_id)).scalar_one())


def view_accounts(
    connection: Connection, corp_id: str | None = None, part: str = "", after: str = "", limit: int | None = None
) -> list[AccountView]:
    """Accounts as operators see them, by CorpID: one, or those with ``part`` in it and behind ``after``."""
    agents = accounts.alias("agents")
    query = (
        select(accounts, agents.c.corp_id.label("made_by"))
        .outerjoin(agents, agents.c.id == accounts.c.agent_id)
        .where(accounts.c.corp_id.contains(part, autoescape=True), accounts.c.corp_id > after)
        .order_by(accounts.c.corp_id)
        .limit(limit)
    )
    if corp_id is not None:
        query = query.where(accounts.c.corp_id == corp_id)
    return [
        AccountView(
            account=row.corp_id,
            enabled=row.enabled,
            balance=as_number(row.balance_milli),
            lane=row.lane,
            signature_rule=row.signature_rule,
            signature=row.signature,
            allow_ips=json.loads(row.allow_ips),
            batch_send_id=row.batch_send_id,
            extension=row.extension,
            opt_out=row.opt_out,
            agent=row.agent,
            made_by=row.made_by,
            created_at=to_rfc3339(row.created_at_ms) or "",
        )
        for row in connection.execute(query)
    ]
