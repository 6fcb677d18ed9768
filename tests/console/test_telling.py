"""A story is told in both languages, by words for all that can happen."""

import re
from pathlib import Path
from string import Formatter

import pytest

import yizhan.flow.story
from yizhan.console.telling import tell_events
from yizhan.console.words import LANGUAGES
from yizhan.console.words.sentences import WORDS as SENTENCES
from yizhan.console.words.story import WORDS
from yizhan.model.message import Lane
from yizhan.model.route import Obstacle
from yizhan.model.sentence import Sentence
from yizhan.model.story import Event, Said, say
from yizhan.model.submission import SignatureFound

_SOURCE = Path(yizhan.flow.story.__file__).read_text()

TABLE = [
    pytest.param(
        say("told_attempt", attempt=2, part=say("told_part", part=1, of=3)),
        "attempt 2, part 1 of 3",
        "第 2 次尝试，第 1/3 段",
        id="a sentence in a sentence",
    ),
    pytest.param(say("told_next", channels=("a", "b")), "goes next over a or b", "下一步走 a 或 b", id="names"),
    pytest.param(
        say("told_refused", part=say("told_part", part=1, of=1), word="{x}%s"),
        "part 1 of 1 refused: {x}%s",
        "第 1/1 段被拒绝：{x}%s",
        id="a carrier's word with braces",
    ),
]


@pytest.mark.parametrize(("said", "english", "chinese"), TABLE)
def test_a_sentence(said: Said, english: str, chinese: str) -> None:
    for language, expected in (("en", english), ("zh", chinese)):
        (step,) = tell_events([Event(None, "routing", said, [said, said])], LANGUAGES[language])
        assert step.what == expected and step.why.count(expected) == 2


def test_there_are_words_for_everything() -> None:
    keys = set(re.findall(r'"(told_\w+)"', _SOURCE))
    keys |= {f"told_signature_{one}" for one in SignatureFound} | {f"told_lane_{one.name.lower()}" for one in Lane}
    keys |= {f"told_{end}{why}" for end in ("invalid", "blocked", "cancelled") for why in ("", "_why")}
    keys |= {f"told_message_{deed}" for deed in ("release", "resend", "give_up")}
    keys |= {f"obstacle_{one.name.lower()}" for one in Obstacle} | {"told_and", "told_or"}
    assert keys == set(WORDS)


def test_each_sentence_has_its_words() -> None:
    assert {f"said_{one.name.lower()}" for one in Sentence} == set(SENTENCES)


def test_a_sentence_of_the_gateway_in_a_story() -> None:
    why = Sentence.CANNOT_CONNECT(error="{x}")
    said = say("obstacle_unbound_for", detail=why)
    for language, expected in (("en", "not bound: cannot connect: {x}"), ("zh", "未连接：无法连接：{x}")):
        (step,) = tell_events([Event(None, "routing", said)], LANGUAGES[language])
        assert step.what == expected


def test_both_languages_name_the_same_values() -> None:
    for key, pair in {**WORDS, **SENTENCES}.items():
        english, chinese = ({name for _, name, _, _ in Formatter().parse(said) if name} for said in pair)
        assert english == chinese, key
