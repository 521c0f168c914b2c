"""The forest: all estimates of a unit below each other, each with its interval on the region that agrees."""

from collections.abc import Iterator, Mapping, Sequence
from math import log10
from typing import Any

from lottery.claims.results import is_difference
from lottery.claims.statistics import INCONCLUSIVE, REFUTED, REPRODUCED, SKIPPED
from lottery.core.text import spoken
from lottery.report.charts.chart import Chart, Figure, slug
from lottery.report.charts.lines import FIT
from lottery.report.results_table import claim_name, code, span
from lottery.report.screen import agreement

SHARE = "of seeds"  # unit of a proportion
TITLES = {
    "pp": "Differences in percentage points",
    "log ratio": "Natural logarithms of ratios, most of them of early-stop iterations",
    "%": "Levels in per cent",
    SHARE: "Shares of seeds",
}
VERDICTS = {REPRODUCED: "circle", REFUTED: "cross", INCONCLUSIVE: "diamond"}
ROW = 17  # pixels
EDGE = 0.04  # of the width that is left free on either side
LINEAR = 10  # times as far from zero as the median of all, from which on a scale becomes logarithmic
COLUMNS = {"label": "claim", "estimate": "estimate", "interval": "90 % interval", "agrees": "agrees",
           "verdict": "verdict", "n": "seeds"}  # fmt: skip
NEEDED = ("low", "high", "region_low", "region_high", "claim")


def forest(results: Sequence[Mapping]) -> Figure:
    """Return a panel for each unit that two estimates or more have, the most frequent unit first."""
    groups: dict[str, list[dict]] = {}
    for result in results:
        for unit, row in _rows(result):
            groups.setdefault(unit, []).append(row)
    alone = sum(len(rows) for rows in groups.values() if len(rows) < 2)
    panels = [_panel(unit, rows) for unit, rows in groups.items() if len(rows) > 1]
    panels.sort(key=lambda panel: -len(panel.rows))
    drawn = {row["claim"] for panel in panels for row in panel.rows}
    changed = sum(result["id"] in drawn and result["changes"] > 0 for result in results)
    told = "Bars are the regions that agree with the claims, written down before they were measured"
    told += f", but for {changed} of {len(drawn)} claims whose question was changed afterwards" if changed else ""
    told += "; lines are 90 % intervals over seeds. Filled dots are reproduced, crosses refuted, diamonds neither; "
    told += "~ marks analogues."
    told += f" Estimates in a unit of their own, {alone}, are in the table alone." if alone else ""
    return Figure("forest", "All estimates and their regions", "", "", told, panels, layout="one")


def _rows(result: Mapping) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a row for a claim or for each of its parts, each with its unit; none where that cannot be told."""
    if result["verdict"] == SKIPPED or result["kind"] == "exact":
        return
    for part in result["parts"] or [result]:
        unit = SHARE if part["kind"] == "proportion" else result["unit"]
        if part["estimate"] is None or not part["region"] or "," in unit:
            continue
        name = f": {spoken(part['name'])}" if result["parts"] else ""
        mark = " ~" if result["analogue"] else ""
        low, high = part["interval"] or (part["estimate"], part["estimate"])
        yield (
            unit,
            {
                "label": f"{code(result)}{mark} {claim_name(result)}{name}",
                "estimate": round(part["estimate"], 4),
                "low": low,
                "high": high,
                "region_low": part["region"][0],
                "region_high": part["region"][1],
                "interval": span(part["interval"], unit) if part["interval"] else "",
                "agrees": agreement(part["region"], unit),
                "verdict": part["verdict"],
                "n": part["n"],
                "claim": result["id"],
            },
        )


def _panel(unit: str, rows: list[dict]) -> Chart:
    """Return a panel; ends that are infinite are drawn to its edge."""
    ends = [row[name] for row in rows for name in ("low", "high", "region_low", "region_high", "estimate")]
    finite = [end for end in ends if end is not None] + [0.0] * is_difference(unit)
    scale, ticks = _scale(min(finite), max(finite), [abs(row["estimate"]) for row in rows], unit)
    low, high = scale["domain"]
    for row in rows:
        for name, end in (("low", low), ("region_low", low), ("high", high), ("region_high", high)):
            row[name] = end if row[name] is None else round(row[name], 4)
    x = {
        "type": "quantitative",
        "scale": scale,
        "axis": {"title": unit, "orient": "top", "format": "~f", "tickCount": 8, **ticks},
    }
    title = TITLES.get(unit, f"In {unit}")
    name = f"forest-{slug(unit.replace('%', 'per cent'))}"
    counts = ", ".join(f"{sum(row['verdict'] == verdict for row in rows)} {verdict}" for verdict in VERDICTS)
    summary = f"{title}: {len(rows)} estimates with 90 % intervals on the regions that agree; {counts}."
    spec = {
        "width": "container",
        "autosize": FIT,
        "height": ROW * len(rows),
        "encoding": {
            "y": {
                "field": "label",
                "type": "nominal",
                "sort": None,
                "axis": {"title": None, "labelLimit": 340, "ticks": False},
            }
        },
        "layer": _layers(x, is_difference(unit)),
    }
    return Chart(name, title, spec, rows, COLUMNS, summary, NEEDED)


def _layers(x: dict[str, Any], zero: bool) -> list[dict[str, Any]]:
    verdict = {"field": "verdict", "type": "nominal", "legend": None}
    colour = {**verdict, "scale": {"domain": list(VERDICTS), "range": [f"var(--{name})" for name in VERDICTS]}}
    shape = {**verdict, "scale": {"domain": list(VERDICTS), "range": list(VERDICTS.values())}}
    told = [{"field": name, "title": title} for name, title in COLUMNS.items()]
    region = {
        "mark": {"type": "bar", "color": "var(--region)", "height": {"band": 0.86}, "clip": True},
        "encoding": {"x": {**x, "field": "region_low"}, "x2": {"field": "region_high"}},
    }
    nothing = {"mark": {"type": "rule", "color": "var(--muted)", "strokeDash": [3, 3]}, "encoding": {"x": {"datum": 0}}}
    interval = {
        "mark": {"type": "rule", "strokeWidth": 1.6, "clip": True},
        "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": colour},
    }
    estimate = {
        "mark": {"type": "point", "filled": True, "size": 48, "opacity": 1, "clip": True, "cursor": "pointer"},
        "encoding": {"x": {**x, "field": "estimate"}, "color": colour, "shape": shape, "tooltip": told},
    }
    return [region, *([nothing] if zero else []), interval, estimate]


def _scale(low: float, high: float, sizes: Sequence[float], unit: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a scale from the lowest to the highest end, and what its axis needs.

    Differences of which some are far larger than most have a scale that is linear around zero and logarithmic beyond.
    """
    spread = (high - low) or max(abs(high), 1.0)
    middle = sorted(sizes)[len(sizes) // 2] or 1.0
    if not is_difference(unit) or max(-low, high) < LINEAR * middle:
        return {"domain": [low - EDGE * spread, high + EDGE * spread], "zero": False, "nice": False}, {}
    size = 10.0 ** round(log10(middle))
    domain = [1.25 * low or -size / 4, 1.25 * high or size / 4]
    steps = [size * step * 10**power for power in range(4) for step in (1, 3)]
    ticks = sorted({0.0, *steps, *(-step for step in steps)})
    scale = {"type": "symlog", "constant": size, "domain": domain, "nice": False}
    return scale, {"values": [tick for tick in ticks if domain[0] <= tick <= domain[1]]}
