"""The network between gateway and SMSC: a relay that can be cut, and that notes what passes.

What it has read from the gateway, the gateway has said: an acknowledged receipt must be in the store.
"""

import contextlib
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable

_HEAD = 16
_SUBMIT, _DELIVER, _ANSWER = 0x00000004, 0x00000005, 0x80000000
_RECEIPT = 0x04
_PIECE = 65_536


class Wire:
    """Listens at ``port``; every connection leads on to the SMSC at ``target``."""

    def __init__(self, target: Callable[[], int]) -> None:
        self._target = target
        self.lock = threading.Lock()
        self._links: list[_Link] = []
        self.submitted: Counter[str] = Counter()  # number -> submits that left the gateway
        self.delivered: Counter[str] = Counter()  # reply's text -> deliver_sm that went to the gateway
        self.acknowledged: set[str] = set()  # texts of replies, and numbers of receipts, that the gateway took
        self.last_s = 0.0  # when the last submit left, monotonic
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._welcome, daemon=True).start()

    def cut(self, chance: random.Random) -> int:
        """End every connection now, perhaps in the middle of a PDU: how many there were."""
        with self.lock:
            links, self._links = self._links, []
        for link in links:
            link.cut(chance)
        return len(links)

    def close(self) -> None:
        """Refuse connections, and end those there are."""
        self._door.close()
        self.cut(random.Random(0))

    def note(self, submits: list[str], delivered: list[str], acknowledged: list[str]) -> None:
        """What one piece of a stream held."""
        with self.lock:
            if submits:
                self.last_s = time.monotonic()
            self.submitted.update(submits)
            self.delivered.update(delivered)
            self.acknowledged.update(acknowledged)

    def _welcome(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target()), timeout=2)
                far.settimeout(None)
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                near.close()
                continue
            link = _Link(self, near, far)
            link.start()
            with self.lock:
                self._links.append(link)


class _Link:
    """One connection: what the gateway sends goes to the SMSC, and back."""

    def __init__(self, wire: Wire, near: socket.socket, far: socket.socket) -> None:
        self._wire, self._near, self._far = wire, near, far
        self._under_way: dict[int, str] = {}  # sequence number of a deliver_sm -> what it is about
        self._half = threading.Event()  # from here on only half of each piece passes, and then nothing
        self._chance = random.Random(0)

    def start(self) -> None:
        """One thread a direction."""
        for source, target, note in ((self._near, self._far, self._from_us), (self._far, self._near, self._to_us)):
            threading.Thread(target=self._relay, args=(source, target, note), daemon=True).start()

    def cut(self, chance: random.Random) -> None:
        """The next piece passes in part; then both ends are gone, by reset or in good order."""
        self._chance = chance
        self._half.set()
        if chance.random() < 0.5:
            self._end()
        else:
            threading.Timer(0.1, self._end).start()

    def _end(self) -> None:
        for end in (self._near, self._far):
            with contextlib.suppress(OSError):
                if self._chance.random() < 0.5:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _relay(self, source: socket.socket, target: socket.socket, note: Callable[[bytes], None]) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                held = _each_pdu(held + piece, note)
                if self._half.is_set():
                    target.sendall(piece[: self._chance.randrange(len(piece) + 1)])
                    break
                target.sendall(piece)
        self._end()

    def _from_us(self, pdu: bytes) -> None:
        command, status, sequence = struct.unpack_from(">III", pdu, 4)
        if command == _SUBMIT:
            self._wire.note([_fields(pdu)[1]], [], [])
        elif command == _DELIVER | _ANSWER and status == 0 and sequence in self._under_way:
            self._wire.note([], [], [self._under_way.pop(sequence)])

    def _to_us(self, pdu: bytes) -> None:
        command, _, sequence = struct.unpack_from(">III", pdu, 4)
        if command == _DELIVER:
            source, _, esm_class, message = _fields(pdu)
            about = source if esm_class & _RECEIPT else message.decode("utf-16-be")
            self._under_way[sequence] = about
            if not esm_class & _RECEIPT:
                self._wire.note([], [about], [])


def _each_pdu(held: bytes, note: Callable[[bytes], None]) -> bytes:
    """Tell ``note`` of every whole PDU; what is left."""
    while len(held) >= _HEAD and len(held) >= (length := struct.unpack_from(">I", held)[0]):
        note(held[:length])
        held = held[length:]
    return held


def _fields(pdu: bytes) -> tuple[str, str, int, bytes]:
    """source_addr, destination_addr, esm_class and short_message of a submit_sm or deliver_sm (SMPP 3.4, 4.4.1)."""
    rest = pdu[_HEAD:].partition(b"\0")[2]
    source, _, rest = rest[2:].partition(b"\0")
    target, _, rest = rest[2:].partition(b"\0")
    esm_class, rest = rest[0], rest[3:]
    for _ in range(2):  # schedule_delivery_time, validity_period
        rest = rest.partition(b"\0")[2]
    return source.decode(), target.decode(), esm_class, rest[5 : 5 + rest[4]]
