"""The one log line for an error of ours inside a call; the caller gets -2 (contract, section 5, row 20)."""

from traceback import extract_tb

from yizhan.kit.log import get_logger

_FRAMES = 6

_log = get_logger("front")


def log_mishap(error: Exception, operation: str, address: str) -> None:
    """Say what went wrong and where, without the error's own words: they may quote numbers, texts or passwords."""
    frames = extract_tb(error.__traceback__)[-_FRAMES:]
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    _log.error("call_failed", operation=operation, address=address, error=type(error).__name__, where=where)
