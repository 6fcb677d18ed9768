"""The documents as tests see them: files, headings, code blocks, tables, links."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """Without code blocks."""
        return FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """Its code blocks: language and content."""
        return FENCE.findall(self.text)

    def blocks_in(self, language: str) -> list[str]:
        """Its code blocks in one language."""
        return [content for named, content in self.blocks if named == language]

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Level and words of each heading."""
        return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", self.prose, re.MULTILINE)]

    @property
    def anchors(self) -> set[str]:
        """What links may point to: headings as GitHub spells them."""
        return {re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-") for _, words in self.headings}

    @property
    def links(self) -> list[str]:
        """Targets of its links, web addresses left out."""
        found = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", self.prose)
        return [target for target in found if "://" not in target]

    @property
    def code_spans(self) -> list[str]:
        """What stands in backticks in its prose, line breaks as spaces."""
        return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", self.prose)]

    @property
    def tables(self) -> list[list[list[str]]]:
        """Its tables as rows of cells, heads included and the line under them left out."""
        runs = re.findall(r"(?:^\|.*\|\n)+", self.text, re.MULTILINE)
        return [
            [
                [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line[1:-1])]
                for line in run.splitlines()
                if set(line) - set("|-")
            ]
            for run in runs
        ]

    def table_with(self, first: str) -> list[list[str]]:
        """The rows, without the head, of the table whose first row begins with ``first``."""
        return self._whole_table_with(first)[1:]

    def head_of(self, first: str) -> list[str]:
        """The head of that table."""
        return self._whole_table_with(first)[0]

    def _whole_table_with(self, first: str) -> list[list[str]]:
        (table,) = [table for table in self.tables if table[1][0].startswith(first)]
        return table


README = Page(ROOT / "README.md")
README_ZH = Page(ROOT / "README.zh-CN.md")
FLOW = Page(ROOT / "docs" / "flow.md")
ADRS = [Page(path) for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
PAGES = [README, README_ZH, Page(ROOT / "CHANGELOG.md"), *(Page(p) for p in sorted((ROOT / "docs").rglob("*.md")))]
