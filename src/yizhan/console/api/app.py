"""The control plane: one FastAPI app over the flow, served on a unix socket or driven in process by the CLI."""

from fastapi import Depends, FastAPI

from yizhan import __version__
from yizhan.console.api.accounts import account_router, card_router, ledger_router
from yizhan.console.api.channels import channel_router, route_router
from yizhan.console.api.document import DocumentedApi
from yizhan.console.api.gateway import gateway_router
from yizhan.console.api.lists import address_router, keyword_router, number_router
from yizhan.console.api.messages import (
    explain_router,
    fate_router,
    inbox_router,
    message_router,
    reply_router,
    submission_router,
    watch_router,
)
from yizhan.console.api.once import OnceOnly
from yizhan.console.api.people import people_router
from yizhan.console.api.problem import answer_problems
from yizhan.console.api.tokens import token_router
from yizhan.console.api.webhooks import webhook_router
from yizhan.console.desk import PREFIX, check_role
from yizhan.flow.about import About
from yizhan.flow.ask import Ask
from yizhan.flow.explain import Explain
from yizhan.flow.operate import Operate
from yizhan.flow.play import Play
from yizhan.flow.send import Send
from yizhan.kit.clock import Clock, SystemClock

MAX_BODY_BYTES = 16 * 1024 * 1024  # the longest list of keywords, with room


def make_admin_app(
    operate: Operate,
    ask: Ask,
    play: Play,
    *,
    explain: Explain | None = None,
    send: Send | None = None,
    about: About | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """The admin API under ``/api/v1``. Whoever reaches it is the owner, unless a ``Doorkeeper`` stands before it."""
    app = DocumentedApi(
        title="Yizhan admin API",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        max_body_size=MAX_BODY_BYTES,
        dependencies=[Depends(check_role)],
    )
    answer_problems(app)
    app.add_middleware(OnceOnly, repeats=operate)
    routers = (
        account_router(operate, ask),
        ledger_router(ask),
        keyword_router(operate, ask),
        address_router(operate, ask, clock or SystemClock()),
        number_router(operate, ask),
        card_router(operate, ask),
        message_router(operate, ask, send),
        explain_router(explain),
        reply_router(ask, play),
        inbox_router(play),
        fate_router(play),
        submission_router(operate, ask),
        watch_router(ask),
        gateway_router(about),
        webhook_router(operate, ask),
        channel_router(operate, ask),
        route_router(operate, ask),
        token_router(operate, ask),
        people_router(operate, ask),
    )
    for router in routers:
        app.include_router(router, prefix=PREFIX)
    return app
