"""An answer that goes out piece by piece, as its client takes it: the console's, never the gateway's.

In HTTP/1.1 it is chunked (RFC 9112, section 7.1), in HTTP/1.0 it ends with the connection. Nobody waits for the end of
a stream: a client that leaves, and a listener that drains, end the work behind it.
"""

import asyncio

from yizhan.front.connection import Connection
from yizhan.front.reply import Reply


class Left(OSError):
    """Nobody takes any more of this stream."""


class Streamer(Connection):
    """A connection while its answer is a stream."""

    _work_behind: asyncio.Task[None] | None = None  # what makes the pieces
    _chunked = False
    _unseen: asyncio.Future[None] | None = None  # for who waits until the client has left

    async def begin(self, reply: Reply, *, chunked: bool, keep_alive: bool, with_body: bool) -> None:
        """Send the head of ``reply``; called by the task that makes the pieces. ``Left``, also without a body."""
        await self._room_or_left()
        self.transport.write(reply.head(self.hall.date, chunked=chunked, keep_alive=keep_alive))
        if not with_body:
            raise Left
        self._work_behind, self._chunked = asyncio.current_task(), chunked

    async def say(self, piece: bytes) -> None:
        """One more piece, once the one before has left; ``Left``."""
        await self._room_or_left()
        if piece:  # an empty chunk would be the last
            self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)

    def end(self) -> None:
        """That was the last piece, if there were any."""
        if self.is_streaming and self._chunked:
            self.transport.write(b"0\r\n\r\n")
        self._work_behind = None

    async def gone(self) -> None:
        """Wait until the client has left."""
        if not self.lost:
            if self._unseen is None:
                self._unseen = self.loop.create_future()
            await asyncio.shield(self._unseen)

    @property
    def is_streaming(self) -> bool:
        """Whether a head is out whose last piece is not."""
        return self._work_behind is not None

    async def _room_or_left(self) -> None:
        if self.lost or not await self.room():
            raise Left

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody needs the pieces any more."""
        super().connection_lost(exc)
        if self._unseen is not None and not self._unseen.done():
            self._unseen.set_result(None)
        if self._work_behind is not None:
            self._work_behind.cancel()

    def eof_received(self) -> bool:
        """Whoever has closed his end has left: browsers and download programs do not go on reading."""
        return False if self.is_streaming else super().eof_received()

    def shutdown(self) -> None:
        """Streams are not waited for: whoever looks connects anew."""
        if self.is_streaming:
            self.cut()
        else:
            super().shutdown()
