"""Delivery receipts as carriers write them, and the ids in them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.wire.smpp.receipts import (
    IdSpelling,
    SpellingLearner,
    id_key,
    keys_of_answer,
    keys_of_report,
    read_receipt,
)

STANDARD = "id:0123456789 sub:001 dlvrd:001 submit date:2611241530 done date:2611241531 stat:DELIVRD err:000 text:hello"

SHAPES = {
    "by the book": (STANDARD, None, None, ("0123456789", "DELIVRD", "000")),
    "seconds and years": (
        "id:1 sub:001 dlvrd:001 submit date:20261124153000 done date:261124153100 stat:UNDELIV err:027",
        None,
        None,
        ("1", "UNDELIV", "027"),
    ),
    "lower case": ("id:ab-12 stat:delivrd err:0", None, None, ("ab-12", "DELIVRD", "0")),
    "capitals": ("ID:7 STAT:EXPIRED ERR:1 TEXT:", None, None, ("7", "EXPIRED", "1")),
    "another order": ("stat:REJECTD err:5 id:99", None, None, ("99", "REJECTD", "5")),
    "spaces": ("id: 42  stat: DELIVRD  err: 000", None, None, ("42", "DELIVRD", "000")),
    "quotes": ('id:"42" stat:DELIVRD', None, None, ("42", "DELIVRD", "")),
    "a text that speaks of a state": (
        "id:1 stat:UNDELIV err:001 text:stat:DELIVRD id:2",
        None,
        None,
        ("1", "UNDELIV", "001"),
    ),
    "no id": ("sub:001 dlvrd:001 stat:DELIVRD err:000", None, None, ("", "DELIVRD", "000")),
    "spelled out": ("id:1 stat:DELIVERED", None, None, ("1", "DELIVRD", "")),
    "a number for the state": ("id:1 stat:5", None, None, ("1", "UNDELIV", "")),
    "a vendor's word": ("id:1 stat:MA:0053", None, None, ("1", "MA:0053", "")),
    "only TLVs": ("", "77", 2, ("77", "DELIVRD", "")),
    "the id in its TLV": ("stat:DELIVRD", "77", None, ("77", "DELIVRD", "")),
    "TLVs win": ("id:1 stat:DELIVRD", "2", 5, ("2", "UNDELIV", "")),
    "a state nobody knows": ("id:1 stat:DELIVRD", None, 99, ("1", "DELIVRD", "")),
    "an intermediate state": ("", "7", 1, ("7", "ENROUTE", "")),
    "Chinese behind it": ("id:1 stat:DELIVRD err:000 text:您好【驿站】", None, None, ("1", "DELIVRD", "000")),
}


@pytest.mark.parametrize(("text", "tlv_id", "state", "told"), SHAPES.values(), ids=SHAPES.keys())
def test_shapes(text: str, tlv_id: str | None, state: int | None, told: tuple[str, str, str]) -> None:
    found = read_receipt(text, tlv_id, state)
    assert found is not None
    assert (found.carrier_id, found.word, found.error) == told


@pytest.mark.parametrize("text", ["", "hello", "ID 17; DELIVRD", "id:5", "退订", "status: fine"])
def test_what_is_no_receipt(text: str) -> None:
    assert read_receipt(text, None, None) is None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.none() | st.text(max_size=80), st.none() | st.integers(0, 255))
def test_anything_is_a_receipt_or_none(text: str, tlv_id: str | None, state: int | None) -> None:
    found = read_receipt(text, tlv_id, state)
    if found is not None:
        assert 1 <= len(found.word) <= 32 and len(found.carrier_id) <= 64
        assert all(character.isascii() and (character.isalnum() or character in ":_-") for character in found.word)


SAME, HEX, DECIMAL = IdSpelling.SAME, IdSpelling.HEX, IdSpelling.DECIMAL


@pytest.mark.parametrize(
    ("answer", "report", "spelling"),
    [
        pytest.param("1000001", "1000001", SAME, id="the same"),
        pytest.param("abc-1", "ABC-1", SAME, id="in another case"),
        pytest.param("1000001", "0001000001", SAME, id="with zeros in front"),
        pytest.param("0000001000001", "1000001", SAME, id="without them"),
        pytest.param("1000001", "F4241", HEX, id="hexadecimal in reports"),
        pytest.param("1000001", "000f4241", HEX, id="and padded"),
        pytest.param("F4241", "1000001", DECIMAL, id="hexadecimal in answers"),
        pytest.param("000f4241", "0001000001", DECIMAL, id="all of it padded"),
    ],
)
def test_spellings(answer: str, report: str, spelling: IdSpelling) -> None:
    every = (SAME, HEX, DECIMAL)
    assert id_key(answer) in keys_of_report(report, every)
    assert id_key(report) in keys_of_answer(answer), "and the other way round, for reports that came first"
    assert keys_of_report(report, (spelling,)) == (id_key(answer),)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64))
def test_any_number_is_found(number: int) -> None:
    every = (SAME, HEX, DECIMAL)
    for answer, report in ((str(number), f"{number:x}"), (f"{number:X}", str(number)), (str(number), f"{number:030d}")):
        assert id_key(answer) in keys_of_report(report, every)
        assert id_key(report) in keys_of_answer(answer)


def test_a_learner_finds_out_and_stays_open() -> None:
    learner = SpellingLearner("auto")
    assert learner.order() == (SAME, HEX, DECIMAL)
    learner.observe("F4241", "1000001")
    assert learner.order()[0] is HEX and set(learner.order()) == {SAME, HEX, DECIMAL}
    learner.observe("nonsense", "1000001")
    assert learner.order()[0] is HEX
    certain = SpellingLearner("decimal")
    certain.observe("7", "7")
    assert certain.order() == (DECIMAL,)


@pytest.mark.parametrize("carrier_id", ["", " ", "0", "00", "驿站", "x" * 100, "-5", "1e5", "0x10"])
def test_odd_ids(carrier_id: str) -> None:
    keys_of_report(carrier_id, (SAME, HEX, DECIMAL))
    keys_of_answer(carrier_id)
    assert id_key("000") == "0" and id_key("") == ""
