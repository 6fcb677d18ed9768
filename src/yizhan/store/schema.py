"""The tables. Alembic's migrations build them; a test proves that both say the same.

Times are UTC milliseconds, money is 1/1000 条, states and lanes are the numbers of ``model.message``.
No foreign keys: rows are only ever written by the verbs of this folder, and ``ledger verify`` checks what they promise.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

# SQLite makes only a column declared INTEGER its row key; other engines need the wide type by name.
Key = BigInteger().with_variant(Integer, "sqlite")

# The two sides of the ledger that are no account (accounts have positive ids).
BOOK_ISSUED = 0  # where credit comes from when an operator tops up
BOOK_TRAFFIC = -1  # where the price of sent messages goes

# Message keys start above every int32, so that an operator can name a message or a client's submission id alike.
FIRST_MESSAGE_KEY = 10_000_000_001

accounts = Table(
    "accounts",
    metadata,
    Column("id", Key, primary_key=True),
    Column("corp_id", String(64), nullable=False, unique=True),
    Column("credential", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("balance_milli", BigInteger, nullable=False),
    Column("lane", String(8), nullable=False),
    Column("signature_rule", String(8), nullable=False),
    Column("signature", Text, nullable=False),
    Column("allow_ips", Text, nullable=False),  # JSON array of CIDR blocks
    Column("batch_send_id", Boolean, nullable=False),  # BatchSend answers the id, not 1
    Column("demo", Boolean, nullable=False),  # made by serve --demo, callable only while that stands
    Column("created_at_ms", BigInteger, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),  # topup, takeback, send, refund
    Column("debit_book", BigInteger, nullable=False),  # the amount leaves this book
    Column("credit_book", BigInteger, nullable=False),  # and enters this one: the two sides of every entry
    Column("amount_milli", BigInteger, nullable=False),  # positive
    Column("submission_id", BigInteger),
    Column("note", Text, nullable=False),
)
# An ordinary entry has one account and one of the platform's books, so it stands in exactly one of these two.
Index("ledger_debit", ledger.c.debit_book, ledger.c.id, sqlite_where=text("debit_book > 0"))
Index("ledger_credit", ledger.c.credit_book, ledger.c.id, sqlite_where=text("credit_book > 0"))

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),  # the last one given out; never goes back, whatever is pruned
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", Key, primary_key=True),
    Column("account_id", BigInteger, nullable=False),
    Column("client_id", Integer, nullable=False),  # what the client got: the key folded into int32
    Column("accepted_at_ms", BigInteger, nullable=False),
    Column("send_at_ms", BigInteger),
    Column("text", Text, nullable=False),
    Column("encoding", String(8), nullable=False),
    Column("parts", SmallInteger, nullable=False),
    Column("cell", String(32), nullable=False),
    Column("price_milli", BigInteger, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("signature", String(16), nullable=False),
    Column("keywords_checked", Integer, nullable=False),
    Column("operation", String(32), nullable=False),
    Column("transport", String(8), nullable=False),
    Column("address", String(64), nullable=False),
)
Index("submissions_client", submissions.c.account_id, submissions.c.client_id, unique=True)

messages = Table(
    "messages",
    metadata,
    Column("id", Key, primary_key=True),
    Column("submission_id", BigInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("number", String(64), nullable=False),
    Column("written", String(64), nullable=False),
    Column("parts", SmallInteger, nullable=False),
    Column("price_milli", BigInteger, nullable=False),
    Column("refunded_milli", BigInteger, nullable=False),
    Column("due_at_ms", BigInteger),  # set while there is something to send, so that the claim index holds only that
    Column("attempts", SmallInteger, nullable=False),
    Column("uncertain", SmallInteger, nullable=False),  # how often its fate was unknown
    Column("channel", String(32)),
    Column("word", String(32), nullable=False),  # the carrier's last word
    Column("claimed_at_ms", BigInteger),
    Column("sent_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
)
Index("messages_submission", messages.c.submission_id)
Index(
    "messages_claim",
    messages.c.state,
    messages.c.lane,
    messages.c.account_id,
    messages.c.due_at_ms,
    messages.c.id,
    sqlite_where=text("due_at_ms IS NOT NULL"),
)
Index("messages_scheduled", messages.c.due_at_ms, sqlite_where=text("state = 1"))

parts = Table(
    "parts",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", SmallInteger, primary_key=True, autoincrement=False),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("channel", String(32), nullable=False),
    Column("carrier_id", String(80)),  # None when the carrier refused the part
    Column("state", SmallInteger, nullable=False),
    Column("word", String(32), nullable=False),
    Column("answered_at_ms", BigInteger, nullable=False),
    Column("finished_at_ms", BigInteger),
    sqlite_with_rowid=False,
)
Index("parts_carrier", parts.c.channel, parts.c.carrier_id, unique=True, sqlite_where=text("carrier_id IS NOT NULL"))

parked_receipts = Table(
    "parked_receipts",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("carrier_id", String(80), primary_key=True),
    Column("word", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

keywords = Table(
    "keywords",
    metadata,
    Column("word", String(128), primary_key=True),
    Column("created_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

blocked_addresses = Table(
    "blocked_addresses",
    metadata,
    Column("network", String(64), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("until_ms", BigInteger),
    Column("created_at_ms", BigInteger, nullable=False),
)

blocked_numbers = Table(
    "blocked_numbers",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),  # 0: for everybody
    Column("number", String(20), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

refusals = Table(
    "refusals",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("operation", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("reject", String(32), nullable=False),
    Column("hit", Text, nullable=False),
    Column("text", Text, nullable=False),  # masked
)

audit = Table(
    "audit",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("before", Text, nullable=False),  # JSON
    Column("after", Text, nullable=False),  # JSON
)
