"""Reading SOAP answers: any bytes give an answer or NotSoap, and what was written reads back."""

import contextlib
from xml.sax.saxutils import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.client.soap import NotSoap, SoapAnswer, read_answer, write_request
from yizhan.model.operation import find_operation

INTL_SEND = find_operation("IntlSend")
assert INTL_SEND is not None
PIECES = [b"<IntlSendResult>", b"</IntlSendResult>", b"<faultcode>", b"</faultcode>", b"<s:Fault>", b"</s:Fault>", b"1"]


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(), st.lists(st.sampled_from(PIECES)).map(b"".join)))
def test_garbage_gives_an_answer_or_not_soap(body: bytes) -> None:
    assert INTL_SEND is not None
    with contextlib.suppress(NotSoap):
        assert isinstance(read_answer(INTL_SEND, body), SoapAnswer)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")))
def test_every_text_arrives_as_it_was(text: str) -> None:
    assert INTL_SEND is not None
    written = write_request(INTL_SEND, dict.fromkeys(INTL_SEND.parameters, text)).decode()
    content = written.partition("<Content>")[2].partition("</Content>")[0]
    assert unescape(content) == text


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_carry(character: str) -> None:
    assert INTL_SEND is not None
    with pytest.raises(ValueError, match=r"U\+"):
        write_request(INTL_SEND, dict.fromkeys(INTL_SEND.parameters, character))


def test_a_fault_of_soap_12() -> None:
    assert INTL_SEND is not None
    answer = read_answer(
        INTL_SEND,
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender'
        b'</s:Value></s:Code><s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>',
    )
    assert answer == SoapAnswer(None, "Sender", "no")
