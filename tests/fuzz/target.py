"""The program under fire: a gateway of its own, and how to tell that it is unhurt."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from river.program import Program, running

from .family import is_id
from .judge import Said
from .seeds import ACCOUNTS, AGENT, EVERYDAY, password_of

BY_ID = ("IntlSend", "Send2", "BatchSend2", "BatchContentSms")

_SETTINGS = {
    "YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.05}]',
    "YIZHAN_STORE__BATCH_MS": "1",
    "YIZHAN_POLICY__QUERY_INTERVAL_S": "0",
    "YIZHAN_POLICY__OPEN_OPERATIONS": "Reg,UnReg,ChargeUp,AgentMakeAccount,AgentChangeAccount",
    # Every call may succeed, however many come in a minute.
    "YIZHAN_POLICY__PASSWORD_CHANGES_PER_MINUTE": "1000000",
}
_REPLIES = ("好的", "a#b|c\r\nd", "\x00\x0b<&>]]>", "𠮷€ ÿ", "退订")


@dataclass
class Target:
    """A program under fire."""

    program: Program
    operator: httpx.Client
    log_start: int = 0  # what the log said before has been looked at
    last_submission: int = 0
    well: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # the accounts as they were when last mended

    def mend(self) -> None:
        """Undo what hits have done to the accounts, so that the next ones reach as deep; begin a new count."""
        for account, state in self._accounts().items():
            if state != self.well.get(account):
                self.operate("PATCH", f"/accounts/{account}", json={"password": password_of(account)})
                self.operate("POST", f"/accounts/{account}/enable")
        self.well = self._accounts()
        for text in _REPLIES:
            self.operate("POST", "/simulator/replies", json={"number": "13900000000", "to": "1069000077", "text": text})
        self.log_start = len(self.program.said())
        ((self.last_submission,),) = self.program.query("SELECT coalesce(max(id), 0) FROM submissions")

    def _accounts(self) -> dict[str, tuple[Any, ...]]:
        rows = self.program.query("SELECT corp_id, credential, enabled FROM accounts")
        return {row[0]: row for row in rows if row[0] in ACCOUNTS}

    def check(self, said: Sequence[Said]) -> None:
        """Alive, silent, its books right, and nothing stored that was not answered with success, nor the reverse."""
        assert self.program.process is not None
        assert self.program.process.poll() is None
        assert self.operate("GET", "/ledger/check")["faults"] == []
        for line in self.program.said()[self.log_start :].splitlines():
            assert line.startswith("{"), line
            assert json.loads(line)["level"] == "info", line
        rows = self.program.query(f"SELECT operation, client_id FROM submissions WHERE id > {self.last_submission}")
        stored_ids = {id for operation, id in rows if operation in BY_ID}
        assert stored_ids == {id for one in said for id in _ids(one)}, "stored but not told, or told but not stored"
        stored = Counter(operation for operation, _ in rows if operation not in BY_ID)
        certain = Counter(_plain_success(one, certainly=True) for one in said)
        possible = Counter(_plain_success(one, certainly=False) for one in said)
        for operation in ("Send", "BatchSend"):
            assert certain[operation] <= stored[operation] <= possible[operation], operation

    def operate(self, method: str, path: str, **options: Any) -> Any:
        """The admin API; like ``Program.api``, over one connection."""
        return self.operator.request(method, path, **options).raise_for_status().json()


def _ids(said: Said) -> set[int]:
    """The submissions that a value names."""
    if "BatchContentSms" in said.operations and said.value.startswith("["):
        return {int(row["Result"]) for row in json.loads(said.value) if is_id(row["Result"])}
    # Balances and counts are far below the first id.
    return {int(said.value)} if is_id(said.value) and int(said.value) >= 100_000_000 else set()


def _plain_success(said: Said, *, certainly: bool) -> str:
    operation = {"0": "Send", "1": "BatchSend"}.get(said.value, "")
    return operation if operation in said.operations and (not certainly or len(said.operations) == 1) else ""


@contextmanager
def under_fire(data: Path) -> Iterator[Target]:
    """A gateway with every operation open, and accounts for them."""
    with running(data, **_SETTINGS) as program:
        door = httpx.HTTPTransport(uds=str(program.data / "admin.sock"))
        with httpx.Client(transport=door, base_url="http://admin/api/v1", timeout=60) as operator:
            target = Target(program, operator)
            for account in ACCOUNTS:
                new = {"account": account, "password": password_of(account), "credit": 10_000_000}
                target.operate("POST", "/accounts", json={**new, "agent": account == AGENT})
            target.operate("PATCH", f"/accounts/{EVERYDAY}", json={"extension": "77"})
            target.operate("POST", "/numbers", json={"number": "13700000099", "account": EVERYDAY})
            target.operate("POST", "/keywords", json={"words": ["视频"]})
            yield target
