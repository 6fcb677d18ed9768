"""``yizhan doctor``: whether the gateway is well, at one glance."""

from pathlib import Path
from typing import Any

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, Line, talk
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data


def register(app: typer.Typer) -> None:
    """Add ``doctor`` to ``app``."""
    app.command()(doctor)


def doctor(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Check the store and the ledger; show what waits and how the channels are."""
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
    return {"node": "running" if line.running else "not running", **health}


def _faults(health: dict[str, Any]) -> list[str]:
    faults = (
        []
        if health["store"] == "ok"
        else [f"the store is damaged: {health['store']}; stop the gateway, keep its data, go back to a backup"]
    )
    if health["disk_low"]:
        free = health["disk_free_bytes"] // 1_000_000
        faults.append(f"only {free} MB are free on the disk: make room before the store cannot grow any more")
    return faults + [f"the ledger does not hold: {fault}" for fault in health["ledger"]["faults"]]


def _print_health(data: Path, health: dict[str, Any]) -> None:
    waiting = ", ".join(f"{count} {state}" for state, count in health["waiting"].items() if count)
    ledger = health["ledger"]
    pairs: list[tuple[str, Any]] = [
        ("data", str(data.absolute())),
        ("node", health["node"]),
        ("version", f"{health['version']} (schema {health['schema']})"),
        ("store", health["store"]),
        ("disk", f"{health['disk_free_bytes'] // 1_000_000} MB free" + (", too little" if health["disk_low"] else "")),
        ("ledger", "does not hold" if ledger["faults"] else f"holds, {ledger['entries']} entries"),
        ("accounts", health["accounts"]),
        ("waiting", waiting or "nothing"),
    ]
    if health["commits"]:
        pairs.append(("commits", f"{health['commits']} for {health['committed_calls']} calls since the start"))
    for channel in health["channels"]:
        state = f"{channel['kind']}, {channel['in_flight']} of {channel['window']} in flight"
        pairs.append((f"channel {channel['name']}", f"{state}, {channel['receipts_due']} receipts due"))
    show.print_details(pairs)
