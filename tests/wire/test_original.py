"""What is kept of a request: its first bytes, and never a password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yizhan.model.call import Original
from yizhan.wire.charset import Charset
from yizhan.wire.multipart import read_multipart
from yizhan.wire.original import LEFT_OUT, charset_of, keep, show
from yizhan.wire.soap import read_envelope

SECRET = b"h1dden!"
XML = b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>%b</soap:Body></soap:Envelope>'
FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=cut"


def kept(
    query: bytes = b"", body: bytes = b"", content_type: bytes = FORM, most: int = 2_048, *, is_document: bool = False
) -> Original:
    headers = [(b"host", b"a"), (b"authorization", SECRET), (b"content-type", content_type)]
    method = "POST" if body else "GET"
    return keep(method, b"/sdk2/IntlSend.aspx", query, headers, body, is_document=is_document, most=most)


SOAP = {
    "plain": b"<IntlSend><CorpID>demo</CorpID><Pwd>%b</Pwd><Content>hello</Content></IntlSend>",
    "prefixed": b"<x:IntlSend xmlns:x='u'><x:Pwd>%b</x:Pwd><x:Content>hello</x:Content></x:IntlSend>",
    "another letter case, attributes": b"<IntlSend><pWD a='>' b=\"/>\">%b</pWD ><Content>hello</Content></IntlSend>",
    "CDATA": b"<IntlSend><Pwd><![CDATA[%b]]></Pwd><Content>hello</Content></IntlSend>",
    "one in the other": b"<IntlSend><Pwd><Pwd>x</Pwd>%b</Pwd><Content>hello</Content></IntlSend>",
    "twice": b"<IntlSend><Pwd>%b</Pwd><Content>hello</Content><Pwd>%b</Pwd></IntlSend>",
    "empty first": b"<IntlSend><Pwd/><Pwd>%b</Pwd><Content>hello</Content></IntlSend>",
    "elsewhere": b"<IntlSend><Pwd href='#i'/><Content>hello</Content></IntlSend><m id='i'>%b</m>",
}


@pytest.mark.parametrize("call", SOAP.values(), ids=list(SOAP))
@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "utf-16"])
def test_no_password_of_an_envelope(call: bytes, charset: str) -> None:
    body = (XML % call.replace(b"%b", SECRET)).decode().encode(charset)
    content_type = f"text/xml; charset={charset}"
    assert SECRET.decode() in read_envelope(body, content_type, "").values["pwd"]  # it is a call with that password
    for most in (*range(0, 420, 7), 2_048):
        raw = kept(body=body, content_type=content_type.encode(), most=most, is_document=True).raw
        assert SECRET not in raw
        assert SECRET.decode().encode("utf-16-le") not in raw
        assert len(raw) <= most


FORMS = {
    "query": (b"CorpID=a&Pwd=%b&Content=hi", b"", b""),
    "letter case": (b"pWd=%b&Content=hi", b"", b""),
    "escaped name": (b"%%50wd=%b&Content=hi", b"", b""),
    "double question mark": (b"?Pwd=%b&Content=hi", b"", b""),
    "twice": (b"Pwd=%b&Pwd=%b&Content=hi", b"", b""),
    "agent": (b"LoginPwd=%b&Content=hi", b"", b""),
    "form": (b"", b"CorpID=a&Pwd=%b&Content=hi\r\n", FORM),
    "no type": (b"", b"CorpID=a&Pwd=%b&Content=hi", b"text/plain"),
    "both": (b"Pwd=%b", b"Pwd=%b&Content=hi", FORM),
    "multipart": (
        b"",
        b'--cut\r\nContent-Disposition: form-data; name="Pwd"\r\n\r\n%b\r\n--cut\r\n'
        b'Content-Disposition: form-data; name="Content"\r\n\r\nhi\r\n--cut--\r\n',
        MULTIPART,
    ),
    "multipart, lines that look like the boundary": (
        b"",
        b"--cut\nContent-Disposition: form-data; name=pwd\n\n--cutter\n%b --cut\n%b\n--cut--",
        MULTIPART,
    ),
}


@pytest.mark.parametrize(("query", "body", "content_type"), FORMS.values(), ids=list(FORMS))
def test_no_password_of_a_form(query: bytes, body: bytes, content_type: bytes) -> None:
    query, body = query.replace(b"%b", SECRET).replace(b"%%", b"%"), body.replace(b"%b", SECRET)
    for most in (*range(0, 300, 7), 2_048):
        original = kept(query, body, content_type, most)
        assert SECRET not in original.raw
        assert len(original.raw) <= most
    if b"hi" in query + body:
        assert b"hi" in original.raw


@given(st.binary(max_size=300), st.sampled_from([FORM, MULTIPART, b"text/xml", b""]))
def test_any_bytes_are_kept_or_left_out_and_told(body: bytes, content_type: bytes) -> None:
    for is_document in (True, False):
        original = kept(body=body, content_type=content_type, is_document=is_document)
        show(original).encode("ascii")
        charset_of(original)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_no_multipart_password_whatever_stands_before_it(before: bytes, after: bytes) -> None:
    head = b'--cut\r\nContent-Disposition: form-data; name="Pwd"\r\n\r\n'
    body = before + b"\r\n" + head + SECRET + after
    read = dict(read_multipart(body, MULTIPART.decode(), Charset.DETECT))
    if SECRET.decode() in read.get("pwd", ""):
        assert SECRET not in kept(body=body, content_type=MULTIPART).raw


def test_what_is_kept_is_what_came() -> None:
    original = kept(b"CorpID=a&Pwd=x&Content=%C4%E3\xba\xc3 1")
    line = b"GET /sdk2/IntlSend.aspx?CorpID=a&Pwd=***&Content=%C4%E3\xba\xc3 1\r\n"
    assert original.raw == line + b"content-type: " + FORM + b"\r\n"
    assert original.size == len(original.raw) - 2  # "x" was shorter than the stars
    assert show(original).startswith(r"GET /sdk2/IntlSend.aspx?CorpID=a&Pwd=***&Content=%C4%E3\xBA\xC3 1")


CHARSETS = {
    "GB2312, escaped": (kept(b"Content=%C4%E3%BA%C3"), "gb18030"),
    "GB2312, raw": (kept(b"Content=\xc4\xe3\xba\xc3"), "gb18030"),
    "UTF-8, not said": (kept(b"Content=%E4%BD%A0%E5%A5%BD"), "utf-8"),
    "ASCII": (kept(b"Content=hello"), None),
    "in a form": (kept(body=b"CorpID=a&Content=%C4%E3"), "gb18030"),
    "said": (kept(body=b"Content=%A7%41", content_type=FORM + b"; charset=big5"), "big5hkscs"),
    "prolog": (kept(body=b'<?xml version="1.0" encoding="gb2312"?><a/>', content_type=b"text/xml"), "gb18030"),
    "envelope": (kept(body=b"<a/>", content_type=b"text/xml"), "utf-8"),
    "JSON": (kept(body=b'{"text": "x"}', content_type=b"application/json"), "utf-8"),
    "path": (keep("GET", b"/utf8/Send.aspx", b"Content=%E4%BD%A0", [], b"", is_document=False, most=999), "utf-8"),
}


@pytest.mark.parametrize(("original", "charset"), CHARSETS.values(), ids=list(CHARSETS))
def test_the_charset_is_told(original: Original, charset: str | None) -> None:
    assert charset_of(original) == charset


def test_an_envelope_that_cannot_be_searched_is_left_out() -> None:
    assert kept(body="<a/>".encode("utf-16"), content_type=b"text/xml", is_document=True).raw.endswith(LEFT_OUT)


def test_a_body_is_searched_as_it_is_read_whatever_it_looks_like() -> None:
    envelope = XML % b"<IntlSend><Pwd>%b</Pwd></IntlSend>" % SECRET
    for body in (envelope, envelope.decode().encode("utf-16")):
        for content_type in (FORM, MULTIPART, b""):
            assert read_envelope(body, content_type.decode(), "").values["pwd"] == SECRET.decode()
            raw = kept(body=body, content_type=content_type, is_document=True).raw
            assert SECRET not in raw.replace(b"\0", b"")
    assert SECRET not in kept(body=b"<a>&Pwd=" + SECRET, content_type=b"text/xml").raw


def test_the_first_content_type_counts_and_all_of_it() -> None:
    part = b'--cut\r\nContent-Disposition: form-data; name="Pwd"\r\n\r\n' + SECRET + b"\r\n--cut--"
    long = b"multipart/form-data; x=%b; boundary=cut" % (b"y" * 300)
    for types in ([MULTIPART, FORM], [long]):
        headers = [(b"content-type", one) for one in types]
        raw = keep("POST", b"/Send.aspx", b"", headers, part, is_document=False, most=2_048).raw
        assert raw.endswith(b"***\r\n--cut--")
