"""Files as spreadsheets and people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yizhan.wire.sheet import BadSheet, Line, SheetFault, read_sheet

_CHINESE = "手机号,内容\r\n13800000000,您好\r\n"


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        pytest.param(b"13800000000\n13900000001", [(1, ("13800000000",)), (2, ("13900000001",))], id="numbers alone"),
        pytest.param(b"a,b\r\nc,d\r\n", [(1, ("a", "b")), (2, ("c", "d"))], id="commas, as Windows ends lines"),
        pytest.param(b"a;b,c\nd;e", [(1, ("a", "b,c")), (2, ("d", "e"))], id="semicolons, as in Europe"),
        pytest.param(b"a\tb;c\n", [(1, ("a", "b;c"))], id="tabs"),
        pytest.param(b'"a,b";c\n', [(1, ("a,b", "c"))], id="a comma in quotes divides nothing"),
        pytest.param(b'a,"b\nc"\nd,e\n', [(1, ("a", "b\nc")), (3, ("d", "e"))], id="a cell of two lines"),
        pytest.param(b"\n\na,b\n , \nc,d\n", [(3, ("a", "b")), (5, ("c", "d"))], id="empty rows keep their lines"),
        pytest.param(b"a\rb\r", [(1, ("a",)), (2, ("b",))], id="old Macintosh"),
        pytest.param(_CHINESE.encode(), [(1, ("手机号", "内容")), (2, ("13800000000", "您好"))], id="UTF-8"),
        pytest.param(_CHINESE.encode("utf-8-sig"), [(1, ("手机号", "内容")), (2, ("13800000000", "您好"))], id="BOM"),
        pytest.param(_CHINESE.encode("gb18030"), [(1, ("手机号", "内容")), (2, ("13800000000", "您好"))], id="GB18030"),
        pytest.param("a\t您好\r\n".encode("utf-16"), [(1, ("a", "您好"))], id="Excel's Unicode text"),
    ],
)
def test_what_is_read(data: bytes, lines: list[Line]) -> None:
    assert read_sheet(data, 100) == lines


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param(b"", SheetFault.EMPTY, id="nothing"),
        pytest.param(b" \n,,\n", SheetFault.EMPTY, id="blanks"),
        pytest.param(b"PK\x03\x04rest", SheetFault.WORKBOOK, id="a workbook"),
        pytest.param(b"\xd0\xcf\x11\xe0rest", SheetFault.WORKBOOK, id="an old workbook"),
        pytest.param(b"\xff\xff\xff", SheetFault.CHARSET, id="no text"),
        pytest.param(b"a\x00b", SheetFault.CHARSET, id="a zero byte"),
        pytest.param(b"1\n2\n3\n4\n", SheetFault.TOO_MANY_ROWS, id="one row too many"),
        pytest.param(b"x" * 200_000, SheetFault.MALFORMED, id="an endless cell"),
    ],
)
def test_what_is_not(data: bytes, fault: SheetFault) -> None:
    with pytest.raises(BadSheet) as raised:
        read_sheet(data, 3)
    assert raised.value.fault is fault


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_table_or_a_fault(data: bytes) -> None:
    try:
        lines = read_sheet(data, 10)
    except BadSheet:
        return
    assert 0 < len(lines) <= 10 and all(any(cell.strip() for cell in line.cells) for line in lines)
