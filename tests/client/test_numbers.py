"""Lists of numbers as people keep them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yizhan.client.numbers import NumbersMistake, decode_list, distinct, read_numbers


@pytest.mark.parametrize(
    "text, numbers",
    [
        pytest.param("13800000000\r\n13900000000\n", ["13800000000", "13900000000"], id="one a line"),
        pytest.param("1380000,1390000;1370000，1360000；1350000", [f"13{n}0000" for n in "89765"], id="separators"),
        pytest.param("# customers, 2030\n1380000 # Li\n\n#1390000", ["1380000"], id="remarks"),
        pytest.param(" +86 138-0000-0000 ,(852) 1234 5678", ["+8613800000000", "85212345678"], id="as people write"),
        pytest.param("", [], id="nothing"),
        pytest.param(",;\n,", [], id="only separators"),
    ],
)
def test_read_numbers(text: str, numbers: list[str]) -> None:
    assert read_numbers(text) == numbers


@pytest.mark.parametrize(
    "text, line",
    [
        pytest.param("1380000\nname,phone", 2, id="a heading"),
        pytest.param("１３８０００００", 1, id="full-width digits"),
        pytest.param("13800000000 13900000000", 1, id="no separator"),
        pytest.param("1234", 1, id="too short"),
        pytest.param("1+38000", 1, id="plus inside"),
    ],
)
def test_what_is_no_number_is_found_before_anything_is_sent(text: str, line: int) -> None:
    with pytest.raises(NumbersMistake, match=f"^line {line}: "):
        read_numbers(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_files_of_every_editor(encoding: str) -> None:
    assert read_numbers(decode_list("13800000000 # 客户\n".encode(encoding))) == ["13800000000"]


def test_one_spelling_of_every_number_is_kept() -> None:
    """Order and first spelling stay; +1 380... is North America, 1380... without a plus is mainland."""
    numbers = ["13800000000", "+8613800000000", "008613800000000", "8613800000000", "013800000000"]
    numbers += ["+13800000000", "0013800000000", "85212345678", "+85212345678", "0085212345678", "13900000000"]
    assert distinct(numbers) == ["13800000000", "+13800000000", "85212345678", "13900000000"]


@given(st.lists(st.from_regex(r"\+?[0-9]{5,20}", fullmatch=True)))
def test_distinct_is_a_sublist_and_changes_nothing_twice(numbers: list[str]) -> None:
    once = distinct(numbers)
    assert distinct(once) == once
    rest = iter(numbers)
    assert all(number in rest for number in once)
    assert read_numbers(",".join(numbers)) == numbers
