"""What the gateway says to people who typed something or look on: English that the console tells in their language.

A member's value is the sentence with places for what it is about; ``console.words.sentences`` has the other language.
"""

from collections.abc import Iterable
from enum import Enum


class Sentence(Enum):
    """All of them."""

    AND = "{one}; {other}"

    # How a channel stands, and the steps of its test.
    NOT_CONNECTED = "not connected yet"
    CANNOT_CONNECT = "cannot connect: {error}"
    NO_CONNECTION = "no connection within {seconds} s"
    NO_VARIABLE = "the gateway's environment has no {name}"
    BIND_REFUSED = "the carrier refuses the bind: {status}"
    CONNECTION_LOST = "connection lost: {error}"
    CONNECTION_CLOSED = "the carrier closed the connection"
    UNBOUND = "unbound"
    BROKEN = "broken, and will be made anew: {error}"
    NOT_MADE = "cannot be made: {error}"
    AT_NODE = "at {node}"
    JUST_A_MOMENT = "just a moment"
    NO_NODE = "no node runs"
    ANSWERS = "{remote} answers"
    NO_ANSWER = "no answer"
    LET_IN = "{who} is let in at {remote}"
    LET_IN_TLS = "{who} is let in at {remote} over TLS"
    GOOD_BYE = "the carrier said good-bye"
    NOT_AT_WORK = "is not at work"
    BUILT_IN = "built in: always there"

    # A key of a channel, or of the configuration.
    KEY = "{key}: {words}"
    MUST_BE = "must be {allowed}"
    NOT_GIVEN = "{words}, not {given}"
    IN_JSON = "{words} in JSON"
    MISSING = "is missing, must be {allowed}"
    DECIMALS = "must have at most {most} decimals"
    WHOLE_NUMBER = "a whole number"
    NUMBER = "a number"
    LIST = "a list"
    TABLE = "a table"
    FILE = "the path of a file"
    TEXT = "text"
    ONE_OF = "one of {words}"
    MATCHES = "{kind} that matches {pattern}"
    BETWEEN = "{kind} from {least} to {most}"
    ABOVE = "{kind} above {least}, at most {most}"
    AT_LEAST = "{kind} of at least {least}"
    STRAY_KEYS = '{keys}: only with kind = "{other}", and this is a {kind}'
    NEEDS_HOST = 'a channel of kind "smpp" needs host and system_id'
    NODES_OVER_BINDS = "nodes: each needs a bind, and there are {binds} (binds)"
    ONE_OF_THEM = "{keys}: one of them"
    TLS_PAIR = "tls_cert and tls_key: both or neither"

    # Why a wish is refused.
    CHANNEL_NAMED = "rule {rules} names the channel {name}: remove or change that first"
    CHANNEL_BUILT_IN = "channel {name} is built in and goes by itself when another one is added"
    CHANNEL_IN_FILE = "channel {name} stands in the configuration file: change it there, or pause it here"
    NO_CHANNEL = "no channel {name}; there are: {known}"
    NONE = "none"
    WEIGHT = "a weight is a whole number from 1 to {most}"
    PREFIX = "a prefix is at most {most} digits in international form, without 0 in front: not {given}"
    COUNTRY = "a country's calling code is at most {most} digits in international form, without 0 in front: not {given}"
    NO_NUMBER = "not a telephone number: {given}"
    NOT_HELD = "message {message} is not held as uncertain"
    NOT_WAITING = "message {message} is neither held nor queued"
    TO_SIMULATOR = "{channel} is a simulator: nothing leaves over it"
    NO_SIMULATOR = "there is no simulator channel at this node"
    NOT_SIMULATED = "message {message} was in no simulator"
    NOT_DONE = "message {message} is {state}: the simulator is not done with it"
    BLOCKED = "{number} is blocked"
    RELEASED = "message {message} was released over {channel} before, as message {copy}"
    RELEASED_NOW = "message {message} was released by somebody else at this moment"

    def __call__(self, **values: "str | int") -> "Told":
        """It, with what stands in its places."""
        told = Told(self.value.format(**values))
        told.sentence, told.values = self, values
        return told


class Told(str):
    """A sentence in English that can be told in another language, too."""

    sentence: Sentence
    values: dict[str, str | int]


def together(sentences: Iterable[str]) -> str:
    """Several as one."""
    first, *others = sentences
    for other in others:
        first = Sentence.AND(one=first, other=other)
    return first


def spoken(error: Exception) -> str:
    """What an exception says, as the sentence that it was raised with; ``str`` would leave the English alone."""
    said = error.args[0] if error.args else None
    return said if isinstance(said, Told) else str(error)
