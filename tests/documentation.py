"""The pages of the documentation, and what stands in them: code blocks, commands within sentences, links, headings."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]
PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A code block: where it stands, its language, what its fence says besides, and the block right above it."""

    page: str
    line: int
    language: str
    remark: str
    text: str
    above: "Block | None" = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def reason(self) -> str:
        """Why the block is not run, an empty string if it is: ```sh (not run: needs a cluster)."""
        match = re.fullmatch(r"\(not run: (.{4,})\)", self.remark)
        return match[1] if match else ""


class Page:
    """A page by its path within the repository."""

    def __init__(self, path: Path, root: Path = ROOT):
        self.path, self.name = path, path.relative_to(root).as_posix()

    @cached_property
    def tokens(self) -> list[Token]:
        return PARSER.parse(self.path.read_text(encoding="utf-8"))

    @cached_property
    def blocks(self) -> list[Block]:
        """All code blocks; those that are only indented have no language."""
        found: list[Block] = []
        for before, token in zip([None, *self.tokens], self.tokens):
            if token.type in ("fence", "code_block"):
                language, _, remark = token.info.strip().partition(" ")
                above = found[-1] if before is not None and before.type == "fence" else None
                found.append(Block(self.name, token.map[0] + 1, language, remark.strip(), token.content, above))
        return found

    @cached_property
    def spans(self) -> list[tuple[int, str]]:
        """What stands within sentences and tables as code, with the line of its paragraph."""
        return [(line, token.content) for line, token in self._inline() if token.type == "code_inline"]

    @cached_property
    def links(self) -> list[tuple[int, str]]:
        """Where links lead, with the line of their paragraph."""
        return [(line, str(token.attrGet("href"))) for line, token in self._inline() if token.type == "link_open"]

    @cached_property
    def anchors(self) -> set[str]:
        """What links can name after a #: the headings, as GitHub makes anchors of them."""
        titles = (after.content for token, after in zip(self.tokens, self.tokens[1:]) if token.type == "heading_open")
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    def _inline(self) -> list[tuple[int, Token]]:
        line, found = 0, []
        for token in self.tokens:
            line = token.map[0] + 1 if token.map else line
            found += [(line, child) for child in token.children or ()]
        return found


def pages(root: Path = ROOT) -> list[Page]:
    """Return all pages that users and contributors read; the changelog tells of commands that are gone."""
    return [
        Page(path, root) for path in (root / "README.md", root / "CONTRIBUTING.md", *sorted(root.glob("docs/*.md")))
    ]
