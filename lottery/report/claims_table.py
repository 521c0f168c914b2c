"""The page's table of all claims: a row each, to be filtered and sorted, with the picture of its interval."""

import re
from collections.abc import Mapping, Sequence

from lottery.claims.statistics import ANSWERS, ERROR, SKIPPED
from lottery.core.text import spoken
from lottery.report.answer import is_unexpected
from lottery.report.interval_picture import interval_picture
from lottery.report.markup import Markup, element, escaped, joined
from lottery.report.results_table import claim_name, code, ours, published, verdict

NOT_ASKED = "not asked"
VERDICTS = (*ANSWERS, ERROR, SKIPPED)


def anchor(result: Mapping) -> str:
    """Return the name by which a link leads to a claim's row: letters, digits, `-` and `_`."""
    return "claim-" + re.sub(r"[^A-Za-z0-9_]", "-", result["id"])


AGREES = joined([element("span", class_="swatch"), " agrees"])  # heads the pictures
# Heads of the columns, with what a row is sorted by in each.
COLUMNS = (("no.", "order"), ("claim", "name"), ("paper", ""), ("ours, 90 % interval", "estimate"), (AGREES, ""),
           ("seeds", "n"), ("verdict", "verdict"))  # fmt: skip


def mark(result: Mapping) -> Markup:
    """Return the sign of an analogue, or nothing."""
    return element("abbr", "~", title=f"analogue: {result['analogue_because']}") if result["analogue"] else Markup()


def picture(result: Mapping) -> Markup:
    """Return a claim's picture, or of one with several parts a sign for each."""
    if not result["parts"]:
        return interval_picture(result, result["unit"])
    signs = {"reproduced": "●", "refuted": "×", "inconclusive": "○"}
    told = ", ".join(f"{spoken(part['name'])} {part['verdict']}" for part in result["parts"])
    shown = [element("span", signs.get(part["verdict"], "–"), class_=part["verdict"]) for part in result["parts"]]
    return element("span", *shown, class_="parts", role="img", aria_label=told, title=told)


def breakable(name: str) -> Markup:
    """Return a claim's name, which a line may break after every word."""
    return Markup(escaped(name).replace("_", "_<wbr>"))


def claims_table(results: Sequence[Mapping]) -> Markup:
    """Return the filters and the table of these results, in their order."""
    heads = [
        element("th", element("button", name, type="button", data_sort=key) if key else name, scope="col")
        for name, key in COLUMNS
    ]
    rows = [_row(place, result) for place, result in enumerate(results)]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="claims")
    return joined([_filters(results), table])


def _filters(results: Sequence[Mapping]) -> Markup:
    search = element("input", type="search", id="search", placeholder="name, statement, F12 …", autocomplete="off")
    chips = []
    for name in (*VERDICTS, "unexpected"):
        found = sum(is_unexpected(result) if name == "unexpected" else result["verdict"] == name for result in results)
        if found:
            text = NOT_ASKED if name == SKIPPED else "other than expected" if name == "unexpected" else name
            chips.append(element("button", f"{text} {found}", type="button", class_=name, data_chip=name,
                                 aria_pressed="false"))  # fmt: skip
    papers = {result["paper"]: f"{result['letter']} {result['title'].partition(',')[0]}".strip() for result in results}
    options = [element("option", name, value=paper) for paper, name in papers.items()]
    return element(
        "form",
        element("label", "Find ", search),
        element("label", "Paper ", element("select", element("option", "all", value=""), *options, id="paper")),
        element("span", *chips, class_="chips", role="group", aria_label="verdicts"),
        element("output", f"{len(results)} claims", id="found", aria_live="polite"),
        class_="filters",
        role="search",
    )


def _row(place: int, result: Mapping) -> Markup:
    name = element("button", breakable(claim_name(result)), type="button", class_="open", aria_expanded="false")
    told = element("small", result["headline"] or result["statement"])
    exact = result["kind"] == "exact" and result["verdict"] in ANSWERS
    word = NOT_ASKED if result["verdict"] == SKIPPED else result["verdict"]
    marks = verdict(result).removeprefix(result["verdict"]).replace(" (analogue)", "").lstrip(", ")
    estimate = "" if result["estimate"] is None else f"{result['estimate']:.6g}"
    cells = [
        element("td", code(result), class_="code"),
        element("th", name, told, scope="row"),
        element("td", published(result), data_label="paper"),
        element("td", ours(result) or ("exact" if exact else ""), class_="ours", data_label="ours"),
        element("td", picture(result)),
        element("td", result["n"] or "", class_="n", data_label="seeds"),
        element("td", word, " ", mark(result), element("small", marks), class_=f"verdict {result['verdict']}"),
    ]
    return element(
        "tr",
        *cells,
        id=anchor(result),
        data_order=place,
        data_paper=result["paper"],
        data_verdict=result["verdict"],
        data_unexpected=is_unexpected(result),
        data_estimate=estimate or None,
        data_n=result["n"] or None,
    )
