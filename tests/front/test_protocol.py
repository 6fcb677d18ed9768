"""The dialog of HTTP/1.x: pipelines, bodies, connections that close or do not."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable, Iterator

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from .harness import PATIENCE_S, Served, read_answer, serving, until_closed

RAW = "你好".encode("gb18030")
GET_RAW = b"GET /IntlSend.aspx?CorpID=get&Content=" + RAW + b" x HTTP/1.1\r\nHost: x\r\n\r\n"
POST_COUNTED = b"POST /IntlSend.aspx HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nCorpID=post"
POST_CHUNKED = (
    b"POST /IntlSend.aspx HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"7\r\nCorpID=\r\n5;ext=1\r\nchunk\r\n0\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"
)
# A body that looks like the end of a chunked message and like a request.
TRICKY = b"CorpID=tricky&X=0\r\n\r\nGET /None.aspx HTTP/1.1\r\n\r\n"
POST_TRICKY = POST_CHUNKED.partition(b"\r\n\r\n")[0] + b"\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(TRICKY), TRICKY)
NAMES = {GET_RAW: "get", POST_COUNTED: "post", POST_CHUNKED: "chunk", POST_TRICKY: "tricky"}


@pytest.fixture(scope="module", params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def looped(request: pytest.FixtureRequest) -> Iterator[Served]:
    """A gateway on each kind of event loop."""
    new_loop: Callable[[], asyncio.AbstractEventLoop] = request.param
    with serving(new_loop=new_loop) as served:
        yield served


def corp_ids(served: Served) -> list[str]:
    """Who called, in order; forgets them."""
    names = [call.value("CorpID") for call in served.river.calls]
    served.river.calls.clear()
    return names


def test_a_post_body_followed_by_a_raw_get_in_one_read(looped: Served) -> None:
    looped.river.calls.clear()
    answers = looped.ask(POST_COUNTED + GET_RAW + POST_CHUNKED + GET_RAW, count=4)
    assert [answer.body for answer in answers] == [b"100000001"] * 4
    assert [call.value("Content") for call in looped.river.calls] == ["", "你好 x", "", "你好 x"]
    assert {call.address for call in looped.river.calls} == {"127.0.0.1"}
    assert corp_ids(looped) == ["post", "get", "chunk", "get"]


@given(
    messages=st.lists(st.sampled_from(list(NAMES)), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 600), max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_messages_do_not_depend_on_how_they_arrive(shared: Served, messages: list[bytes], cuts: list[int]) -> None:
    """Law: any cut of a stream is answered like the whole."""
    shared.river.calls.clear()
    stream = b"".join(messages)
    borders = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    pieces = [stream[start:end] for start, end in itertools.pairwise(borders)]
    shared.ask(*pieces, count=len(messages))
    assert corp_ids(shared) == [NAMES[message] for message in messages]


@pytest.mark.parametrize("message", [pytest.param(message, id=name) for message, name in NAMES.items()])
def test_one_byte_at_a_time_equals_at_once(looped: Served, message: bytes) -> None:
    looped.river.calls.clear()
    at_once = looped.ask(message)
    bytewise = looped.ask(*(message[at : at + 1] for at in range(len(message))))
    assert [answer.body for answer in at_once] == [answer.body for answer in bytewise]
    first, second = looped.river.calls
    assert first == second
    assert first.original and second.original and first.original() == second.original()


def test_a_long_pipeline_is_answered_in_order(looped: Served) -> None:
    looped.river.calls.clear()
    requests = b"".join(b"GET /IntlSend.aspx?CorpID=%d HTTP/1.1\r\n\r\n" % number for number in range(1, 2_001))
    with looped.connect() as client:
        client.sendall(requests)
        with client.makefile("rb") as stream:
            for _ in range(2_000):
                assert read_answer(stream.readline, stream.read).body == b"100000001"
    assert [call.value("CorpID") for call in looped.river.calls] == [str(number) for number in range(1, 2_001)]


def test_pipelined_bytes_do_not_pile_up(served: Served) -> None:
    """However much is sent ahead, the server holds about one read of it while it answers."""
    served.river.delay_s = 0.005
    request = b"GET /IntlSend.aspx?Content=" + b"x" * 2_000 + b" HTTP/1.1\r\n\r\n"
    with served.connect() as client, client.makefile("rb") as stream:
        client.settimeout(0.01)
        held = 0
        for _ in range(40):
            with contextlib.suppress(TimeoutError):
                client.sendall(request * 1_000)
            held = max([held, *(len(connection.inbox) for connection in served.listener.connections())])
        assert 0 < held <= 1_000_000
        served.river.delay_s = 0
        client.settimeout(PATIENCE_S)
        assert read_answer(stream.readline, stream.read).status == 200


def test_requests_of_one_connection_run_one_at_a_time() -> None:
    with serving() as alone:  # the shared gateway has answered several connections at a time before
        alone.river.delay_s = 0.1
        with alone.connect() as client:
            client.sendall(GET_RAW * 3)
            with client.makefile("rb") as stream:
                for _ in range(3):
                    read_answer(stream.readline, stream.read)
        assert len(alone.river.calls) == 3 and alone.river.most_under_way == 1


@pytest.mark.parametrize(
    ("head", "closes"),
    [
        pytest.param(b"GET /GetBalance.aspx HTTP/1.1\r\n\r\n", False, id="1.1 without Host"),
        pytest.param(b"GET /GetBalance.aspx HTTP/1.1\r\nConnection: close\r\n\r\n", True, id="1.1 close"),
        pytest.param(b"GET /GetBalance.aspx HTTP/1.0\r\n\r\n", True, id="1.0 without Host"),
        pytest.param(b"GET /GetBalance.aspx HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True, id="1.0 keep-alive"),
        pytest.param(
            b"GET /GetBalance.aspx HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
            False,
            id="h2c",
        ),
        pytest.param(
            b"GET /GetBalance.aspx HTTP/1.1\r\nCONNECTION: upgrade\r\nUPGRADE: websocket\r\n\r\n", False, id="websocket"
        ),
        pytest.param(
            b"POST /GetBalance.aspx HTTP/1.1\r\nConnection: Upgrade\r\nuPgRaDe: x\r\nContent-Length: 3\r\n\r\na=b",
            False,
            id="upgrade of a post",
        ),
        pytest.param(
            b"GET /GetBalance.aspx HTTP/1.1\r\nConnection: uPGRADe\r\nUpGRaDE: h2c\r\n\r\n", False, id="mixed case"
        ),
        pytest.param(
            b"POST /GetBalance.aspx HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: 3\r\n\r\na=b",
            False,
            id="upgrade of a post, in front",
        ),
        pytest.param(b"\r\n\r\nGET /GetBalance.aspx HTTP/1.1\r\n\r\n", False, id="empty lines in front"),
    ],
)
def test_answered_and_closed_or_not(looped: Served, head: bytes, closes: bool) -> None:
    with looped.connect() as client, client.makefile("rb") as stream:
        client.sendall(head)
        answer = read_answer(stream.readline, stream.read)
        assert (answer.status, answer.body) == (200, b"12345")
        assert (answer.headers.get("connection") == "close") == closes
        if closes:
            assert stream.read() == b""
        else:
            client.sendall(GET_RAW)
            assert read_answer(stream.readline, stream.read).body == b"100000001"


@pytest.mark.parametrize(
    ("expectation", "length", "statuses"),
    [
        pytest.param(b"100-continue", 11, [100, 200], id="within the limit"),
        pytest.param(b"100-Continue", 11, [100, 200], id="in another case"),
        pytest.param(b"100-continue", 2_000_000, [413], id="beyond the limit"),
    ],
)
def test_expect_100_continue(looped: Served, expectation: bytes, length: int, statuses: list[int]) -> None:
    with looped.connect() as client, client.makefile("rb") as stream:
        client.sendall(
            b"POST /IntlSend.aspx HTTP/1.1\r\nExpect: %b\r\nContent-Length: %d\r\n\r\n" % (expectation, length)
        )
        assert read_answer(stream.readline, stream.read).status == statuses[0]
        if len(statuses) > 1:
            client.sendall(b"CorpID=1234")
            assert read_answer(stream.readline, stream.read).status == statuses[1]


def test_no_100_when_the_body_is_already_there(looped: Served) -> None:
    (answer,) = looped.ask(b"POST /IntlSend.aspx HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\nCorpID=1")
    assert answer.status == 200


def test_a_client_that_shuts_its_half_gets_its_answer(looped: Served) -> None:
    looped.river.calls.clear()
    looped.river.delay_s = 0.05
    with looped.connect() as client:
        client.sendall(GET_RAW)
        client.shutdown(socket.SHUT_WR)
        assert until_closed(client).endswith(b"100000001")
    looped.river.delay_s = 0
    assert corp_ids(looped) == ["get"]


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(GET_RAW[:30], b"HTTP/1.1 400", id="half a head"),
        pytest.param(POST_COUNTED[:-2], b"HTTP/1.1 400", id="half a body"),
        pytest.param(POST_CHUNKED[:-2], b"HTTP/1.1 400", id="half of the chunks"),
    ],
)
def test_a_request_that_ends_early_is_not_executed(looped: Served, sent: bytes, answered: bytes) -> None:
    looped.river.calls.clear()
    with looped.connect() as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        received = until_closed(client)
    assert received.startswith(answered)
    assert bool(received) == bool(answered)
    assert looped.river.calls == []


def test_a_client_that_sends_ten_megabytes_sees_the_refusal(looped: Served) -> None:
    with looped.connect() as client, client.makefile("rb") as stream:
        client.sendall(b"POST /IntlSend.aspx HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(100):
            client.sendall(b"x" * 100_000)
        assert read_answer(stream.readline, stream.read).status == 413
        assert stream.read() == b""


def test_an_answer_without_a_body_leaves_before_the_refusal_of_what_came_behind(
    looped: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    head, refusal = looped.ask(
        b"HEAD /IntlSend.aspx HTTP/1.1\r\nHost: x\r\n\r\n\x00\x01 garbage\r\n\r\n", count=2, head_only=True
    )
    assert (head.status, refusal.status) == (200, 400)
    assert "write_eof" not in capfd.readouterr().err
