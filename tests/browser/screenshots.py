"""Pictures of all pages, to be looked at (``make screenshots``), or of the READMEs' few (``make pictures``)."""

import sys
import tempfile
from pathlib import Path

from .chromium import NARROW, WIDE, chromium, log_in, visit
from .scene import VIEWS, staged

_WIDE_ENGLISH, _NARROW_CHINESE = ("1280", WIDE, "light", "en"), ("390", NARROW, "dark", "zh-CN")
# What the READMEs show, each in its own language, no longer than a screen.
_SHOWN = ("overview", "message-delivered", "phones")
_SCREENS = (("en", WIDE, "light", "en"), ("zh", WIDE, "light", "zh-CN"))


def main(folder: Path, *, shown: bool) -> None:
    """Every page in light at 1280 px in English, and in dark at 390 px in Chinese; or those of the READMEs."""
    folder.mkdir(parents=True, exist_ok=True)
    looks = _SCREENS if shown else (_WIDE_ENGLISH, _NARROW_CHINESE)
    views = [view for view in VIEWS if view.name in _SHOWN or not shown]
    with tempfile.TemporaryDirectory() as data, staged(Path(data)) as (program, url), chromium() as browser:
        for label, size, scheme, language in looks:
            for view in views:
                with visit(browser, url, language, viewport=size, color_scheme=scheme) as context:
                    page = context.new_page()
                    if view.person:
                        log_in(page, view.person)
                    page.goto(view.path(program))
                    page.screenshot(path=folder / f"{view.name}-{label}.png", full_page=not shown)
                    sys.stdout.write(f"{view.name}-{label}.png\n")


if __name__ == "__main__":
    main(Path(sys.argv[-1]), shown="--shown" in sys.argv)
