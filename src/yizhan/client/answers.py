"""Reading what a platform answered: one number, or the reason why it is none (contract, sections 6 and 7)."""

import re

from yizhan.client.errors import NotLinkWS
from yizhan.client.soap import NotSoap, read_answer
from yizhan.client.transport import Reply
from yizhan.model.operation import Operation
from yizhan.wire.charset import Charset, decode, find_charset

_NUMBER = re.compile(r"-?[0-9]{1,10}")
_CODE = re.compile(r"-[0-9]{1,3}")
_OURS_TO_MEND = {"Client", "Sender", "VersionMismatch", "MustUnderstand"}  # faults of a call that was not taken


def read_bare(reply: Reply) -> int:
    """The number that an ``.aspx`` address answers; white space and a BOM around it are forgiven. NotLinkWS else."""
    if reply.status != 200:
        raise strange(reply)
    return _number(reply.body.decode("utf-8-sig", "replace"), reply)


def read_bare_text(reply: Reply) -> str:
    """The text that an ``.aspx`` address answers, in the charset that it names; else what the bytes look like.

    A byte that cannot be read becomes U+FFFD: the rest must still reach the caller, since it is handed out only once.
    """
    if reply.status != 200:
        raise strange(reply)
    charset = find_charset(reply.charset)
    if charset is None or charset is Charset.LATIN_1:  # some servers name Latin-1 without meaning it
        charset = Charset.DETECT
    return decode(reply.body, charset).removeprefix("\ufeff")


def read_soap(operation: Operation, reply: Reply) -> int:
    """The number in a SOAP answer to ``operation``. NotLinkWS for a fault and for everything else."""
    return _number(read_soap_text(operation, reply), reply)


def read_soap_text(operation: Operation, reply: Reply) -> str:
    """The text in a SOAP answer, likewise."""
    try:
        answer = read_answer(operation, reply.body)
    except NotSoap as error:
        raise strange(reply, "" if reply.status != 200 else str(error)) from error
    if answer.value is None:
        uncertain = answer.fault_code not in _OURS_TO_MEND
        raise NotLinkWS(f"SOAP fault {answer.fault_code}", answer.fault_reason[:200], uncertain=uncertain)
    if reply.status != 200:
        raise strange(reply)
    return answer.value


def code_in(text: str) -> int | None:
    """The code that a text is, if it is nothing else."""
    return int(text) if _CODE.fullmatch(text.strip()) else None


def strange(reply: Reply, said: str = "") -> NotLinkWS:
    """The error for an answer that is none. A status from 300 to 499 says that the call was not taken."""
    if reply.status != 200:
        said = f"HTTP {reply.status}" + (f" to {reply.location}" if reply.location else "")
    return NotLinkWS(said, reply.excerpt, uncertain=not 300 <= reply.status < 500)


def _number(text: str, reply: Reply) -> int:
    if not _NUMBER.fullmatch(text.strip()):
        raise strange(reply, "no number")
    return int(text)
