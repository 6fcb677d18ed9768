"""What went wrong on the way to a receiver, in words for people. Nothing that the receiver wrote is repeated."""

import errno
import ssl
from collections.abc import Iterator

import httpcore

from yizhan.push.dialer import NotAllowed, NotFound

# All that a receiver, or the network before it, can bring about. OSError holds TLS and plain timeouts too.
MISHAPS = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.RemoteProtocolError, OSError)

_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.ETIMEDOUT: "timed out",
    errno.EMFILE: "this gateway has no file descriptors left",
}


def words_for(mishap: BaseException) -> str:
    """One short line for ``mishap``."""
    if isinstance(mishap, NotAllowed | NotFound):
        return str(mishap)
    if isinstance(mishap, httpcore.TimeoutException | TimeoutError):
        return "timed out"
    for cause in _causes(mishap):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            wrong = "does not speak TLS there; http:// may be meant"
            return wrong if cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE") else "TLS failed"
        if isinstance(cause, OSError) and cause.errno in _WORDS:
            return _WORDS[cause.errno]
    if isinstance(mishap, httpcore.RemoteProtocolError):
        silent = "without sending a response" in str(mishap)
        return "closed the connection without an HTTP answer" if silent else "its answer is not HTTP"
    return "cannot connect" if isinstance(mishap, httpcore.ConnectError) else "the connection broke"


def _causes(mishap: BaseException) -> Iterator[BaseException]:
    """``mishap`` and what led to it; of a group, the first."""
    cause: BaseException | None = mishap
    while cause is not None:
        yield cause
        within = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = within or cause.__cause__ or cause.__context__
