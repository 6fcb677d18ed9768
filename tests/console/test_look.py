"""The console's words and colours: each language says everything, and everything can be read."""

import re
from pathlib import Path

import pytest

import yizhan.console
from yizhan.console.words import LANGUAGES
from yizhan.model.message import State

_HERE = Path(yizhan.console.__file__).parent
_STYLE = (_HERE / "static" / "console.css").read_text()
_PALETTES = [dict(re.findall(r"--([\w-]+): (#\w{6});", line)) for line in _STYLE.splitlines() if "--ground:" in line]


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
        for text in ("text", "quiet", "accent", "alarm"):
            assert contrast(palette[text], palette[ground]) >= 7, (text, ground)
        assert contrast(palette["line"], palette[ground]) >= 3, ground
    assert contrast(palette["on-accent"], palette["accent"]) >= 7


def test_each_language_says_everything() -> None:
    chinese, english = LANGUAGES["zh"], LANGUAGES["en"]
    assert list(chinese) == list(english)
    assert {state.word for state in State} <= set(chinese)
    pages = "".join(page.read_text() for page in (_HERE / "templates").glob("*.html"))
    assert set(re.findall(r"\bw\.(\w+)", pages)) <= set(chinese)
