"""Route keys: what routing has to know of a message, written with it, so that what may go over the same channels is
claimed together and a full or dead channel holds up nobody else.

    86.cm:86139/code!a!b        country . network : prefix / text class ! channels that would not take it
    =a!a                        a message that an operator has released: over this channel alone, whatever the rules say

Only what some rule asks for is in a key; without any rule every key is empty and all messages are one crowd. When rules
change, what waits gets its keys anew (``store.routes.rekey``).
"""

from collections.abc import Collection, Iterable
from functools import lru_cache

from yizhan.model.route import Network, Passenger, Route, TextClass
from yizhan.policy.calling_code import calling_code
from yizhan.policy.mainland import network_of

_MAINLAND = "86"
_TRIED = "!"
BOUND = "="


class KeyMaker:
    """Makes the keys that a set of rules needs."""

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        known = tuple(routes)
        self._countries = any(route.country for route in known)
        self._networks = any(route.network for route in known)
        self._classes = any(route.text_class for route in known)
        self._prefixes = sorted({route.prefix for route in known if route.prefix}, key=len, reverse=True)
        self.plain = not (self._countries or self._networks or self._classes or self._prefixes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyMaker) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self._countries, self._networks, self._classes, tuple(self._prefixes)))

    @property
    def needs_class(self) -> bool:
        """Whether any rule asks what a text is for."""
        return self._classes

    def keys(self, numbers: Collection[str], text_class: TextClass) -> list[str]:
        """The key of a message to each of ``numbers``, in their order."""
        return [""] * len(numbers) if self.plain else [self.key(number, text_class) for number in numbers]

    def key(self, number: str, text_class: TextClass) -> str:
        """The key of a message to ``number`` (E.164 with its plus)."""
        if self.plain:
            return ""
        country = calling_code(number) if self._countries or self._networks else ""
        network = ""
        if self._networks and country == _MAINLAND:
            network = f".{found}" if (found := network_of(number[3:])) else ""
        prefix = next((f":{prefix}" for prefix in self._prefixes if number.startswith(prefix, 1)), "")
        return f"{country}{network}{prefix}" + (f"/{text_class}" if self._classes else "")


@lru_cache(maxsize=4096)
def passenger(account_id: int, key: str) -> Passenger:
    """What a key says."""
    key, *tried = key.split(_TRIED)
    key, _, only = key.partition(BOUND)
    place, _, text_class = key.partition("/")
    place, _, prefix = place.partition(":")
    country, _, network = place.partition(".")
    return Passenger(
        account_id=account_id,
        country=country,
        network=Network(network) if network else None,
        prefix=prefix,
        text_class=TextClass(text_class) if text_class else TextClass.NOTICE,
        tried=frozenset(tried),
        only=only or None,
    )


def bound_to(channel: str) -> str:
    """The key of a message that may go over this channel alone."""
    return BOUND + channel


def tried_by(channel: str) -> str:
    """What a channel that would not take a message adds to its key."""
    return _TRIED + channel


def renewed(key: str, former: str) -> str:
    """``key``, with the channels that have tried under the ``former`` one; what is bound to a channel stays so."""
    return (
        former if former.startswith(BOUND) else key + "".join(tried_by(channel) for channel in former.split(_TRIED)[1:])
    )


def passenger_to(account_id: int, number: str, text_class: TextClass) -> Passenger:
    """Everything that routing could want to know of a message: for explaining."""
    country = calling_code(number)
    network = network_of(number[3:]) if country == _MAINLAND else None
    return Passenger(account_id, country, network, number[1:], text_class)
