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
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    false,
    text,
    true,
)

metadata = MetaData()

# SQLite makes only a column declared INTEGER its row key; other engines need the wide type by name.
Key = BigInteger().with_variant(Integer, "sqlite")

# The two sides of the ledger that are no account (accounts have positive ids).
BOOK_ISSUED = 0  # where credit comes from when an operator tops up
BOOK_TRAFFIC = -1  # where the price of sent messages goes

# Numbers are indexed by shelves of so many (2 to the power of this) messages: see ``messages_number``.
SHELF_BITS = 12

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
    Column("extension", String(20), nullable=False, server_default=""),  # digits behind a channel's access number
    Column("opt_out", Boolean, nullable=False, server_default=true()),  # 退订 and the like block the number
    Column("agent", Boolean, nullable=False, server_default=false()),
    Column("agent_id", BigInteger),  # the agent that made it
)

profiles = Table(
    "profiles",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("corp_name", Text, nullable=False),
    Column("link_man", Text, nullable=False),
    Column("tel", Text, nullable=False),
    Column("mobile", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("memo", Text, nullable=False),
)

cards = Table(
    "cards",
    metadata,
    Column("number", String(20), primary_key=True),
    Column("secret_hash", String(64), nullable=False),  # SHA-256 of number and password; the password is random
    Column("credit_milli", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger),
    Column("used_by", BigInteger),  # account
    sqlite_with_rowid=False,
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),  # topup, takeback, send, refund, card, grant
    Column("debit_book", BigInteger, nullable=False),  # the amount leaves this book
    Column("credit_book", BigInteger, nullable=False),  # and enters this one: the two sides of every entry
    Column("amount_milli", BigInteger, nullable=False),  # positive
    Column("submission_id", BigInteger),
    Column("note", Text, nullable=False),
)
# An entry between an account and one of the platform's books stands in one of these two, an agent's grant in both.
Index(
    "ledger_debit",
    ledger.c.debit_book,
    ledger.c.id,
    sqlite_where=text("debit_book > 0"),
    postgresql_where=text("debit_book > 0"),
)
Index(
    "ledger_credit",
    ledger.c.credit_book,
    ledger.c.id,
    sqlite_where=text("credit_book > 0"),
    postgresql_where=text("credit_book > 0"),
)

# What was pruned, so that the books hold: the ledger has no entries of it any more.
carried = Table(
    "carried",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("submissions", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("sent_milli", BigInteger, nullable=False),  # what the submissions were charged
    Column("refunded_milli", BigInteger, nullable=False),  # what the messages got back; those entries stay
)

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
    Column("pruned_milli", BigInteger, nullable=False, server_default="0"),  # the price of its messages that went
)
Index("submissions_client", submissions.c.account_id, submissions.c.client_id, unique=True)

# The requests of submissions, as they came (``wire.original``); what came otherwise has none. In a table of its own, so
# that whoever walks over submissions does not read them.
requests = Table(
    "requests",
    metadata,
    Column("submission_id", Key, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),  # the first bytes, without a password
    Column("size", Integer, nullable=False),  # of all of it, in bytes
)

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
    Column("route_key", String(255), nullable=False, server_default=""),  # what routing knows of it (policy.route_key)
    Column(
        "epoch", BigInteger, nullable=False, server_default="0"
    ),  # of the berth it was claimed for; 0: there are none
)
Index("messages_submission", messages.c.submission_id)
Index(
    "messages_claim",
    messages.c.state,
    messages.c.lane,
    messages.c.account_id,
    messages.c.route_key,
    messages.c.due_at_ms,
    messages.c.id,
    sqlite_where=text("due_at_ms IS NOT NULL"),
    postgresql_where=text("due_at_ms IS NOT NULL"),
)
Index("messages_scheduled", messages.c.due_at_ms, sqlite_where=text("state = 1"), postgresql_where=text("state = 1"))
# Those that await a report: by number for reports without an id, whole for the timer of missing ones.
Index(
    "messages_sent",
    messages.c.number,
    messages.c.sent_at_ms,
    sqlite_where=text("state = 5"),
    postgresql_where=text("state = 5"),
)
# Numbers come in no order. In one index of all of them each new one would change another page; within a shelf they lie
# close together, and whoever looks for one looks into every shelf (ADR 0026).
Index("messages_number", text(f"(id >> {SHELF_BITS})"), messages.c.number)
# Those that have ended otherwise than delivered.
Index(
    "messages_undelivered",
    messages.c.state,
    messages.c.account_id,
    messages.c.id,
    sqlite_where=text("state > 10"),
    postgresql_where=text("state > 10"),
)

parts = Table(
    "parts",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", SmallInteger, primary_key=True, autoincrement=False),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("channel", String(32), nullable=False),
    Column("carrier_id", String(80)),  # as the carrier wrote it; None when it refused the part
    Column("state", SmallInteger, nullable=False),
    Column("word", String(32), nullable=False),
    Column("answered_at_ms", BigInteger, nullable=False),
    Column("finished_at_ms", BigInteger),
    Column("carrier_key", String(80)),  # the id in the form in which ids are compared (wire.smpp.receipts.id_key)
    Column("pieces", SmallInteger, nullable=False, server_default="0"),  # parts that left; 0: as many as were paid for
    sqlite_with_rowid=False,
)
# Not unique: carriers use their ids again.
Index(
    "parts_carrier",
    parts.c.channel,
    parts.c.carrier_key,
    sqlite_where=text("carrier_key IS NOT NULL"),
    postgresql_where=text("carrier_key IS NOT NULL"),
)

# Reports whose part is not known yet: its answer is still under way, or was lost.
parked_receipts = Table(
    "parked_receipts",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("carrier_key", String(80), primary_key=True),  # empty: a report without an id
    Column("number", String(20), primary_key=True),  # of the handset, empty when the carrier did not say
    Column("carrier_id", String(80), nullable=False),
    Column("word", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("parked_number", parked_receipts.c.channel, parked_receipts.c.number)

# Channels that operators have added; those of the configuration file are not here.
channels = Table(
    "channels",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("settings", Text, nullable=False),  # JSON of model.channel.ChannelSettings, without what is default
    Column("created_at_ms", BigInteger, nullable=False),
)

paused_channels = Table(
    "paused_channels",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("paused_at_ms", BigInteger, nullable=False),
)

# Every channel that there has been, so that what it left behind can be brought to an end by its own settings.
known_channels = Table(
    "known_channels",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("settings", Text, nullable=False),  # JSON as in channels, without anything to log in with
    Column("gone_at_ms", BigInteger),
)

routes = Table(
    "routes",
    metadata,
    Column("id", Key, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("account_id", BigInteger),
    Column("prefix", String(15), nullable=False),
    Column("country", String(4), nullable=False),
    Column("network", String(2)),
    Column("text_class", String(16)),
    Column("tiers", Text, nullable=False),  # JSON: [{"channel": weight, ...}, ...]
    Column("note", Text, nullable=False),
)

# Parts of long replies that wait for the rest.
reply_parts = Table(
    "reply_parts",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("number", String(20), primary_key=True),
    Column("sent_to", String(32), primary_key=True),
    Column("reference", Integer, primary_key=True, autoincrement=False),
    Column("total", SmallInteger, primary_key=True, autoincrement=False),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

replies = Table(
    "replies",
    metadata,
    Column("id", Key, primary_key=True),
    Column("account_id", BigInteger, nullable=False),  # 0: nobody's
    Column("channel", String(32), nullable=False),
    Column("number", String(20), nullable=False),
    Column("sent_to", String(32), nullable=False),
    Column("cell", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("opted_out", Boolean, nullable=False),  # it blocked its number
    Column("at_ms", BigInteger, nullable=False),
)

# What waits to be fetched, one queue a fetching operation (``model.handout.Queue``). A row leased until later is under
# way to a client; it goes when its answer has left.
handouts = Table(
    "handouts",
    metadata,
    Column("queue", SmallInteger, primary_key=True, autoincrement=False),
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("item_id", BigInteger, primary_key=True, autoincrement=False),  # a message, or a reply
    Column("leased_until_ms", BigInteger, nullable=False),  # 0: free
    sqlite_with_rowid=False,
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),  # whsec_...; it signs, so it cannot be a hash
    Column("created_at_ms", BigInteger, nullable=False),
)

# What waits to be pushed to an account's webhook instead of being fetched.
pushes = Table(
    "pushes",
    metadata,
    Column("id", Key, primary_key=True),
    Column("account_id", BigInteger, nullable=False),
    Column("queue", SmallInteger, nullable=False),  # REPLIES or REPORTS: what item_id is
    Column("item_id", BigInteger, nullable=False),
    Column("number", String(64), nullable=False),  # events of one number go in order
    Column("at_ms", BigInteger, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("next_at_ms", BigInteger, nullable=False),
    Column("parked", Boolean, nullable=False),  # given up until somebody replays it
    Column("said", Text, nullable=False),  # why the last attempt failed
    sqlite_autoincrement=True,  # an id under way to a receiver must never come to mean another event
)
Index(
    "pushes_order",
    pushes.c.account_id,
    pushes.c.id,
    sqlite_where=text("parked = 0"),
    postgresql_where=text("NOT parked"),
)
Index(
    "pushes_due",
    pushes.c.account_id,
    pushes.c.number,
    pushes.c.id,
    sqlite_where=text("parked = 0"),
    postgresql_where=text("NOT parked"),
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
Index("audit_subject", audit.c.subject)

# Calls of the API that may come again: what they got, by the key that they gave.
once = Table(
    "once",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),  # of what was asked
    Column("client_id", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

# Changes by the admin API that may come again: what they were answered.
answers = Table(
    "answers",
    metadata,
    Column("key", String(64), primary_key=True),  # HMAC of the caller under the key that it gave
    Column("digest", String(64), nullable=False),  # HMAC of what was asked under the same
    Column("status", Integer),  # None: it has been carried out, and no answer is known (yet)
    Column("body", Text),  # None: there was none, or one that may not be kept
    Column("at_ms", BigInteger, nullable=False),
)

# What people send from files (ADR 0025). Its id is random: it is an address of a page.
mailings = Table(
    "mailings",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("account_id", BigInteger, nullable=False),
    Column("person", String(64), nullable=False),  # whose file it is, as the audit log calls him
    Column("file", Text, nullable=False),
    Column("how", Text, nullable=False),  # JSON: text, columns, cell, send_time
    Column("forecast", Text, nullable=False),  # JSON of model.mailing.Forecast
    Column("made_at_ms", BigInteger, nullable=False),
    Column("confirmed_at_ms", BigInteger),
    Column("stopped_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
)
Index("mailings_account", mailings.c.account_id, mailings.c.made_at_ms)
Index("mailings_made", mailings.c.made_at_ms)
Index(
    "mailings_sending",
    mailings.c.confirmed_at_ms,
    sqlite_where=text("confirmed_at_ms IS NOT NULL AND finished_at_ms IS NULL"),
    postgresql_where=text("confirmed_at_ms IS NOT NULL AND finished_at_ms IS NULL"),
)

# The rows of a mailing, some hundred in a piece. One commit sends a piece and writes its fates.
mailing_pieces = Table(
    "mailing_pieces",
    metadata,
    Column("mailing", String(16), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("sendable", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("price_milli", BigInteger, nullable=False),
    # Long ones last: what is added up each second is read without them.
    Column("entries", Text, nullable=False),  # JSON of model.mailing.Row, each
    Column("fates", Text),  # JSON of model.mailing.Fate, each; None: not sent yet
    sqlite_with_rowid=False,
)

# Who may call the admin API over the network.
tokens = Table(
    "tokens",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("hash", String(64), nullable=False),  # SHA-256; the token itself is random
    Column("role", String(16), nullable=False),  # model.access.Role
    Column("account_id", BigInteger),  # of a customer
    Column("created_at_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger),
)
Index("tokens_hash", tokens.c.hash, unique=True)

# Who may log in at the console.
people = Table(
    "people",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("credential", Text, nullable=False),  # argon2id of the password
    Column("role", String(16), nullable=False),  # model.access.Role
    Column("account_id", BigInteger),  # of a customer
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("created_at_ms", BigInteger, nullable=False),
)

# Who has logged in. Which one it is stands in a cookie.
sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of what the cookie says, which is random
    Column("person", String(32), nullable=False),
    Column("csrf", String(64), nullable=False),  # what the pages of this session send back with every change
    Column("created_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("ends_at_ms", BigInteger, nullable=False),  # at the latest
)
Index("sessions_person", sessions.c.person)

# What people have to show besides the password, if they have turned that on (RFC 6238).
second_factors = Table(
    "second_factors",
    metadata,
    Column("person", String(32), primary_key=True),
    Column("secret", String(32), nullable=False),  # base32; codes are made of it, so it cannot be a hash
    Column("last_step", BigInteger, nullable=False),  # of the last code that was taken: none is good twice
    Column("recovery", Text, nullable=False),  # JSON array: SHA-256 of the recovery codes that are left
    Column("created_at_ms", BigInteger, nullable=False),
)

# Who has shown the password, and not yet the code. Which one it is stands in a cookie, and opens nothing.
half_sessions = Table(
    "half_sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person", String(32), nullable=False),
    Column("ends_at_ms", BigInteger, nullable=False),
)
Index("half_sessions_person", half_sessions.c.person)

# How old a program may be that works here: it must know at least this schema (``store.migrate``). One row.
schema_floor = Table("schema_floor", metadata, Column("revision", String(8), nullable=False))

# The nodes that work on this store. Times here, and in ``berths``, are by the server's clock.
nodes = Table(
    "nodes",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("version", String(32), nullable=False),
    Column("sessions", String(32), nullable=False),  # how its sessions at the server are called
    Column("started_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("schema", String(8), nullable=False, server_default="0007"),  # the newest that it knows
)

# Channels and duties, each held by one node at a time. Whoever takes one gets a new epoch: what was begun under the
# former one is over.
berths = Table(
    "berths",
    metadata,
    Column("name", String(48), primary_key=True),
    Column("node_id", BigInteger),
    Column("epoch", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)

# How often the settings of a topic were changed: nodes that see a new number read them anew.
revisions = Table(
    "revisions",
    metadata,
    Column("topic", String(16), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

# The last transaction of each writing connection: whoever has lost the answer to a commit finds here whether it was
# one. (The server's own numbers of transactions do not tell: after a crash they are given out again.)
marks = Table(
    "marks",
    metadata,
    Column("id", Key, primary_key=True),
    Column("mark", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

# When each account's last answered call of an operation was, where nodes have to know it of each other (row 9).
paces = Table(
    "paces",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("operation", String(32), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),  # by the server's clock
)

# What nodes tell each other with their beats (``policy.tally``). It goes when the others have had time to hear it.
tellings = Table(
    "tellings",
    metadata,
    Column("node_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # counts up from each start of the node
    Column("at_ms", BigInteger, nullable=False),  # by the server's clock
    Column("takings", Text, nullable=False),  # JSON
)
