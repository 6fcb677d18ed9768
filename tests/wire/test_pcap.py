"""A capture file that others read."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from yizhan.wire.pcap import PcapWriter, read_address
from yizhan.wire.smpp.codec import Pdu, encode
from yizhan.wire.smpp.table import Command

BIND = encode(Pdu(Command.BIND_TRANSCEIVER, 0, 1, {"system_id": "me", "password": "secret", "interface_version": 0x34}))
SUBMIT = encode(
    Pdu(
        Command.SUBMIT_SM,
        0,
        2,
        {
            "source_addr": "10690000",
            "dest_addr_ton": 1,
            "destination_addr": "8613800000000",
            "registered_delivery": 1,
            "data_coding": 8,
            "short_message": "您好".encode("utf-16-be"),
        },
        ((0x0204, b"\0\x07"),),
    )
)
ANSWER = encode(Pdu(Command.SUBMIT_SM_RESP, 0, 2, {"message_id": "abc"}))


def capture(file: Path, us: str = "127.0.0.1:40000", them: str = "127.0.0.1:2775") -> None:
    """Three PDUs in a file."""
    with file.open("wb") as out:
        writer = PcapWriter(out.write)
        writer.packet(1_000_000, us, them, BIND)
        writer.packet(1_500_000, us, them, SUBMIT)
        writer.packet(2_000_001, them, us, ANSWER)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_the_file_by_its_own_rules(tmp_path: Path, host: str) -> None:
    capture(tmp_path / "a.pcap", f"{host}:40000", f"{host}:2775")
    data = (tmp_path / "a.pcap").read_bytes()
    assert struct.unpack("<IHHiIII", data[:24]) == (0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101)
    at, payloads, sequences = 24, [], []
    while at < len(data):
        seconds, micros, kept, whole = struct.unpack("<IIII", data[at : at + 16])
        packet = data[at + 16 : at + 16 + kept]
        assert kept == whole
        head = 20 if packet[0] >> 4 == 4 else 40
        sequences.append(struct.unpack(">II", packet[head + 4 : head + 12]))
        payloads.append(packet[head + 20 :])
        at += 16 + kept
    assert payloads == [BIND, SUBMIT, ANSWER]
    assert (seconds, micros) == (2, 1)
    assert sequences == [(1, 1), (1 + len(BIND), 1), (1, 1 + len(BIND) + len(SUBMIT))]


def test_a_large_payload_is_cut() -> None:
    out: list[bytes] = []
    PcapWriter(out.append).packet(0, "127.0.0.1:1", "127.0.0.1:2", b"x" * 150_000)
    assert len(out) == 4


@pytest.mark.parametrize("text", ["", "nowhere", "a:b", "('127.0.0.1', 1)", "[::1]:x"])
def test_what_is_no_address(text: str) -> None:
    assert str(read_address(text)[0]) == "0.0.0.0"


def test_tshark_reads_every_field_as_meant(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        if os.environ.get("YIZHAN_TEST_ALL_PEERS"):
            pytest.fail("tshark is missing")
        pytest.skip("needs tshark")
    capture(tmp_path / "a.pcap")
    fields: tuple[str, ...] = (
        "smpp.command_id",
        "smpp.destination_addr",
        "smpp.source_addr",
        "smpp.message_id",
        "smpp.data_coding",
    )
    fields += ("smpp.user_message_reference", "tcp.checksum.status", "_ws.malformed", "smpp.system_id")
    command = ["tshark", "-r", str(tmp_path / "a.pcap"), "-d", "tcp.port==2775,smpp", "-o", "tcp.check_checksum:TRUE"]
    command += ["-T", "fields", *(word for field in fields for word in ("-e", field))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [int(row[0], 16) for row in rows] == [9, 4, 0x80000004]
    assert rows[1][1:3] == ["8613800000000", "10690000"]
    assert (rows[0][8], rows[2][3], rows[1][4]) == ("me", "abc", "0x08")
    assert [row[6] for row in rows] == ["1", "1", "1"], "the checksums are right"
    assert all(row[7] == "" for row in rows), "nothing is malformed"
