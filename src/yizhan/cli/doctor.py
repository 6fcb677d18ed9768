"""``yizhan doctor``: whether the gateway is well, at one glance."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, Line, talk
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data

_RUNNING = "running"
_SENTENCES = {
    "store_damaged": "the store is damaged: {detail}; stop the gateway and go back to a backup: yizhan restore FILE",
    "disk_low": "only {count} MB are free on the disk: make room before the store cannot grow any more",
    "log_large": "SQLite's log has {count} MB: somebody reads the store without an end; wait for backups and long "
    "questions, end what else has the file open, or start the gateway anew",
    "replica_away": "searches go to the server itself, and not to its replica: {detail}",
    "ledger_wrong": "the ledger does not hold: {detail}",
    "channel_unbound": "channel {about} is not bound ({why}): yizhan channel test {about} tells more, "
    "yizhan channel pause {about} takes it out",
    "events_parked": "{count} webhook events are parked: yizhan webhook events --parked says why, "
    "yizhan webhook replay sends them again",
}


def register(app: typer.Typer) -> None:
    """Add ``doctor`` to ``app``."""
    app.command()(doctor)


def doctor(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Check the store and the ledger; show what waits and how the channels are.

    Exits with 1 when something needs somebody's hand, and says what to do.
    """
    health = talk(data, _examine)
    faults = _faults(health)
    if json:
        show.print_json({"well": not faults, "data": str(data.absolute()), **health})
    else:
        _print_health(data, health)
    if faults:
        raise Failed("; ".join(faults))


async def _examine(line: Line) -> dict[str, Any]:
    health = await line.call("GET", "/health")
    return {"node": _RUNNING if line.running else "not running", **health}


def _faults(health: dict[str, Any]) -> list[str]:
    """What needs somebody's hand, and what to do about each. A node that does not run needs no channels."""
    is_running = health["node"] == _RUNNING
    found = [one for one in health["faults"] if is_running or one["kind"] != "channel_unbound"]
    return [_SENTENCES[one["kind"]].format(**{**one, "why": one["detail"] or "no reason is known"}) for one in found]


def _space(health: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Of an embedded store; that of a server is not this node's to see."""
    if (size := health["log_bytes"]) is not None:
        yield "log", f"{size // 1_000_000} MB" + (", too large" if health["log_large"] else "")
    if (free := health["disk_free_bytes"]) is not None:
        yield "disk", f"{free // 1_000_000} MB free" + (", too little" if health["disk_low"] else "")


def _print_health(data: Path, health: dict[str, Any]) -> None:
    waiting = ", ".join(f"{count} {state}" for state, count in health["waiting"].items() if count)
    pairs: list[tuple[str, Any]] = [
        ("data", str(data.absolute())),
        ("node", health["node"]),
        ("version", f"{health['version']} (schema {health['schema']})"),
        ("store", health["store"]),
        *([("replica", health["replica"])] if health["replica"] else []),
        *_space(health),
        ("ledger", _ledger(health)),
        ("accounts", health["accounts"]),
        ("waiting", waiting or "nothing"),
    ]
    if health["commits"]:
        pairs.append(("commits", f"{health['commits']} for {health['committed_calls']} calls since the start"))
    if held := health["waiting"].get("uncertain"):
        pairs.append(("held", f"{held} messages await a report or your word: yizhan message list --state uncertain"))
    if health["parked_events"]:
        pairs.append(("parked", f"{health['parked_events']} webhook events"))
    pairs += [(f"channel {channel['name']}", _channel(channel)) for channel in health["channels"]]
    show.print_details(pairs)


def _ledger(health: dict[str, Any]) -> str:
    if health["store"] != "ok":
        return "not looked at"
    return "does not hold" if health["ledger"]["faults"] else f"holds, {health['ledger']['entries']} entries"


def _channel(channel: dict[str, Any]) -> str:
    if channel["node"]:
        return f"{channel['kind']}, at {channel['node']}"
    bound = "paused" if channel["paused"] else f"{channel['bound']} of {channel['binds']} bound"
    state = f"{channel['kind']}, {bound}, {channel['in_flight']} of {channel['window']} in flight"
    return f"{state}, {channel['receipts_due']} receipts due"
