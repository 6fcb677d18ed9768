"""The console's words and colours: each language says everything, and everything can be read."""

import re
from pathlib import Path

import pytest

import yizhan.console
from yizhan.console.pages.knobs import Knobs
from yizhan.console.pages.routes import mark
from yizhan.console.words import LANGUAGES, ROOMS
from yizhan.model.access import Role
from yizhan.model.channel import ChannelSettings, keys_of
from yizhan.model.message import State
from yizhan.model.submission import Encoding
from yizhan.model.views import KeywordHit
from yizhan.model.wording import SECTIONS, WHOLE

_HERE = Path(yizhan.console.__file__).parent
_STYLE = (_HERE / "static" / "console.css").read_text()
# Under console/static/vendor, and where npm's package has it: the table of ``make vendor``.
_VENDORED = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx-sse.min.js": "htmx-ext-sse/dist/sse.min.js",
    "uplot.min.css": "uplot/dist/uPlot.min.css",
    "uplot.min.js": "uplot/dist/uPlot.iife.min.js",
}
_COLOURS = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", _STYLE)
_PALETTES = [{name: pair[shade] for name, *pair in _COLOURS} for shade in (0, 1)]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""

    def luminance(colour: str) -> float:
        shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", _PALETTES, ids=["light", "dark"])
def test_everything_can_be_read(palette: dict[str, str]) -> None:
    for ground in ("ground", "raised"):
        for text in ("text", "quiet", "accent", "alarm", "good", "caution"):
            assert contrast(palette[text], palette[ground]) >= 7, (text, ground)
        assert contrast(palette["line"], palette[ground]) >= 3, ground
    assert contrast(palette["on-accent"], palette["accent"]) >= 7


def test_each_language_says_everything() -> None:
    assert all(key.isidentifier() and english and chinese for room in ROOMS for key, (english, chinese) in room.items())
    words = LANGUAGES["en"]
    assert len(words) == sum(map(len, ROOMS)), "a key stands in two rooms"
    assert {state.word for state in State} <= set(words)
    pages = "".join(page.read_text() for page in (_HERE / "templates").rglob("*.html"))
    assert set(re.findall(r"\bw\.(\w+)", pages)) - {"get"} <= set(words)


def test_no_word_is_left_over() -> None:
    """A key is written where it is said, or put together there from a beginning and a value that the program knows."""
    pages = "".join(page.read_text() for page in (_HERE / "templates").rglob("*.html"))
    speakers = (*_HERE.glob("*.py"), *(_HERE / "pages").glob("*.py"), _HERE.parent / "flow" / "story.py")
    told = pages + "".join(module.read_text() for module in speakers)
    program = "".join(file.read_text() for file in _HERE.parent.rglob("*.py") if file.parent.name != "words")
    said = set(re.findall(r"\bw\.(\w+)", pages)) | set(re.findall(r"[\"'](\w+)[\"']", told))
    said |= {state.word for state in State} | {encoding.name.lower() for encoding in Encoding}
    begun = set(re.findall(r'"(\w+_)(?:\{|" ~)', told))
    values = set(re.findall(r"[\"'](\w+)[\"']", program + pages)) | set(re.findall(r"^    (\w+): ", program, re.M))
    values |= {name.lower() for name in re.findall(r"\b[A-Z_]+\b", program)}
    values |= {f"{role}_may" for role in Role} | {f"{state.word}_why" for state in State}
    for key in {key for room in ROOMS for key in room if not key.startswith("about_")} - said:
        assert any(key.startswith(one) and key.removeprefix(one) in values for one in begun), key


def test_no_template_speaks_a_language_of_its_own() -> None:
    """Words of a page stand between tags; what is left there without Jinja's braces is the gateway's name."""
    for page in (_HERE / "templates").rglob("*.html"):
        text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", page.read_text(), flags=re.DOTALL)
        words = re.findall(r"[A-Za-z\u4e00-\u9fff]{2,}", re.sub(r"<[^>]*>", " ", text))
        assert set(words) <= {"Yizhan", "驿站"}, (page.name, words)


@pytest.mark.parametrize(("ours", "theirs"), _VENDORED.items())
def test_what_is_vendored_is_as_it_was_published(ours: str, theirs: str) -> None:
    published = _HERE.parents[2] / "tests" / "peers" / "node_modules" / theirs
    if not published.exists():
        pytest.skip("npm ci --prefix tests/peers --ignore-scripts")
    assert (_HERE / "static" / "vendor" / ours).read_bytes() == published.read_bytes()


def test_every_key_is_told() -> None:
    words = LANGUAGES["en"]
    settings = {f"about_{section}_{key}" for section, keys in SECTIONS.items() for key in keys}
    assert settings | {f"about_{name}" for name in WHOLE} == {key for key in words if key.startswith("about_")}
    channel = {f"key_{key}" for key in ChannelSettings.model_fields if key not in ("name", "kind")}
    assert channel == {key for key in words if key.startswith("key_")}
    for kind in ("smpp", "simulator"):
        groups = Knobs(kind).groups()
        assert {knob.key for _, _, knobs in groups for knob in knobs} == keys_of(kind) - {"name", "kind"}
        assert {word for word, _, _ in groups} <= set(words)


@pytest.mark.parametrize(
    ("hits", "marked"),
    [
        pytest.param([], [("abcdef", False)], id="none"),
        pytest.param([(1, 3)], [("a", False), ("bc", True), ("def", False)], id="one"),
        pytest.param([(0, 6)], [("abcdef", True), ("", False)], id="all of it"),
        pytest.param([(3, 5), (1, 4)], [("a", False), ("bcd", True), ("e", True), ("f", False)], id="overlapping"),
        pytest.param([(1, 5), (2, 3)], [("a", False), ("bcde", True), ("f", False)], id="one inside of another"),
    ],
)
def test_hits_are_marked_in_their_place(hits: list[tuple[int, int]], marked: list[tuple[str, bool]]) -> None:
    assert mark("abcdef", [KeywordHit("x", *hit) for hit in hits]) == marked
