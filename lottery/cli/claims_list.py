"""`lottery list`: which claims there are, by letter and number, and which scales ask them. Nothing is run for it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import wrap

from lottery.claims.claims_folders import EXPECTED, benchmarks_of, expected_file
from lottery.claims.entries import Entry, read
from lottery.claims.results import position
from lottery.cli.run import claims_folder
from lottery.core.errors import LotteryError
from lottery.experiments.scales import SCALES, scale

NARROWEST, WIDEST = 80, 200  # columns
KIND = 12  # columns of a claim's kind
ASKED = sum(map(len, SCALES)) + len(SCALES) + 1  # columns of the scales that ask it


def claims_list(folders: Sequence[str], words: str, at: str, width: int) -> tuple[str, int]:
    """Return the claims with some words in their names or statements that a scale asks, and how many these are.

    Those of the checkout or of the package, or those of these folders. A claim's statement is followed by a line for
    each network that it is tested on: the scales that ask it, its kind, its name.
    """
    if at:
        scale(at)  # raises where there is none
    entries = [entry for file in _files(folders) for entry in read(file).values()]
    found = [entry for entry in entries if _is_meant(entry, words.lower(), at)]
    found.sort(key=lambda entry: position(entry.paper, entry.number, entry.id))
    width = max(NARROWEST, min(WIDEST, width))
    lines, title, said = [], "", ("", "")
    for entry in found:
        if entry.title != title:
            lines += [*([""] if title else []), f"{entry.letter}  {entry.title}", "─" * width]
            title, said = entry.title, ("", "")
        if said != (said := (entry.letter + entry.number, entry.headline or entry.statement)):
            lines += wrap(f"{said[0]:5} {said[1]}", width, subsequent_indent=" " * 6)
        lines += _row(entry, width)
    return "\n".join([*lines, *([""] if lines else []), _counted(len(found), len(entries))]), len(found)


def _files(folders: Sequence[str]) -> Iterator[Path]:
    """Yield the files of entries; raise where there are none."""
    for place in [benchmarks_of(Path(folder)) for folder in folders] or [claims_folder()]:
        files = {expected_file(test) for test in place.glob("test_*.py")}
        found = sorted(file for file in files if file.is_file())
        if not found:
            raise LotteryError(f"there are no claims beside {place}: no {EXPECTED}/<paper>.toml")
        yield from found


def _is_meant(entry: Entry, words: str, at: str) -> bool:
    told = f"{entry.letter}{entry.number} {entry.id} {entry.headline} {entry.statement}".lower()
    return words in told and (not at or at in entry.asked_at())


def _row(entry: Entry, width: int) -> list[str]:
    """Return the line of one network; a name that does not fit is below it, whole, so that it can be copied."""
    before, name = f"      {_scales(entry):{ASKED}}{entry.kind:{KIND}}", entry.id.partition(".")[2]
    return [before + name] if len(before + name) <= width else [before.rstrip(), f"    {name}"]


def _scales(entry: Entry) -> str:
    asked: Iterable[str] = entry.asked_at()
    return " ".join(name if name in asked else "-" * len(name) for name in SCALES)


def _counted(found: int, all_of_them: int) -> str:
    shown = f"{found} of {all_of_them} claims" if found < all_of_them else f"{found} claims"
    return f"{shown}\none in full, after a run: lottery explain NAME; to run some: lottery run -k NAME"
