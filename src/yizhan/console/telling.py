"""A message's story told in a language: in English by the API, in either one by the pages."""

from collections.abc import Mapping, Sequence

from yizhan.console.words import LANGUAGES
from yizhan.model.sentence import Told
from yizhan.model.story import Event, Said, Story, Value
from yizhan.model.views import MessageStory, Step

Words = Mapping[str, str]
_ENGLISH = LANGUAGES["en"]


def tell(story: Story, words: Words = _ENGLISH) -> MessageStory:
    """All of it."""
    return MessageStory(story.message, tell_events(story.events, words))


def tell_events(events: Sequence[Event], words: Words = _ENGLISH) -> list[Step]:
    """Its lines."""
    return [Step(event.at, event.station, _told(event.what, words), _why(event, words)) for event in events]


def _why(event: Event, words: Words) -> str:
    return words["told_and"].join(_told(said, words) for said in event.why)


def in_words(said: str, words: Words) -> str:
    """What the gateway says: in this language if there is a sentence for it, else as it is."""
    return _told(said, words)


def _told(value: Value, words: Words) -> str:
    if isinstance(value, Told):
        values = {name: _told(one, words) for name, one in value.values.items()}
        return words[f"said_{value.sentence.name.lower()}"].format(**values)
    if isinstance(value, Said):
        return words[value.key].format(**{name: _told(one, words) for name, one in value.values.items()})
    if isinstance(value, str | int):
        return str(value)
    return words["told_or"].join(value)
