"""What a file of numbers and texts means."""

import pytest

from yizhan.model.mailing import Order, Row, Template
from yizhan.policy.mailing import BadTable, TableFault, calls_of, read_table
from yizhan.wire.sheet import read_sheet

_NOW_MS = 1_800_000_000_000


def texts(file: str, text: str = "", send_time: str = "") -> dict[str, str]:
    """What is sent by the file: numbers by text."""
    table = read_table(read_sheet(file.encode(), 100), text)
    order = Order("C1", table.template, "", send_time)
    return {call.value("content"): call.value("mobile") for _, call in calls_of(order, table.rows, _NOW_MS)}


def mistakes(file: str, text: str = "") -> dict[int, str]:
    """Why which line is not sent."""
    rows = read_table(read_sheet(file.encode(), 100), text).rows
    return {row.line: row.mistake for row in rows if row.mistake}


@pytest.mark.parametrize(
    ("file", "text", "sent"),
    [
        pytest.param("13800000000\n13900000001", "Hi", {"Hi": "13800000000,13900000001"}, id="numbers and a text"),
        pytest.param("13800000000,Hi\n13900000001,Ho", "", {"Hi": "13800000000", "Ho": "13900000001"}, id="own texts"),
        pytest.param("手机号,内容\n13800000000,Hi", "", {"Hi": "13800000000"}, id="a header"),
        pytest.param("text,Mobile\nHi,13800000000", "", {"Hi": "13800000000"}, id="columns by their names"),
        pytest.param("who,where\nAda,13800000000", "", {"Ada": "13800000000"}, id="columns by what they hold"),
        pytest.param("mobile,x,text\n13800000000,a,Hi", "", {"Hi": "13800000000"}, id="a text behind others"),
        pytest.param("mobile,name\n13800000000,Ada", "Hi {name}!", {"Hi Ada!": "13800000000"}, id="a template"),
        pytest.param("13800000000,Ada,3", "{2}: {3}, {2}", {"Ada: 3, Ada": "13800000000"}, id="places by number"),
        pytest.param("mobile,name\n13800000000,{x}", "Hi {name}", {"Hi {x}": "13800000000"}, id="braces in a cell"),
        pytest.param("138 0000 0000", "Hi", {"Hi": "13800000000"}, id="blanks in a number"),
        pytest.param("12345,Hi\n13800000000,Hi", "", {"Hi": "13800000000"}, id="a bad number is no header"),
    ],
)
def test_what_is_sent(file: str, text: str, sent: dict[str, str]) -> None:
    assert texts(file, text) == sent


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        pytest.param("13800000000\n12345\n", "Hi", {2: "not_a_number"}, id="no number"),
        pytest.param("13800000000\n1.38E+10\n", "Hi", {2: "shortened"}, id="shortened by a spreadsheet"),
        pytest.param("13800000000,Hi\n13900000001,\n13900000002", "", {2: "no_text", 3: "no_text"}, id="no text"),
        pytest.param("mobile,name\n13800000000, ", "Hi {name}", {2: "no_text"}, id="nothing for a place"),
        pytest.param("13800000000\n+8613800000000", "Hi", {2: "double"}, id="the same in another spelling"),
        pytest.param("13800000000,Hi\n13800000000,Ho\n", "", {}, id="another text to the same number is meant"),
    ],
)
def test_what_is_not_sent(file: str, text: str, why: dict[int, str]) -> None:
    assert mistakes(file, text) == why


@pytest.mark.parametrize(
    ("file", "text", "fault", "column"),
    [
        pytest.param("13800000000\n", "", TableFault.NO_TEXT, "", id="no text anywhere"),
        pytest.param("mobile,name\n13800000000,Ada", "Hi {nome}", TableFault.NO_COLUMN, "nome", id="no such column"),
        pytest.param("mobile,text", "", TableFault.NO_ROWS, "", id="a header alone"),
        pytest.param("13800000000,Ada", "Hi {name}", TableFault.NO_COLUMN, "name", id="names without a header"),
    ],
)
def test_what_does_not_fit(file: str, text: str, fault: TableFault, column: str) -> None:
    with pytest.raises(BadTable) as raised:
        read_table(read_sheet(file.encode(), 100), text)
    assert (raised.value.fault, str(raised.value)) == (fault, column)


@pytest.mark.parametrize(
    ("send_time", "sent_at"),
    [
        pytest.param("", "", id="at once"),
        pytest.param("20300101080000", "20300101080000", id="later"),
        pytest.param("20200101080000", "", id="its time came meanwhile"),
        pytest.param("noon", "noon", id="no time: the rules will say so"),
    ],
)
def test_the_time_of_a_late_piece(send_time: str, sent_at: str) -> None:
    order = Order("C1", Template("Hi", ()), "", send_time)
    ((places, call),) = calls_of(order, [Row(1, "13800000000", ()), Row(2, "x", (), "double")], _NOW_MS)
    assert places == [0] and call.value("sendtime") == sent_at
