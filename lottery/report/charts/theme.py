"""Colours, shapes and fonts of all charts: Okabe and Ito's colours, darkened or lightened until they stand out.

A specification names colours as custom properties of CSS, so that a page in the dark, or on paper, changes them
without drawing anew; `on_white` puts in those of a picture that stands alone.
"""

from collections.abc import Sequence
from typing import Any

# Okabe & Ito's eight, on white: sky blue, orange, purple and yellow are darkened until their contrast is 3:1.
ON_WHITE = {
    "--series-1": "#0072b2",
    "--series-2": "#d55e00",
    "--series-3": "#009070",
    "--series-4": "#b3588c",
    "--series-5": "#b77f00",
    "--series-6": "#2b8cbe",
    "--series-7": "#8a8200",
    "--series-8": "#3c3c3c",
    "--ink": "#1a1a1a",
    "--muted": "#5c5f66",
    "--grid": "#e3e4e8",
    "--region": "#d3e3ee",
    "--reproduced": "#0072b2",
    "--refuted": "#c44e00",
    "--inconclusive": "#6b6f76",
    "--ground": "#ffffff",
}
ON_BLACK = {
    "--series-1": "#4aa8e0",
    "--series-2": "#f0803c",
    "--series-3": "#2fbf97",
    "--series-4": "#d98fb8",
    "--series-5": "#e69f00",
    "--series-6": "#7cc7f2",
    "--series-7": "#e3d84a",
    "--series-8": "#c9c9c9",
    "--ink": "#e8e8ea",
    "--muted": "#a4a8b0",
    "--grid": "#31343a",
    "--region": "#2b4152",
    "--reproduced": "#4aa8e0",
    "--refuted": "#f0803c",
    "--inconclusive": "#a4a8b0",
    "--ground": "#16181c",
}
SERIES = [f"var(--series-{number})" for number in range(1, 9)]
SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 6], [1, 3], [10, 2, 2, 2, 2, 2]]
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--ink)",
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "labelFontSize": 11,
        "gridColor": "var(--grid)",
        "domainColor": "var(--muted)",
        "tickColor": "var(--muted)",
        "labelOverlap": "greedy",
    },
    "legend": {
        "labelColor": "var(--ink)",
        "titleColor": "var(--ink)",
        "labelFontSize": 11,
        "labelLimit": 260,
        "orient": "bottom",
        "title": None,
        "symbolStrokeWidth": 1.5,
        "columnPadding": 14,
    },
    "title": {
        "color": "var(--ink)",
        "subtitleColor": "var(--muted)",
        "anchor": "start",
        "fontSize": 13,
        "fontWeight": 600,
        "offset": 10,
    },
}


def on_white(spec: Any) -> Any:
    """Return a specification with colours instead of their names, on a white ground."""
    if isinstance(spec, dict):
        white = {key: on_white(value) for key, value in spec.items()}
        return white | {"background": ON_WHITE["--ground"]} if white.get("background") == "transparent" else white
    if isinstance(spec, (list, tuple)):
        return [on_white(value) for value in spec]
    if isinstance(spec, str) and spec.startswith("var(--"):
        return ON_WHITE[spec[4:-1]]
    return spec


def series_encoding(names: Sequence[str]) -> dict[str, Any]:
    """Return by which colour and marker lines are told apart: no two of them have both in common."""
    colours = [SERIES[place % len(SERIES)] for place in range(len(names))]
    shapes = [SHAPES[(place + place // len(SERIES)) % len(SHAPES)] for place in range(len(names))]
    told = {"field": "series", "type": "nominal", "legend": {"columns": 2, "symbolOpacity": 1}}
    return {
        "color": {**told, "scale": {"domain": list(names), "range": colours}},
        "shape": {**told, "scale": {"domain": list(names), "range": shapes}},
    }


def dashes(names: Sequence[str]) -> dict[str, Any]:
    """Return by which dashes lines without markers are told apart."""
    patterns = [DASHES[place % len(DASHES)] for place in range(len(names))]
    return {"field": "series", "type": "nominal", "scale": {"domain": list(names), "range": patterns}}


def properties(colours: dict[str, str]) -> str:
    """Return colours as custom properties of CSS."""
    return "".join(f"{name}:{value};" for name, value in colours.items())
