"""The scoreboard as text: a row for each question, a column for each criterion or treatment, users' own first."""

from collections.abc import Iterator, Mapping, Sequence

from tabulate import tabulate

from lottery.claims.claim import CRITERION, FROZEN, KEPT, REFERENCES
from lottery.claims.results import of_differences
from lottery.claims.scoreboard import NOT_ASKED, REFERENCE, own_names, questions
from lottery.claims.statistics import ERROR
from lottery.core.text import cut, for_markdown
from lottery.report.answer import counted
from lottery.report.results_table import number, span

TITLES = {
    CRITERION: "YOUR CRITERIA",
    KEPT: "YOUR TREATMENTS OF KEPT WEIGHTS",
    FROZEN: "YOUR TREATMENTS OF PRUNED WEIGHTS",
}
LEGEND = (
    "equal: within the margin; else better or worse: on one side of zero; else open",
    "each cell by itself at 90 %, without correction for the number of cells",
)
CLOUDED = "!"  # beside a state, and in the line that says why
WHY_CLOUDED = f"open{CLOUDED}: seeds with a failed network do not agree with the others, or say nothing"
QUESTION, MARGIN, FULL, SHORT = 27, 16, 31, 13  # columns of a terminal
ERRORS = 4  # that are told with their messages


def about(contest: str) -> str:
    """Return what the numbers of a contest are."""
    return f"each minus {REFERENCES[contest][0]} in the same seeds, 90 % intervals"


def legend(board: Sequence[Mapping]) -> list[str]:
    """Return what the states of cells mean, a line each."""
    return [*LEGEND, *[WHY_CLOUDED] * any(cell["clouded"] for cell in board)]


def about_shown(board: Sequence[Mapping], width: int) -> str:
    """Return what the numbers are that a terminal shows, which has intervals from some width on."""
    contest, needed = board[0]["contest"], _width_of_intervals(board)
    narrow = f"each minus {REFERENCES[contest][0]}; intervals from {needed} columns"
    return about(contest) if width >= needed else narrow


def _width_of_intervals(board: Sequence[Mapping]) -> int:
    return QUESTION + FULL + SHORT * len({cell["name"] for cell in board if not cell["own"]})


def names(board: Sequence[Mapping]) -> list[str]:
    """Return what a contest's columns are called, in their order: users' own, the first reference, the others."""
    own = dict.fromkeys(own_names(board))
    others = dict.fromkeys(cell["name"] for cell in board if not cell["own"])
    return list(own | others)


def label(cell: Mapping) -> str:
    """Return a question in a few words, with the user's own network that it is asked of."""
    words = str(cell["question"].partition(".")[2].replace("_", " "))
    return f"{words.removesuffix(' on network')} on {cell['network']}" if cell["network"] else words


def shown(cell: Mapping | None, whole: bool = True) -> str:
    """Return a cell in words: a difference with its interval, if the `whole` is asked for, and its state."""
    if cell is None or cell["state"] == NOT_ASKED:
        return "-"
    if cell["state"] == REFERENCE:
        level = "-" if cell["estimate"] is None else number(cell["estimate"], cell["unit"])
        return f"{level} {cell['unit']}" if whole and cell["estimate"] is not None else level
    state = f"{cell['state']}{CLOUDED * cell['clouded']}"
    if cell["difference"] is None:
        return state
    unit = of_differences(cell["unit"])
    interval = f" {span(cell['difference_interval'], unit)}" if whole and cell["difference_interval"] else ""
    return f"{number(cell['difference'], unit)}{interval} {state}"


def margin(cell: Mapping) -> str:
    """Return a question's margin with its unit, or a dash."""
    return "-" if cell["margin"] is None else f"±{cell['margin']:g} {of_differences(cell['unit'])}"


def lines(board: Sequence[Mapping], width: int) -> Iterator[str]:
    """Yield the cells of one contest for a terminal: intervals where there is room, users' own in groups that fit."""
    columns = names(board)
    own = own_names(board)
    others = [name for name in columns if name not in own]
    first = width - QUESTION - SHORT * len(others)
    whole = width >= _width_of_intervals(board)
    with_margin = first - (FULL if whole else SHORT) * len(own) >= MARGIN
    each = max(1, (first - MARGIN * with_margin) // (FULL if whole else SHORT))
    for begin in range(0, len(own), each):
        group = own[begin : begin + each]
        widths = [FULL if whole else SHORT] * len(group) + [SHORT] * len(others)
        yield _row(" " * QUESTION, "equal within", [*group, *others], widths, with_margin)
        for cell, by_name in questions(board):
            cells = [shown(by_name.get(name), whole) for name in group]
            cells += [shown(by_name.get(name), whole=False) for name in others]
            yield _row(cut(label(cell), QUESTION - 1), margin(cell), cells, widths, with_margin)
    yield from errors(board)


def _row(question: str, allowed: str, cells: Sequence[str], widths: Sequence[int], with_margin: bool) -> str:
    between = f"{allowed:{MARGIN}}" if with_margin else ""
    return (
        f"{question:{QUESTION}}{between}"
        + "".join(f"{cut(cell, room - 1):{room}}" for cell, room in zip(cells, widths)).rstrip()
    )


def errors(board: Sequence[Mapping]) -> list[str]:
    """Return what went wrong with which of them, each message once."""
    found: dict[tuple[str, str], int] = {}
    for cell in board:
        if cell["state"] == ERROR:
            told = cell["name"], _without_claim(cell)
            found[told] = found.get(told, 0) + 1
    told_of = [
        f"error of {name}, {counted(count, 'question', 'questions')}: {reason}"
        for (name, reason), count in found.items()
    ]
    more = [f"and {counted(others, 'other error', 'other errors')}"] if (others := len(told_of) - ERRORS) > 0 else []
    return told_of[:ERRORS] + more


def _without_claim(cell: Mapping) -> str:
    """Return an error without the claim that its message may begin with: the same one concerns several."""
    reason = str(cell["reason"])
    return reason.partition("]: ")[2] if reason.startswith(f"{cell['question']}[") else reason


def markdown(board: Sequence[Mapping]) -> str:
    """Return the cells of one contest as Markdown, fit for a comment on a pull request; empty where there are none."""
    if not board:
        return ""
    columns = names(board)
    own = own_names(board)
    heads = ["question", "equal within", *(f"**{name}**" if name in own else name for name in columns)]
    rows = [
        [label(cell), margin(cell), *(shown(by_name.get(name)) for name in columns)]
        for cell, by_name in questions(board)
    ]
    table = tabulate([[for_markdown(text) for text in row] for row in rows], heads, "github", disable_numparse=True)
    told = [f"- {for_markdown(error)}" for error in errors(board)]
    below = for_markdown(f"{about(board[0]['contest']).capitalize()}; {'; '.join(legend(board))}.")
    return "\n".join([table, "", below, *([""] if told else []), *told])
