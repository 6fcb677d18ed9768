"""A capture file that Wireshark reads, made of what a link has said and heard (libpcap's format, version 2.4).

    file:    magic d4c3b2a1, version 2.4, zone 0, accuracy 0, snap length, link type 101 (raw IP)
    packet:  seconds, microseconds, bytes kept, bytes there were, then IP, TCP and the payload

The TCP and IP headers are made up to carry the payload: their numbers run on as a real connection's would.
"""

import ipaddress
import struct
from collections.abc import Callable

_FILE = struct.Struct("<IHHiIII")
_PACKET = struct.Struct("<IIII")
_MAGIC = 0xA1B2C3D4
_RAW_IP = 101
_SNAP_BYTES = 262_144
_MOST_PAYLOAD = 60_000  # what one IP packet carries with room for its headers
_TCP_BYTES = 20
_PUSH_ACK = 0x18
_TCP = 6
_HOPS = 64

Address = tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]


class PcapWriter:
    """Writes packets as they come; the file is complete after each."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        """``write`` takes bytes in order, as a file's method of that name."""
        self._write = write
        self._sequences: dict[tuple[Address, Address], int] = {}
        write(_FILE.pack(_MAGIC, 2, 4, 0, 0, _SNAP_BYTES, _RAW_IP))

    def packet(self, at_us: int, sender: str, receiver: str, payload: bytes) -> None:
        """``payload`` went from ``sender`` to ``receiver`` (HOST:PORT, [IPv6]:PORT); one that is none is 0.0.0.0:0."""
        source, target = read_address(sender), read_address(receiver)
        if source[0].version != target[0].version:
            source = target = read_address("")
        for start in range(0, len(payload), _MOST_PAYLOAD):
            self._one(at_us, source, target, payload[start : start + _MOST_PAYLOAD])

    def _one(self, at_us: int, source: Address, target: Address, payload: bytes) -> None:
        sequence = self._sequences.get((source, target), 1)
        acknowledged = self._sequences.get((target, source), 1)
        self._sequences[source, target] = sequence + len(payload) & 0xFFFFFFFF
        segment = _tcp(source, target, sequence, acknowledged, payload)
        data = _ip(source, target, len(segment)) + segment
        self._write(_PACKET.pack(at_us // 1_000_000, at_us % 1_000_000, len(data), len(data)) + data)


def read_address(text: str) -> Address:
    """``HOST:PORT`` in two; 0.0.0.0:0 for what is none."""
    host, _, port = text.rpartition(":")
    try:
        return ipaddress.ip_address(host.strip("[]")), int(port) & 0xFFFF
    except ValueError:
        return ipaddress.IPv4Address(0), 0


def _tcp(source: Address, target: Address, sequence: int, acknowledged: int, payload: bytes) -> bytes:
    head = struct.pack(
        ">HHIIBBHHH", source[1], target[1], sequence, acknowledged, _TCP_BYTES // 4 << 4, _PUSH_ACK, 65_535, 0, 0
    )
    length = len(head) + len(payload)
    pseudo = source[0].packed + target[0].packed
    pseudo += struct.pack(">BBH", 0, _TCP, length) if source[0].version == 4 else struct.pack(">II", length, _TCP)
    checksum = _checksum(pseudo + head + payload)
    return head[:16] + struct.pack(">H", checksum) + head[18:] + payload


def _ip(source: Address, target: Address, length: int) -> bytes:
    if source[0].version == 6:
        head = struct.pack(">IHBB", 6 << 28, length, _TCP, _HOPS)
        return head + source[0].packed + target[0].packed
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, _HOPS, _TCP, 0)
    head += source[0].packed + target[0].packed
    return head[:10] + struct.pack(">H", _checksum(head)) + head[12:]


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
