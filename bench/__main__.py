"""``make bench``: what the real program does, beside Kannel where it is installed.

Load, gateway and SMSC share the machine, so compare the figures of one run with each other, not with another
machine's. ``make bench BENCH="--full --write"`` is the run that docs/performance.md shows.
"""

import argparse
import json
import resource
import traceback
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from bench import jasmin, kannel, nodes, report
from bench.scenarios import ALL, FULL, Field, Row, Size
from bench.sink import compiler

_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
_DOCS = Path(__file__).parent.parent / "docs" / "performance"


def main() -> None:
    """Run the scenarios, print a table, and keep the figures where asked."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help=f"only these, of: {', '.join(ALL)}")
    parser.add_argument("--full", action="store_true", help="the full sizes: half an hour instead of ten minutes")
    parser.add_argument("--alone", action="store_true", help="without Kannel and Jasmin, even if they are there")
    parser.add_argument("--postgres", default=_SERVER, help=f"a PostgreSQL of this machine (default: {_SERVER})")
    parser.add_argument("--json", type=Path, help="write the figures there, too, after each scenario")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its plots anew")
    options = parser.parse_args()
    if unknown := set(options.scenarios) - set(ALL):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    if compiler() is None:
        raise SystemExit(
            "the SMSC of the bench is in C: install a C compiler (cc), on Debian: apt-get install gcc libc6-dev"
        )
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    field = Field(
        FULL if options.full else Size(),
        kannel=not options.alone and kannel.version() is not None,
        jasmin=not options.alone and jasmin.there(),
        postgres=options.postgres if nodes.server_there(options.postgres) else "",
    )
    if not field.postgres:
        print("without PostgreSQL (--postgres names a server on this machine)")
    if not field.kannel:
        print("without Kannel (on Debian: apt-get install kannel)")
    if not field.jasmin:
        print("without Jasmin (jasmind.py on the path, RabbitMQ and Redis on their ports)")
    rows, broken = _measure(options.scenarios or ALL, field, options.json)
    print("", *report.verdict_lines(rows), sep="\n")
    if options.write:
        report.write(_DOCS, rows, asdict(field.size), kannel.version() if field.kannel else None)
    if broken:
        raise SystemExit(f"not measured to the end: {', '.join(broken)}")


def _measure(scenarios: Iterable[str], field: Field, json_file: Path | None) -> tuple[list[Row], list[str]]:
    """The rows, and the scenarios that broke off: the figures of the others, perhaps half an hour's work, are kept."""
    rows: list[Row] = []
    broken = []
    print(report.head(), flush=True)
    for name in scenarios:
        try:
            for row in ALL[name](field):
                rows.append(row)
                print(report.line(row), flush=True)
        except Exception:
            traceback.print_exc()
            broken.append(name)
        if json_file:
            json_file.write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")
    return rows, broken


if __name__ == "__main__":
    main()
