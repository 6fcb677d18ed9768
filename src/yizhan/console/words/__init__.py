"""What the console says: a module for each room, in which each line stands in both languages."""

from collections.abc import Mapping

from yizhan.console.words import (
    accounts,
    channels,
    common,
    customer,
    entry,
    gateway,
    home,
    messages,
    people,
    phones,
    refusals,
    routes,
    rules,
    send,
    sentences,
    settings,
    states,
    story,
)
from yizhan.console.words.pair import Pairs

ROOMS: tuple[Pairs, ...] = (
    accounts.WORDS,
    channels.WORDS,
    common.WORDS,
    customer.WORDS,
    entry.WORDS,
    gateway.WORDS,
    home.WORDS,
    messages.WORDS,
    people.WORDS,
    phones.WORDS,
    refusals.WORDS,
    routes.WORDS,
    rules.WORDS,
    send.WORDS,
    sentences.WORDS,
    settings.WORDS,
    states.WORDS,
    story.WORDS,
)

_ENGLISH, _CHINESE = 0, 1


def _said(language: int) -> Mapping[str, str]:
    return {key: pair[language] for room in ROOMS for key, pair in room.items()}


LANGUAGES: Mapping[str, Mapping[str, str]] = {"zh": _said(_CHINESE), "en": _said(_ENGLISH)}


def language_of(chosen: str, accepted: str) -> str:
    """The language that was ``chosen``, else the first of ours in Accept-Language by its weights (RFC 9110, 12.5.4),
    else Chinese.
    """
    if chosen in LANGUAGES:
        return chosen
    wishes = []
    for item in accepted.split(","):
        tag, _, weight = item.partition(";")
        try:
            wishes.append((float(weight.strip().removeprefix("q=") or 1), tag.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    wishes.sort(key=lambda wish: -wish[0])
    return next((language for weight, language in wishes if weight > 0 and language in LANGUAGES), "zh")
