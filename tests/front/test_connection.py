"""A connection by itself, on a real socket."""

import asyncio
import socket

import pytest

from yizhan.front.connection import Connection, Hall
from yizhan.model.settings import ServerSettings

MORE_THAN_A_SOCKET_HOLDS = b"x" * 8_000_000
PATIENCE_S = 10


@pytest.mark.parametrize("lost_first", [pytest.param(True, id="lost before"), pytest.param(False, id="lost meanwhile")])
def test_who_waits_for_room_on_a_lost_connection_is_told(lost_first: bool) -> None:
    async def scenario() -> bool:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        gone = asyncio.Event()
        connection = Connection(Hall(), ServerSettings(), gone.set, loop)
        await loop.create_connection(lambda: connection, sock=ours)
        connection.transport.write(MORE_THAN_A_SOCKET_HOLDS)
        waiting = [] if lost_first else [asyncio.ensure_future(connection.room())]
        await asyncio.sleep(0)
        assert not any(future.done() for future in waiting), "the peer has not read"
        theirs.close()
        connection.cut()
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
        return await asyncio.wait_for(waiting[0] if waiting else connection.room(), PATIENCE_S)

    assert asyncio.run(scenario()) is False
