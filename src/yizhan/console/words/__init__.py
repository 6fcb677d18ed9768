"""What the console says, in each language."""

from collections.abc import Mapping

from yizhan.console.words.en import WORDS as _EN
from yizhan.console.words.zh import WORDS as _ZH

LANGUAGES: Mapping[str, Mapping[str, str]] = {"zh": _ZH, "en": _EN}


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
