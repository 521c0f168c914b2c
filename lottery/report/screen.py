"""The answer of a run on one screen: what is other than expected, the main claims, and all else in a few lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

from lottery.claims.comparison import Move
from lottery.claims.results import all_results, in_order, is_difference
from lottery.claims.scoreboard import boards
from lottery.claims.statistics import ALPHA, ERROR, INCONCLUSIVE, REFUTED, REPRODUCED, Region, is_control, towards
from lottery.claims.uncounted import moves_of
from lottery.core.text import cut, spoken
from lottery.report import answer
from lottery.report.answer import GOOD, SHORT, SHOW
from lottery.report.difference import brief
from lottery.report.interval_bar import interval_bar
from lottery.report.plan_table import duration
from lottery.report.results_table import claim_name, code, number, ours, replaced, span
from lottery.report.scoreboard_table import TITLES, about_shown, legend, lines

NARROWEST, WIDEST = 80, 200  # columns
MOST = 46  # lines
FEW = 3  # claims that a section shows, before it says how many more there are
RED = {"red": True}
MANY = 12  # of what is other than expected, and of the main claims
ESTIMATE = 26  # columns of an estimate with its interval
DEVICE = 12  # columns of a device's name, at least
RUN = "RUN"  # what stands for the name of a run that is too long for its line
ROOM = 60  # columns of a line that names a command, beside that


class Line(NamedTuple):
    """A line and how a terminal that has colours marks it; every mark is also said in words."""

    text: str
    markup: Mapping[str, bool] = {}


class Sizes(NamedTuple):
    """How many claims are shown of those that are refuted, of those that are open, and of the main ones."""

    few: int
    main: int


def screen(report: Mapping, width: int, run: str = "") -> list[Line]:
    """Return the lines, at most MOST of a run of all claims, each no longer than the width of the terminal.

    With what pytest and the shell print below it, a run's answer then fits 50 rows, its heading among them. Where
    there is much to remark on, fewer claims are shown of those that are refuted or open, down to none, then fewer
    main ones.

    `run` is how commands are told which run this is; nothing means the latest of `results`.
    """
    width = max(NARROWEST, min(WIDEST, width))
    named = run if len(run) <= width - ROOM else RUN
    few, main = (1, MANY // 2) if report["scoreboard"] else (FEW, MANY)
    for sizes in [*(Sizes(fewer, main) for fewer in range(few, -1, -1)), Sizes(0, MANY // 4)]:
        lines = _lines(report, width, sizes, f"{SHOW} {named}".rstrip())
        if named == RUN and any(f"{SHOW} {RUN}" in line.text for line in lines):
            lines += _wrapped(f"{RUN} is {run}", width)
        if len(lines) <= MOST:
            break
    return lines


def _lines(report: Mapping, width: int, sizes: Sizes, show: str) -> list[Line]:
    """Return the lines of all sections, of these sizes; `show` shows what they leave out."""
    results = in_order(all_results(report))
    sections: list[Callable[[], Iterator[Line]]] = [
        lambda: _head(report, width),
        lambda: _state(report, results, width),
        lambda: _moved(report, results, width),
        lambda: _papers(results, width),
        lambda: _unexpected(results, width, show),
        lambda: _main(results, width, sizes.main),
        lambda: _scoreboard(report["scoreboard"], width),
        lambda: _networks(results, width),
        lambda: _refuted(results, moves_of(report), width, sizes.few, show),
        lambda: _inconclusive(results, width, sizes.few, show),
        lambda: _not_asked(results, report["scale"], report["costs"], width, show),
        lambda: _notes(report["remarks"], width),
    ]
    return [Line(cut(line.text, width), line.markup) for section in sections for line in section()]


def _head(report: Mapping, width: int) -> Iterator[Line]:
    where = report["environment"]
    right = f"  exit status {report['exit_status']}"
    parts = [f"lottery {report['version']}", report["scale"], "", where["precision"], duration(report["seconds"])]
    parts[2] = cut(where["device"], max(DEVICE, width - len(right) - len(" · ".join(parts))))  # alone may be long
    left = cut(" · ".join(parts), width - len(right))
    yield Line(left + right.rjust(width - len(left)), {"bold": True})
    yield Line("─" * width)
    if report["replaced"]:
        yield from _wrapped(replaced(report), width, {"yellow": True, "bold": True})


def _state(report: Mapping, results: Sequence[Mapping], width: int) -> Iterator[Line]:
    told = answer.state(report, results)
    colour = {"green" if told.word in GOOD else "red": True, "bold": True}
    yield from _wrapped(f"{told.word}  {told.counts}", width, colour)
    yield from _wrapped(told.worth, width)
    if told.lost:
        yield Line(told.lost, {"red": True})


def _papers(results: Sequence[Mapping], width: int) -> Iterator[Line]:
    if not results:
        return
    gap = " " * (2 if width < 90 else 4)
    heads = answer.heads(results)
    first = min(48, width - sum(len(gap + head) for head in heads))
    yield Line("")
    yield Line(" " * first + "".join(f"{gap}{head}" for head in heads))
    for letter, title, cells in answer.by_paper(results):
        name = cut(f"{letter}  {title}", first)
        yield Line(name.ljust(first) + "".join(f"{gap}{cell.rjust(len(head))}" for cell, head in zip(cells, heads)))


def _unexpected(results: Sequence[Mapping], width: int, show: str) -> Iterator[Line]:
    """Yield what is other than expected, errors with their whole messages as far as there are rows for them."""
    found = answer.unexpected(results)
    if not found:
        return
    yield from _titled("OTHER THAN EXPECTED", str(len(found)), width)
    spare, is_cut = MANY - len(found), False
    for result in found[:MANY]:
        told = f"{other_than_expected(result)}: {why(result)}"
        row = _row(result, told, width, RED)
        cut_off = len(row.text) > width
        below = list(_wrapped(told, width, RED, " " * 6)) if cut_off and result["verdict"] == ERROR else []
        if below and len(below) <= spare:
            spare, cut_off = spare - len(below), False
            yield from [_row(result, "", width, RED), *below]
        else:
            yield row
        is_cut = is_cut or cut_off
    yield from _more(found, MANY, f"{show} --unexpected")
    if is_cut and len(found) <= MANY:
        yield Line(f"      in full: {show} --unexpected")


def other_than_expected(result: Mapping) -> str:
    """Return the verdict beside the one that was expected, or that there is an error in its place."""
    told = str(result["verdict"])
    return told if told == ERROR else f"{told}, not {result['expected_verdict']}"


def _moved(report: Mapping, results: Sequence[Mapping], width: int) -> Iterator[Line]:
    """Yield what moved from the baseline: in a sentence where nothing did by more than chance, else claim by claim."""
    if report["baseline"]:
        told = list(brief(report["baseline"], {result["id"]: result for result in results}, width, FEW))
        if any(title for _, title in told):
            yield Line("")
        for text, title in told:
            yield Line(text, {"bold": title, "red": title})


def _main(results: Sequence[Mapping], width: int, many: int) -> Iterator[Line]:
    found = answer.headlines(results)[:many]
    if not found:
        return
    room = ESTIMATE if width < 100 else ESTIMATE + 6
    bar = min(30, 17 + (width - NARROWEST) // 4)
    name = min(max(len(result["headline"]) for result in found), width - bar - room - 15)
    yield Line("")
    title = f"{'MAIN CLAIMS':{name + 6}} ░ agrees  ├●┤ ours, 90 %"
    yield Line(title.ljust(name + bar + room + 8) + "verdict", {"bold": True})
    for result in found:
        shown = SHORT[result["verdict"]] + (" ~" if result["analogue"] else "")
        left = f"{code(result):5} {cut(result['headline'], name):{name}} {_picture(result, bar)}"
        text = f"{left} {cut(ours(result), room):{room}} {shown}"
        colour = {"green": result["verdict"] == REPRODUCED, "red": result["verdict"] == REFUTED}
        yield Line(text, colour)


def _picture(result: Mapping, width: int) -> str:
    """Return a claim's interval on its region, or of several parts a sign for each."""
    if result["estimate"] is not None and result["region"]:
        zero = is_difference(result["unit"])
        return interval_bar(result["region"], result["estimate"], result["interval"], width, zero)
    signs = {REPRODUCED: "●", REFUTED: "×", INCONCLUSIVE: "○"}
    return "".join(signs[part["verdict"]] for part in result["parts"]).ljust(width)


def _scoreboard(board: Sequence[Mapping], width: int) -> Iterator[Line]:
    """Yield what a user's own criteria and treatments came to beside the papers', a row for each question."""
    for contest, cells in boards(board).items():
        yield from _titled(TITLES[contest], about_shown(cells, width), width)
        for line in lines(cells, width):
            yield Line(line)
    if board:
        for line in legend(board):
            yield from _wrapped(line, width)


def _networks(results: Sequence[Mapping], width: int) -> Iterator[Line]:
    """Yield what a user's own networks came to: a row for each question and network."""
    found = [result for result in results if result["own"] == "network"]
    if not found:
        return
    names = list(dict.fromkeys(_variant(result) for result in found))
    cells = {(_variant(result), _question(result)): _scored(result) for result in found}
    first = max(15, *map(len, names))
    yield from _titled("YOUR NETWORK", "against what each question names; better and worse for certain", width)
    for question in dict.fromkeys(_question(result) for result in found):  # one below the other: their names are long
        yield Line(f"  {spoken(question)}")
        for name in names:
            if (name, question) in cells:
                yield Line(f"    {name:{first}} {cells[name, question]}")


def _variant(result: Mapping) -> str:
    return str(claim_name(result).partition("[")[2].rstrip("]"))


def _question(result: Mapping) -> str:
    return str(claim_name(result).partition("[")[0])


def _scored(result: Mapping) -> str:
    """Return a difference with whether it is better or worse for certain, of anything else the verdict, and why."""
    if result["estimate"] is None:
        return result["verdict"] if result["verdict"] == REPRODUCED else f"{result['verdict']}: {why(result)}"
    if result["reason"]:
        return f"{ours(result)}  {result['verdict']}: {result['reason']}"
    if result["kind"] != "effect" or not is_difference(result["unit"]) or None not in result["region"]:
        return f"{ours(result)}  {result['verdict']}"
    told = towards(result["side"], Region.of(result["region"])) or "neither better nor worse for certain"
    return f"{ours(result)}  {told}"


def why(result: Mapping) -> str:
    """Return the shortest true reason for a verdict that is not `reproduced`: the numbers, and what would agree."""
    if result["reason"]:
        return str(result["reason"])
    parts = [part for part in result["parts"] if part["verdict"] != REPRODUCED]
    if parts:
        first = next((part for part in parts if part["verdict"] == result["verdict"]), parts[0])
        told = not_enough(result) if first["verdict"] != result["verdict"] else ""
        return told or f"{spoken(first['name'])}: {_against(first, result['unit'])}"
    return _against(result, result["unit"])


def not_enough(result: Mapping) -> str:
    """Return why a part that is outside its region does not refute an inconclusive conjunction; empty if none is."""
    stated = [part for part in result["parts"] if not is_control(part["name"])]
    outside = [part for part in stated if part["verdict"] == REFUTED and part["p_outside"] is not None]
    if result["verdict"] != INCONCLUSIVE or result["reason"] or not outside:
        return ""
    worst, level = min(outside, key=lambda part: part["p_outside"]), ALPHA / len(stated)
    p, needed = _told_apart(worst["p_outside"], level)
    name = spoken(worst["name"])
    return f"{name} is outside, p {p}; one of {len(stated)} parts needs p <= {needed} to refute"


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Return two numbers with as few digits as tell them apart, two at least."""
    return next(
        (told for digits in range(2, 17) if len(set(told := (f"{one:.{digits}g}", f"{other:.{digits}g}"))) == 2),
        (f"{one:.17g}", f"{other:.17g}"),
    )


def _against(outcome: Mapping, unit: str) -> str:
    if outcome["estimate"] is None:
        return str(outcome["reason"])
    share = outcome["kind"] == "proportion"
    unit = "" if share else unit
    shown = ours({**outcome, "parts": [], "unit": "of seeds" if share else unit})
    shown = shown.removesuffix(f" {unit}") if "," in unit else shown  # of several parts, which it does not tell apart
    return f"{shown}, agrees {agreement(outcome['region'], unit)}" if outcome["region"] else shown


def agreement(region: Sequence[float | None], unit: str) -> str:
    """Return in words where an estimate agrees with its claim."""
    low, high = region
    if low is None or high is None:
        return f"up to {number(high, unit)}" if high is not None else f"from {number(low or 0.0, unit)}"
    return f"in {span(region, unit)}"


def _refuted(results: Sequence[Mapping], moves: Sequence[Move], width: int, few: int, show: str) -> Iterator[Line]:
    found, told = answer.refuted(results, moves)
    if not found:
        return
    yield from _titled("REFUTED", told, width)
    for result in found[:few]:
        yield _row(result, why(result), width)
    yield from _more(found, few, f"{show} --refuted")


def _inconclusive(results: Sequence[Mapping], width: int, few: int, show: str) -> Iterator[Line]:
    found = answer.inconclusive(results)
    if not found:
        return
    yield from _titled("INCONCLUSIVE", f"{len(found)}: neither inside nor outside the region that agrees", width)
    for result in found[:few]:
        yield _row(result, why(result), width)
    yield from _more(found, few, f"{show} --inconclusive")


def _not_asked(
    results: Sequence[Mapping], scale: str, costs: Mapping[str, float], width: int, show: str
) -> Iterator[Line]:
    groups = answer.not_asked(results, scale, costs, show)
    if groups:
        yield from _titled(answer.title_of(groups).upper(), str(sum(group.tests for group in groups)), width)
    for tests, told, way in groups:
        yield Line(f"{tests:>6} {told:28} {way}")


def _notes(notes: Sequence[str], width: int) -> Iterator[Line]:
    if notes:
        yield Line("")
    for note in notes:
        yield from _wrapped(f"- {note}", width, {"yellow": True})


def _titled(title: str, told: str, width: int) -> Iterator[Line]:
    yield Line("")
    yield from _wrapped(f"{title}  {told}", width, {"bold": True})


def _row(result: Mapping, told: str, width: int, markup: Mapping[str, bool] = {}) -> Line:
    room = 32 if width < 100 else width * 2 // 5
    return Line(f"{code(result):5} {cut(claim_name(result), room):{room}} {told}".rstrip(), markup)


def _more(found: Sequence[Any], shown: int, command: str) -> Iterator[Line]:
    if len(found) > shown:
        told = f"and {len(found) - shown} more" if shown else "which they are"
        yield Line(f"      {told}: {command}")


def _wrapped(text: str, width: int, markup: Mapping[str, bool] = {}, indent: str = "") -> Iterator[Line]:
    for line in wrap(text, width, initial_indent=indent, subsequent_indent=f"{indent}  "):
        yield Line(line, markup)
