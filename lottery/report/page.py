"""`report.html`: a run's answer, all claims and its figures in one file, which asks for nothing from elsewhere."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from lottery.claims.results import all_results, data_of, in_order
from lottery.core.shell import quote
from lottery.report.charts import theme
from lottery.report.charts.chart import Chart, Figure, slug
from lottery.report.claim_details import details
from lottery.report.claims_table import anchor, claims_table
from lottery.report.explanation import LEGEND
from lottery.report.markup import Markup, element, embedded, joined
from lottery.report.page_answer import page_answer
from lottery.report.plan_table import duration

LIBRARIES = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js")  # each needs those before it
# Nothing is loaded from anywhere, and only our own scripts run. Vega's interpreter needs no `unsafe-eval`.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def asset(name: str) -> str:
    """Return the text of a file that travels with the package."""
    return (files("lottery.report") / "assets" / name).read_text(encoding="utf-8")


def page(report: Mapping, figures: Sequence[Figure], notes: Sequence[str] = ()) -> str:
    """Return the page of a run: its answer, its claims and these figures."""
    results = in_order(all_results(report))
    sections = [  # name, title among the links and above it, content
        ("answer", "Answer", "Answer", page_answer(report, results, notes)),
        ("claims", "Claims", "All claims", claims_table(results)),
        *((name, title, title, joined(map(_figure, of))) for name, title, of in _by_paper(figures)),
        ("run", "Run", "This run", _about(report, results)),
    ]
    links = [element("a", short, href=f"#{name}") for name, short, _, _ in sections]
    title = f"lottery · {report['scale']} · {report['started'][:10]}"
    body = [
        element(
            "header", element("h1", f"lottery, scale {report['scale']}"), element("p", _where(report), class_="meta")
        ),
        element("nav", *links, aria_label="sections"),
        element("main", *(_section(name, title, inside) for name, _, title, inside in sections)),
        *_scripts(report, results, figures),
    ]
    return f"<!DOCTYPE html>\n{element('html', _head(title), element('body', *body), lang='en')}\n"


def _head(title: str) -> Markup:
    colours = f":root{{color-scheme:light dark;{theme.properties(theme.ON_WHITE)}}}"
    colours += f"@media screen and (prefers-color-scheme:dark){{:root{{{theme.properties(theme.ON_BLACK)}}}}}"
    allowed = " ".join(f"'sha256-{_digest(asset(name))}'" for name in (*LIBRARIES, "page.js"))
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=f"{POLICY}; script-src {allowed}"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(colours + asset("page.css"))),
    )


@cache
def packed(name: str) -> str:
    """Return a file that travels with the package as a page carries it: compressed, in letters."""
    return base64.b64encode(gzip.compress(asset(name).encode(), mtime=0)).decode()


@cache
def _digest(text: str) -> str:
    return base64.b64encode(sha256(text.encode()).digest()).decode()


def _scripts(report: Mapping, results: Sequence[Mapping], figures: Sequence[Figure]) -> list[Markup]:
    """Return the page's data, the libraries, which run when the first chart is drawn, and its own script."""
    panels = [panel for figure in figures for panel in figure.panels]
    origins, lineages = _origins(panels, [result["id"] for result in results])
    content = {
        "claims": {result["id"]: {"anchor": anchor(result), **details(result, report)} for result in results},
        "charts": {panel.name: panel.packed() | {"lineage": of} for panel, of in zip(panels, lineages)},
        "origins": origins,
        "environment": _environment(report),
        "config": theme.CONFIG,
        "legend": LEGEND,
    }
    carried = [element("script", packed(name), type="text/plain", data_library=name) for name in LIBRARIES]
    data = element("script", embedded(content), type="application/json", id="content")
    return [data, *carried, element("script", Markup(asset("page.js")))]


def _origins(panels: Sequence[Chart], claims: Sequence[str]) -> tuple[list[list], list[dict[str, int]]]:
    """Return where points come from, each origin once, and by panel and series the place of its own among these.

    An origin is what it is in words, its claims by their place among all, each with the rounds that it reads, and
    whether they read it.
    """
    places, found = {claim: place for place, claim in enumerate(claims)}, dict[str, int]()
    lineages = [
        {series: found.setdefault(_packed(origin, places), len(found)) for series, origin in panel.lineage.items()}
        for panel in panels
    ]
    return [json.loads(origin) for origin in found], lineages


def _packed(origin: Mapping, places: Mapping[str, int]) -> str:
    claims = [[places[claim], in_ranges(rounds)] for claim, rounds in origin["claims"].items()]
    return json.dumps([origin["origin"], claims, origin["read"]])


def in_ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as ranges, such as "0-3,7"."""
    ends: list[list[int]] = []
    for number in numbers:
        if ends and number == ends[-1][-1] + 1:
            ends[-1] = [ends[-1][0], number]
        else:
            ends.append([number])
    return ",".join("-".join(map(str, of)) for of in ends)


def _section(name: str, title: str, *inside: Markup) -> Markup:
    return element("section", element("h2", title), *inside, id=name)


def _by_paper(figures: Sequence[Figure]) -> list[tuple[str, str, list[Figure]]]:
    """Return for every paper the name of its section, its title and its figures; those of no paper come first."""
    groups: dict[str, list[Figure]] = {}
    for figure in figures:
        if figure.panels:
            groups.setdefault(figure.paper, []).append(figure)
    return [
        (f"figures-{slug(paper)}" if paper else "estimates", paper or "Estimates", of)
        for paper, of in sorted(groups.items())
    ]


def _figure(figure: Figure) -> Markup:
    mark = element("p", element("b", "~ ANALOGUE"), f" {figure.analogue}", class_="analogue") if figure.analogue else ""
    place = element("span", figure.place, class_="place") if figure.place else ""
    panels = element("div", *map(_panel, figure.panels), class_=f"panels {figure.layout}")
    return element(
        "article",
        element("h3", figure.title, " ", place),
        mark,
        element("p", figure.caption, class_="caption"),
        panels,
        id=f"figure-{figure.name}",
    )


def _panel(panel: Chart) -> Markup:
    return element(
        "figure",
        element("figcaption", panel.title),
        element("div", class_="chart", role="img", aria_label=panel.summary, data_chart=panel.name),
        element("div", class_="chosen", aria_live="polite"),
        element(
            "details",
            element("summary", f"table of {len(panel.rows)} rows"),
            element("div", class_="wide"),
            data_table=panel.name,
        ),
        element("button", "save as SVG", type="button", data_save=panel.name),
        id=f"chart-{panel.name}",
    )


def _where(report: Mapping) -> str:
    where = report["environment"]
    return " · ".join(
        [_version(report), report["started"], where["device"], where["precision"], duration(report["seconds"])]
    )


def _environment(report: Mapping) -> str:
    """Return with what and on what a run computed, in a line."""
    where = report["environment"]
    packages = [f"{name} {where[name]}" for name in ("python", "torch") if where.get(name)]
    return ", ".join([_version(report), *packages, where["device"], where["precision"]])


def _version(report: Mapping) -> str:
    return f"lottery {report['version']}" + (f" ({report['commit']})" if report["commit"] else "")


def _about(report: Mapping, results: Sequence[Mapping]) -> Markup:
    """Return with what and where the run was made, and how to make it again."""
    command = " ".join(["lottery run", *(quote(str(word)) for word in report["command"])])
    facts = {
        "command": element("code", command),
        "started": report["started"],
        "took": f"{duration(report['seconds'])}, {report['trained_steps']:,} training steps",
        "version": f"{report['version']} {report['commit']}",
        **{name: value or "not installed" for name, value in report["environment"].items()},
        **{f"data: {name}": digest for name, digest in data_of(results).items()},
        "files": "results.json, results.md and measurements.csv.gz, one number per row, are beside this page",
    }
    rows = [element("tr", element("th", name, scope="row"), element("td", value)) for name, value in facts.items()]
    return element("div", element("table", element("tbody", *rows), class_="facts"), class_="wide")
