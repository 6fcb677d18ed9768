"""SendTime: 14 digits of Beijing time (contract, section 3)."""

from datetime import UTC, datetime

import pytest

from yizhan.policy.send_time import names_no_time, parse_send_time


def utc_ms(*parts: int) -> int:
    """A moment in UTC."""
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("send_time", "moment"),
    [
        pytest.param("20240229080000", utc_ms(2024, 2, 29), id="eight in Beijing is midnight in UTC"),
        pytest.param("20240101000000", utc_ms(2023, 12, 31, 16), id="the day before in UTC"),
        pytest.param("20240229080000.5", utc_ms(2024, 2, 29), id="one digit of a fraction"),
        pytest.param("20240229080000.123", utc_ms(2024, 2, 29), id="three digits of a fraction"),
        pytest.param("19910701120000", utc_ms(1991, 7, 1, 4), id="no daylight saving, ever"),
        pytest.param("20230229080000", None, id="no leap year"),
        pytest.param("20241301000000", None, id="month 13"),
        pytest.param("20240100000000", None, id="day 0"),
        pytest.param("20240101240000", None, id="hour 24"),
        pytest.param("20240101006000", None, id="minute 60"),
        pytest.param("20240101000060", None, id="second 60"),
        pytest.param("00000101000000", None, id="year 0"),
        pytest.param("2024010100000", None, id="13 digits"),
        pytest.param("202401010000000", None, id="15 digits"),
        pytest.param("20240101000000.", None, id="a point and no fraction"),
        pytest.param("20240101000000.1234", None, id="four digits of a fraction"),
        pytest.param("2024-01-01 00:00:00", None, id="punctuation"),
        pytest.param("２０２４０１０１００００００", None, id="full-width digits"),
        pytest.param("20240101000000\n", None, id="a line end"),
        pytest.param("now", None, id="a word"),
        pytest.param("", None, id="empty is no time; names_no_time says so"),
    ],
)
def test_moment(send_time: str, moment: int | None) -> None:
    assert parse_send_time(send_time) == moment


@pytest.mark.parametrize(("send_time", "now"), [("", True), ("*", True), ("**", False), ("20240101000000", False)])
def test_now(send_time: str, now: bool) -> None:
    assert names_no_time(send_time) is now


@pytest.mark.parametrize("send_time", ["00010101000000", "99991231235959"])
def test_the_ends_of_the_calendar(send_time: str) -> None:
    assert parse_send_time(send_time) is not None
