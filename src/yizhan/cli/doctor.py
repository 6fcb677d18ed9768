"""``yizhan doctor``: whether the gateway is well, at one glance."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, Line, talk
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data

_RUNNING = "running"


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
    """What needs somebody's hand, and what to do about each."""
    return [*_store_faults(health), *_channel_faults(health), *_event_faults(health)]


def _store_faults(health: dict[str, Any]) -> Iterator[str]:
    if health["store"] != "ok":
        yield f"the store is damaged: {health['store']}; stop the gateway and go back to a backup: yizhan restore FILE"
    if health["disk_low"]:
        free = health["disk_free_bytes"] // 1_000_000
        yield f"only {free} MB are free on the disk: make room before the store cannot grow any more"
    if health["log_large"]:
        size = health["log_bytes"] // 1_000_000
        yield (
            f"SQLite's log has {size} MB: somebody reads the store without an end; wait for backups and long "
            "questions, end what else has the file open, or start the gateway anew"
        )
    if health["replica"] not in (None, "ok"):
        yield f"searches go to the server itself, and not to its replica: {health['replica']}"
    for fault in health["ledger"]["faults"]:
        yield f"the ledger does not hold: {fault}"


def _channel_faults(health: dict[str, Any]) -> Iterator[str]:
    """A channel of a running node that nobody has paused carries messages, or somebody has to see why not."""
    for channel in health["channels"]:
        if health["node"] == _RUNNING and not channel["bound"] and not channel["paused"] and not channel["node"]:
            name, why = channel["name"], channel["why"] or "no reason is known"
            yield (
                f"channel {name} is not bound ({why}): yizhan channel test {name} tells more, "
                f"yizhan channel pause {name} takes it out"
            )


def _event_faults(health: dict[str, Any]) -> Iterator[str]:
    if count := health["parked_events"]:
        yield (
            f"{count} webhook events are parked: yizhan webhook events --parked says why, "
            "yizhan webhook replay sends them again"
        )


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
