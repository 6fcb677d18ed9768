"""A load generator that speaks sdk2: kept-alive connections, each with one call on its way, in a process of its own."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import uvloop

from yizhan.policy.credentials import md5_of

_TEXT = "您的验证码是123456【测试】"
_FAR = "20991231235959"


@dataclass(frozen=True)
class Plan:
    """What to send and how."""

    url: str
    corp_id: str
    password: str
    calls: int
    numbers: int
    connections: int
    later: bool


@dataclass
class Load:
    """What came back."""

    latencies_s: list[float] = field(default_factory=list)
    refused: int = 0


def run_load(plan: Plan) -> Load:
    """Send everything from another process, so that its work is not counted to the caller."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (plan,))


def _run(plan: Plan) -> Load:
    return uvloop.run(_send_all(plan))


async def _send_all(plan: Plan) -> Load:
    load = Load()
    requests = _requests(plan)
    async with asyncio.TaskGroup() as group:
        for _ in range(plan.connections):
            group.create_task(_client(plan, requests, load))
    return load


def _requests(plan: Plan) -> Iterator[bytes]:
    """One request a call; every number is distinct and has no special fate."""
    text = quote(_TEXT.encode("gb2312"))
    later = _FAR if plan.later else ""
    head = f"CorpID={plan.corp_id}&Pwd={md5_of(plan.password)}&Content={text}&Cell=&SendTime={later}&Mobile="
    for call in range(plan.calls):
        first = call * plan.numbers
        body = (head + ",".join(f"13{n:08d}9" for n in range(first, first + plan.numbers))).encode()
        yield (
            b"POST /sdk2/IntlSend.aspx HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )


async def _client(plan: Plan, requests: Iterator[bytes], load: Load) -> None:
    address = urlsplit(plan.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for request in requests:
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        load.latencies_s.append(time.perf_counter() - begun)
        load.refused += not answer.isdigit()
    writer.close()
