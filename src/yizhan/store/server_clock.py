"""The server's clock: what several nodes compare must not depend on the clocks of their machines."""

from sqlalchemy import Connection, text

_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")


def server_now_ms(connection: Connection) -> int:
    """UTC milliseconds by PostgreSQL's clock, at this moment and not at the transaction's begin."""
    return int(connection.execute(_NOW).scalar_one())
