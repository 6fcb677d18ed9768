"""An application behind the listener: what it stumbles over is told to nobody, and what it says arrives whole."""

import asyncio
import json

from fastapi import FastAPI
from starlette.responses import Response

from yizhan.console.api.problem import answer_problems
from yizhan.front.asgi import answers_of
from yizhan.front.reply import Reply
from yizhan.front.request import Request


def ask(app: FastAPI) -> Reply:
    """Its first page."""

    async def answer() -> Reply | None:
        return await answers_of(app)(Request("GET", b"/", b"", [], b"", "http", None, None))

    reply = asyncio.run(answer())
    assert reply is not None
    return reply


def test_what_is_unforeseen_is_a_problem() -> None:
    app = FastAPI()
    answer_problems(app)

    @app.get("/")
    async def stumble() -> None:
        raise RuntimeError("13800000000")

    reply = ask(app)
    assert (reply.status, reply.content_type) == (500, "application/problem+json")
    assert "RuntimeError" in json.loads(reply.body)["detail"] and b"138" not in reply.body


def test_each_cookie_of_an_answer_arrives() -> None:
    app = FastAPI()

    @app.get("/")
    async def answer() -> Response:
        response = Response("two")
        response.set_cookie("one", "1")
        response.set_cookie("other", "2")
        return response

    cookies = [value.partition(b"=")[0] for name, value in ask(app).headers if name == b"set-cookie"]
    assert cookies == [b"one", b"other"]
