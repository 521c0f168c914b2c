"""Charts: tables, colours that stand out, and a forest that shows what was decided."""

from itertools import product

import pytest

from lottery.report.charts import theme
from lottery.report.charts.chart import Chart
from lottery.report.charts.forest import forest
from tests.result_helpers import result


def luminance(colour):
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Return the contrast of two colours, from 1 to 21."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [theme.ON_WHITE, theme.ON_BLACK], ids=["light", "dark"])
def test_colours_stand_out(colours):
    """Marks 3:1 from the ground, texts 4.5:1; verdicts also from the region that they lie on."""
    for name, colour in colours.items():
        if name not in ("--grid", "--region", "--ground"):
            assert contrast(colour, colours["--ground"]) >= (4.5 if name in ("--ink", "--muted") else 3), name
    for name in ("--reproduced", "--refuted", "--inconclusive"):
        assert contrast(colours[name], colours["--region"]) >= 3, name


def test_themes_have_the_same_colours():
    """Whatever a chart names is there in light and in dark."""
    assert list(theme.ON_WHITE) == list(theme.ON_BLACK)
    named = {"a": ["var(--ink)", {"b": "var(--series-3)"}], "background": "transparent"}
    assert theme.on_white(named) == {"a": ["#1a1a1a", {"b": "#009070"}], "background": "#ffffff"}


def test_no_two_lines_look_alike():
    """Of as many as a figure has, each has a colour and a marker that no other one has together."""
    names = [f"line {number}" for number in range(40)]
    told = theme.series_encoding(names)
    looks = list(zip(told["color"]["scale"]["range"], told["shape"]["scale"]["range"]))
    assert len(set(looks)) == len(names) == len(told["color"]["scale"]["domain"])


def test_a_chart_is_carried_whole():
    """Rows come out of the packed form as they went in; alone it has its data, its width and no name of a colour."""
    rows = [{"x": 1, "y": None, "z": "hidden"}, {"x": 2, "y": 3.5}]
    chart = Chart("a", "A", {"mark": {"color": "var(--ink)"}}, rows, {"x": "ex", "y": "why"}, "two points", ("z",))
    packed = chart.packed()
    assert [dict(zip(packed["fields"], row)) for row in packed["rows"]] == [{"z": None} | row for row in rows]
    alone = chart.standalone(300, ["A title"], ["below"])
    assert alone["data"]["values"] == rows and alone["width"] == 300 and "var(--" not in str(alone)
    assert alone["title"] == {"text": ["A title"], "subtitle": ["below"]}
    assert alone["description"] == packed["spec"]["description"] == "two points"


UNITS = ("pp", "%", "log ratio")


def test_the_forest_has_every_estimate_by_unit():
    """One row for each estimate and each part in the panel of its unit; none of what has no estimate or no region."""
    claims = [
        result(f"zhou2019.{number}", unit=unit, estimate=number + 0.5, region=region, interval=[number, None])
        for (number, unit), region in product(enumerate(UNITS * 2), [[None, 1.0]])
    ]
    parts = [{**result(), "name": name, "kind": kind} for name, kind in (("a_b", "effect"), ("c", "proportion"))]
    claims += [
        result("zhou2019.parts", parts=parts, kind="conjunction"),
        result("zhou2019.mixed", parts=parts[:1], kind="conjunction", unit="pp, log ratio"),
        result("zhou2019.exact", kind="exact"),
        result("zhou2019.skipped", verdict="skipped"),
        result("zhou2019.alone", unit="seconds"),
    ]
    drawn = forest(claims)
    found = {panel.name: panel for panel in drawn.panels}
    assert {name: len(panel.rows) for name, panel in found.items()} == {
        "forest-per-cent": 3, "forest-pp": 2, "forest-log-ratio": 2}  # fmt: skip
    assert "Z12 ~ parts: a b" in {row["label"] for row in found["forest-per-cent"].rows}
    assert "in a unit of their own, 2," in drawn.caption and "before they were measured; lines" in drawn.caption
    later = forest([{**claim, "changes": int(claim["unit"] == "pp")} for claim in claims]).caption
    assert "before they were measured, but for 2 of 7 claims whose question was changed afterwards; lines" in later
    for panel in found.values():
        low, high = panel.spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
        for row in panel.rows:
            assert low <= row["region_low"] <= row["region_high"] <= high
            assert low <= row["low"] <= row["estimate"] <= row["high"] <= high
        zero = any(layer["encoding"]["x"] == {"datum": 0} for layer in panel.spec["layer"])
        assert zero == (panel.name != "forest-per-cent")


def test_far_estimates_do_not_squeeze_the_others():
    """Differences of which one is a hundred times as large as most have a scale that is linear around zero alone."""
    near = [result(f"zhou2019.{n}", unit="pp", estimate=n / 10, region=[0, None], interval=[0, 1]) for n in range(1, 9)]
    (even,) = forest(near).panels
    far = result("zhou2019.far", unit="pp", estimate=-60.0, region=[0, None], interval=[-70, -50])
    (bent,) = forest([*near, far]).panels
    scales = [panel.spec["layer"][0]["encoding"]["x"] for panel in (even, bent)]
    assert scales[0]["scale"].get("type") is None and scales[1]["scale"]["type"] == "symlog"
    ticks = scales[1]["axis"]["values"]
    assert 0 in ticks and ticks == sorted(ticks) and min(ticks) < -20
