"""Others judge the codec and the session: npm smpp and smpp34 as SMSC and as ESME, Net::SMPP for the bytes."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import smpp34
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.carrier.channel import SmppChannel
from yizhan.kit.clock import SystemClock
from yizhan.model.channel import ChannelSettings
from yizhan.model.outcome import Outcome
from yizhan.wire.smpp.codec import Pdu, decode, encode
from yizhan.wire.smpp.statuses import Status
from yizhan.wire.smpp.table import Command

from .harness import Notebook, Works, letter, working

PEERS = Path(__file__).parents[1] / "peers"
LONG = "长" * 150 + "【驿站】"


def require(command: list[str], install: str) -> None:
    """Skip, or fail where every peer must be there."""
    present = shutil.which(command[0]) is not None
    if present:
        present = subprocess.run(command, cwd=PEERS, capture_output=True, timeout=30, check=False).returncode == 0
    if not present:
        if os.environ.get("YIZHAN_TEST_ALL_PEERS"):
            pytest.fail(f"missing: {install}")
        pytest.skip(f"needs {install}")


def require_npm() -> None:
    """Node.js with the package."""
    require(["node", "-e", "require.resolve('smpp')"], "npm ci --prefix tests/peers")


@contextmanager
def npm_smsc() -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """The SMSC of npm: its port."""
    require_npm()
    process = subprocess.Popen(["node", "smsc.mjs"], cwd=PEERS, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["port"], process
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def channel_to(port: int, notebook: Notebook, **changes: Any) -> SmppChannel:
    """A channel that leads to a foreign SMSC."""
    wanted = {"name": "one", "kind": "smpp", "host": "127.0.0.1", "port": port, "system_id": "esme", "source": "1069"}
    settings_ = ChannelSettings.model_validate({**wanted, "password": "secret", **changes})
    return SmppChannel(settings_, notebook, SystemClock(), lambda: None)


async def until(condition: Any) -> None:
    """Until it holds."""
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.01)


def test_npm_as_the_smsc() -> None:
    async def run(port: int) -> Notebook:
        notebook = Notebook()
        channel = channel_to(port, notebook)
        task = asyncio.ensure_future(channel.run())
        await until(lambda: channel.state().up)
        channel.hand_over([letter(1, "+8613800000001", cell="12"), letter(2, "+8613800000005"), letter(3, text=LONG)])
        await until(lambda: len(notebook.answered) == 5 and len(notebook.reported) == 4 and len(notebook.replied) == 4)
        async with asyncio.timeout(10):
            await channel.idle()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return notebook

    with npm_smsc() as (port, process):
        notebook = asyncio.run(run(port))
        process.terminate()
        assert process.stdout is not None
        said = [json.loads(line) for line in process.stdout]
    assert notebook.outcomes() == {1: [Outcome.TAKEN], 2: [Outcome.REFUSED], 3: [Outcome.TAKEN] * 3}
    ids = {answer.carrier_id for answer in notebook.answered if answer.taken}
    assert all(any(key in ids for key in receipt.keys) for receipt in notebook.reported), "hexadecimal there"
    assert {(reply.number, reply.text) for reply in notebook.replied} >= {("+8613800000001", "收到")}
    submits = [one for one in said if "number" in one]
    assert submits[0] == {
        "number": "8613800000001",
        "sender": "106912",
        "text": "您好【驿站】",
        "udh": None,
        "coding": 8,
        "esm": 0,
        "registered": 1,
    }
    parts = [one for one in submits if one["udh"]]
    assert "".join(one["text"] for one in parts) == LONG
    assert [one["udh"] for one in parts] == [[f"0003030{3}0{n}"] for n in (1, 2, 3)]
    assert [one["acknowledged"] for one in said if "acknowledged" in one] == [0] * 8


def test_npm_refuses_the_password() -> None:
    async def run(port: int) -> None:
        channel = channel_to(port, Notebook(), password="wrong")
        task = asyncio.ensure_future(channel.run())
        await until(lambda: "RINVPASWD" in channel.state().why)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with npm_smsc() as (port, _):
        asyncio.run(run(port))


def test_npm_as_the_esme_of_our_smsc() -> None:
    require_npm()

    async def run() -> dict[str, Any]:
        async with working() as works:
            await works.bound()
            words = ["node", "esme.mjs", str(works.port), "hello"]
            process = await asyncio.create_subprocess_exec(*words, cwd=PEERS, stdout=subprocess.PIPE)
            await until(lambda: works.stats()["submits"] == 2)
            works.smsc.reply("8613800000001", "1069", "reply", system_id="npm")
            out, _ = await asyncio.wait_for(process.communicate(), 20)
            saw: dict[str, Any] = json.loads(out)
            return saw

    saw = asyncio.run(run())
    assert (saw["bound"], saw["statuses"], saw["left"], saw["state"]) == (0, [0, 0], 0, 2)
    assert len(set(saw["ids"])) == 2 and saw["replies"] == ["reply"]
    assert all(f"id:{id_} " in " ".join(saw["receipts"]) for id_ in saw["ids"])


# -- smpp34, in Rust

texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
bytes_ = st.integers(0, 255)
FIELDS = st.fixed_dictionaries(
    {
        "service_type": st.text("CMT", max_size=5),
        "source_addr_ton": st.integers(0, 6),
        "source_addr_npi": st.sampled_from([0, 1, 3, 4, 6, 8, 9, 10, 14, 18]),
        "source_addr": texts,
        "dest_addr_ton": st.integers(0, 6),
        "dest_addr_npi": st.sampled_from([0, 1, 3, 4, 6, 8, 9, 10, 14, 18]),
        "destination_addr": texts,
        "esm_class": bytes_,
        "protocol_id": bytes_,
        "priority_flag": st.integers(0, 3),
        "schedule_delivery_time": st.sampled_from(["", "261124153000032+"]),
        "validity_period": st.sampled_from(["", "000001000000000R"]),
        "registered_delivery": bytes_,
        "replace_if_present_flag": st.integers(0, 1),
        "data_coding": bytes_,
        "sm_default_msg_id": bytes_,
        "short_message": st.binary(max_size=254),
    }
)
TLVS = st.lists(
    st.tuples(st.sampled_from([0x0204, 0x020C, 0x0424, 0x1401]), st.binary(min_size=2, max_size=2)), max_size=3
)


@pytest.mark.parametrize("command", [Command.SUBMIT_SM, Command.DELIVER_SM], ids=lambda command: command.name)
def test_smpp34_writes_the_same_bytes(command: Command) -> None:
    theirs = smpp34.SubmitSm if command is Command.SUBMIT_SM else smpp34.DeliverSm

    @settings(max_examples=200, deadline=None)
    @given(FIELDS, TLVS, st.integers(1, 0x7FFFFFFF))
    def check(fields: dict[str, Any], tlvs: list[tuple[int, bytes]], sequence: int) -> None:
        named = {tag: (tag, value) for tag, value in tlvs}  # each once
        ours = encode(Pdu(command, 0, sequence, fields, tuple(named.values())))
        pairs = [smpp34.Tlv(tag, value) for tag, value in named.values()]
        their_bytes = theirs(**fields, tlvs=pairs, sequence_number=sequence).encode()
        assert ours == their_bytes
        back = smpp34.decode(ours)
        assert all(getattr(back, name) == value for name, value in fields.items())
        assert decode(their_bytes).body == fields

    check()


def test_smpp34_as_the_smsc() -> None:
    async def run() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = smpp34.Server("127.0.0.1", port, system_id="rust")
        await server.start()
        notebook = Notebook()
        channel = channel_to(port, notebook)
        task = asyncio.ensure_future(channel.run())
        esme = await asyncio.wait_for(server.next(), 15)
        assert isinstance(esme, smpp34.Esme) and esme.system_id == "esme"
        await until(lambda: channel.state().up)
        channel.hand_over([letter(n) for n in range(50)])
        for number in range(50):
            event = await asyncio.wait_for(server.next(), 15)
            assert isinstance(event, smpp34.SubmitSmEvent)
            assert (event.source_addr, event.data_coding) == ("106977", 8)
            if number % 10 == 9:
                event.reject(int(Status.RINVDSTADR))
            else:
                event.accept(f"id{number}")
        await until(lambda: len(notebook.answered) == 50)
        outcomes = [outcome for (outcome,) in notebook.outcomes().values()]
        assert (outcomes.count(Outcome.TAKEN), outcomes.count(Outcome.REFUSED)) == (45, 5)
        text = "id:id7 sub:001 dlvrd:001 stat:UNDELIV err:001"
        answer = await esme.deliver_sm("1069", text.encode(), source_addr="8613800000007", esm_class=4)
        assert answer.is_success
        await until(lambda: notebook.reported)
        assert (notebook.reported[0].keys[0], notebook.reported[0].word) == ("ID7", "UNDELIV")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await server.stop()

    asyncio.run(run())


def test_smpp34_as_the_esme_of_our_smsc() -> None:
    async def run() -> None:
        async with working() as works:
            client = smpp34.Client("127.0.0.1", works.port, "rust", "any", window_size=20)
            smsc = await asyncio.wait_for(client.connect(), 15)
            answers = await asyncio.gather(
                *(
                    smsc.submit_sm(f"86138{n:08d}", b"hello", source_addr="1069", registered_delivery=1)
                    for n in range(20)
                )
            )
            assert all(answer.is_success for answer in answers)
            ids = {answer.message_id for answer in answers}
            seen = [await asyncio.wait_for(smsc.next(), 15) for _ in range(20)]
            texts_ = [event.short_message.decode() for event in seen if isinstance(event, smpp34.DeliverSmEvent)]
            assert {text.split()[0].removeprefix("id:") for text in texts_} == ids
            await client.stop()
            await ours_is_unharmed(works)

    asyncio.run(run())


async def ours_is_unharmed(works: Works) -> None:
    """Our own channel goes on beside a foreign one."""
    await works.send(letter(1))
    await works.until(lambda: works.notebook.reported)


# -- Net::SMPP, in Perl


def perl(what: str, talk: Any) -> str:
    """Start it with a port on which ``talk`` gets the connection; what it prints."""
    require(["perl", "-MNet::SMPP", "-e", "1"], "apt install libnet-smpp-perl")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = ["perl", "smpp_vectors.pl", str(listener.getsockname()[1]), what]
        process = subprocess.Popen(words, cwd=PEERS, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        listener.settimeout(20)
        connection, _ = listener.accept()
        with connection:
            talk(connection)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return out.decode("latin-1")


def test_net_smpp_writes_what_we_read() -> None:
    data = bytearray()

    def talk(connection: socket.socket) -> None:
        while piece := connection.recv(65_536):
            data.extend(piece)

    perl("write", talk)
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        whole = bytes(data[:length])
        del data[:length]
        pdu = decode(whole)
        found.append(pdu)
        if pdu.status == 0:
            assert encode(pdu) == whole, f"{pdu.command.name} comes out as it went in"
    names = [pdu.command.name for pdu in found]
    assert names[:11] == [
        "BIND_TRANSCEIVER",
        "BIND_TRANSMITTER",
        "BIND_RECEIVER",
        "SUBMIT_SM",
        "DELIVER_SM",
        "DATA_SM",
        "QUERY_SM",
        "CANCEL_SM",
        "REPLACE_SM",
        "ENQUIRE_LINK",
        "UNBIND",
    ]
    assert len(found) == 18
    assert found[0].body["address_range"] == "^1069" and found[0].body["interface_version"] == 0x34
    submit = found[3]
    assert (submit.body["validity_period"], submit.body["esm_class"]) == ("000001000000000R", 0x40)
    assert (submit.body["short_message"], submit.tlv(0x0204)) == (b"\x05\x00\x03\x07\x02\x01hi", b"\0\7")
    assert found[4].tlv(0x001E) == b"abc\0" and found[5].tlv(0x0424) == b"long"
    assert (found[12].status, found[12].sequence) == (0x58, 78)


def test_net_smpp_reads_what_we_write() -> None:
    body = {
        "service_type": "CMT",
        "source_addr_ton": 5,
        "source_addr": "10690000",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": "8613800000000",
        "esm_class": 0x40,
        "registered_delivery": 1,
        "data_coding": 8,
        "short_message": b"\x05\x00\x03\x07\x02\x01hi",
        "validity_period": "000001000000000R",
    }
    written = [
        Pdu(Command.SUBMIT_SM, 0, 1, body, ((0x0204, b"\0\7"),)),
        Pdu(Command.DELIVER_SM, 0, 2, body, ((0x001E, b"abc\0"), (0x0427, b"\2"))),
        Pdu(Command.SUBMIT_SM_RESP, 0, 3, {"message_id": "id-3"}),
        Pdu(Command.QUERY_SM, 0, 4, {"message_id": "abc", "source_addr": "1069"}),
        Pdu(Command.ENQUIRE_LINK, 0, 5),
        Pdu(Command.BIND_TRANSCEIVER, 0, 6, {"system_id": "me", "password": "secret", "interface_version": 0x34}),
        Pdu(Command.GENERIC_NACK, 3, 7),
    ]

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"".join(encode(pdu) for pdu in written))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass

    rows = [json.loads(line) for line in perl("read", talk).splitlines()]
    assert [(int(row["cmd"]), int(row["status"]), int(row["seq"])) for row in rows] == [
        (int(pdu.command), pdu.status, pdu.sequence) for pdu in written
    ]
    for pdu, row in zip(written, rows, strict=True):
        for name, value in pdu.body.items():
            told = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            assert row.get(name, row.get("version") if name == "interface_version" else None) == told, name
    assert rows[0]["user_message_reference"] == "\0\7"
    assert rows[1]["receipted_message_id"].rstrip("\0") == "abc"
