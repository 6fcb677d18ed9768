"""An application that stumbles still answers, and tells nobody over what."""

import asyncio
import json

from fastapi import FastAPI

from yizhan.console.api.problem import answer_problems
from yizhan.front.asgi import answers_of
from yizhan.front.reply import Reply
from yizhan.front.request import Request


def test_what_is_unforeseen_is_a_problem() -> None:
    app = FastAPI()
    answer_problems(app)

    @app.get("/")
    async def stumble() -> None:
        raise RuntimeError("13800000000")

    async def ask() -> Reply | None:
        return await answers_of(app)(Request("GET", b"/", b"", [], b"", "http", None, None))

    reply = asyncio.run(ask())
    assert reply is not None
    assert (reply.status, reply.content_type) == (500, "application/problem+json")
    assert "RuntimeError" in json.loads(reply.body)["detail"] and b"138" not in reply.body
