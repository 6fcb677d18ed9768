"""The hot statements in SQLite's words, one name each; ``?`` in the order that the verbs give.

States stand as literals, not parameters: SQLite uses a partial index only when the statement itself says its condition.
"""

from yizhan.model.message import State

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

PROMOTE = f"""
UPDATE messages SET state = {State.QUEUED:d}
WHERE id IN (
    SELECT id FROM messages WHERE state = {State.SCHEDULED:d} AND due_at_ms <= ? ORDER BY due_at_ms LIMIT ?)
RETURNING lane, account_id"""

NEXT_DUE = f"SELECT min(due_at_ms) FROM messages WHERE state = {State.SCHEDULED:d} AND due_at_ms IS NOT NULL"

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

PARK_RECEIPT = "INSERT OR IGNORE INTO parked_receipts (channel, carrier_id, word, at_ms) VALUES (?, ?, ?, ?)"

CANCEL = f"""
UPDATE messages SET state = {State.CANCELLED:d}, due_at_ms = NULL, finished_at_ms = ?, refunded_milli = price_milli,
    word = 'DELETED'
WHERE submission_id = ? AND state IN ({State.SCHEDULED:d}, {State.QUEUED:d})
RETURNING account_id, price_milli"""

INSERT_REFUSAL = """
INSERT INTO refusals (at_ms, operation, account, address, reject, hit, text) VALUES (?, ?, ?, ?, ?, ?, ?)"""

# The oldest go when more than the bound are kept.
PRUNE_REFUSALS = "DELETE FROM refusals WHERE id <= (SELECT max(id) FROM refusals) - ?"

INSERT_AUDIT = """INSERT INTO audit (at_ms, actor, action, subject, "before", "after") VALUES (?, ?, ?, ?, ?, ?)"""

PRUNE_PARKED = "DELETE FROM parked_receipts WHERE at_ms < ?"
