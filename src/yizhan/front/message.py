"""One HTTP message as the parser reports it: headers, body, and what decides where the message ends."""

import httptools

from yizhan.front.fault import malformed

_NOTED = frozenset((b"content-length", b"transfer-encoding", b"expect", b"host"))


class Message:
    """The message that is being read on one connection; its ``parser`` calls the ``on_…`` methods.

    The parser is strict (llhttp without leniencies): a bare CR or LF, a folded header, white space before a colon, two
    Content-Lengths, or a Content-Length beside a Transfer-Encoding make it raise. What it lets through is checked here.
    """

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        # After "Connection: close" nothing more is fed, so the parser need not refuse it.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.renew()

    def renew(self) -> None:
        """Forget the last message, before the head of the next one is fed."""
        self._begun = False
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self.keep_alive = False
        self.head_complete = False
        self.complete = False
        self.length = 0
        self.chunked = False
        self.expects_100 = False
        self._hosts = 0

    def on_message_begin(self) -> None:
        """The first byte of a message. Two in one piece would mean that the parser sees other borders than we do."""
        if self._begun:
            raise malformed("A message inside a message.")
        self._begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. Trailers, which come after the head, are dropped: they could pass for headers."""
        if self.head_complete:
            return
        name = name.lower()
        self.headers.append((name, value))
        if name in _NOTED:
            self._note(name, value)

    def on_headers_complete(self) -> None:
        """The end of the head."""
        self.head_complete = True
        self.keep_alive = self.parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """Some of the body."""
        self.body += piece

    def on_message_complete(self) -> None:
        """The end of the message."""
        self.complete = True

    def check(self, http_1_0: bool) -> None:
        """Refuse a head that could be read in two ways, or whose body we cannot read."""
        if not self.head_complete:
            raise malformed("The request head has no end.")
        if self._hosts > 1:
            raise malformed("More than one Host header.")
        if self.chunked and http_1_0:
            raise malformed("HTTP/1.0 has no Transfer-Encoding.")

    def _note(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self.length = int(value)  # digits, the parser has seen to that
        elif name == b"host":
            self._hosts += 1
        elif name == b"expect":
            self.expects_100 = value.strip().lower() == b"100-continue"
        elif value.strip().lower() == b"chunked":
            self.chunked = True
        else:
            raise malformed("The only Transfer-Encoding understood is chunked.")
