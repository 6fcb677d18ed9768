"""What stands at ``LinkWS.asmx`` for people and tools: help, samples, discovery (contract, section 1)."""

from html import escape

from yizhan.model.operation import FAMILY, Operation
from yizhan.wire.samples import Sample, samples_of
from yizhan.wire.wsdl import SERVICE
from yizhan.wire.xml_text import NAMESPACE, PROLOG, escape_attribute, strip_forbidden

# Content-Types of what this module writes.
HTML = "text/html; charset=utf-8"
XML = "text/xml; charset=utf-8"

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f0;padding:1rem;overflow-x:auto}code{font-size:.95em}"
)


def help_page(address: str, family: tuple[Operation, ...] = FAMILY) -> bytes:
    """The page that lists the operations, each with a link to its own page, and the way to the WSDL."""
    items = "".join(
        f'<li><a href="?op={escape(operation.name)}">{escape(operation.name)}</a> '
        f"({escape(', '.join(operation.parameters))})</li>\n"
        for operation in family
    )
    return _page(
        SERVICE,
        f'<p>The Web service at <code>{_text(address)}</code>. For a formal description read the <a href="?wsdl">'
        f"service description</a> (WSDL).</p>\n<p>The following operations are supported.</p>\n<ul>\n{items}</ul>\n",
    )


def operation_page(operation: Operation, address: str) -> bytes:
    """The page of one operation: a request and its answer in each of the four bindings."""
    sections = "".join(_section(sample) for sample in samples_of(operation, address))
    return _page(
        f"{SERVICE}: {operation.name}",
        f'<p>All operations of <a href="?">{SERVICE}</a>. In the samples, words like <code>string</code> stand where a '
        f"value belongs.</p>\n{sections}",
    )


def discovery(address: str) -> bytes:
    """The discovery document: where the WSDL, this page and the two SOAP ports are."""
    place = escape_attribute(address)
    ports = "".join(
        f'  <soap address="{place}" xmlns:q{number}="{NAMESPACE}" binding="q{number}:{SERVICE}{port}"'
        ' xmlns="http://schemas.xmlsoap.org/disco/soap/" />\n'
        for number, port in ((1, "Soap"), (2, "Soap12"))
    )
    return (
        f'{PROLOG}\n<discovery xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.xmlsoap.org/disco/">\n'
        f'  <contractRef ref="{place}?wsdl" docRef="{place}" xmlns="http://schemas.xmlsoap.org/disco/scl/" />\n'
        f"{ports}</discovery>"
    ).encode()


def _section(sample: Sample) -> str:
    return f"<h2>{_text(sample.title)}</h2>\n<pre>{_text(sample.request)}</pre>\n<pre>{_text(sample.answer)}</pre>\n"


def _page(title: str, content: str) -> bytes:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{_text(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{_text(title)}</h1>\n{content}</body>\n</html>\n"
    ).encode()


def _text(text: str) -> str:
    return escape(strip_forbidden(text))
