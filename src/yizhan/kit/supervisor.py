"""A word to whoever supervises the program: systemd's ``Type=notify`` (sd_notify(3)), or nobody."""

import os
import socket
from collections.abc import Mapping

_VARIABLE = "NOTIFY_SOCKET"


def tell_supervisor(word: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send ``READY=1``, ``STOPPING=1`` and the like. Without a supervisor, or when it cannot be reached, nothing."""
    address = environ.get(_VARIABLE, "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(word.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return
