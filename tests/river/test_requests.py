"""What came in, byte by byte: kept with the message, shown to whoever may see it, and no password in it."""

from pathlib import Path
from typing import Any

import pytest

from .program import TEXT, Program, form, running
from .test_console import LISTEN, PASSWORD, Browser, url_of


def request_of(program: Program, submission: int) -> Any:
    return program.api("GET", f"/submissions/{submission}")["request"]


def test_a_call_keeps_its_request(tmp_path: Path) -> None:
    with running(tmp_path / "data", **LISTEN) as program:
        account = program.account("C1")
        body = form(CorpID="C1", Pwd=account.password, Mobile="13800000000", Content=TEXT)
        submission = int(program.post("BatchSend2", body).text)
        kept = request_of(program, submission)
        line, _, rest = kept["text"].partition("\r\n")
        assert line.startswith("POST /")
        assert "Pwd=***" in rest
        assert "secret" not in kept["text"]
        assert kept["charset"] == "gb18030"
        assert kept["kept"] <= kept["size"] + 2  # the stars
        assert "Content=" + body.decode("ascii").partition("Content=")[2] in rest

        program.api("POST", "/people", json={"name": "olga", "role": "operator", "password": PASSWORD})
        with Browser(url_of(program)) as browser:
            browser.log_in("olga")
            page = browser.get(f"/submissions/{submission}").text
            assert "Pwd=***" in page
            assert "gb18030" in page
            assert "secret" not in page

        (stored,) = program.query("SELECT raw FROM requests")
        assert b"secret" not in stored[0]

        sent = program.api("POST", "/messages", json={"account": "C1", "to": ["13800000001"], "text": TEXT})
        kept = request_of(program, sent["submission"])
        assert kept["text"].startswith("POST /")
        assert kept["charset"] == "utf-8"
        assert "authorization" not in kept["text"].lower()


@pytest.mark.parametrize(("most", "kept"), [("0", None), ("60", 60)], ids=["none", "a little"])
def test_as_much_as_is_wanted(tmp_path: Path, most: str, kept: int | None) -> None:
    with running(tmp_path / "data", YIZHAN_SERVER__KEEP_REQUEST_BYTES=most) as program:
        found = request_of(program, program.send(program.account("C1")))
        assert found is None if kept is None else found["kept"] == kept < found["size"]
