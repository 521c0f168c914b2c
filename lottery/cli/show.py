"""`lottery show` and `lottery explain`: what a run came to, read from its results."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lottery.claims.baselines import read_run
from lottery.claims.comparison import Move
from lottery.claims.judging import deviates, fails
from lottery.claims.results import all_results, in_order
from lottery.claims.run_folders import ALL_RUNS, run_folder, runs_in
from lottery.claims.statistics import ERROR, INCONCLUSIVE, REFUTED, REPRODUCED, SKIPPED
from lottery.claims.uncounted import beyond_chance, expected_instead, is_uncounted, moves_of
from lottery.core.errors import LotteryError
from lottery.core.shell import quote
from lottery.core.text import cut
from lottery.report.answer import counted, is_asked_nowhere
from lottery.report.explanation import explanation
from lottery.report.results_table import MARKED, claim_name, code, ours, table, verdict
from lottery.report.screen import screen, why

FILTERS: dict[str, Callable[[Mapping], bool]] = {
    "unexpected": lambda result: bool(fails(result, result["counts"])) or is_uncounted(result),
    "reproduced": lambda result: result["verdict"] == REPRODUCED,
    "refuted": lambda result: result["verdict"] == REFUTED,
    "inconclusive": lambda result: result["verdict"] == INCONCLUSIVE,
    "error": lambda result: result["verdict"] == ERROR,
    "skipped": lambda result: result["verdict"] == SKIPPED,
    "no_scale": is_asked_nowhere,
}

LOOKED_AT = 20  # runs in which a claim is looked for that a run does not have


def show(run: Path, chosen: list[str], words: str, whole: bool) -> str:
    """Return the answer of a run on one screen, or its claims of some verdicts, or with some words in their names.

    The text is empty if no claim is like that.
    """
    report, width = read_run(run), shutil.get_terminal_size((100, 24)).columns
    results, moves = in_order(all_results(report)), moves_of(report)
    if not chosen and not words:
        if whole:
            return "\n".join(_table(results, moves))
        lines = screen(report, width, _given(run))
        return "\n".join(line.text.rstrip() for line in lines)
    found = [result for result in results if not chosen or any(FILTERS[name](result) for name in chosen)]
    found = [
        result for result in found if words.lower() in f"{code(result)} {result['id']} {result['headline']}".lower()
    ]
    shown = [_shown(result, moves) for result in found]
    if chosen == ["unexpected"] and not words and not any(fails(result, result["counts"]) for result in found):
        shown.insert(0, f"none of {len(results)} tests came out other than expected{beyond_chance(results)}")
    return "\n".join(shown)


def _table(results: Sequence[Mapping], moves: Sequence[Move]) -> Iterator[str]:
    """Yield the table of all claims, and below it what is to be said of those that it marks."""
    yield table(results, "simple")
    marked = [result for result in results if deviates(result)]
    yield from [""] * bool(marked)
    for result in marked:
        yield f"{MARKED} {code(result)} {claim_name(result)}: {expected_instead(result, moves)}"


def _given(run: Path) -> str:
    """Return how commands are told of this run: by nothing where it is what they take anyway."""
    return "" if run == Path(ALL_RUNS) else quote(str(run))


def _shown(result: Mapping, moves: Sequence[Move]) -> str:
    """Return a claim in a line, and in others why it is not reproduced, and what was expected instead.

    Its estimate stands in one of the two.
    """
    line, found = f"{code(result):5} {claim_name(result)}  {verdict(result)}", ours(result)
    below = [] if result["verdict"] == REPRODUCED else [why(result)]
    bare = found.removesuffix(result["unit"]).rstrip()
    if found and not (below and bare in below[0]):
        line += f": {found}"
    below += [f"{MARKED} {expected_instead(result, moves)}"] if deviates(result) else []
    return "\n      ".join([line, *below])


def claims_called(report: Mapping[str, Any], name: str, run: Path) -> list[Mapping[str, Any]]:
    """Return the claims of a run by an id or a part of it, or a letter and number; raise if there are none.

    The message then names the folder of the run that was asked for, and the newest run beside it that has the claim.

    Neither capitals nor blanks matter. "Zhou 19" is Z19, and the group's letter is enough: S4 is BS4.
    """
    meant = _bare(name)
    if not meant:
        raise LotteryError("a claim's name is empty; `lottery list` has all names and numbers")
    if not (found := _called(report, meant)):
        names = [result["id"].partition(".")[2] for result in all_results(report)]
        near = get_close_matches(name, list(dict.fromkeys([*names, *(of.partition("[")[0] for of in names)])), 3)
        where = _own_folder(run_folder(run) if run.is_dir() else run.parent)
        told = f"{where} has {counted(len(names), 'claim', 'claims')}, none of which is called {name!r}; "
        if other := _other_run(where, meant):
            raise LotteryError(f"{told}{other} has it: name that run behind the claim")
        hint = f"did you mean {', '.join(near)}? " if near else ""
        raise LotteryError(f"{told}{hint}`lottery list` has all names and numbers, lottery run -k takes either")
    return found


def _called(report: Mapping[str, Any], meant: str) -> list[Mapping[str, Any]]:
    """Return the claims of a run that are called so, else those that have it in their names."""
    results = {result["id"]: result for result in all_results(report)}
    found = [result for result in results.values() if meant in _names(result)]
    return found or [result for id, result in results.items() if meant in _bare(id)]


def _own_folder(run: Path) -> Path:
    """Return the folder that a link to a run leads to, as it lies beside the link."""
    return run.parent / run.readlink() if run.is_symlink() else run


def _other_run(run: Path, meant: str) -> Path | None:
    """Return the newest of the runs beside a run that has a claim of this name, where one of the last few does."""
    for other in runs_in(run.parent)[:LOOKED_AT]:
        with suppress(LotteryError):  # of another version, or damaged
            if _called(read_run(other), meant):
                return other
    return None


def _bare(name: str) -> str:
    return "".join(name.casefold().split())


def _names(result: Mapping) -> set[str]:
    """Return what a claim is called, without capitals and blanks."""
    group = "" if result["number"][:1].isdigit() else result["number"]
    author = f"{result['title'].partition(' ')[0]}{result['number']}"
    return {_bare(called) for called in (result["id"], claim_name(result), code(result), author, group)} - {""}


def the_claim(report: Mapping[str, Any], name: str, run: Path) -> Mapping[str, Any]:
    """Return the one claim of a run that is called so, among several the only one that was answered; else raise."""
    found = claims_called(report, name, run)
    answered = [result for result in found if result["verdict"] != SKIPPED] or found
    if len(answered) > 1:
        names = ", ".join(f"'{claim_name(result)}'" for result in answered[:5]) + " ..." * (len(answered) > 5)
        raise LotteryError(f"{len(answered)} claims are called {name!r}: {names}; name one of them")
    return answered[0]


def explain(run: Path, name: str) -> str:
    """Return what a run says of a claim, by its id or a part of it, or its letter and number; raise if it has none.

    Of several the paper's main claim comes first, and what was not asked is named at the end, in a line each.
    """
    report = read_run(run)
    found = sorted(claims_called(report, name, run), key=lambda result: not result["headline"])
    answered = [result for result in found if result["verdict"] != SKIPPED]
    skipped = [result for result in found if result["verdict"] == SKIPPED]
    width = shutil.get_terminal_size((100, 24)).columns
    if len(found) == 1:
        answered, skipped = found, []
    told = [explanation(result, report, width, _given(run)) for result in answered]
    lines = [
        cut(f"{code(result):5} {claim_name(result)}  {verdict(result)}: {why(result)}", width) for result in skipped
    ]
    return "\n\n".join([*told, *(["\n".join(lines)] if lines else [])])
