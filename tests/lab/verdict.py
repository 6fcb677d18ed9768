"""The judge: the clients' log, the store, the ledger, the SMSC's log and what was fetched, held against each other."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from river.smsc import Smsc

from .driver import Log
from .wire import Wire

# A row may come again when its first coming fell into a fault, or so shortly before that it was not confirmed yet.
_BEFORE_S, _BEHIND_S = 1.0, 3.0
SENT, _FIRST_FINAL = 5, 10


@dataclass
class Line:
    """One round in figures."""

    answered: int = 0
    messages: int = 0
    twice: int = 0
    missing: list[Any] = field(default_factory=list)
    charged_wrongly: list[Any] = field(default_factory=list)
    unmarked: list[Any] = field(default_factory=list)
    reports_lost: list[Any] = field(default_factory=list)
    replies_lost: list[Any] = field(default_factory=list)
    unexplained: list[Any] = field(default_factory=list)

    @property
    def must_be_0(self) -> dict[str, list[Any]]:
        """What must be empty."""
        return {
            "missing": self.missing,
            "unmarked": self.unmarked,
            "charged wrongly": self.charged_wrongly,
            "reports lost": self.reports_lost,
            "replies lost": self.replies_lost,
            "unexplained": self.unexplained,
        }

    def __str__(self) -> str:
        zeros = ", ".join(f"{name} {len(found)}" for name, found in self.must_be_0.items())
        return f"answered {self.answered}, messages {self.messages}, submitted twice {self.twice}; {zeros}"


class Gateway(Protocol):
    """What the judge asks of one, or of several that are one."""

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database."""

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Ask the admin API."""


class Judge:
    """Looks at each round's rows once; ``closing`` looks at everything together."""

    def __init__(self, us: Gateway, carrier: Smsc, wire: Wire, log: Log, credit_milli: int) -> None:
        self._us, self._carrier, self._wire, self._log = us, carrier, wire, log
        self._last = (0, 0)  # the last submission and message of the rounds before
        self._log_offset = 0
        self._carried: Counter[str] = Counter()
        self._numbers: dict[str, int] = {}  # every number that is stored -> its submission's client id
        self._credit_milli = credit_milli
        self._windows: list[tuple[float, float]] = []
        self._seen_refusals: Counter[str] = Counter()

    def settled(self) -> bool:
        """Whether all is at rest: nothing waits, every report has come that the SMSC still owes, all is fetched."""
        if self._us.query(f"SELECT 1 FROM messages WHERE state < {SENT} LIMIT 1"):
            return False
        if self._carrier.tell(do="stats")["undelivered"]:
            return False
        self._read_log()
        owed = self._us.query(
            f"SELECT carrier_id FROM parts JOIN messages ON id = message_id AND attempt = attempts"
            f" WHERE messages.state = {SENT} AND id > {self._last[1]}"
        )
        life = self._carrier.seed + self._carrier.starts
        return not any(int(row[0]) // 1_000_000 % 1_000 == life % 1_000 for row in owed)

    def handed_out(self) -> bool:
        """Whether nothing waits to be fetched, or is leased to a fetch that failed and will be handed out again."""
        return not self._us.query("SELECT 1 FROM handouts LIMIT 1")

    def round(self, fault_s: tuple[float, float], excused: frozenset[str], odd: str) -> Line:
        """What a round has left behind; ``fault_s``: when its fault began and ended, monotonic."""
        self._windows.append(fault_s)
        line = Line()
        if odd:
            line.unexplained.append(odd)
        submissions = self._submissions()
        self._judge_answers(line, submissions)
        self._judge_charges(line, submissions)
        self._judge_submits(line, submissions)
        self._judge_reports(line)
        self._judge_replies(line)
        refused = self._log.refused - self._seen_refusals
        self._seen_refusals = Counter(self._log.refused)
        line.unexplained += [f"refused {code} x{count}" for code, count in refused.items() if code not in excused]
        line.unexplained += self._log.odd
        self._log.odd.clear()
        self._last = self._us.query("SELECT (SELECT max(id) FROM submissions), (SELECT max(id) FROM messages)")[0]
        return line

    def closing(self) -> list[str]:
        """The ledger's own check and the balance."""
        faults: list[str] = self._us.api("GET", "/ledger/check")["faults"]
        paid = self._us.query("SELECT coalesce(sum(price_milli - refunded_milli), 0) FROM messages")[0][0]
        (balance,) = self._us.query("SELECT balance_milli FROM accounts")[0]
        if balance != self._credit_milli - paid:
            faults.append(f"the balance is {balance}, not {self._credit_milli - paid}")
        return faults

    # -- what was answered is there, and nothing else

    def _submissions(self) -> dict[int, tuple[list[str], int, str, str]]:
        """New ones by client id: numbers, price, amounts taken for it, numbers marked uncertain."""
        rows = self._us.query(
            "SELECT client_id, group_concat(written), s.price_milli,"
            " (SELECT group_concat(amount_milli) FROM ledger WHERE submission_id = s.id AND kind = 'send'),"
            " group_concat(CASE WHEN uncertain > 0 THEN written END)"
            f" FROM submissions s JOIN messages m ON m.submission_id = s.id WHERE s.id > {self._last[0]} GROUP BY s.id"
        )
        return {row[0]: (row[1].split(","), row[2], row[3] or "", row[4] or "") for row in rows}

    def _judge_answers(self, line: Line, submissions: dict[int, tuple[list[str], int, str, str]]) -> None:
        line.answered = len(self._log.answered)
        line.messages = sum(len(numbers) for numbers, *_ in submissions.values())
        for client_id, numbers in self._log.answered.items():
            if client_id not in submissions or sorted(submissions[client_id][0]) != sorted(numbers):
                line.missing.append(client_id)
        perhaps = {numbers[0] for numbers in self._log.unanswered}
        for client_id, (numbers, *_) in submissions.items():
            if client_id not in self._log.answered and not perhaps & set(numbers):
                line.unexplained.append(f"{client_id} is stored, but its call was not answered so")
            for number in numbers:
                if number in self._numbers:
                    line.unexplained.append(f"{number} is stored twice")
                self._numbers[number] = client_id
        self._log.answered.clear()
        self._log.unanswered.clear()

    def _judge_charges(self, line: Line, submissions: dict[int, tuple[list[str], int, str, str]]) -> None:
        line.charged_wrongly += [one for one, (_, price, taken, _) in submissions.items() if taken != str(price)]

    # -- what left is known to have left

    def _judge_submits(self, line: Line, submissions: dict[int, tuple[list[str], int, str, str]]) -> None:
        self._read_log()
        uncertain = {number for *_, marked in submissions.values() for number in marked.split(",")}
        ours = {number for numbers, *_ in submissions.values() for number in numbers}
        left = Counter({number.removeprefix("86"): count for number, count in self._wire.submitted.items()})
        left |= self._carried  # who saw it more often is right: a relay that is cut may have missed one
        twice = {number for number in ours if left[number] > 1}
        line.twice = len(twice)
        line.unmarked += sorted(twice - uncertain)
        line.missing += [f"{number} was never submitted" for number in sorted(ours - set(left))]
        line.unexplained += [f"{number} was submitted, but not accepted" for number in set(left) - set(self._numbers)]
        self._wire.submitted.clear()
        self._carried.clear()

    def _read_log(self) -> None:
        """The SMSC's log, from where it was read last."""
        if not self._carrier.log.exists():
            return
        with self._carrier.log.open("rb") as log:
            log.seek(self._log_offset)
            for raw in log:
                if not raw.endswith(b"\n"):
                    break
                self._log_offset += len(raw)
                try:
                    entry = json.loads(raw)
                except ValueError:  # torn by a kill, and written on by the next life
                    continue
                self._carried[entry["number"].removeprefix("86")] += 1

    # -- what the carrier said reaches the client, once

    def _judge_reports(self, line: Line) -> None:
        rows = self._us.query(
            f"SELECT client_id, written, number, state, word FROM messages m JOIN submissions s ON s.id = submission_id"
            f" WHERE m.id > {self._last[1]}"
        )
        taken = {number for number in self._wire.acknowledged if number.isdigit()}
        for client_id, written, number, state, word in rows:
            fetched = self._log.reports.pop((client_id, written), [])
            if state >= _FIRST_FINAL and not fetched:
                line.reports_lost.append(f"{client_id} {written}: {word} was never handed out")
            if state < _FIRST_FINAL and number.removeprefix("+") in taken:
                line.reports_lost.append(f"{client_id} {written}: acknowledged, and not stored")
            if any(said != word for _, said in fetched):
                line.unexplained.append(f"{client_id} {written}: handed out {fetched}, stored {word}")
            self._once(line, f"the report of {written}", [at_s for at_s, _ in fetched])
            failed = self._log.failures.pop(written, [])
            if bool(failed) != (word == "UNDELIV"):
                line.reports_lost.append(f"{written}: {word}, handed out as a failure {len(failed)} times")
            self._once(line, f"the failure of {written}", failed)
        line.unexplained += [f"a report of {key}, which nobody sent" for key in self._log.reports]
        line.unexplained += [f"a failure of {key}, which nobody sent" for key in self._log.failures]
        self._log.reports.clear()
        self._log.failures.clear()

    def _judge_replies(self, line: Line) -> None:
        acknowledged = {text for text in self._wire.acknowledged if not text.isdigit()}
        line.replies_lost += sorted(acknowledged - set(self._log.replies))
        for text, times_s in self._log.replies.items():
            if text not in self._wire.delivered:
                line.unexplained.append(f"the reply {text!r}, which no handset wrote")
            elif self._wire.delivered[text] == 1:  # else the carrier delivered it again: it is two for us, too
                self._once(line, f"the reply {text}", times_s)
        self._log.replies.clear()
        self._wire.acknowledged.clear()
        self._wire.delivered.clear()

    def _once(self, line: Line, what: str, times_s: list[float]) -> None:
        if len(times_s) < 2:
            return
        begun_s, ended_s = self._windows[-1]
        if not begun_s - _BEFORE_S <= times_s[0] <= ended_s + _BEHIND_S:
            line.unexplained.append(f"{what} came {len(times_s)} times")
