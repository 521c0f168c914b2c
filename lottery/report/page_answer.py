"""The head of the page: the answer that a terminal shows, as HTML."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from lottery.claims.comparison import DRIFTED, TURNED, Move
from lottery.claims.scoreboard import boards, questions
from lottery.claims.uncounted import moves_of
from lottery.report import answer
from lottery.report.claims_table import AGREES, anchor, breakable, mark, picture
from lottery.report.difference import HEADERS, OTHER_RULE, TITLES, cells, summary
from lottery.report.markup import Markup, element, joined
from lottery.report.results_table import claim_name, code, ours, replaced
from lottery.report.scoreboard_table import TITLES as CONTESTS
from lottery.report.scoreboard_table import about, errors, label, legend, margin, names, shown
from lottery.report.screen import other_than_expected, why

LONGEST = 10_000  # characters of a line, which the browser breaks
LONG = {short: verdict for verdict, short in answer.SHORT.items()}  # heads of columns: a page has room for these
FEW = 6  # claims that are shown before the rest is folded


def page_answer(report: Mapping, results: Sequence[Mapping], notes: Sequence[str]) -> Markup:
    """Return the state of a run, its papers, its main claims, and what was other than reproduced, with the remarks."""
    sections: list[Callable[[], Iterator[Markup]]] = [
        lambda: _state(report, results),
        lambda: _unexpected(results),
        lambda: _compared(report, results),
        lambda: _main(results),
        lambda: _scoreboard(report["scoreboard"]),
        lambda: _networks(results),
        lambda: _folded("Refuted", *answer.refuted(results, moves_of(report))),
        lambda: _folded(
            "Inconclusive", answer.inconclusive(results), "neither inside nor outside the region that agrees"
        ),
        lambda: _not_asked(results, report["scale"], report["costs"]),
        lambda: _notes(notes),
    ]
    return joined(part for section in sections for part in section())


def _state(report: Mapping, results: Sequence[Mapping]) -> Iterator[Markup]:
    told = answer.state(report, results)
    kind = "good" if told.word in answer.GOOD else "bad"
    if report["replaced"]:
        yield element("p", replaced(report), class_="state bad")
    yield element("p", element("strong", told.word), " ", told.counts, class_=f"state {kind}")
    yield element("p", told.worth)
    if told.lost:
        yield element("p", told.lost, class_="state bad")
    named = ("paper", *(LONG.get(head, head) for head in answer.heads(results)))
    heads = [element("th", ""), *(element("th", _head(head), scope="col") for head in named)]
    rows = [
        element(
            "tr",
            element("td", letter, class_="code"),
            element("th", title, scope="row"),
            *(element("td", cell) for cell in cells),
        )
        for letter, title, cells in answer.by_paper(results)
    ]
    yield _table("papers", heads, rows)


def _head(head: str) -> Markup | str:
    return element("abbr", head, title=answer.OF_PAPER_MEANS) if head == answer.OF_PAPER else head


def _unexpected(results: Sequence[Mapping]) -> Iterator[Markup]:
    found = answer.unexpected(results)
    if found:
        yield element("h3", f"Other than expected: {len(found)}")
        told = [f"{other_than_expected(result)}: {why(result)}" for result in found]
        yield _table("reasons", [], map(_reason, found, told))


def _compared(report: Mapping, results: Sequence[Mapping]) -> Iterator[Markup]:
    """Yield what moved from the baseline, by more than chance or, folded, not, and what is different."""
    found, by_id = report["baseline"], {result["id"]: result for result in results}
    if not found:
        return
    told, *changes = summary(found, LONGEST)
    yield element("p", told[:1].upper() + told[1:])
    if changes:
        yield element("ul", *(element("li", line) for line in changes))
    for state, title in TITLES.items():
        moves = [move for move in found["moves"] if move["state"] == state]
        if not moves:
            continue
        heads = [element("th", head, scope="col") for head in HEADERS]
        table = _table("moves", heads, (_move(move, by_id[move["id"]]) for move in moves))
        title = f"{title.capitalize()}: {len(moves)}" + f", {OTHER_RULE}" * (state == TURNED)
        if state in (TURNED, DRIFTED) or found["exact"]:
            yield joined([element("h3", title), table])
        else:
            yield element("details", element("summary", title), table)


def _move(move: Move, result: Mapping) -> Markup:
    name, towards, size, p = cells(move, result)
    changed = ", ".join(move["changed"] or ())
    link = element("a", name, href=f"#{anchor(result)}")
    return element(
        "tr", element("th", link, scope="row"), *(element("td", cell) for cell in (towards, size, p, changed))
    )


def _main(results: Sequence[Mapping]) -> Iterator[Markup]:
    found = answer.headlines(results)
    if not found:
        return
    yield element("h3", "Main claims")
    heads = [element("th", head, scope="col") for head in ("", "claim", AGREES, "ours, 90 % interval", "verdict")]
    rows = [
        element(
            "tr",
            element("td", code(result), class_="code"),
            element("th", element("a", result["headline"], href=f"#{anchor(result)}"), scope="row"),
            element("td", picture(result)),
            element("td", ours(result), class_="ours"),
            element("td", answer.SHORT[result["verdict"]], " ", mark(result), class_=f"verdict {result['verdict']}"),
        )
        for result in found
    ]
    yield _table("main", heads, rows)


def _scoreboard(scores: Sequence[Mapping]) -> Iterator[Markup]:
    """Yield what a user's own criteria and treatments came to beside the papers'."""
    for contest, board in boards(scores).items():
        yield element("h3", CONTESTS[contest].capitalize())
        yield element("p", f"{about(contest).capitalize()}; {'; '.join(legend(board))}.")
        yield from _board(board)


def _board(board: Sequence[Mapping]) -> Iterator[Markup]:
    """Yield a row for each question of a contest, a column for each that is in it."""
    columns = names(board)
    own = {cell["name"] for cell in board if cell["own"]}
    heads = [element("th", "question", scope="col"), element("th", "equal within", scope="col")]
    heads += [element("th", element("b", name) if name in own else name, scope="col") for name in columns]
    rows = [
        element(
            "tr",
            element("th", label(cell), scope="row", title=cell["statement"]),
            element("td", margin(cell)),
            *(_cell(by_name.get(name)) for name in columns),
        )
        for cell, by_name in questions(board)
    ]
    yield _table("scoreboard", heads, rows)
    if told := errors(board):
        yield element("ul", *(element("li", line) for line in told))


def _cell(cell: Mapping | None) -> Markup:
    state = cell["state"].replace(" ", "-") if cell else ""
    return element("td", shown(cell), class_=f"cell {state}", title=cell["reason"] if cell and cell["reason"] else None)


def _networks(results: Sequence[Mapping]) -> Iterator[Markup]:
    """Yield what a user's own networks came to, a row for each question and network."""
    found = [result for result in results if result["own"] == "network"]
    if not found:
        return
    yield element("h3", "Your networks, against what each question names")
    rows = [
        element(
            "tr",
            element("th", element("a", claim_name(result).replace("_", " "), href=f"#{anchor(result)}"), scope="row"),
            element("td", picture(result)),
            element("td", ours(result) or result["reason"], class_="ours"),
            element("td", result["verdict"], class_="verdict"),
        )
        for result in found
    ]
    yield _table("moves", [], rows)


def _folded(title: str, found: Sequence[Mapping], told: str) -> Iterator[Markup]:
    """Yield the first few claims of a verdict with their reasons, and the others folded."""
    if not found:
        return
    yield element("h3", f"{title}: {told}" if title == "Refuted" else f"{title}: {len(found)}, {told}")
    yield _table("reasons", [], (_reason(result, why(result)) for result in found[:FEW]))
    if len(found) > FEW:
        rest = _table("reasons", [], (_reason(result, why(result)) for result in found[FEW:]))
        yield element("details", element("summary", f"and {len(found) - FEW} more"), rest)


def _reason(result: Mapping, told: str) -> Markup:
    return element(
        "tr",
        element("td", code(result), class_="code"),
        element("th", element("a", breakable(claim_name(result)), href=f"#{anchor(result)}"), scope="row"),
        element("td", told),
    )


def _not_asked(results: Sequence[Mapping], scale: str, costs: Mapping[str, float]) -> Iterator[Markup]:
    groups = answer.not_asked(results, scale, costs)
    if groups:
        yield element("h3", f"{answer.title_of(groups)}: {sum(group.tests for group in groups)}")
        rows = [
            element(
                "tr",
                element("td", group.tests, class_="n"),
                element("th", group.reason, scope="row"),
                element("td", element("code", group.way) if group.way.startswith("lottery") else group.way),
            )
            for group in groups
        ]
        yield _table("reasons", [], rows)


def _notes(notes: Sequence[str]) -> Iterator[Markup]:
    if notes:
        told = element("ul", *(element("li", note) for note in notes))
        yield element("details", element("summary", f"Remarks: {len(notes)}"), told)


def _table(kind: str, heads: Sequence[Markup], rows: Iterator[Markup] | Sequence[Markup]) -> Markup:
    head = element("thead", element("tr", *heads)) if heads else ""
    return element("div", element("table", head, element("tbody", *rows), class_=kind), class_="wide")
