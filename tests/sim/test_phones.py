"""The table of phones: which lie on it, in which order, and what they show."""

from yizhan.kit.clock import SystemClock
from yizhan.model.views import PhoneMessage, PhoneNote
from yizhan.sim.phones import Phones


def number(last: int) -> str:
    """A phone."""
    return f"+861380000{last:04}"


def test_phones_keep_their_places() -> None:
    phones = Phones(SystemClock())
    for last in (2, 1, 2):
        phones.receive(number(last), "1069", "hello", 1, 7)
    assert [phone.number for phone in phones.table()] == [number(2), number(1)]


def test_the_one_that_was_used_longest_ago_goes() -> None:
    phones = Phones(SystemClock())
    for last in range(12):
        phones.receive(number(last), "1069", "hello", 1, 7)
    phones.write(number(0), "1069", "yes")
    phones.lay_out(number(99))
    assert [phone.number for phone in phones.table()] == [number(0), *map(number, range(2, 12)), number(99)]


def test_what_a_phone_shows() -> None:
    phones = Phones(SystemClock())
    phones.lay_out(number(0))
    assert [(phone.number, phone.lines) for phone in phones.table()] == [(number(0), [])]
    phones.receive(number(0), "1069", "code 1234", 1, 7)
    phones.write(number(0), "1069", "thanks")
    phones.miss(number(0), "1069", "EXPIRED", 8)
    (phone,) = phones.table()
    arrived, wrote, missed = phone.lines
    assert isinstance(arrived, PhoneMessage)
    assert (arrived.code, arrived.message) == ("1234", 7)
    assert isinstance(wrote, PhoneNote)
    assert (wrote.other, wrote.text, wrote.word, wrote.message) == ("1069", "thanks", "", None)
    assert isinstance(missed, PhoneNote)
    assert (missed.text, missed.word, missed.message) == ("", "EXPIRED", 8)
    assert phone.since < arrived.id < wrote.id < missed.id == phones.last
    assert list(phones.newest(None, 10)) == [arrived]
