"""What ``yizhan send`` tells afterwards: every number once, with its fate, so that nobody sends twice."""

import sys
from collections.abc import Sequence
from typing import Any

from yizhan.cli import show
from yizhan.client.linkws import Fate, SliceResult

_WORDS = {
    Fate.REFUSED: "refused, not sent",
    Fate.UNCERTAIN: "UNCERTAIN, perhaps sent: ask the platform before you send to these again",
    Fate.NOT_TRIED: "not tried, not sent",
}


def to_rows(results: Sequence[SliceResult]) -> list[dict[str, Any]]:
    """One object a call for ``--json``."""
    return [
        {
            "fate": result.fate.value,
            "id": result.id,
            "code": getattr(result.error, "code", None),
            "error": None if result.error is None else str(result.error),
            "numbers": list(result.numbers),
        }
        for result in results
    ]


def print_results(results: Sequence[SliceResult], repeated: int) -> None:
    """Accepted calls on standard output, one a line with the platform's id; everything else on standard error.

    The block on standard error is itself a list of numbers for ``--file``: numbers that were certainly not sent stand
    in the open, uncertain ones behind ``#``.
    """
    for result in results:
        if result.fate is Fate.ACCEPTED:
            show.say(f"accepted {result.id}: {_span(result)}")
    if repeated:
        show.warn(f"{repeated} repeated numbers left out")
    failed = [result for result in results if result.fate is not Fate.ACCEPTED]
    print_errors(results)
    for result in failed:
        joined = ",".join(result.numbers)
        sys.stderr.write(f"# {_WORDS[result.fate]}: {_span(result)}\n")
        sys.stderr.write(f"# {joined}\n" if result.fate is Fate.UNCERTAIN else f"{joined}\n")


def print_errors(results: Sequence[SliceResult]) -> None:
    """What the platform or the network said, on standard error."""
    for result in results:
        if result.error is not None:
            show.warn(str(result.error))
        elif result.fate is Fate.UNCERTAIN:
            show.warn("interrupted while a call was under way")


def _span(result: SliceResult) -> str:
    first, last = result.numbers[0], result.numbers[-1]
    count = len(result.numbers)
    return f"1 number, {first}" if count == 1 else f"{count} numbers, {first} to {last}"
