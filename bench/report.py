"""The figures of a run: as a table for the terminal, as JSON, and as a page with plots."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.scenarios import Row
from bench.targets import TARGETS, Figures

_BEGIN, _END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
_COLOURS = {"Yizhan": "#2563eb", "Kannel": "#d97706", "Jasmin": "#be185d", "floor": "#9ca3af"}
_HEAD = f"{'scenario':<62}{'system':<8}{'messages/s':>11}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>8}{'MB':>6}{'commits':>9}"


def head() -> str:
    """The line above ``line``."""
    return f"{_HEAD}  µs CPU per message"


def line(row: Row) -> str:
    """A row for the terminal."""
    latencies = "".join(f"{_shown(value, 1):>8}" for value in (row.p50_ms, row.p99_ms, row.max_ms))
    return (
        f"{row.scenario:<62}{row.system:<8}{_shown(row.per_s or None):>11}{latencies}{row.peak_mb:>6.0f}"
        f"{_shown(row.commits):>9}  {_cpu(row)}"
    )


def verdict_lines(rows: Sequence[Row]) -> list[str]:
    """The targets and what became of them."""
    return [f"{name:<62}{wanted:>18}{measured:>18}  {met}" for name, wanted, measured, met in _verdicts(rows)]


def write(folder: Path, rows: Sequence[Row], size: dict[str, Any], kannel: str | None) -> None:
    """``folder/performance.json``, the plots beside it, and the figures in ``folder/../performance.md``."""
    folder.mkdir(exist_ok=True)
    about = {"date": str(datetime.now(UTC).date()), **_machine(), "kannel": kannel, "size": size}
    figures = {"about": about, "rows": [asdict(row) for row in rows]}
    (folder / "performance.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    plots = {name: _bars(title, found) for name, title, found in _plots(rows) if found}
    for name, svg in plots.items():
        (folder / f"{name}.svg").write_text(svg)
    page = folder.parent / "performance.md"
    before, _, rest = page.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    page.write_text(f"{before}{_BEGIN}\n{_markdown(rows, about, list(plots), folder.name)}{_END}{after}")


def _machine() -> dict[str, Any]:
    cpu = next((x.partition(": ")[2] for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x), "?")
    described = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {
        "commit": described.stdout.strip(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _markdown(rows: Sequence[Row], about: dict[str, Any], plots: Iterable[str], folder: str) -> str:
    lines = [
        "",
        f"{about['date']}, commit {about['commit']}, {about['cpu']}, {about['cores']} cores for everything"
        f" (load, gateway, SMSC), {about['system']}, Python {about['python']},"
        f" Kannel {about['kannel'] or 'not installed'}.",
        "",
        "| target | wanted | measured | |",
        "|---|---:|---:|---|",
        *(f"| {' | '.join(found)} |" for found in _verdicts(rows)),
        "",
        *(f"![{name}]({folder}/{name}.svg)" for name in plots),
        "",
        "| scenario | system | messages/s | p50 ms | p99 ms | max ms | MB | commits | µs CPU per message |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
        "",
    ]
    return "\n".join(lines)


def _cells(row: Row) -> list[str]:
    latencies = [_shown(value, 1) for value in (row.p50_ms, row.p99_ms, row.max_ms)]
    rate = _shown(row.per_s or None)
    return [row.scenario, row.system, rate, *latencies, f"{row.peak_mb:.0f}", _shown(row.commits), _cpu(row)]


def _verdicts(rows: Sequence[Row]) -> list[tuple[str, str, str, str]]:
    run, found = Figures(rows), []
    for target in TARGETS:
        value = target.measure(run)
        wanted = ("≤ " if target.at_most else "≥ ") + target.show(target.wanted)
        if value is None:
            found.append((target.name, wanted, "not measured", ""))
        else:
            found.append((target.name, wanted, target.show(value), "met" if target.met(value) else "MISSED"))
    return found


def _cpu(row: Row) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in row.cpu_us.items())


def _shown(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _plots(rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    """Name, title and rows of each plot; each has rates of one order of magnitude."""
    groups = (
        ("singles", "single-number calls, messages/s", ("single numbers, ", "with delivery reports")),
        ("batches", "in bulk, messages/s", ("100 numbers", "500 numbers", "a backlog of")),
    )
    return [(name, title, [row for row in rows if row.scenario.startswith(begins)]) for name, title, begins in groups]


def _bars(title: str, rows: Sequence[Row]) -> str:
    """One bar a row, as SVG that reads on a light and on a dark page."""
    most, height, left, width = max(row.per_s for row in rows), 22, 360, 440
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{height * len(rows) + 40}"'
        ' font-family="sans-serif" font-size="12" fill="#6b7280">',
        f'<text x="8" y="20" font-size="14">{title}</text>',
    ]
    for number, row in enumerate(rows):
        y, length = 32 + number * height, row.per_s / most * width
        middle = y + height // 2 + 2
        parts += [
            f'<text x="{left - 8}" y="{middle}" text-anchor="end">{row.scenario} · {row.system}</text>',
            f'<rect x="{left}" y="{y + 2}" width="{length:.0f}" height="{height - 6}" fill="{_COLOURS[row.system]}"/>',
            f'<text x="{left + length + 6:.0f}" y="{middle}">{row.per_s:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
