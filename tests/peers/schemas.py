"""The served WSDL and real answers, held against schemas that lie on this machine; nothing is fetched.

xmlschema brings those of WSDL 1.1 and of its SOAP binding; the two small ones of the HTTP and MIME bindings lie beside.
"""

from pathlib import Path

from xmlschema import XMLSchema10
from xmlschema.extras.wsdl import Wsdl11Document
from xmlschema.locations import SCHEMAS_DIR

_WSDL_FOLDER = SCHEMAS_DIR.joinpath("WSDL")
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_BINDINGS = tuple(f"{{{_WSDL}{binding}/}}" for binding in ("soap", "soap12", "http", "mime"))
# What xmlschema says of a binding that is not one of SOAP 1.1; it knows no others.
_NOT_SOAP11 = "missing soap:binding element"
_TYPES = f"{{{_WSDL}}}types/{{http://www.w3.org/2001/XMLSchema}}schema"


def wsdl_errors(document: str) -> list[str]:
    """What is wrong with a WSDL: by the schemas of WSDL 1.1 and its four bindings, and by where its names point."""
    schema = _wsdl_schema()
    wsdl = Wsdl11Document(_undeclared(document), schema=schema, validation="lax", allow="local")  # type: ignore[no-untyped-call]
    errors = [str(error) for error in wsdl.errors if _NOT_SOAP11 not in str(error)]
    # WSDL's own schema lets any element of another namespace pass; here it must be one that the binding has.
    tags = [element.tag for element in wsdl.root.iter() if element.tag.startswith(_BINDINGS)]
    return errors + [f"no such element: {tag}" for tag in tags if tag not in schema.maps.elements]


def answer_schema(document: str) -> XMLSchema10:
    """The schema inside a WSDL, for the body elements of its messages."""
    wsdl = Wsdl11Document(_undeclared(document), validation="lax", allow="local")  # type: ignore[no-untyped-call]
    types = wsdl.root.find(_TYPES)
    assert types is not None
    return XMLSchema10(wsdl.subresource(types), allow="local")


def _wsdl_schema() -> XMLSchema10:
    schema = XMLSchema10(str(_WSDL_FOLDER / "wsdl.xsd"), allow="local", build=False)
    soap = (_WSDL_FOLDER / "wsdl-soap.xsd").read_text(encoding="utf-8")
    schema.add_schema(soap)
    # The SOAP 1.2 binding has the elements of the 1.1 one in a namespace of its own (W3C member submission of 2006).
    schema.add_schema(soap.replace(f'"{_WSDL}soap/"', f'"{_WSDL}soap12/"'))
    for binding in ("http", "mime"):
        schema.add_schema(str(Path(__file__).with_name(f"wsdl-{binding}.xsd")))
    schema.build()
    return schema


def _undeclared(document: str) -> str:
    """Without the XML declaration, which text that is decoded cannot have."""
    return document.partition("?>")[2]
