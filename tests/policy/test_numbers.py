"""Telephone numbers by the contract's rules of form (section 3)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.policy.numbers import BlockedNumbers, parse_numbers, to_e164


@pytest.mark.parametrize(
    ("written", "number"),
    [
        pytest.param("13800000000", "+8613800000000", id="bare mainland"),
        pytest.param("8613800000000", "+8613800000000", id="86 before mainland"),
        pytest.param("013800000000", "+8613800000000", id="0 before mainland"),
        pytest.param("+8613800000000", "+8613800000000", id="+86 before mainland"),
        pytest.param("008613800000000", "+8613800000000", id="0086 before mainland"),
        pytest.param("19912345678", "+8619912345678", id="the highest mainland range"),
        pytest.param("13812345678", "+8613812345678", id="11 digits with 1 are never North American"),
        pytest.param("+13812345678", "+13812345678", id="+1 is North America"),
        pytest.param("0013812345678", "+13812345678", id="001 is North America"),
        pytest.param("12125550123", "+12125550123", id="1 and a second digit below 3 is international"),
        pytest.param("85000000000", "+85000000000", id="the known IntlSend client's own test number"),
        pytest.param("85291234567", "+85291234567", id="country code without plus"),
        pytest.param("+85291234567", "+85291234567", id="with plus"),
        pytest.param("0085291234567", "+85291234567", id="with 00"),
        pytest.param("+8675512345678", "+8675512345678", id="86 with a landline is international as written"),
        pytest.param("1234567", "+1234567", id="7 digits, the shortest"),
        pytest.param("123456789012345", "+123456789012345", id="15 digits, the longest"),
        pytest.param("00123456789012345", "+123456789012345", id="00 does not count to the 15"),
        pytest.param("123456", None, id="6 digits"),
        pytest.param("1234567890123456", None, id="16 digits"),
        pytest.param("0212345678", None, id="first digit 0"),
        pytest.param("+013800000000", None, id="0 behind the plus"),
        pytest.param("00013800000000", None, id="three zeros"),
        pytest.param("08613800000000", None, id="0 before 86"),
        pytest.param("++8613800000000", None, id="two plus signs"),
        pytest.param("138-0000-0000", None, id="hyphens"),
        pytest.param("138000O0000", None, id="a letter"),
        pytest.param("١٣٨٠٠٠٠٠٠٠٠", None, id="Arabic digits"),
        pytest.param("１３８００００００００", None, id="full-width digits"),
        pytest.param("13800000000\n", None, id="a line end"),
        pytest.param("", None, id="empty"),
        pytest.param("+", None, id="plus alone"),
        pytest.param("00", None, id="00 alone"),
    ],
)
def test_form(written: str, number: str | None) -> None:
    assert to_e164(written) == number


@given(st.text("+0123456789", max_size=20))
def test_what_is_e164_stays_so(written: str) -> None:
    number = to_e164(written)
    if number is not None:
        assert number[0] == "+" and number[1] in "123456789" and 7 <= len(number) - 1 <= 15
        assert to_e164(number) == number
        assert to_e164("00" + number[1:]) == number


A, B = "+8613800000000", "+85291234567"


@pytest.mark.parametrize(
    ("mobile", "valid", "invalid"),
    [
        pytest.param("13800000000", {A: "13800000000"}, (), id="one"),
        pytest.param("13800000000,85291234567", {A: "13800000000", B: "85291234567"}, (), id="comma"),
        pytest.param("13800000000，85291234567", {A: "13800000000", B: "85291234567"}, (), id="full-width comma"),
        pytest.param("13800000000;85291234567", {A: "13800000000", B: "85291234567"}, (), id="semicolon"),
        pytest.param("13800000000；85291234567", {A: "13800000000", B: "85291234567"}, (), id="full-width semicolon"),
        pytest.param(" 13800000000\r\n,\t85291234567 ", {A: "13800000000", B: "85291234567"}, (), id="white space"),
        pytest.param(",,13800000000, ,", {A: "13800000000"}, (), id="empty items"),
        pytest.param("138 0000 0000", {A: "138 0000 0000"}, (), id="space inside stays in the spelling"),
        pytest.param("+8613800000000,13800000000", {A: "+8613800000000"}, (), id="duplicate keeps the first spelling"),
        pytest.param("13800000000,+8613800000000", {A: "13800000000"}, (), id="duplicate, the other way round"),
        pytest.param("12,13800000000,ab,12", {A: "13800000000"}, ("12", "ab"), id="invalid ones once, in order"),
        pytest.param("x" * 100, {}, ("x" * 64,), id="an invalid one is kept cut"),
        pytest.param("", {}, (), id="empty"),
        pytest.param(" , ", {}, (), id="nothing but separators"),
    ],
)
def test_list(mobile: str, valid: dict[str, str], invalid: tuple[str, ...]) -> None:
    found = parse_numbers(mobile, limit=10)
    assert (dict(found.valid), found.invalid, found.too_many) == (valid, invalid, False)
    assert list(found.valid) == list(valid)


@pytest.mark.parametrize(("count", "too_many"), [(9, False), (10, False), (11, True)])
def test_limit_counts_what_was_written(count: int, too_many: bool) -> None:
    assert parse_numbers(",".join(["13800000000"] * count), limit=10).too_many is too_many


# Distinct ones, repeated ones, and every way to be no mainland number that is one character away.
SOME_NUMBERS = st.sampled_from(
    ["13800000000", "13800000001", "19999999999", "12800000000", "1380000000", "138000000000"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(SOME_NUMBERS, max_size=12), st.integers(1, 8))
def test_a_list_with_commas_reads_as_one_with_semicolons(numbers: list[str], limit: int) -> None:
    """The first has a short way of its own when it holds nothing but mainland numbers."""
    short, long = (parse_numbers(separator.join(numbers), limit) for separator in ",;")
    assert (short, list(short.valid)) == (long, list(long.valid))


def test_empty_items_do_not_count_to_the_limit() -> None:
    assert not parse_numbers("13800000000" + "," * 50, limit=1).too_many


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_list(mobile: str) -> None:
    found = parse_numbers(mobile, limit=5)
    assert len(found.valid) + len(found.invalid) <= 5
    assert all(to_e164(number) == number for number in found.valid)
    assert all(len(written) <= 64 for written in (*found.valid.values(), *found.invalid))


def test_blocked_numbers() -> None:
    blocked = BlockedNumbers(frozenset({A}), {7: frozenset({B})})
    assert blocked.among(1, [A, B]) == {A}
    assert blocked.among(7, [A, B]) == {A, B}
    assert blocked.among(7, ["+8613800000001"]) == set()
