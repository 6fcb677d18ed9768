"""Where a list goes on, and which one of it is asked for."""

from yizhan.console.pages.call import Call
from yizhan.flow.office import NotFound

LAST_ID = 2**63 - 1  # the store's


def before_of(call: Call) -> int | None:
    """The last one of the page above, as the address says; ValueError for what no page of ours links to."""
    written = call.asked("before")
    if written is None:
        return None
    if not (written.isascii() and written.isdecimal() and len(written) < 20 and int(written) <= LAST_ID):
        raise ValueError(f"not a cursor: {written[:20]!r}")
    return int(written)


def id_of(call: Call) -> int:
    """Which one the page is about, as its path says; NotFound for what the store can have none of."""
    id = int(call.request.path_params["id"])
    if not 0 < id <= LAST_ID:
        raise NotFound(f"no id {id}")
    return id
