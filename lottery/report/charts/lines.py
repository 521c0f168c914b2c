"""Line charts: means over seeds with their intervals against what remains of the weights, or against iterations."""

from collections.abc import Mapping, Sequence
from typing import Any

from lottery.report.charts.chart import Chart, Row
from lottery.report.charts.theme import dashes, series_encoding

HEIGHT = 270  # pixels
TICKS = (100, 51.3, 21.1, 10, 7.0, 3.6, 1.9, 1.0, 0.5, 0.1)  # per cent of the weights
MANY = 6  # lines, from which on whiskers are fainter
COLUMNS = {"series": "series", "round": "round", "x": "weights remaining (%)", "mean": "mean", "low": "90 % from",
           "high": "to", "n": "seeds", "values": "by seed"}  # fmt: skip
HIDDEN = ("stretch", "from", "round")  # what rows can have that a table does not show
# How a paper's own number is drawn.
PRINTED = {"type": "point", "shape": "diamond", "filled": False, "size": 130, "strokeWidth": 2, "color": "var(--ink)"}
STROKES = {"symbolType": "stroke", "symbolSize": 500, "symbolStrokeWidth": 2}  # of a legend of lines without markers
FIT = {"type": "fit-x", "contains": "padding"}


def remaining_axis(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the axis of what remains, from all of the weights to the fewest of rows, evenly in their logarithm."""
    least = min([row["x"] for row in rows], default=1.0)
    scale = {"type": "log", "reverse": True, "domain": [0.88 * least, 112], "nice": False}
    values = [tick for tick in TICKS if tick >= 0.9 * least]
    return {
        "type": "quantitative",
        "scale": scale,
        "axis": {"title": "weights remaining (%)", "values": values, "format": "~g", "grid": False},
    }


def line_chart(
    name: str,
    title: str,
    rows: Sequence[Row],
    y: Mapping[str, Any],
    summary: str,
    x: Mapping[str, Any] | None = None,
    levels: Mapping[str, float] | None = None,
    published: Sequence[Row] = (),
    columns: Mapping[str, str] = COLUMNS,
    lineage: Mapping[str, Mapping[str, Any]] | None = None,
    points: bool = True,
) -> Chart:
    """Return a chart of rows that have `series`, `x`, `mean`, `low`, `high` and `stretch`.

    A line joins the rows of a stretch, and nothing where a round between two was not measured. `levels` are rules
    across, and `published` the paper's points, with `x`, `y` and what they say.
    """
    names = list(dict.fromkeys(row["series"] for row in rows))
    x = {"field": "x", **(x or remaining_axis([*rows, *published]))}
    y = {"type": "quantitative", **y}
    look = series_encoding(names)
    told = [{"field": field, "title": label} for field, label in columns.items() if field != "values"]
    dimmed = {"condition": {"param": "picked", "value": 1}, "value": 0.12}
    faint = {"condition": {"param": "picked", "value": 0.75 if len(names) <= MANY else 0.4}, "value": 0.06}
    ends = {"y": {**y, "field": "low"}, "y2": {"field": "high"}, "x": x, "color": look["color"], "opacity": faint}
    middle = {"x": x, "y": {**y, "field": "mean"}, "color": look["color"], "opacity": dimmed}
    spread = {"type": "rule", "strokeWidth": 1.2} if points else {"type": "area"}
    line: dict[str, Any] = {**middle, "detail": {"field": "stretch", "type": "nominal"}}
    if not points:  # lines without markers are dashed, so that not their colours alone tell them apart
        line["strokeDash"] = dashes(names)
        look["color"]["legend"] = {**look["color"]["legend"], **STROKES}
        ends["opacity"] = {"condition": {"param": "picked", "value": 0.18}, "value": 0.03}
    pick = {"name": "picked", "select": {"type": "point", "fields": ["series"]}, "bind": "legend"}
    layers: list[dict[str, Any]] = [
        *_levels(levels or {}, y),
        {"mark": {**spread, "clip": True}, "encoding": ends, "params": [pick]},
        {"mark": {"type": "line", "strokeWidth": 1.7, "clip": True}, "encoding": line},
    ]
    if points:
        mark = {"type": "point", "filled": True, "size": 42, "clip": True, "cursor": "pointer"}
        layers.append({"mark": mark, "encoding": {**middle, "shape": look["shape"], "tooltip": told}})
    else:  # points that are not seen can still be pointed at
        mark = {"type": "point", "filled": True, "size": 60, "clip": True, "opacity": 0, "cursor": "pointer"}
        layers.append({"mark": mark, "encoding": {"x": x, "y": middle["y"], "tooltip": told}})
    if published:
        layers.append(_published(published, x, y))
    spec = {"width": "container", "height": HEIGHT, "autosize": FIT, "layer": layers}
    hidden = [name for name in HIDDEN if name not in columns and any(name in row for row in rows)]
    return Chart(name, title, spec, rows, columns, summary, hidden, lineage or {})


def _levels(levels: Mapping[str, float], y: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the layers of rules across, each with its name at its left end."""
    names: dict[float, list[str]] = {}
    for name, level in levels.items():
        names.setdefault(level, []).append(name)
    values = [{"y": level, "name": ", ".join(of)} for level, of in names.items()]
    if not values:
        return []
    place = {"y": {**y, "field": "y"}}
    rule = {"type": "rule", "color": "var(--muted)", "strokeDash": [5, 3], "clip": True}
    text = {"type": "text", "color": "var(--muted)", "align": "left", "baseline": "bottom", "dx": 3, "dy": -2,
            "fontSize": 10}  # fmt: skip
    named = {**place, "x": {"value": 0}, "text": {"field": "name"}}
    data = {"values": values}
    return [{"data": data, "mark": rule, "encoding": place}, {"data": data, "mark": text, "encoding": named}]


def _published(points: Sequence[Row], x: Mapping[str, Any], y: Mapping[str, Any]) -> dict[str, Any]:
    told = [{"field": "says", "title": "the paper"}, {"field": "place", "title": "where"}]
    return {
        "data": {"values": list(points)},
        "mark": PRINTED,
        "encoding": {"x": x, "y": {**y, "field": "y"}, "tooltip": told},
    }  # fmt: skip
