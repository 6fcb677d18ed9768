"""Where a list goes on."""

from yizhan.console.pages.call import Call

LAST_ID = 2**63 - 1  # the store's


def before_of(call: Call) -> int | None:
    """The last one of the page above, as the address says; ValueError for what no page of ours links to."""
    written = call.asked("before")
    if written is None:
        return None
    if not (written.isascii() and written.isdecimal() and int(written[:20]) <= LAST_ID):
        raise ValueError(f"not a cursor: {written[:20]!r}")
    return int(written)
