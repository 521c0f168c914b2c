"""HTML in which every text is escaped: elements are functions of texts, and only `Markup` goes in as it is."""

import html
import json
from collections.abc import Iterable


class Markup(str):
    """A piece of HTML."""

    __slots__ = ()


def escaped(text: object) -> Markup:
    """Return a text as HTML shows it, and markup as it is."""
    return text if isinstance(text, Markup) else Markup(html.escape(str(text)))


def joined(parts: Iterable[object], between: str = "") -> Markup:
    """Return texts and markup as one piece."""
    return Markup(between.join(map(escaped, parts)))


def element(tag: str, /, *inside: object, **attributes: object) -> Markup:
    """Return an element. An attribute that is None or False is left out, True has no value.

    A `_` in an attribute's name stands for a hyphen, and one at its end is dropped, as in `class_`.
    """
    told = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in ("meta", "input", "col", "br", "rect", "line", "circle", "path"):
        return Markup(f"<{tag}{told}{'/' if tag in ('rect', 'line', 'circle', 'path') else ''}>")
    return Markup(f"<{tag}{told}>{joined(inside)}</{tag}>")


def embedded(value: object) -> Markup:
    """Return a value as JSON that can stand inside a `script` element: nothing in it ends the element or begins one."""
    told = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        told = told.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(told)
