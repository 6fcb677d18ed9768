"""Pictures of every page, wide and narrow: ``make screenshots`` writes them into a folder, to be looked at."""

import sys
import tempfile
from pathlib import Path

from .chromium import NARROW, WIDE, chromium, log_in, visit
from .scene import VIEWS, staged


def main(folder: Path) -> None:
    """Every page in light at 1280 px in English, and in dark at 390 px in Chinese."""
    folder.mkdir(parents=True, exist_ok=True)
    looks = (("1280", WIDE, "light", "en"), ("390", NARROW, "dark", "zh-CN"))
    with tempfile.TemporaryDirectory() as data, staged(Path(data)) as (program, url), chromium() as browser:
        for label, size, scheme, language in looks:
            for view in VIEWS:
                with visit(browser, url, language, viewport=size, color_scheme=scheme) as context:
                    page = context.new_page()
                    if view.person:
                        log_in(page, view.person)
                    page.goto(view.path(program))
                    page.screenshot(path=folder / f"{view.name}-{label}.png", full_page=True)
                    sys.stdout.write(f"{view.name}-{label}.png\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
