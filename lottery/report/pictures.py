"""Figures as SVG, PNG or PDF: the page's specifications, drawn without a browser."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from lottery.core.errors import LotteryError
from lottery.core.paths import write_whole
from lottery.report.charts.chart import Figure

FORMATS = ("svg", "png", "pdf")
VERSION = "6.4"  # of Vega-Lite
WIDTH, WIDE = 460, 900  # pixels within the axes, of a panel among several and of one alone
SCALE = 2  # pixels of a PNG for each of the picture
NEEDED = "pictures are drawn by vl-convert: pip install vl-convert-python, or install lottery with its extra `figures`"
LINE = 90  # characters that the first words of a caption may have to stand beside a title
LETTER, SMALL = 7, 6  # pixels of a letter of a title, and of the lines below it


def pictures(figures: Sequence[Figure], folder: Path, format: str) -> Iterator[Path]:
    """Write every panel into a file of its own, in a folder that is made if need be, and yield the files."""
    try:
        import vl_convert
    except ImportError:
        raise LotteryError(NEEDED) from None
    drawing: dict[str, Callable[[dict], Any]] = {
        "svg": lambda spec: vl_convert.vegalite_to_svg(spec, vl_version=VERSION),
        "png": lambda spec: vl_convert.vegalite_to_png(spec, vl_version=VERSION, scale=SCALE),
        "pdf": lambda spec: vl_convert.vegalite_to_pdf(spec, vl_version=VERSION),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for figure in figures:
        for panel in figure.panels:
            width = WIDE if figure.layout == "one" else WIDTH
            title = wrap(f"{figure.title}: {panel.title}", width // LETTER)
            spec = panel.standalone(
                width, title, [line for told in _beside(figure) for line in wrap(told, width // SMALL)]
            )
            file = folder / f"{re.sub(r'[^A-Za-z0-9_-]', '-', panel.name)}.{format}"
            write_whole(file, drawing[format](spec))
            yield file


def _beside(figure: Figure) -> list[str]:
    """Return the lines below a picture's title: of which paper it is, on what it was measured, and the mark."""
    lines = [f"{figure.paper}, {figure.place}".rstrip(", ")] if figure.paper else []
    words = figure.caption.partition(". ")[0]
    lines += [words] if len(words) <= LINE else []
    return lines + ([f"~ ANALOGUE: {figure.analogue}"] if figure.analogue else [])
