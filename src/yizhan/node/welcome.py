"""The screen that a newcomer sees when the gateway is ready: what to paste, and where to look at the result."""

import shlex
import sys
from pathlib import Path
from urllib.parse import quote

from yizhan.model.money import show_credits
from yizhan.node.demo import CORP_ID, CREDIT_MILLI, PASSWORD, PHONE
from yizhan.policy.credentials import md5_of

_TEXT = "您的验证码是123456【测试】"
_DEFAULT_DATA = Path("yizhan-data")


def welcome(url: str, console_url: str | None, data: Path, demo: bool) -> str:
    """``url`` is where clients call, ending in ``/sdk2/``; ``console_url`` is the console's, if there is one."""
    yizhan = shlex.quote(_program())
    where = "" if data == _DEFAULT_DATA else f" --data {shlex.quote(str(data))}"
    lines = [
        "",
        "  Yizhan 驿站 is ready.",
        "",
        f"  HTTP functions   {url}IntlSend.aspx   {url}GetBalance.aspx",
        f"  Web service      {url}LinkWS.asmx   (?wsdl)",
        *(
            [f"  Console          {console_url}/   (the simulator's phones: {console_url}/phones)"]
            if console_url
            else []
        ),
        "",
    ]
    if demo:
        lines += [
            f"  Demo account     CorpID {CORP_ID}, password {PASSWORD}, {show_credits(CREDIT_MILLI)} credits at first,"
            " callable from this machine only",
            "",
            "  Send a message (GB2312, signature, MD5 of the password; it answers with the submission id):",
            "",
            f"    {_curl(url)}",
            "",
        ]
    else:
        lines += ["  Make an account:", "", f"    {yizhan} account add CORPID --credit 1000{where}", ""]
    lines += [
        f"  Look at the result{' on the phones, or here' if console_url else ''}:",
        "",
        f"    {yizhan} message list{where}",
        f"    {yizhan} message show ID{where}",
        "",
        "  Ctrl+C stops it; what was accepted is kept.",
        "",
    ]
    return "\n".join(lines)


def invitation(url: str, good_s: float) -> str:
    """What is printed while nobody can log in at the console. The link makes an admin: our log never has it, but who
    runs us may keep what we print (docs/security.md).
    """
    return f"  Make the first administrator of the console (once, within {good_s / 60:.0f} minutes):\n\n    {url}\n"


def _curl(url: str) -> str:
    content = quote(_TEXT.encode("gb2312"))
    form = f"CorpID={CORP_ID}&Pwd={md5_of(PASSWORD)}&Mobile={PHONE}&Content={content}&Cell=&SendTime="
    return f"curl -d '{form}' {url}IntlSend.aspx"


def _program() -> str:
    """How to call this program from where the user stands."""
    program = Path(sys.argv[0])
    if program.is_absolute() and program.is_relative_to(Path.cwd()):
        program = program.relative_to(Path.cwd())
    return str(program) if program.name == "yizhan" else "yizhan"
