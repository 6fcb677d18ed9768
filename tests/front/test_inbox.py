"""Cutting a stream into heads and bodies, however it arrives."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.front.fault import HttpFault
from yizhan.front.inbox import Inbox

HEAD = b"GET /a?b=%C4 HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"


def arrive(
    stream: bytes, cuts: list[int], max_target: int = 64, max_header: int = 64
) -> tuple[list[bytes], int | None]:
    """The heads that an inbox finds in ``stream`` arriving in pieces, and the status of the fault that ended it."""
    inbox = Inbox(max_target, max_header)
    borders = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    heads = []
    try:
        for start, end in itertools.pairwise(borders):
            inbox.put(stream[start:end])
            while (head := inbox.take_head()) is not None:
                heads.append(b"\r\n".join(head))
    except HttpFault as fault:
        return heads, int(fault.status)
    return heads, None


@given(
    stream=st.lists(
        st.sampled_from([HEAD, b"\r\n", b"\n", b"\r", b"GET / HTTP/1.1", b"A: b\r\n", b"x" * 40, b"\r\n\r\n"]),
        max_size=8,
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
@settings(max_examples=200, deadline=None)
def test_heads_do_not_depend_on_how_they_arrive(stream: bytes, cuts: list[int]) -> None:
    """Law: the same heads come out byte by byte and at once, up to where one of the two is refused."""
    ways = [arrive(stream, []), arrive(stream, list(range(len(stream)))), arrive(stream, cuts)]
    shortest = min(len(heads) for heads, _ in ways)
    assert ways[0][0][:shortest] == ways[1][0][:shortest] == ways[2][0][:shortest]
    assert all(len(heads) == shortest for heads, _ in ways) or any(status for _, status in ways)


@pytest.mark.parametrize("cuts", [pytest.param([], id="at once"), pytest.param(list(range(500)), id="byte by byte")])
@pytest.mark.parametrize(
    ("stream", "heads", "status"),
    [
        pytest.param(HEAD, 1, None, id="one"),
        pytest.param(HEAD * 3, 3, None, id="three"),
        pytest.param(b"\r\n\r\n" + HEAD, 1, None, id="empty lines first"),
        pytest.param(HEAD + b"\r\n" + HEAD, 2, None, id="an empty line between"),
        pytest.param(b"\r\n" * 5 + HEAD, 0, 400, id="too many empty lines"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 1, None, id="no headers"),
        pytest.param(b"GET / HTTP/1.1\n\n", 0, 400, id="bare LF"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\n\n", 0, 400, id="bare LF after a header"),
        pytest.param(b"GET /" + b"a" * 100, 0, 414, id="long target"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"b" * 100, 0, 431, id="long headers"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"b" * 61 + b"\r\n\r\n", 0, 431, id="headers one byte too long"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"b" * 59 + b"\r\n\r\n", 1, None, id="headers at the limit"),
    ],
)
def test_heads(stream: bytes, heads: int, status: int | None, cuts: list[int]) -> None:
    found, fault = arrive(stream, cuts)
    assert (len(found), fault) == (heads, status)


@given(
    body=st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"0", b"ab", b"\r\n\r\n"]), max_size=12).map(b"".join),
    cuts=st.lists(st.integers(0, 30), max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_a_chunked_body_is_cut_at_every_empty_line(body: bytes, cuts: list[int]) -> None:
    """Law: nothing is lost, and wherever CR LF CR LF ends in the body, a piece ends."""
    inbox = Inbox(64, 64)
    inbox.put(HEAD)
    inbox.take_head()
    borders = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    pieces = []
    for start, end in itertools.pairwise(borders):
        inbox.put(body[start:end])
        while inbox:
            pieces.append(inbox.take_chunked())
    assert b"".join(pieces) == body
    ends, total = set(), 0
    for piece in pieces:
        assert piece
        total += len(piece)
        ends.add(total)
    # Overlapping empty lines (CR LF CR LF CR LF) end a message at the first at the earliest, so each counts.
    wanted = {at + 4 for at in range(len(body) - 3) if body[at : at + 4] == b"\r\n\r\n"}
    assert wanted <= ends


def test_counted_pieces() -> None:
    inbox = Inbox(64, 64)
    inbox.put(b"abcdef")
    assert (inbox.take_counted(4), inbox.take_counted(4), len(inbox)) == (b"abcd", b"ef", 0)
