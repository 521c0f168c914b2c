"""`lottery list`: which claims there are, by letter and number, and which scales ask them. Nothing is run for it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from lottery.claims.claims_folders import EXPECTED, benchmarks_of, expected_file
from lottery.claims.entries import Entry, read_in_part
from lottery.claims.fields import EVERY
from lottery.claims.results import position
from lottery.cli.run import claims_folder
from lottery.core.errors import LotteryError
from lottery.experiments.scales import SCALES, scale

NARROWEST, WIDEST = 80, 200  # columns
KIND = 12  # columns of a claim's kind
ASKED = sum(map(len, SCALES)) + len(SCALES) + 1  # columns of the scales that ask it


class ClaimsList(NamedTuple):
    """A list as text, how many tests it shows, and what is wrong with files of entries or with claims in them."""

    text: str
    found: int
    wrong: tuple[str, ...]


def claims_list(folders: Sequence[str], words: str, at: str, width: int) -> ClaimsList:
    """Return the claims with some words in their names or statements that a scale asks.

    Those of the checkout or of the package, or those of these folders. A claim's statement is followed by a line for
    each network that it is tested on: the scales that ask it, its kind, its name. What cannot be read is left out.
    """
    if at:
        scale(at)  # raises where there is none
    entries, wrong = _read(_files(folders))
    found = [entry for entry in entries if _is_meant(entry, words.lower(), at)]
    found.sort(key=lambda entry: position(entry.paper, entry.number, entry.id))
    width = max(NARROWEST, min(WIDEST, width))
    lines, title, said = [], "", ("", "")
    for entry in found:
        if entry.title != title:
            lines += [*([""] if title else []), f"{entry.letter}  {entry.title}".strip(), "─" * width]
            title, said = entry.title, ("", "")
        if said != (said := (entry.letter + entry.number, entry.headline or entry.statement)):
            lines += wrap(f"{said[0]:5} {said[1]}", width, subsequent_indent=" " * 6)
        lines += _row(entry, width)
    text = "\n".join([*lines, *([""] if lines else []), *_counted(found, entries, width)])
    return ClaimsList(text, len(found), tuple(wrong))


def _read(files: Iterable[Path]) -> tuple[list[Entry], list[str]]:
    """Return the entries of files that make sense, and what is wrong with the others, or with a whole file."""
    entries: list[Entry] = []
    wrong: list[str] = []
    for file in files:
        try:
            contents = read_in_part(file)
        except LotteryError as error:
            wrong.append(str(error))
            continue
        entries += [entry for id, entry in contents.entries.items() if id not in contents.wrong]
        wrong += [*contents.faults, *contents.wrong.values()]
    return entries, wrong


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


def _counted(found: Sequence[Entry], entries: Sequence[Entry], width: int) -> list[str]:
    """Return how many tests of claims these are, questions about what is a user's own apart, and how to go on."""
    own, all_own = ([entry for entry in some if entry.id.endswith(f"[{EVERY}]")] for some in (found, entries))
    shown = [_of(len(found) - len(own), len(entries) - len(all_own), "claim")]
    if own:
        told = _of(len(own), len(all_own), "question")
        shown.append(f"{told}, their names ending in [{EVERY}], that are asked only of a criterion, treatment or "
                     "network that is given with --criterion, --treatment or --network")  # fmt: skip
    if found:
        shown.append("one in full, after a run: lottery explain NAME; to run some: lottery run -k NAME")
    return [line for text in shown for line in wrap(text, width, subsequent_indent="  ")]


def _of(found: int, all_of_them: int, noun: str) -> str:
    """Return how many were found of how many there are."""
    shown = f"{found} of {all_of_them}" if found < all_of_them else str(found)
    return f"{shown} {noun}{'s' * (all_of_them != 1)}"
