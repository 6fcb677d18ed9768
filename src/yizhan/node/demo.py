"""The demo account: there while ``serve --demo`` runs, and callable from this machine only; never otherwise."""

from yizhan.flow.ask import Ask
from yizhan.flow.operate import Operate
from yizhan.kit.log import get_logger
from yizhan.policy.credentials import md5_of

log = get_logger("demo")

CORP_ID = "demo"
PASSWORD = "demo"  # noqa: S105  known to everybody, hence only from loopback and only with --demo
CREDIT_MILLI = 10_000_000
PHONE = "13800000000"  # which the first message goes to
LOOPBACK = ("127.0.0.0/8", "::1/128")
_ACTOR = "serve --demo"


async def set_demo(operate: Operate, ask: Ask, wanted: bool) -> bool:
    """Make or enable the demo account, or disable one that an earlier ``--demo`` has left; the balance stays as it is.

    Whether it can be used now: an account called demo that an operator made is left alone.
    """
    made_by_demo = CORP_ID in await ask.demo_accounts()
    exists = any(view.account == CORP_ID for view in await ask.accounts())
    if not wanted:
        if made_by_demo and (await ask.account(CORP_ID)).enabled:
            await operate.disable_account(_ACTOR, CORP_ID)
        return False
    if not exists:
        await operate.add_account(
            _ACTOR,
            CORP_ID,
            password_md5=md5_of(PASSWORD),
            credit_milli=CREDIT_MILLI,
            allow_ips=LOOPBACK,
            demo=True,
        )
        return True
    if not made_by_demo:
        log.warning("an account demo of your own exists; --demo leaves it alone")
        return False
    if not (await ask.account(CORP_ID)).enabled:
        await operate.enable_account(_ACTOR, CORP_ID)
    return True
