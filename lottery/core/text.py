"""Text from outside, from entries, criteria and error messages, as it can be shown and written anywhere."""

import codecs
import html
import io
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

PLAIN = {
    "░": ":",
    "│": "|",
    "●": "o",
    "├": "[",
    "┤": "]",
    "─": "-",
    "○": ".",
    "·": "-",
    "…": "...",
    "×": "x",
    "–": "-",
    "≥": ">=",
    "≤": "<=",
    "’": "'",
}
PLAINLY = "lottery-plainly"  # what `codecs` knows the replacement by
LONGEST = 20_000  # characters of one text
_shown_in: ContextVar[str | None] = ContextVar("shown_in", default=None)  # an encoding


def printable(text: str) -> str:
    """Return a text in one line, whatever else than characters to read is in it written as Python writes it.

    So no terminal code, no line break and no half of a surrogate pair gets into a table or a file.
    """
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def spoken(name: str) -> str:
    """Return a name of Python's as words: an underscore is a blank, and between two digits the decimal point."""
    return re.sub(r"(?<=\d)_(?=\d)", ".", name).replace("_", " ")


@contextmanager
def shown_in(encoding: str | None) -> Iterator[None]:
    """Let `cut` fit texts as a terminal of this encoding shows them, where one sign may take several columns."""
    token = _shown_in.set(encoding)
    try:
        yield
    finally:
        _shown_in.reset(token)


def cut(text: str, width: int) -> str:
    """Return a text that fits a width, as it is shown; an ellipsis says where it was cut."""
    text, ellipsis = (in_encoding(one, _shown_in.get()) for one in (text, "…"))
    return text if len(text) <= width else text[: max(0, width - len(ellipsis))] + ellipsis


def in_encoding(text: str, encoding: str | None) -> str:
    """Return a text as a terminal of this encoding can show it: accents go, and what it has no letter for is `?`."""
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
        return text
    except (UnicodeEncodeError, LookupError):
        plain = unicodedata.normalize("NFKD", "".join(PLAIN.get(one, one) for one in text))
        bare = "".join(one for one in plain if not unicodedata.combining(one))
        return bare.encode("ascii", "replace").decode()


def show_in_any_encoding(stream: io.TextIOWrapper) -> None:
    """Let a stream write what its encoding lacks as `in_encoding` has it, instead of raising."""
    codecs.register_error(PLAINLY, _plainly)
    stream.reconfigure(errors=PLAINLY)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_encoding(error.object[error.start : error.end], "ascii"), error.end


def for_markdown(text: str) -> str:
    """Return a text that Markdown shows as it is: neither HTML nor another cell of a table."""
    return html.escape(text, quote=False).replace("|", "\\|")
