"""Text on its way into an XML or HTML document."""

import re

NAMESPACE = "http://tempuri.org/"
PROLOG = '<?xml version="1.0" encoding="utf-8"?>'

# What is no character of XML 1.0 (section 2.2), lone surrogates included.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A carriage return would come back as a line feed, so it travels as a reference, as .NET writes it.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})


def strip_forbidden(text: str) -> str:
    """``text`` without the characters that no XML document may hold."""
    return _FORBIDDEN.sub("", text)


def escape(text: str) -> str:
    """``text`` as character data, without the characters that no XML document may hold."""
    return strip_forbidden(text).translate(_ESCAPES)


def escape_attribute(text: str) -> str:
    """``text`` as the value of a double-quoted attribute, likewise."""
    return escape(text).replace('"', "&quot;")
