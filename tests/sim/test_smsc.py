"""The SMSC's scenarios, each seen from an ESME that is nothing but the session machine on a socket."""

import asyncio
import contextlib
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from yizhan.kit.clock import SystemClock
from yizhan.sim.smsc.scenario import Scenario, read_scenario
from yizhan.sim.smsc.serve import Controls, Door, Place, control
from yizhan.sim.smsc.smsc import Smsc
from yizhan.wire.smpp.codec import Pdu, decode, encode
from yizhan.wire.smpp.receipts import read_receipt
from yizhan.wire.smpp.statuses import Status
from yizhan.wire.smpp.table import Command

SAMPLE = Path(__file__).parents[2] / "etc" / "smsc.toml"
CLOCK = SystemClock()


class Esme:
    """Speaks PDU by PDU."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._sequence = 0
        self.delivered: list[Pdu] = []
        self.acknowledge = True

    async def read(self) -> Pdu:
        """The next PDU; IncompleteReadError at the end."""
        async with asyncio.timeout(5):
            head = await self._reader.readexactly(4)
            pdu = decode(head + await self._reader.readexactly(int.from_bytes(head, "big") - 4))
        if pdu.command is Command.DELIVER_SM:
            self.delivered.append(pdu)
            if self.acknowledge:
                self._writer.write(encode(Pdu(Command.DELIVER_SM_RESP, 0, pdu.sequence)))
        return pdu

    def write(self, command: Command, **body: Any) -> int:
        """A request: its number."""
        self._sequence += 1
        self._writer.write(encode(Pdu(command, 0, self._sequence, body)))
        return self._sequence

    async def ask(self, command: Command, **body: Any) -> Pdu:
        """A request and its answer; deliveries in between are kept."""
        sequence = self.write(command, **body)
        while (pdu := await self.read()).sequence != sequence or not pdu.answers:
            pass
        return pdu

    async def bind(self, command: Command = Command.BIND_TRANSCEIVER, password: str = "any") -> int:
        """The status of a bind."""
        return (await self.ask(command, system_id="esme", password=password, interface_version=0x34)).status

    async def submit(self, number: str = "8613800000000", **more: Any) -> Pdu:
        """The answer to a submit."""
        body = {"source_addr": "1069", "destination_addr": number, "registered_delivery": 1, "short_message": b"hi"}
        return await self.ask(Command.SUBMIT_SM, **{**body, **more})

    async def receipt(self) -> Pdu:
        """The next delivery."""
        while not self.delivered:
            await self.read()
        return self.delivered.pop(0)

    async def close(self) -> None:
        """Cut the connection."""
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class House:
    """An SMSC and its doors."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.smsc = Smsc(Scenario.model_validate(scenario), seed=3, clock=CLOCK)
        self.door = Door(self.smsc, Place("127.0.0.1", 0), None)
        self.esmes: list[Esme] = []

    async def esme(self, command: Command | None = Command.BIND_TRANSCEIVER) -> Esme:
        """One that is bound."""
        host, _, port = self.door.address.rpartition(":")
        esme = Esme(*await asyncio.open_connection(host, int(port)))
        self.esmes.append(esme)
        if command is not None:
            assert await esme.bind(command) == 0
        return esme


@asynccontextmanager
async def house(**scenario: Any) -> AsyncIterator[House]:
    """While the block lasts."""
    built = House(scenario)
    await built.door.open()
    task = asyncio.ensure_future(built.smsc.run())
    try:
        yield built
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for esme in built.esmes:
            await esme.close()
        built.door.close()


def test_the_sample_file_changes_nothing_as_it_stands() -> None:
    assert read_scenario(SAMPLE) == Scenario() == read_scenario(None)


def test_the_sample_file_names_every_key_with_its_default() -> None:
    text = "\n".join(
        line.removeprefix("#") if line.startswith("#") and line[1:2] != " " and len(line) > 1 else line
        for line in SAMPLE.read_text().splitlines()
    )
    document = tomllib.loads(text)
    assert document.keys() == Scenario.model_fields.keys()
    (error,) = document.pop("errors")
    assert error.keys() == {"status", "number_ends", "share", "first"}
    assert Scenario.model_validate(document) == Scenario()
    for name, section in Scenario():
        if name != "errors":
            assert document[name].keys() == type(section).model_fields.keys(), name


def test_what_an_smsc_answers() -> None:
    async def run() -> None:
        async with house() as us:
            esme = await us.esme()
            answer = await esme.submit()
            receipt = await esme.receipt()
            told = read_receipt(receipt.body["short_message"].decode(), None, None)
            assert told is not None and told.carrier_id == answer.body["message_id"]
            id_ = answer.body["message_id"]
            queried = await esme.ask(Command.QUERY_SM, message_id=id_)
            assert (queried.status, queried.body["message_state"]) == (0, 2)
            assert (await esme.ask(Command.QUERY_SM, message_id="none")).status == Status.RQUERYFAIL
            assert (await esme.ask(Command.CANCEL_SM, message_id=id_)).status == 0
            assert (await esme.ask(Command.REPLACE_SM, message_id="none")).status == Status.RREPLACEFAIL
            assert (await esme.ask(Command.ENQUIRE_LINK)).command is Command.ENQUIRE_LINK_RESP
            destinations = ({"dest_flag": 1, "destination_addr": "8613800000001"},)
            assert (await esme.ask(Command.SUBMIT_MULTI, dest_address=destinations)).status == 0
            assert (await esme.ask(Command.DATA_SM, destination_addr="8613800000002")).status == 0
            assert (await esme.ask(Command.UNBIND)).command is Command.UNBIND_RESP

    asyncio.run(run())


@pytest.mark.parametrize(
    ("scenario", "statuses"),
    [
        pytest.param({"refuse_first": 2}, [0x0D, 0x0D, 0], id="the first two"),
        pytest.param({"refuse_share": 1.0, "refuse_status": 5}, [5, 5], id="all of them"),
        pytest.param({"accounts": {"esme": "right"}}, [0x0E], id="wrong password"),
        pytest.param({"accounts": {"other": "any"}}, [0x0F], id="unknown"),
        pytest.param({"accounts": {"esme": "any"}}, [0], id="known"),
    ],
)
def test_binds(scenario: dict[str, Any], statuses: list[int]) -> None:
    async def run() -> None:
        async with house(bind=scenario) as us:
            seen = [await (await us.esme(None)).bind() for _ in statuses]
            assert seen == statuses

    asyncio.run(run())


def test_errors_by_number_and_by_count() -> None:
    async def run() -> None:
        errors = [{"status": 0x0B, "number_ends": "5"}, {"status": 0x08, "first": 1}]
        async with house(errors=errors) as us:
            esme = await us.esme()
            numbers = ("8613800000005", "8613800000001", "8613800000001", "8613800000005")
            assert [(await esme.submit(number)).status for number in numbers] == [0x0B, 0x08, 0, 0x0B]

    asyncio.run(run())


def test_errors_by_share_can_be_had_again() -> None:
    async def run() -> list[int]:
        async with house(errors=[{"status": 0x45, "share": 0.3}]) as us:
            esme = await us.esme()
            return [(await esme.submit()).status for _ in range(60)]

    first = asyncio.run(run())
    assert 5 < first.count(0x45) < 35 and asyncio.run(run()) == first


def test_throttling_above_a_rate() -> None:
    async def run() -> None:
        async with house(throttle={"above_per_s": 5, "status": 0x14}) as us:
            esme = await us.esme()
            statuses = [(await esme.submit()).status for _ in range(20)]
            assert statuses.count(0x14) >= 5 and statuses[:5] == [0] * 5

    asyncio.run(run())


def test_swallowed_answers_are_counted() -> None:
    async def run() -> None:
        async with house(answer={"swallow_number_ends": "7"}) as us:
            esme = await us.esme()
            esme.write(Command.SUBMIT_SM, destination_addr="8613800000007")
            assert (await esme.submit("8613800000001")).status == 0
            stats = us.smsc.stats()
            assert (stats["taken"], stats["swallowed"], stats["numbers"]) == (2, 1, 2)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        pytest.param({"words": {"UNDELIV": 1}}, "stat:UNDELIV", id="another word"),
        pytest.param({"without_id_share": 1.0}, "sub:001", id="without an id"),
        pytest.param({"malformed_share": 1.0}, "ID ", id="malformed"),
        pytest.param({"tlv_only_share": 1.0}, "", id="only TLVs"),
    ],
)
def test_shapes_of_receipts(scenario: dict[str, Any], told: str) -> None:
    async def run() -> None:
        async with house(receipts={"delay_s": 0, **scenario}) as us:
            esme = await us.esme()
            await esme.submit()
            receipt = await esme.receipt()
            text = receipt.body["short_message"].decode()
            assert told in text and (text.startswith(told) or told.startswith("stat"))
            assert bool(receipt.tlvs) == ("words" in scenario or "tlv_only_share" in scenario)

    asyncio.run(run())


def test_receipts_only_when_asked_for() -> None:
    async def run() -> None:
        async with house(receipts={"delay_s": 0}) as us:
            esme = await us.esme()
            await esme.submit(registered_delivery=0)
            await esme.submit(registered_delivery=2)
            await esme.submit("8613800000009")
            receipt = await esme.receipt()
            assert receipt.body["source_addr"] == "8613800000009"

    asyncio.run(run())


def test_what_is_not_acknowledged_comes_again_on_another_bind() -> None:
    async def run() -> None:
        async with house(receipts={"delay_s": 0}) as us:
            first = await us.esme()
            first.acknowledge = False
            await first.submit()
            await first.receipt()
            await first.close()
            second = await us.esme()
            receipt = await second.receipt()
            assert receipt.body["source_addr"] == "8613800000000"
            assert us.smsc.stats()["acknowledged"] <= 1

    asyncio.run(run())


def test_a_transmitter_gets_nothing_and_its_receiver_does() -> None:
    async def run() -> None:
        async with house(receipts={"delay_s": 0}) as us:
            sender, receiver = await us.esme(Command.BIND_TRANSMITTER), await us.esme(Command.BIND_RECEIVER)
            await sender.submit()
            await receiver.receipt()
            assert sender.delivered == []

    asyncio.run(run())


def test_a_cut_after_so_many() -> None:
    async def run() -> None:
        async with house(trouble={"disconnect_every": 3}) as us:
            esme = await us.esme()
            for _ in range(2):
                await esme.submit(registered_delivery=0)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await esme.submit(registered_delivery=0)
                await esme.read()
            assert us.smsc.stats()["disconnects"] == 1

    asyncio.run(run())


def test_the_control_port() -> None:
    async def run() -> None:
        async with house() as us:
            server = await asyncio.start_server(Controls(us.smsc, us.door).talk, "127.0.0.1", 0)
            place = Place("127.0.0.1", server.sockets[0].getsockname()[1])
            esme = await us.esme()
            await esme.submit()
            stats = await control(place, {"do": "stats"})
            assert stats["ok"] and (stats["submits"], stats["bound"]) == (1, 1)
            wish = {"do": "reply", "from": "+8613800000000", "to": "1069", "text": "长" * 100}
            assert (await control(place, wish))["parts"] == 2
            assert (await control(place, {"do": "set", "scenario": {"errors": [{"status": 11}]}}))["ok"]
            assert (await esme.submit()).status == 11
            assert (await control(place, {"do": "reset"}))["ok"]
            assert (await control(place, {"do": "stats"}))["submits"] == 0
            assert (await control(place, {"do": "listen", "on": False}))["ok"]
            with pytest.raises(OSError):
                await us.esme(None)
            assert (await control(place, {"do": "listen", "on": True}))["ok"]
            await us.esme()
            assert (await control(place, {"do": "disconnect"}))["connections"] == 2
            wishes: list[Any] = [{}, {"do": "dance"}, {"do": "set", "scenario": {"x": 1}}, {"do": "reply"}, [], "x", 7]
            for wrong in wishes:
                answer = await control(place, wrong)
                assert not answer["ok"] and answer["error"]
            server.close()

    asyncio.run(run())
