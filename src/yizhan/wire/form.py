"""The parameters of an ``.aspx`` call or of an asmx GET/POST call, as the client meant them (contract, sections 2, 3).

Queries and urlencoded bodies are cut at ``&`` and ``=`` while they are still bytes: no second byte of a GB18030
character is one of these, so the cut never goes through a character.
"""

from collections.abc import Iterable, Iterator

from yizhan.model.operation import FAMILY
from yizhan.wire.charset import Charset, choose_charset
from yizhan.wire.escapes import undouble, unescape
from yizhan.wire.media import is_multipart, parameter
from yizhan.wire.multipart import read_multipart

MAX_NAMES = 1_000  # different names of one call; further ones are no parameters of ours
MAX_FIELDS = 65_536  # of one query or body; 1 MiB of ``Mobile=`` items holds hardly more

# The names that we know, as programs write them; another spelling takes the long way to the same.
_NAMES = {
    spelling.encode(): parameter.lower()
    for operation in FAMILY
    for parameter in operation.parameters
    for spelling in (parameter, parameter.lower())
}


def decode_call(*, utf8_path: bool, query: bytes, content_type: str, body: bytes, form_wins: bool) -> dict[str, str]:
    """The merged parameters of a call under lower-case names. Never raises, whatever the bytes are.

    ``query`` is what follows the first ``?`` of the target, as it was sent. Where a name stands in both places the
    query wins, or the form if ``form_wins`` (asmx); an empty value equals a missing one and wins over nothing. A body
    that is not multipart is taken as urlencoded, whatever its type: many programs forget to name it.
    """
    # A Content-Type without a body says nothing; with one, its charset governs the query too.
    charset = choose_charset(parameter(content_type, "charset") if body else "", utf8_path)
    in_query = _gather(_read_urlencoded(query.lstrip(b"?"), charset)) if query else {}
    if not body:
        return in_query
    if is_multipart(content_type):
        in_form = _gather(read_multipart(body, content_type, charset))
    else:
        # A line break behind the last value is the program's println, not part of it.
        in_form = _gather(_read_urlencoded(body.rstrip(b"\r\n"), charset))
    return _merge(in_query, in_form) if form_wins else _merge(in_form, in_query)


def _read_urlencoded(raw: bytes, charset: Charset) -> Iterator[tuple[str, str]]:
    """The fields of a query or a urlencoded body in order, names in lower case; an item without ``=`` names nothing."""
    for item in raw.split(b"&", MAX_FIELDS)[:MAX_FIELDS]:
        raw_name, equals, raw_value = item.partition(b"=")
        if not equals:
            continue
        name = read_name(raw_name, charset)
        value = unescape(raw_value, charset)
        # Only texts were ever seen encoded twice; a password may well look like an escape.
        yield name, undouble(value, charset) if name == "content" and "%" in value else value


def read_name(raw: bytes, charset: Charset) -> str:
    """A field's name, in lower case."""
    return _NAMES.get(raw) or unescape(raw, charset).lower()


def _gather(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One value per lower-case name: a repeated name counts as its values joined with a comma, as in ASP.NET."""
    found: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in fields:
        if name in found:
            repeated.setdefault(name, [found[name]]).append(value)
        elif len(found) < MAX_NAMES:
            found[name] = value
    found.update((name, ",".join(values)) for name, values in repeated.items())
    return found


def _merge(weaker: dict[str, str], stronger: dict[str, str]) -> dict[str, str]:
    """Both, the stronger first; an empty value gives way, for it equals a missing one."""
    if not weaker or not stronger:
        return weaker or stronger
    merged = dict(weaker)
    merged.update((name, value) for name, value in stronger.items() if value or name not in weaker)
    return merged
