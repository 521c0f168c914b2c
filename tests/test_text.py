"""Text from outside: shown in one line, with nothing but characters to read, whatever shows it."""

import io

import pytest

from lottery.core.text import cut, for_markdown, in_encoding, printable, show_in_any_encoding, shown_in, spoken


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain · text", "plain · text"),
        ("two\r\n\tlines", "two lines"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("half \ud800", r"half \ud800"),
        ("right \u202e left", r"right \u202e left"),
    ],
)
def test_printable(text, shown):
    """One line, and nothing but characters to read."""
    assert printable(text) == shown and printable(text).isprintable()
    assert len(printable("x" * 10**6)) < 10**5


def test_other_media():
    """Markdown gets no HTML and no cell, ASCII no letter that it lacks."""
    assert for_markdown("a|b <i>&") == r"a\|b &lt;i&gt;&amp;"
    assert in_encoding("Prêt · 3 × 4 …  Ω", "ascii") == "Pret - 3 x 4 ...  ?"
    assert in_encoding("Prêt ·", "utf-8") == "Prêt ·" and in_encoding("é", "latin-1") == "é"
    assert in_encoding("é", None) == "é" and in_encoding("é", "no such encoding") == "e"


@pytest.mark.parametrize("encoding, shown", [("ascii", "a>=bc..."), ("utf-8", "a≥bcdef…"), (None, "a≥bcdef…")])
def test_what_is_cut_fits_as_it_is_shown(encoding, shown):
    """A sign that takes several columns in ASCII has them before it is cut, the ellipsis too."""
    with shown_in(encoding):
        assert cut("a≥bcdefghij", 8) == shown and cut("a≥bcd", 8) == ("a>=bcd" if encoding == "ascii" else "a≥bcd")
        assert len(cut("abcdefgh", 2)) <= 3
    assert cut("a≥bcdefghij", 8) == "a≥bcdef…"


def test_a_stream_shows_pictures_plainly():
    """Whatever is printed to it, in its own letters where it has them; only what has no likeness is `?`."""
    for encoding, shown in (("ascii", "|:::[o]- e ?"), ("latin-1", "|:::[o]- é ?"), ("utf-8", "│░░░├●┤─ é Ω")):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        show_in_any_encoding(stream)
        print("│░░░├●┤─ é Ω", end="", file=stream, flush=True)
        assert stream.buffer.getvalue().decode(encoding) == shown


@pytest.mark.parametrize(
    "name, words",
    [
        ("at_0_4", "at 0.4"),
        ("at_0_000025", "at 0.000025"),
        ("ticket_before_2_9", "ticket before 2.9"),
        ("conv_6_over_conv_4", "conv 6 over conv 4"),
        ("magnitude_at_50_percent", "magnitude at 50 percent"),
    ],
)
def test_names_keep_their_decimal_points(name, words):
    """Between digits an underscore stands for one."""
    assert spoken(name) == words
