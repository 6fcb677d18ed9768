"""The JSON of BatchContentSms (contract, section 4)."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.wire.content_sms import Item, read_items, write_results

EMPTY = {"content": "", "mobile": "", "cell": "", "sendtime": ""}
READABLE = {
    "the contract's own": (
        '[{"ID":"72687813","Content":"..","Mobile":"a,b","Cell":"","SendTime":""}]',
        Item("72687813", {"content": "..", "mobile": "a,b", "cell": "", "sendtime": ""}),
    ),
    "numbers for text": (
        '[{"ID":7,"Mobile":13800000000,"Content":1.5}]',
        Item("7", {**EMPTY, "mobile": "13800000000", "content": "1.5"}),
    ),
    "names in any case": (
        '[{"id":"1","MOBILE":"2","content":"3"}]',
        Item("1", {**EMPTY, "mobile": "2", "content": "3"}),
    ),
    "null and missing": ('[{"ID":null,"Cell":null}]', Item("", EMPTY)),
    "unknown members": ('[{"ID":"1","Other":"x"}]', Item("1", EMPTY)),
    "a pair of surrogates": (r'[{"Content":"\ud83d\ude00"}]', Item("", {**EMPTY, "content": "😀"})),
    "a lone surrogate": (r'[{"Content":"\ud83d"}]', Item("", {**EMPTY, "content": "\ufffd"})),
}
UNREADABLE = {
    "empty": "",
    "no JSON": "[{",
    "no list": '{"ID":"1"}',
    "an empty list": "[]",
    "a list of texts": '["1"]',
    "a list in a member": '[{"Mobile":["1","2"]}]',
    "an object in a member": '[{"Content":{}}]',
    "true": '[{"Content":true}]',
    "one bad among good": '[{"ID":"1"},5]',
    "too many": json.dumps([{"ID": str(n)} for n in range(11)]),
    "very deep": "[" * 100_000,
    "a huge number": '[{"ID":' + "9" * 10_000 + "}]",
}


@pytest.mark.parametrize(("text", "item"), READABLE.values(), ids=READABLE.keys())
def test_readable(text: str, item: Item) -> None:
    assert read_items(text, 10) == [item]


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable(text: str) -> None:
    assert read_items(text, 10) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text("-0123456789", min_size=1)), min_size=1, max_size=10))
def test_results_keep_order_and_names(results: list[tuple[str, str]]) -> None:
    text = write_results(results)
    assert [(row["ID"], row["Result"]) for row in json.loads(text)] == results


def test_the_contracts_own_answer() -> None:
    assert (
        write_results([("72687813", "-9"), ("72687814", "72603381")])
        == '[{"ID":"72687813","Result":"-9"},{"ID":"72687814","Result":"72603381"}]'
    )


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_gives_items_or_none(text: str) -> None:
    for item in read_items(text, 10) or []:
        assert all(value.encode() is not None for value in item.values.values())
