"""The session machine, both roles, with a clock that the tests move and no socket anywhere."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.wire.session import (
    MAX_PDU_BYTES,
    Answered,
    Asked,
    BindAsked,
    BindRefused,
    Bound,
    Broken,
    Clocks,
    Event,
    Garbled,
    Misuse,
    Mode,
    Phase,
    Role,
    Session,
    Stray,
    Unanswered,
    Unbound,
)
from yizhan.wire.smpp.codec import Pdu, decode, encode, frame
from yizhan.wire.smpp.dialect import SMPP34
from yizhan.wire.smpp.statuses import Status
from yizhan.wire.smpp.table import Command

Smpp = Session[Pdu, Any]
EVENTS = (Answered, Asked, BindAsked, BindRefused, Bound, Broken, Garbled, Stray, Unanswered, Unbound)
CLOCKS = Clocks(bind_s=10, answer_s=60, quiet_s=30)


def make(role: Role = Role.CLIENT, window: int = 3) -> Smpp:
    """A session at time 0."""
    return Session(SMPP34, role, 0.0, window=window, clocks=CLOCKS)


def pdus(data: bytes) -> list[Pdu]:
    """What bytes hold."""
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(decode(data[:length]))
        data = data[length:]
    return found


def said(session: Smpp) -> list[tuple[str, int, int]]:
    """What it wants written: (command, status, sequence)."""
    return [(pdu.command.name, pdu.status, pdu.sequence) for pdu in pdus(session.take())]


def bound(command: Command = Command.BIND_TRANSCEIVER, window: int = 3) -> tuple[Smpp, Smpp]:
    """A client and a server that have come together."""
    client, server = make(window=window), make(Role.SERVER, window)
    client.bind(Pdu(command, body={"system_id": "me"}), 0)
    (asked,) = server.receive_data(client.take(), 0)
    assert isinstance(asked, BindAsked)
    server.accept(asked.pdu, {"system_id": "smsc"})
    (event,) = client.receive_data(server.take(), 0)
    assert isinstance(event, Bound) and event.pdu.body["system_id"] == "smsc"
    assert client.phase is server.phase is Phase.BOUND and client.mode == server.mode
    return client, server


def submit(number: int = 1) -> Pdu:
    """A request."""
    return Pdu(Command.SUBMIT_SM, body={"destination_addr": str(number), "short_message": b"x" * 40})


def deliver() -> Pdu:
    """A request the other way."""
    return Pdu(Command.DELIVER_SM, body={"source_addr": "1", "short_message": b"y"})


@pytest.mark.parametrize(
    ("command", "mode"),
    [
        (Command.BIND_TRANSMITTER, Mode.SEND),
        (Command.BIND_RECEIVER, Mode.RECEIVE),
        (Command.BIND_TRANSCEIVER, Mode.BOTH),
    ],
)
def test_binds(command: Command, mode: Mode) -> None:
    client, server = bound(command)
    assert client.mode is server.mode is mode


def test_a_refused_bind_closes_the_client() -> None:
    client, server = make(), make(Role.SERVER)
    client.bind(Pdu(Command.BIND_TRANSMITTER), 0)
    (asked,) = server.receive_data(client.take(), 0)
    assert isinstance(asked, BindAsked)
    server.refuse_bind(asked.pdu, Status.RINVPASWD)
    (event,) = client.receive_data(server.take(), 0)
    assert isinstance(event, BindRefused) and event.status == Status.RINVPASWD
    assert client.phase is Phase.CLOSED and server.phase is Phase.OPEN, "the server lets it try again"


def test_a_nack_of_the_bind_is_a_refusal() -> None:
    client = make()
    client.bind(Pdu(Command.BIND_TRANSCEIVER), 0)
    (event,) = client.receive_data(frame(Command.GENERIC_NACK, Status.RINVCMDID, 1, b""), 0)
    assert isinstance(event, BindRefused) and event.status == Status.RINVCMDID


def test_answers_in_any_order_once_each() -> None:
    client, server = bound()
    for number in range(3):
        client.request(submit(number), f"token {number}", 1)
    assert client.free == 0
    with pytest.raises(Misuse, match="window"):
        client.request(submit(), "more", 1)
    requests = [event.pdu for event in server.receive_data(client.take(), 1) if isinstance(event, Asked)]
    for request in reversed(requests):
        server.answer(request, 0, {"message_id": f"id {request.sequence}"})
    answers = server.take()
    events = client.receive_data(answers, 2)
    assert [event.token for event in events if isinstance(event, Answered)] == ["token 2", "token 1", "token 0"]
    assert client.free == 3
    assert [type(event) for event in client.receive_data(answers, 3)] == [Stray] * 3, "the same answers once more"


def test_a_nack_answers_its_request() -> None:
    client, _ = bound()
    client.request(submit(), "token", 0)
    sequence = pdus(client.take())[0].sequence
    (event,) = client.receive_data(frame(Command.GENERIC_NACK, 0, sequence, b""), 0)
    assert isinstance(event, Answered) and (event.token, event.status) == ("token", Status.RSYSERR)
    (stray,) = client.receive_data(frame(Command.GENERIC_NACK, 2, 0, b""), 0)
    assert isinstance(stray, Stray)


def test_an_answer_after_its_time_is_stray() -> None:
    client, server = bound()
    client.request(submit(), "token", 0)
    (asked,) = server.receive_data(client.take(), 0)
    assert isinstance(asked, Asked)
    assert client.next_deadline() <= 60
    client.receive_data(encode(Pdu(Command.ENQUIRE_LINK, 0, 1)), 59)
    assert client.tick(59.9) == []
    assert client.tick(60) == [Unanswered("token")]
    server.answer(asked.pdu, 0, {"message_id": "late"})
    assert [type(event) for event in client.receive_data(server.take(), 61)] == [Stray]


def test_what_was_never_answered_when_the_link_goes() -> None:
    client, _ = bound()
    client.request(submit(1), "one", 0)
    client.request(submit(2), "two", 0)
    assert client.lost() == ["one", "two"] and client.phase is Phase.CLOSED
    assert client.lost() == [] and client.receive_data(b"anything", 0) == []


# -- clocks


def test_a_bind_has_its_time() -> None:
    client = make()
    client.bind(Pdu(Command.BIND_TRANSCEIVER), 5)
    assert client.next_deadline() == 15 and client.tick(14.9) == []
    assert [type(event) for event in client.tick(15)] == [Broken]
    assert [type(event) for event in make(Role.SERVER).tick(10)] == [Broken], "a client that never binds"


def test_silence_is_asked_about() -> None:
    client, server = bound()
    assert client.next_deadline() == 30
    client.tick(30)
    assert said(client) == [("ENQUIRE_LINK", 0, 2)]
    client.tick(40)
    assert said(client) == [], "once"
    server.receive_data(encode(Pdu(Command.ENQUIRE_LINK, 0, 2)), 30)
    client.receive_data(server.take(), 41)
    assert client.next_deadline() == 71
    client.tick(71)
    assert said(client) == [("ENQUIRE_LINK", 0, 3)]
    assert [type(event) for event in client.tick(131)] == [Broken], "no answer: the peer is gone"


def test_traffic_is_a_sign_of_life() -> None:
    client, server = bound()
    for second in range(0, 300, 20):
        server.request(deliver(), "d", second)
        (asked,) = client.receive_data(server.take(), second)
        assert isinstance(asked, Asked)
        client.answer(asked.pdu)
        server.receive_data(client.take(), second)
        assert client.tick(second + 19) == [] and said(client) == []


# -- good-byes


@pytest.mark.parametrize("who", [Role.CLIENT, Role.SERVER])
def test_unbind_from_either_side(who: Role) -> None:
    client, server = bound()
    one, two = (client, server) if who is Role.CLIENT else (server, client)
    one.unbind(0)
    assert one.phase is Phase.UNBINDING and one.free == 0
    assert [type(event) for event in two.receive_data(one.take(), 0)] == [Unbound]
    assert [type(event) for event in one.receive_data(two.take(), 0)] == [Unbound]
    assert one.phase is two.phase is Phase.CLOSED


def test_requests_are_still_answered_while_we_leave() -> None:
    client, server = bound()
    client.request(submit(), "token", 0)
    client.unbind(0)
    asked = [event for event in server.receive_data(client.take(), 0) if isinstance(event, Asked)]
    server.answer(asked[0].pdu, 0, {"message_id": "1"})
    answers = server.take()  # unbind_resp first, then the answer
    events = client.receive_data(answers[16:] + answers[:16], 0)
    assert [type(event) for event in events][:1] in ([Unbound], [Answered])


def test_an_unbind_has_its_time() -> None:
    client, _ = bound()
    client.unbind(100)
    assert [type(event) for event in client.tick(110)] == [Broken]


# -- what the state forbids


FORBIDDEN = {
    "submit before the bind": (Phase.OPEN, submit(), ("SUBMIT_SM_RESP", Status.RINVBNDSTS)),
    "a second bind": (Phase.BOUND, Pdu(Command.BIND_RECEIVER), ("BIND_RECEIVER_RESP", Status.RALYBND)),
    "deliver_sm to the server": (Phase.BOUND, deliver(), ("GENERIC_NACK", Status.RINVCMDID)),
}


@pytest.mark.parametrize(("phase", "pdu", "answer"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_server_refuses_by_itself(phase: Phase, pdu: Pdu, answer: tuple[str, int]) -> None:
    server = make(Role.SERVER) if phase is Phase.OPEN else bound()[1]
    assert server.receive_data(SMPP34.request(pdu, 77), 0) == []
    assert said(server) == [(*answer, 77)]


def test_a_receiver_may_not_submit_and_a_transmitter_gets_nothing() -> None:
    _, server = bound(Command.BIND_RECEIVER)
    server.receive_data(SMPP34.request(submit(), 9), 0)
    assert said(server) == [("SUBMIT_SM_RESP", Status.RINVBNDSTS, 9)]
    client, _ = bound(Command.BIND_TRANSMITTER)
    client.receive_data(SMPP34.request(deliver(), 9), 0)
    assert said(client) == [("DELIVER_SM_RESP", Status.RINVBNDSTS, 9)]


def test_the_client_refuses_what_only_a_server_is_asked() -> None:
    client, _ = bound()
    client.receive_data(SMPP34.request(submit(), 9) + SMPP34.request(Pdu(Command.BIND_RECEIVER), 10), 0)
    assert said(client) == [("GENERIC_NACK", Status.RINVCMDID, 9), ("GENERIC_NACK", Status.RINVCMDID, 10)]


def test_misuse_is_our_own_mistake() -> None:
    client, server = make(), make(Role.SERVER)
    acts: list[Callable[[], None]] = [
        lambda: client.request(submit(), "t", 0),
        lambda: server.bind(Pdu(Command.BIND_RECEIVER), 0),
        lambda: server.accept(Pdu(Command.BIND_RECEIVER), {}),
        lambda: client.refuse_bind(Pdu(Command.BIND_RECEIVER), 1),
    ]
    for act in acts:
        with pytest.raises(Misuse):
            act()


def test_data_sm_goes_both_ways() -> None:
    client, server = bound()
    client.request(Pdu(Command.DATA_SM), "c", 0)
    server.request(Pdu(Command.DATA_SM), "s", 0)
    assert [type(event) for event in server.receive_data(client.take(), 0)] == [Asked]
    assert [type(event) for event in client.receive_data(server.take(), 0)] == [Asked]


# -- numbers


def test_sequence_numbers_wrap_past_what_still_waits() -> None:
    client, _ = bound()
    client.request(submit(), "first", 0)
    waiting = pdus(client.take())[0].sequence
    client._sequence = 0x7FFFFFFE
    client.request(submit(), "last", 0)
    assert pdus(client.take())[0].sequence == 0x7FFFFFFF
    client._sequence = waiting - 1
    client.request(submit(), "next", 0)
    assert pdus(client.take())[0].sequence == waiting + 1, "the one that waits keeps its number"


# -- framing and garbage

LENGTHS = {"0": 0, "15": 15, "one too long": MAX_PDU_BYTES + 1, "negative-looking": 0x80000010, "all ones": 2**32 - 1}


@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS.keys())
def test_a_length_that_cannot_be_ends_the_session(length: int) -> None:
    client, _ = bound()
    data = length.to_bytes(4, "big") + frame(Command.SUBMIT_SM_RESP, 0, 5, b"")[4:]
    events = client.receive_data(data, 0)
    assert [type(event) for event in events] == [Broken] and client.phase is Phase.CLOSED
    assert said(client) == [("GENERIC_NACK", Status.RINVCMDLEN, 5)]


def test_an_unknown_command_is_nacked_and_the_stream_goes_on() -> None:
    client, _ = bound()
    data = frame(0x0ABC, 0, 8, b"what") + SMPP34.request(deliver(), 9)
    assert [type(event) for event in client.receive_data(data, 0)] == [Garbled, Asked]
    assert said(client) == [("GENERIC_NACK", Status.RINVCMDID, 8)]
    assert [type(event) for event in client.receive_data(frame(0x80000ABC, 0, 8, b""), 0)] == [Garbled]
    assert said(client) == [], "answers are not answered"


def recording(seed: int) -> bytes:
    """What a server might say in a while, with some nonsense in it."""
    dice = random.Random(seed)
    stream = b""
    for sequence in range(1, dice.randint(2, 25)):
        makers: list[Callable[[int], bytes]] = [
            lambda n: frame(Command.SUBMIT_SM_RESP, 0, n, b"id\0"),
            lambda n: frame(Command.SUBMIT_SM_RESP, 0x58, n, b""),
            lambda n: SMPP34.request(deliver(), n),
            lambda n: encode(Pdu(Command.ENQUIRE_LINK, 0, n)),
            lambda n: frame(0x0ABC, 0, n, b"nonsense"),
            lambda n: frame(Command.DELIVER_SM, 0, n, b"\0\0\0"),
            lambda n: encode(Pdu(Command.GENERIC_NACK, 3, n)),
            lambda n: dice.randbytes(20) if dice.random() < 0.05 else encode(Pdu(Command.ENQUIRE_LINK_RESP, 0, n)),
        ]
        stream += dice.choice(makers)(sequence)
    return stream + (encode(Pdu(Command.UNBIND, 0, 99)) if dice.random() < 0.3 else b"")


def hear(pieces: list[bytes]) -> tuple[list[Event], bytes]:
    """The events and the output of a client that hears ``pieces``."""
    client, _ = bound(window=10)
    for number in range(10):
        client.request(submit(number), number, 0)
    client.take()
    events = [event for piece in pieces for event in client.receive_data(piece, 0)]
    return events, client.take()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_however_a_stream_is_cut_it_means_the_same(seed: int, cuts: list[int]) -> None:
    stream = recording(seed)
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(stream[at : at + cut])
        at += cut
    whole = hear([stream])
    assert hear([stream[place : place + 1] for place in range(len(stream))]) == whole
    assert hear([*pieces, stream[at:]]) == whole


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=600), st.sampled_from(Role))
def test_garbage_gives_events_or_ends_the_session(data: bytes, role: Role) -> None:
    client, server = bound()
    session = client if role is Role.CLIENT else server
    for event in session.receive_data(data, 0):
        assert isinstance(event, EVENTS)
    assert len(session._incoming) <= MAX_PDU_BYTES


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 400), st.binary(max_size=6))
def test_a_mutated_stream_does_too(seed: int, place: int, change: bytes) -> None:
    stream = bytearray(recording(seed))
    stream[place : place + len(change)] = change
    events, _ = hear([bytes(stream)])
    assert sum(isinstance(event, Broken | Unbound) for event in events) <= 1
    assert not any(isinstance(event, Broken | Unbound) for event in events[:-1])


def test_memory_is_bounded_while_a_peer_sends_half_a_pdu() -> None:
    client, _ = bound()
    client.receive_data(MAX_PDU_BYTES.to_bytes(4, "big") + b"\0" * 12, 0)
    for _ in range(100):
        client.receive_data(b"\0" * 4096, 0)
        assert len(client._incoming) <= MAX_PDU_BYTES + 4096
