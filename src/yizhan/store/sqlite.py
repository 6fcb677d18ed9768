"""The hot statements in SQLite's words, one name each; ``?`` in the order that the verbs give.

States stand as literals, not parameters: SQLite uses a partial index only when the statement itself says its condition.
"""

from yizhan.model.handout import Queue
from yizhan.model.message import FAILING, RECEIPT_STATES, State
from yizhan.policy.route_key import BOUND as _BOUND
from yizhan.store.schema import FIRST_MESSAGE_KEY

DEBIT = "UPDATE accounts SET balance_milli = balance_milli - ? WHERE id = ? AND balance_milli >= ?"

CREDIT = "UPDATE accounts SET balance_milli = balance_milli + ? WHERE id = ?"

READ_COUNTER = "SELECT value FROM counters WHERE name = ?"

WRITE_COUNTER = (
    "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

# Message keys start above every int32 (schema.FIRST_MESSAGE_KEY). The last of the keys that are taken.
TAKE_KEYS = f"""
INSERT INTO counters (name, value) VALUES (?1, CASE ?1 WHEN 'message' THEN {FIRST_MESSAGE_KEY - 1} ELSE 0 END + ?2)
ON CONFLICT (name) DO UPDATE SET value = counters.value + ?2 RETURNING value"""

CLIENT_ID_TAKEN = "SELECT 1 FROM submissions WHERE account_id = ? AND client_id = ?"

INSERT_SUBMISSION = """
INSERT INTO submissions (id, account_id, client_id, accepted_at_ms, send_at_ms, text, encoding, parts, cell,
    price_milli, lane, signature, keywords_checked, operation, transport, address)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

INSERT_REQUEST = "INSERT INTO requests (submission_id, raw, size) VALUES (?, ?, ?)"

INSERT_MESSAGE = """
INSERT INTO messages (id, submission_id, account_id, lane, state, number, written, parts, price_milli, due_at_ms,
    finished_at_ms, route_key, refunded_milli, attempts, uncertain, word)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '')"""

INSERT_ENTRY = """
INSERT INTO ledger (at_ms, kind, debit_book, credit_book, amount_milli, submission_id, note)
VALUES (?, ?, ?, ?, ?, ?, ?)"""

CLAIM = f"""
UPDATE messages SET state = {State.SENDING:d}, channel = ?1, claimed_at_ms = ?2, attempts = attempts + 1, epoch = ?7
WHERE id IN (
    SELECT id FROM messages
    WHERE state = {State.QUEUED:d} AND lane = ?3 AND account_id = ?4 AND route_key = ?5 AND due_at_ms <= ?2
    ORDER BY due_at_ms, id LIMIT ?6)
RETURNING id, submission_id, number"""

MEND_DUE = f"UPDATE messages SET due_at_ms = ? WHERE state = {State.QUEUED:d} AND due_at_ms > ?"

CROWD_SIZE = f"""
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE state = {State.QUEUED:d} AND lane = ? AND account_id = ? AND route_key = ? AND due_at_ms <= ?
    LIMIT ?) AS waiting"""

# The next crowd with something queued: one step of a walk over the claim index.
NEXT_WAITING = f"""
SELECT lane, account_id, route_key FROM messages
WHERE state = {State.QUEUED:d} AND due_at_ms IS NOT NULL AND (lane, account_id, route_key) > (?, ?, ?)
ORDER BY lane, account_id, route_key LIMIT 1"""

QUEUED = f"""
SELECT lane, account_id, route_key, count(*) FROM messages
WHERE state = {State.QUEUED:d} AND due_at_ms IS NOT NULL GROUP BY lane, account_id, route_key"""

# Left to itself SQLite takes the claim index here, and walks over everything that is scheduled.
_SCHEDULED = f"FROM messages INDEXED BY messages_scheduled WHERE state = {State.SCHEDULED:d}"

PROMOTE = f"""
UPDATE messages SET state = {State.QUEUED:d}
WHERE id IN (SELECT id {_SCHEDULED} AND due_at_ms <= ? ORDER BY due_at_ms LIMIT ?)
RETURNING lane, account_id, route_key"""

NEXT_DUE = f"SELECT min(due_at_ms) {_SCHEDULED}"

SENDING_CHANNELS = f"""
SELECT DISTINCT channel FROM messages WHERE state = {State.SENDING:d} AND due_at_ms IS NOT NULL"""

LOSE_LEASES = f"""
UPDATE messages SET state = ?, uncertain = uncertain + 1
WHERE state = {State.SENDING:d} AND due_at_ms IS NOT NULL AND channel = ?"""

# What was claimed for a berth that is another's by now, likewise.
LOSE_EPOCH = f"""
UPDATE messages SET state = ?, uncertain = uncertain + 1
WHERE state = {State.SENDING:d} AND due_at_ms IS NOT NULL AND channel = ? AND epoch = ?"""

# Whether an epoch is still that of its berth, and will be until this transaction has ended.
HOLD_EPOCH = "SELECT 1 FROM berths WHERE epoch = ?"

# Messages that are being sent under an epoch.
OF_EPOCH = f"""
SELECT id FROM messages
WHERE id IN (SELECT value AS id FROM json_each(?)) AND state = {State.SENDING:d} AND epoch = ?"""

# Only servers lock rows: before what several nodes may change is read and written.
LOCK_MESSAGES = "SELECT id FROM messages WHERE id IN (SELECT value AS id FROM json_each(?)) ORDER BY id"

TOUCH = """
INSERT INTO revisions (topic, revision) VALUES (?, 1)
ON CONFLICT (topic) DO UPDATE SET revision = revisions.revision + 1"""

INSERT_PART = """
INSERT INTO parts (message_id, attempt, part, channel, carrier_id, carrier_key, pieces, state, word,
    answered_at_ms, finished_at_ms)
SELECT id, attempts, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM messages WHERE id = ?
ON CONFLICT DO NOTHING"""

FINISH_PART = """
UPDATE parts SET state = ?, word = ?, finished_at_ms = ? WHERE message_id = ? AND attempt = ? AND part = ?"""

SETTLE_MESSAGE = """
UPDATE messages SET state = ?, word = ?, due_at_ms = NULL, sent_at_ms = coalesce(sent_at_ms, ?), finished_at_ms = ?
WHERE id = ?"""

# A message that the channel gives back: state, due_at_ms, word, lost (0 or 1), attempts not made (0 or 1), and what its
# route key says of the channel from now on. A message that was ended meanwhile stays so.
GIVE_BACK = f"""
UPDATE messages SET state = ?, due_at_ms = ?, word = ?, uncertain = uncertain + ?, attempts = attempts - ?,
    route_key = route_key || ?
WHERE id = ? AND state = {State.SENDING:d}"""

REFUND_MESSAGE = "UPDATE messages SET refunded_milli = refunded_milli + ? WHERE id = ?"

# One report a part is parked; a definite word takes the place of an unknown one, the first definite one stands.
_DEFINITE_WORDS = ", ".join(f"'{word}'" for word, state in RECEIPT_STATES.items() if state is not State.UNKNOWN)
PARK_RECEIPT = f"""
INSERT INTO parked_receipts (channel, carrier_key, number, carrier_id, word, at_ms) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (channel, carrier_key, number) DO UPDATE SET word = excluded.word, at_ms = excluded.at_ms
WHERE upper(parked_receipts.word) NOT IN ({_DEFINITE_WORDS})"""

# Any number of ids as one JSON array: a statement holds 32,766 parameters, a window may hold more messages.
SUBMISSION_TEXTS = """
SELECT submissions.id, accounts.extension || cell, text, encoding, parts
FROM submissions JOIN accounts ON accounts.id = submissions.account_id
WHERE submissions.id IN (SELECT value AS id FROM json_each(?))"""

# CROSS JOIN keeps the order: parts by their index first. Left to itself SQLite may walk over every part of the channel.
# Carriers use ids again: the newest part comes first.
KNOWN_PARTS = """
SELECT parts.carrier_key, parts.message_id, parts.attempt, parts.part, parts.state, messages.number,
    CASE parts.pieces WHEN 0 THEN messages.parts ELSE parts.pieces END, parts.answered_at_ms
FROM parts CROSS JOIN messages ON messages.id = parts.message_id
WHERE parts.channel = ? AND parts.carrier_key IN (SELECT value AS word FROM json_each(?))
ORDER BY parts.message_id DESC, parts.attempt DESC"""

# Reports without an id: parts of messages to a number that still await theirs, oldest first.
AWAITING_PARTS = f"""
SELECT parts.message_id, parts.attempt, parts.part, parts.state,
    CASE parts.pieces WHEN 0 THEN messages.parts ELSE parts.pieces END, parts.answered_at_ms
FROM messages INDEXED BY messages_sent
CROSS JOIN parts ON parts.message_id = messages.id AND parts.attempt = messages.attempts
WHERE messages.state = {State.SENT:d} AND messages.number = ? AND messages.channel = ? AND parts.state = {State.SENT:d}
ORDER BY messages.sent_at_ms, parts.message_id, parts.part LIMIT ?"""

ANY_PARKED = "SELECT 1 FROM parked_receipts WHERE channel = ? LIMIT 1"

_PARKED = "SELECT carrier_key, word, at_ms, number, carrier_id FROM parked_receipts WHERE channel = ? AND"

PARKED = f"{_PARKED} carrier_key IN (SELECT value AS word FROM json_each(?))"

# Parked reports without an id that are about the numbers of messages.
PARKED_WITHOUT_ID = f"""{_PARKED} carrier_key = '' AND number IN (
    SELECT number FROM messages WHERE id IN (SELECT value AS id FROM json_each(?)))"""

FORGET_PARKED = "DELETE FROM parked_receipts WHERE channel = ? AND carrier_key = ? AND number = ?"

PARTS_OF = "SELECT part FROM parts WHERE message_id = ?"

PARTS_OF_ATTEMPT = """
SELECT messages.id, parts.state, parts.word, CASE parts.pieces WHEN 0 THEN messages.parts ELSE parts.pieces END,
    messages.state
FROM messages CROSS JOIN parts ON parts.message_id = messages.id AND parts.attempt = messages.attempts
WHERE messages.id IN (SELECT value AS id FROM json_each(?)) ORDER BY messages.id, parts.part"""

PAID = """
SELECT id, account_id, price_milli, parts, refunded_milli FROM messages
WHERE id IN (SELECT value AS id FROM json_each(?))"""

ATTEMPTS = "SELECT attempts FROM messages WHERE id = ?"

_NOT_YET_SENT = f"submission_id = ? AND state IN ({State.SCHEDULED:d}, {State.QUEUED:d}, {State.UNCERTAIN:d})"

# A message that a crash has put back may have got a part of its price back already.
STILL_PAID = f"""
SELECT account_id, price_milli - refunded_milli, id FROM messages WHERE {_NOT_YET_SENT}"""

CANCEL = f"""
UPDATE messages SET state = {State.CANCELLED:d}, due_at_ms = NULL, finished_at_ms = ?, refunded_milli = price_milli,
    word = 'DELETED'
WHERE {_NOT_YET_SENT}"""

INSERT_REFUSAL = """
INSERT INTO refusals (at_ms, operation, account, address, reject, hit, text) VALUES (?, ?, ?, ?, ?, ?, ?)"""

# The oldest go when more than the bound are kept.
PRUNE_REFUSALS = "DELETE FROM refusals WHERE id <= (SELECT max(id) FROM refusals) - ?"

INSERT_AUDIT = """INSERT INTO audit (at_ms, actor, action, subject, "before", "after") VALUES (?, ?, ?, ?, ?, ?)"""

PRUNE_PARKED = "DELETE FROM parked_receipts WHERE at_ms < ?"

# -- what is old


def ended(before: str) -> str:
    """The condition on messages that ended before a moment."""
    return f"state >= {State.DELIVERED:d} AND coalesce(finished_at_ms, 9e15) < {before}"


_ENDED = ended("?")

# Submissions in their order, each with whether all its messages ended before a moment.
OLD_SUBMISSIONS = f"""
SELECT id, NOT EXISTS (SELECT 1 FROM messages WHERE submission_id = old.id AND NOT ({_ENDED}))
FROM (SELECT id FROM submissions WHERE id > ? AND accepted_at_ms < ? ORDER BY id LIMIT ?) AS old"""

_THESE = "(SELECT value AS id FROM json_each(?))"

OLD_MESSAGES = f"""
SELECT id, submission_id, account_id, price_milli, refunded_milli FROM messages
WHERE submission_id IN {_THESE} AND {_ENDED} LIMIT ?"""

DELETE_PARTS = f"DELETE FROM parts WHERE message_id IN {_THESE}"

DELETE_MESSAGES = f"DELETE FROM messages WHERE id IN {_THESE}"

NOTE_PRUNED = "UPDATE submissions SET pruned_milli = pruned_milli + ? WHERE id = ?"

EMPTY_SUBMISSIONS = f"""
SELECT id, account_id, price_milli FROM submissions
WHERE id IN {_THESE} AND NOT EXISTS (SELECT 1 FROM messages WHERE submission_id = submissions.id)"""

SEND_ENTRIES = f"""
SELECT id FROM ledger INDEXED BY ledger_debit
WHERE debit_book = ? AND debit_book > 0 AND kind = 'send' AND submission_id IN {_THESE} ORDER BY id LIMIT ?"""

DELETE_ENTRIES = f"DELETE FROM ledger WHERE id IN {_THESE}"

DELETE_SUBMISSIONS = f"DELETE FROM submissions WHERE id IN {_THESE}"

DELETE_REQUESTS = f"DELETE FROM requests WHERE submission_id IN {_THESE}"


def carry(rows: str) -> str:
    """Add rows of those five columns to what was carried forward."""
    return f"""
INSERT INTO carried (account_id, submissions, messages, sent_milli, refunded_milli) {rows}
ON CONFLICT (account_id) DO UPDATE SET submissions = carried.submissions + excluded.submissions,
    messages = carried.messages + excluded.messages, sent_milli = carried.sent_milli + excluded.sent_milli,
    refunded_milli = carried.refunded_milli + excluded.refunded_milli"""


CARRY = carry("VALUES (?, ?, ?, ?, ?)")

OLD_HANDOUTS = "SELECT queue, account_id, at_ms, item_id FROM handouts WHERE at_ms < ? LIMIT ?"

OLD_PUSHES = "SELECT id FROM pushes WHERE at_ms < ? LIMIT ?"

DELETE_PUSH = "DELETE FROM pushes WHERE id = ?"

# The newest row stays: its id must not be given out again.
OLD_REPLIES = "SELECT id FROM replies WHERE at_ms < ? AND id < (SELECT max(id) FROM replies) LIMIT ?"

DELETE_REPLY = "DELETE FROM replies WHERE id = ?"

OLD_AUDIT = "SELECT id FROM audit WHERE at_ms < ? AND id < (SELECT max(id) FROM audit) LIMIT ?"

DELETE_AUDIT = "DELETE FROM audit WHERE id = ?"

# -- what waits too long

# Held since before a moment: nobody knows what became of them.
HELD = f"""
SELECT id, number, attempts, claimed_at_ms, parts FROM messages
WHERE state = {State.UNCERTAIN:d} AND due_at_ms IS NOT NULL AND channel = ? AND claimed_at_ms < ? LIMIT ?"""

TAKE_PARKED_FOR = """
DELETE FROM parked_receipts INDEXED BY parked_number WHERE channel = ? AND number = ? AND at_ms >= ?
RETURNING carrier_key, word, at_ms, number, carrier_id"""

# Sent before a moment, and still without their last report.
UNREPORTED = f"""
SELECT id FROM messages INDEXED BY messages_sent
WHERE state = {State.SENT:d} AND sent_at_ms < ? AND channel = ? LIMIT ?"""

UNREPORTED_PARTS = f"""
UPDATE parts SET state = {State.UNKNOWN:d}, word = 'UNKNOWN', finished_at_ms = ?
WHERE state = {State.SENT:d} AND message_id = ?"""

GIVE_UP = f"""
UPDATE messages SET state = {State.FAILED:d}, due_at_ms = NULL, finished_at_ms = ?, word = ?,
    refunded_milli = refunded_milli + ?
WHERE id = ? AND state IN ({State.QUEUED:d}, {State.UNCERTAIN:d})"""

GIVEN_UP = f"""
SELECT id, account_id, price_milli - refunded_milli, word FROM messages
WHERE id IN (SELECT value AS id FROM json_each(?)) AND state IN ({State.QUEUED:d}, {State.UNCERTAIN:d})"""

CROWD = f"""
SELECT id FROM messages
WHERE state = {State.QUEUED:d} AND due_at_ms IS NOT NULL AND lane = ? AND account_id = ? AND route_key = ? LIMIT ?"""

# An operator's word on a held message: send it again.
SEND_AGAIN = f"""
UPDATE messages SET state = {State.QUEUED:d}, due_at_ms = ? WHERE id = ? AND state = {State.UNCERTAIN:d}
RETURNING lane, account_id, route_key"""

# -- restore

# Without a channel's hold time: nobody knows by when a report would have come, so a person decides.
HOLD_WAITING = f"""
UPDATE messages SET state = {State.UNCERTAIN:d}, uncertain = uncertain + 1, claimed_at_ms = NULL
WHERE due_at_ms IS NOT NULL AND (state IN ({State.QUEUED:d}, {State.SENDING:d})
    OR state = {State.SCHEDULED:d} AND due_at_ms <= ?)"""

# The ids of events, which receivers know by them; SQLite keeps this counter itself.
LAST_PUSH = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'pushes'"

FORGET_LAST_PUSH = "DELETE FROM sqlite_sequence WHERE name = 'pushes'"

WRITE_LAST_PUSH = "INSERT INTO sqlite_sequence (name, seq) VALUES ('pushes', ?)"

# -- routes

TO_REKEY = """
SELECT messages.id, messages.number, submissions.text, messages.route_key
FROM messages CROSS JOIN submissions ON submissions.id = messages.submission_id
WHERE messages.id > ? AND messages.id <= ? AND messages.due_at_ms IS NOT NULL"""

LAST_MESSAGE = "SELECT max(id) FROM messages"

REKEY = "UPDATE messages SET route_key = ? WHERE id = ?"

# -- long replies

ADD_REPLY_PART = """
INSERT INTO reply_parts (channel, number, sent_to, reference, total, part, text, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""

_LONG_REPLY = "channel = ? AND number = ? AND sent_to = ? AND reference = ? AND total = ?"

REPLY_PARTS = f"SELECT part, text, at_ms FROM reply_parts WHERE {_LONG_REPLY} ORDER BY part"

FORGET_REPLY_PARTS = f"DELETE FROM reply_parts WHERE {_LONG_REPLY}"

OLD_REPLY_PARTS = """
SELECT channel, number, sent_to, reference, total FROM reply_parts WHERE channel = ?
GROUP BY channel, number, sent_to, reference, total HAVING max(at_ms) < ? LIMIT ?"""

# -- hand-outs: before a message's end is written, so that the state it had tells whether this is the first end.

_FETCHED = "account_id NOT IN (SELECT account_id FROM webhooks)"
_PUSHED = "account_id IN (SELECT account_id FROM webhooks)"
_NOT_ENDED = f"id = ? AND state < {State.DELIVERED:d}"
# Of what an operator has released, no program waits to hear.
_AWAITED = f"substr(route_key, 1, 1) <> '{_BOUND}'"

HAND_OUT_REPORT = f"""
INSERT INTO handouts (queue, account_id, at_ms, item_id, leased_until_ms)
SELECT {Queue.REPORTS:d}, account_id, ?, id, 0 FROM messages
WHERE {_NOT_ENDED} AND {_FETCHED} AND {_AWAITED}"""

# What the carrier did not know at first may still fail.
HAND_OUT_FAILURE = f"""
INSERT INTO handouts (queue, account_id, at_ms, item_id, leased_until_ms)
SELECT {Queue.FAILURES:d}, account_id, ?, id, 0 FROM messages
WHERE id = ? AND (state < {State.DELIVERED:d} OR state = {State.UNKNOWN:d}) AND {_FETCHED} AND {_AWAITED}"""

PUSH_REPORT = f"""
INSERT INTO pushes (account_id, queue, item_id, number, at_ms, attempts, next_at_ms, parked, said)
SELECT account_id, {Queue.REPORTS:d}, id, number, ?1, 0, ?1, false, '' FROM messages
WHERE id = ?2 AND state < {State.DELIVERED:d} AND {_PUSHED} AND {_AWAITED}"""

ANY_WEBHOOK = "SELECT 1 FROM webhooks LIMIT 1"

HAS_WEBHOOK = "SELECT 1 FROM webhooks WHERE account_id = ?"

HAND_OUT = "INSERT INTO handouts (queue, account_id, at_ms, item_id, leased_until_ms) VALUES (?, ?, ?, ?, 0)"

PUSH = """
INSERT INTO pushes (account_id, queue, item_id, number, at_ms, attempts, next_at_ms, parked, said)
VALUES (?1, ?2, ?3, ?4, ?5, 0, ?5, false, '')"""

INSERT_REPLY = """
INSERT INTO replies (account_id, channel, number, sent_to, cell, text, opted_out, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"""

_WAITING = "handouts.queue = ? AND handouts.account_id = ? AND handouts.leased_until_ms <= ?"

# CROSS JOIN keeps the order: along the queue, and from there to what it names.
WAITING_REPLIES = f"""
SELECT handouts.at_ms, item_id, replies.number, replies.text, replies.at_ms, replies.cell
FROM handouts CROSS JOIN replies ON replies.id = item_id
WHERE {_WAITING} AND ? IN ('', replies.cell) ORDER BY handouts.at_ms, item_id LIMIT ?"""

WAITING_REPORTS = f"""
SELECT handouts.at_ms, item_id, submissions.client_id, messages.written, submissions.accepted_at_ms, messages.state,
    messages.word, messages.finished_at_ms, submissions.cell
FROM handouts CROSS JOIN messages ON messages.id = item_id
CROSS JOIN submissions ON submissions.id = messages.submission_id
WHERE {_WAITING} AND ? IN ('', submissions.cell) ORDER BY handouts.at_ms, item_id LIMIT ?"""

_HANDOUT = "queue = ? AND account_id = ? AND at_ms = ? AND item_id = ?"

LEASE_HANDOUT = f"UPDATE handouts SET leased_until_ms = ? WHERE {_HANDOUT}"

CONFIRM_HANDOUT = f"DELETE FROM handouts WHERE {_HANDOUT}"

# Only its own lease: after its end another fetch may have taken the row.
RELEASE_HANDOUT = f"UPDATE handouts SET leased_until_ms = 0 WHERE {_HANDOUT} AND leased_until_ms = ?"

# Who wrote to a number, among accounts that share an access number; the exact Cell first, then the newest.
LAST_SENDER = """
SELECT recent.account_id FROM
    (SELECT id, submission_id, account_id, number FROM messages ORDER BY id DESC LIMIT ?) AS recent
JOIN submissions ON submissions.id = recent.submission_id
WHERE recent.number = ? AND recent.account_id IN (SELECT value AS id FROM json_each(?))
ORDER BY submissions.cell = ? DESC, recent.id DESC LIMIT 1"""

# -- pushes

# The first event of each number; the later ones wait for it.
_FIRST = """FROM pushes WHERE account_id = ?1 AND parked = 0 AND NOT EXISTS (
    SELECT 1 FROM pushes AS earlier WHERE earlier.account_id = ?1 AND earlier.number = pushes.number
    AND earlier.parked = 0 AND earlier.id < pushes.id)"""

DUE_PUSHES = f"SELECT id, attempts, number, queue, item_id {_FIRST} AND next_at_ms <= ?2 ORDER BY id LIMIT ?3"

PUSHED_REPORTS = """
SELECT messages.id, client_id, written, accepted_at_ms, state, word, finished_at_ms, cell
FROM messages JOIN submissions ON submissions.id = messages.submission_id
WHERE messages.id IN (SELECT value AS id FROM json_each(?))"""

PUSHED_REPLIES = """
SELECT id, id, number, text, cell, at_ms, opted_out FROM replies WHERE id IN (SELECT value AS id FROM json_each(?))"""

# A time of None parks the event.
RETRY_PUSH = """
UPDATE pushes SET attempts = attempts + 1, next_at_ms = coalesce(?, next_at_ms), parked = ?, said = ? WHERE id = ?"""

_MOVED = "handouts.account_id = ?1 ORDER BY handouts.at_ms, item_id"

PUSH_WAITING_REPLIES = f"""
INSERT INTO pushes (account_id, queue, item_id, number, at_ms, attempts, next_at_ms, parked, said)
SELECT handouts.account_id, queue, item_id, number, handouts.at_ms, 0, ?2, false, ''
FROM handouts JOIN replies ON replies.id = item_id WHERE queue = {Queue.REPLIES:d} AND {_MOVED}"""

PUSH_WAITING_REPORTS = f"""
INSERT INTO pushes (account_id, queue, item_id, number, at_ms, attempts, next_at_ms, parked, said)
SELECT handouts.account_id, queue, item_id, number, handouts.at_ms, 0, ?2, false, ''
FROM handouts JOIN messages ON messages.id = item_id WHERE queue = {Queue.REPORTS:d} AND {_MOVED}"""

FORGET_WAITING = "DELETE FROM handouts WHERE queue = ? AND account_id = ?"

FETCH_PUSHES = """
INSERT INTO handouts (queue, account_id, at_ms, item_id, leased_until_ms)
SELECT queue, account_id, at_ms, item_id, 0 FROM pushes WHERE account_id = ? ON CONFLICT DO NOTHING"""

# Failures from before the webhook had their row in the queue of failures, and may have been fetched from it.
FETCH_FAILED_PUSHES = f"""
INSERT INTO handouts (queue, account_id, at_ms, item_id, leased_until_ms)
SELECT {Queue.FAILURES:d}, pushes.account_id, pushes.at_ms, item_id, 0
FROM pushes JOIN messages ON messages.id = item_id
WHERE pushes.account_id = ? AND queue = {Queue.REPORTS:d}
    AND state IN ({", ".join(f"{state:d}" for state in sorted(FAILING))})
    AND finished_at_ms >= (SELECT created_at_ms FROM webhooks WHERE account_id = pushes.account_id)
ON CONFLICT DO NOTHING"""
