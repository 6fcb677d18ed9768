"""What a fetch hands out reaches the caller: every record as a value or as it came, in every charset."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from river.program import running
from yizhan.client import Client, Failure, Reply, Unreadable
from yizhan.client.records import BEIJING, read_failures, read_replies, read_reports

from .foreign import Platform, Say

AT = datetime(2026, 11, 24, 8, 0, 5, tzinfo=BEIJING)
SHOWN = "2026-11-24 08:00:05"
ONE = f"||13800000000#a#{SHOWN}#7"
FIRST = Reply("13800000000", "a", AT, "7")

REPLIES: dict[str, tuple[str, list[Reply | Unreadable]]] = {
    "a short number first": (f"||110#b#{SHOWN}#", [Reply("110", "b", AT, "")]),
    "a short number behind another record": (f"{ONE}||110#b#{SHOWN}#8", [FIRST, Reply("110", "b", AT, "8")]),
    "a masked number": (f"{ONE}||138****0000#b#{SHOWN}#8", [FIRST, Reply("138****0000", "b", AT, "8")]),
    "no number": (f"{ONE}||#b#{SHOWN}#8", [FIRST, Reply("", "b", AT, "8")]),
    "no mark before the first": (ONE.removeprefix("||") + ONE, [FIRST, FIRST]),
    "a mark behind the last": (f"{ONE}||", [FIRST]),
    "lines between records": (f"{ONE}\r\n{ONE}\r\n", [FIRST, FIRST]),
    "marks at both ends of a text": (f"||110#||x||#{SHOWN}#7{ONE}", [Reply("110", "||x||", AT, "7"), FIRST]),
    "three marks in a text": (f"||110#x|||y#{SHOWN}#7", [Reply("110", "x|||y", AT, "7")]),
    "a time in a text": (f"||110#at #{SHOWN}#, ok#{SHOWN}#7", [Reply("110", f"at #{SHOWN}#, ok", AT, "7")]),
    "an unreadable one between two": (f"{ONE}||110#b#now#8{ONE}", [FIRST, Unreadable("110#b#now#8"), FIRST]),
    "a mark too many": (f"{ONE}|||110#b#{SHOWN}#8", [FIRST, Unreadable(f"|110#b#{SHOWN}#8")]),
}


@pytest.mark.parametrize(("text", "records"), REPLIES.values(), ids=REPLIES.keys())
def test_replies_of_other_platforms(text: str, records: list[Reply | Unreadable]) -> None:
    assert read_replies(text) == records


def test_failures_are_cut_alike() -> None:
    text = f"||110#UNDELIV#{SHOWN}#||13800000000#MK:0001#{SHOWN}#7||13800000000#a#b#{SHOWN}#7"
    broken = Unreadable(f"13800000000#a#b#{SHOWN}#7")
    assert read_failures(text) == [
        Failure("110", "UNDELIV", AT, ""),
        Failure("13800000000", "MK:0001", AT, "7"),
        broken,
    ]


@pytest.mark.parametrize(
    "words", ["全部正确提交,无错误返回报告", "全部正确提交，无错误返回报告。", " 全部正确提交,无错误返回报告\n"]
)
def test_the_words_for_no_failures(words: str) -> None:
    assert read_failures(words) == []


@pytest.mark.parametrize("id", ["", "-5", "+5", "1_0", "٥", "1e3", "100000000x"])
def test_an_id_is_digits(id: str) -> None:
    record = f"{id}$$$$$13800000000$$$$${SHOWN}$$$$$1$$$$$DELIVRD$$$$${SHOWN}"
    assert read_reports(f"{record}|||") == [Unreadable(record)]


# Texts may hold the marks, but no digits: so none is a number or a time that ends a record.
texts = st.text(st.characters(exclude_categories=["Cs", "Nd"])) | st.text("#|a ")
replies = st.builds(
    Reply,
    st.from_regex(r"[0-9]{3,15}", fullmatch=True),
    texts,
    st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, BEIJING)),
    st.from_regex(r"[0-9]{0,12}", fullmatch=True),
)


@given(st.lists(replies))
def test_every_record_is_read_as_it_was_written(records: list[Reply]) -> None:
    written = "".join(f"||{one.number}#{one.text}#{one.at:%Y-%m-%d %H:%M:%S}#{one.cell}" for one in records)
    assert read_replies(written) == records


@given(
    st.lists(st.sampled_from(["||", "|", "#", "13800000000", "110", "a", SHOWN, "7", "1", "$$$$$", "|||"])).map("".join)
)
def test_no_character_of_an_answer_is_dropped(text: str) -> None:
    """But the marks between records: whatever is made of an answer still holds its letters and digits."""

    def essence(written: str) -> str:
        return written.translate(dict.fromkeys(map(ord, "|#$ ")))

    def spell(record: Any) -> str:
        if isinstance(record, Unreadable):
            return record.raw
        at = f"{record.at:%Y-%m-%d %H:%M:%S}"
        return f"{record.number}{record.text}{at}{record.cell}"

    assert essence("".join(spell(record) for record in read_replies(text))) == essence(text)


UTF8 = "收到€镕".encode()
CHARSETS: dict[str, tuple[str | None, bytes, str]] = {
    "code page 936 and its euro": ("gb2312", "收到".encode("gbk") + b"\x80", "收到€"),
    "GB18030": ("GB18030", "收到€镕😀".encode("gb18030"), "收到€镕😀"),
    "in quotes": ('"gbk"', "收到".encode("gbk"), "收到"),
    "UTF-8": ("utf-8", UTF8, "收到€镕"),
    "UTF-8 in name only": ("utf-8", "收到".encode("gbk"), "收到"),
    "none, UTF-8": (None, UTF8, "收到€镕"),
    "none, GBK": (None, "收到".encode("gbk") + b"\x80", "收到€"),
    "Latin-1 in name only": ("iso-8859-1", "收到".encode("gbk"), "收到"),
    "a name that nobody knows": ("x-none", "收到".encode("gbk"), "收到"),
    "Big5": ("big5", "收到".encode("big5"), "收到"),
    "a broken byte": ("gb2312", "收到".encode("gbk") + b"\xff", "收到\ufffd"),
}


@pytest.mark.parametrize(("charset", "written", "text"), CHARSETS.values(), ids=CHARSETS.keys())
def test_the_charset_of_an_answer(platform: Platform, charset: str | None, written: bytes, text: str) -> None:
    headers = () if charset is None else (("Content-Type", f"text/html; charset={charset}"),)
    platform.will_say(Say(b"||13800000000#" + written + f"#{SHOWN}#7".encode(), headers=headers))
    with Client(platform.url, "acme", "secret") as client:
        assert client.replies() == [Reply("13800000000", text, AT, "7")]


def test_what_handsets_write_arrives_from_the_gateway(tmp_path: Path) -> None:
    """Over HTTP in code page 936, where the euro sign is one byte; what it lacks arrives by SOAP and UTF-8."""
    with running(tmp_path / "data", YIZHAN_POLICY__QUERY_INTERVAL_S="0") as gateway:
        customer = gateway.account("euro", extension="94")
        for soap, written, read in ((False, "5€镕—·", "5€镕—·"), (False, "好😀", "好?"), (True, "好😀€", "好😀€")):
            reply = {"number": "13800000000", "to": "1069000094", "text": written}
            gateway.api("POST", "/simulator/replies", json=reply)
            with Client(gateway.url, customer.corp_id, customer.password, soap=soap) as client:
                (found,) = client.replies()
            assert isinstance(found, Reply)
            assert found.text == read
