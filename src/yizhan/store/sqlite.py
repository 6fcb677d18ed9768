"""The hot statements in SQLite's words, one name each; ``?`` in the order that the verbs give.

States stand as literals, not parameters: SQLite uses a partial index only when the statement itself says its condition.
"""

from yizhan.model.message import RECEIPT_STATES, State

DEBIT = "UPDATE accounts SET balance_milli = balance_milli - ? WHERE id = ? AND balance_milli >= ?"

CREDIT = "UPDATE accounts SET balance_milli = balance_milli + ? WHERE id = ?"

READ_COUNTER = "SELECT value FROM counters WHERE name = ?"

WRITE_COUNTER = (
    "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

CLIENT_ID_TAKEN = "SELECT 1 FROM submissions WHERE account_id = ? AND client_id = ?"

INSERT_SUBMISSION = """
INSERT INTO submissions (id, account_id, client_id, accepted_at_ms, send_at_ms, text, encoding, parts, cell,
    price_milli, lane, signature, keywords_checked, operation, transport, address)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

INSERT_MESSAGE = """
INSERT INTO messages (id, submission_id, account_id, lane, state, number, written, parts, price_milli, due_at_ms,
    finished_at_ms, refunded_milli, attempts, uncertain, word)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '')"""

INSERT_ENTRY = """
INSERT INTO ledger (at_ms, kind, debit_book, credit_book, amount_milli, submission_id, note)
VALUES (?, ?, ?, ?, ?, ?, ?)"""

CLAIM = f"""
UPDATE messages SET state = {State.SENDING:d}, channel = ?, claimed_at_ms = ?, attempts = attempts + 1
WHERE id IN (
    SELECT id FROM messages
    WHERE state = {State.QUEUED:d} AND lane = ? AND account_id = ? AND due_at_ms <= ?
    ORDER BY due_at_ms, id LIMIT ?)
RETURNING id, submission_id, number"""

# The next (lane, account) with something queued: one step of a walk over the claim index.
NEXT_WAITING = f"""
SELECT lane, account_id FROM messages
WHERE state = {State.QUEUED:d} AND due_at_ms IS NOT NULL AND (lane, account_id) > (?, ?)
ORDER BY lane, account_id LIMIT 1"""

# Left to itself SQLite takes the claim index here, and walks over everything that is scheduled.
_SCHEDULED = f"FROM messages INDEXED BY messages_scheduled WHERE state = {State.SCHEDULED:d}"

PROMOTE = f"""
UPDATE messages SET state = {State.QUEUED:d}
WHERE id IN (SELECT id {_SCHEDULED} AND due_at_ms <= ? ORDER BY due_at_ms LIMIT ?)
RETURNING lane, account_id"""

NEXT_DUE = f"SELECT min(due_at_ms) {_SCHEDULED}"

SENDING_CHANNELS = f"""
SELECT DISTINCT channel FROM messages WHERE state = {State.SENDING:d} AND due_at_ms IS NOT NULL"""

LOSE_LEASES = f"""
UPDATE messages SET state = ?, uncertain = uncertain + 1
WHERE state = {State.SENDING:d} AND due_at_ms IS NOT NULL AND channel = ?"""

INSERT_PART = """
INSERT INTO parts (message_id, attempt, part, channel, carrier_id, state, word, answered_at_ms, finished_at_ms)
SELECT id, attempts, ?, ?, ?, ?, ?, ?, ? FROM messages WHERE id = ?"""

FINISH_PART = "UPDATE parts SET state = ?, word = ?, finished_at_ms = ? WHERE channel = ? AND carrier_id = ?"

SETTLE_MESSAGE = """
UPDATE messages SET state = ?, word = ?, due_at_ms = NULL, sent_at_ms = coalesce(sent_at_ms, ?), finished_at_ms = ?
WHERE id = ?"""

REFUND_MESSAGE = "UPDATE messages SET refunded_milli = refunded_milli + ? WHERE id = ?"

# One receipt a part is parked; a definite word takes the place of an unknown one, the first definite one stands.
_DEFINITE_WORDS = ", ".join(f"'{word}'" for word, state in RECEIPT_STATES.items() if state is not State.UNKNOWN)
PARK_RECEIPT = f"""
INSERT INTO parked_receipts (channel, carrier_id, word, at_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (channel, carrier_id) DO UPDATE SET word = excluded.word, at_ms = excluded.at_ms
WHERE upper(parked_receipts.word) NOT IN ({_DEFINITE_WORDS})"""

# Any number of ids as one JSON array: a statement holds 32,766 parameters, a window may hold more messages.
SUBMISSION_TEXTS = """
SELECT id, cell, text, encoding, parts FROM submissions WHERE id IN (SELECT value FROM json_each(?))"""

# CROSS JOIN keeps the order: parts by their index first. Left to itself SQLite may walk over every part of the channel.
KNOWN_PARTS = """
SELECT parts.carrier_id, parts.message_id, messages.parts, parts.state
FROM parts CROSS JOIN messages ON messages.id = parts.message_id
WHERE parts.channel = ? AND parts.carrier_id IN (SELECT value FROM json_each(?))"""

TAKE_PARKED = """
DELETE FROM parked_receipts WHERE channel = ? AND carrier_id IN (SELECT value FROM json_each(?))
RETURNING carrier_id, word, at_ms"""

PARTS_OF_ATTEMPT = """
SELECT parts.state, parts.word, messages.parts, messages.state FROM messages
JOIN parts ON parts.message_id = messages.id AND parts.attempt = messages.attempts WHERE messages.id = ?"""

_NOT_YET_SENT = f"submission_id = ? AND state IN ({State.SCHEDULED:d}, {State.QUEUED:d}, {State.UNCERTAIN:d})"

# A message that a crash has put back may have got a part of its price back already.
STILL_PAID = f"""
SELECT account_id, price_milli - refunded_milli FROM messages WHERE {_NOT_YET_SENT}"""

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
