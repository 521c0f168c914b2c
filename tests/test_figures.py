"""Figures: what is drawn is what was measured, with the papers' own points, and every specification can be drawn."""

import json
import re
from functools import cache
from math import exp, log
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery.claims.failures import decide_apart
from lottery.claims.means import Sample
from lottery.claims.scoreboard import CONTESTS
from lottery.claims.statistics import ALPHA, Region, decide_mean
from lottery.core.errors import LotteryError
from lottery.experiments.arms import DENSE
from lottery.experiments.measurements import CONSTANT, STOP_STEP, TEST_STEP, rows_of, written
from lottery.experiments.named_arms import branch, chain, learned, untrained
from lottery.report import published_points
from lottery.report.charts.bars import BARS
from lottery.report.charts.comparisons import masked, trained, within_percent
from lottery.report.charts.context import Context, told
from lottery.report.charts.intervals import LEFT_OUT, alike, by_seed, intervals
from lottery.report.curves import Training
from lottery.report.figures import figures, is_shown
from lottery.report.page import in_ranges, page
from lottery.report.pictures import FORMATS, pictures
from tests.result_helpers import cell, ground, result, whole
from tests.test_curves import NET, planted_table, row, text

REMAINING = {0: "100.0", 1: "80.0", 2: "64.1", 4: "41.1", 7: "21.1"}
SEEDS = range(4)


STEP = 0.25  # of an accuracy


def accuracy(arm, round, seed):
    """Return a made-up accuracy, which tells arms, rounds and seeds apart."""
    return 90 + len(arm.name) / 10 - round / 3 + seed / 7


def stop(arm, round, seed):
    """Return a made-up early-stop iteration."""
    return 200 + 10 * len(arm.name) - 5 * round + 20 * seed


@cache
def table():
    """Return a run's table: tickets, controls, criteria, a user's criterion, masks, learning curves and searches."""
    arms = [chain("large_final"), branch("large_final", "reinit"), chain("random"), chain("mine")]
    at = "test_accuracy_early_stop"
    rows = [
        row(arm, seed, REMAINING[round], stop(arm, round, seed), at, accuracy(arm, round, seed), round)
        for arm in arms for round in (1, 2, 4, 7) for seed in SEEDS
    ]  # fmt: skip
    rows += [row(DENSE, seed, "100.0", stop(DENSE, 0, seed), at, accuracy(DENSE, 0, seed), 0) for seed in SEEDS]
    rows += [
        row(arm, seed, REMAINING[round], 0, "test_accuracy", 10 * round + seed, round)
        for arm in (untrained("large_final_same_sign"), untrained("large_final_same_sign", "constant_initial_sign"))
        for round in (1, 2, 4) for seed in SEEDS
    ]  # fmt: skip
    rows += [row(arm, 0, REMAINING[round], 600, TEST_STEP, STEP, round) for arm in arms for round in (1, 2, 4, 7)]
    rows += [row(learned(), seed, "48.5", 600, "test_accuracy", 85 + seed, 0) for seed in SEEDS]
    rows += [
        row(arm, seed, REMAINING[round], look, measure, value / look, round)
        for arm, round in ((DENSE, 0), *((one, 7) for one in arms[:2])) for look in (25, 50, 75, 100) for seed in SEEDS
        for measure, value in (("validation_accuracy", 2000 + seed), ("validation_loss", 50 + seed))
    ]  # fmt: skip
    return text([*rows, *planted_table()])


def report(**changes):
    """Return a report of a claim that rests on the ticket, and one of the user's criterion."""
    own = {"title": "Frankle & Carbin 2019", "rests_on": [ground()]}
    claim = result("frankle_carbin2019.claim[lenet-300-100]", **own | changes)
    return whole(claim) | {"scoreboard": [cell("mine"), cell("large_final")]}


def drawn(of=None, lines=None):
    rows = rows_of((lines or table()).split("\n"), "a file", is_shown)
    return {figure.name: figure for figure in figures(of or report(), rows, "a file")}


def panel(name):
    """Return the one panel whose name begins so."""
    (found,) = (one for figure in drawn().values() for one in figure.panels if one.name.startswith(name))
    return found


def test_every_kind_of_figure_is_drawn():
    """Under the paper that it redraws, with its place there; of an analogue with the mark."""
    found = drawn()
    kinds = ("forest", "tickets", "criteria", "supermasks", "learning", "table-1", "searches", "recovered")
    assert [next((kind for kind in kinds if name.startswith(kind)), name) for name in found] == list(kinds)
    tickets = next(figure for name, figure in found.items() if name.startswith("tickets"))
    assert (tickets.paper, tickets.analogue[:12]) == (
        "Frankle & Carbin 2019",
        "Smaller data",
    ) and "Fig" in tickets.place
    assert not next(iter(drawn(report(analogue=False)).values())).analogue
    assert not any(figure.analogue for name, figure in found.items() if NET in name)


def test_points_are_means_over_seeds_with_the_intervals_of_verdicts():
    """Of accuracy itself, of its gain over the same seed's dense network, and of early stop as a ratio."""
    ticket = chain("large_final")
    for name, value in (
        ("tickets-lenet-96-48-digits-600-adam-0-01-accuracy", lambda round, seed: accuracy(ticket, round, seed)),
        ("tickets-lenet-96-48-digits-600-adam-0-01-gain",
         lambda round, seed: accuracy(ticket, round, seed) - accuracy(DENSE, 0, seed)),
    ):  # fmt: skip
        rows = [one for one in panel(name).rows if one["series"] == "ticket"]
        assert [one["round"] for one in rows] == [1, 2, 4, 7] and {one["n"] for one in rows} == {len(SEEDS)}
        for one in rows:
            seeds = [value(one["round"], seed) for seed in SEEDS]
            assert one["mean"] == pytest.approx(fmean(seeds), rel=1e-3)
            low, high = Sample.of(seeds, STEP).limits(ALPHA)
            assert (one["low"], one["high"]) == (pytest.approx(low, rel=1e-3), pytest.approx(high, rel=1e-3))
    speeds = [one for one in panel("tickets-lenet-96-48-digits-600-adam-0-01-speed").rows if one["series"] == "ticket"]
    ratios = [log(stop(ticket, 7, seed) / stop(DENSE, 0, seed)) for seed in SEEDS]
    assert speeds[-1]["mean"] == pytest.approx(exp(fmean(ratios)), rel=1e-3)


def test_gaps_stay_open():
    """A line joins rounds 1 and 2, and neither 2 and 4 nor 4 and 7."""
    rows = [one for one in panel("tickets-lenet-96-48-digits-600-adam-0-01-accuracy").rows if one["series"] == "ticket"]
    stretches = [one["stretch"] for one in rows]
    assert stretches[0] == stretches[1] and len(set(stretches)) == 3


def test_the_papers_points_are_those_of_its_network():
    """Where the paper prints a number of the network that was stood in for; elsewhere there is none."""
    shown = panel("tickets-lenet-96-48-digits-600-adam-0-01-gain").spec["layer"][-1]["data"]["values"]
    assert {(point["x"], point["y"]) for point in shown} == {(13.5, 0.3), (3.6, 0.0)}
    assert all("section 2" in point["place"] for point in shown)
    caption = next(figure.caption for name, figure in drawn().items() if name.startswith("tickets"))
    assert "early stop at 21.1 %: 38 % earlier (Frankle & Carbin 2019, section 2)" in caption
    assert all(f"{what} at 3.6 %: back at the dense network's" in caption for what in ("accuracy", "early stop"))
    bars = next(figure.caption for name, figure in drawn().items() if name.startswith("table-1"))
    assert "learned: 95.3 % (" in bars
    other = drawn(report(network="conv-4"))
    assert "section 2" not in next(figure.caption for name, figure in other.items() if name.startswith("tickets"))


def test_own_criteria_are_in_the_curves():
    """First among the criteria; every series says where its points come from and who rests on them."""
    found = panel("criteria-lenet-96-48-digits-600-adam-0-01-accuracy")
    assert [one["series"] for one in found.rows][:1] == ["mine"] and set(found.lineage) == {
        "mine", "large_final", "random"}  # fmt: skip
    assert found.lineage["large_final"]["claims"] == {"frankle_carbin2019.claim[lenet-300-100]": [7]}
    assert "lenet-96-48 on digits" in found.lineage["mine"]["origin"]


TRAINED = Training("lenet-96-48", "digits", "600", "adam", "0.01", "0.0")


def test_claims_of_a_point_are_those_of_its_network_data_and_training():
    """And of its arm; the figure's paper comes first, and what only trains it where nothing reads it."""
    others = ({"network": "conv-2"}, {"dataset": "mnist"}, {"iterations": 6}, {"learning_rate": 0.1}, {"momentum": 0.9})
    results = [
        *(result(f"zhou2019.other[{number}]", rests_on=[ground(**other)]) for number, other in enumerate(others)),
        result("frankle_carbin2019.a[b]", title="Frankle & Carbin 2019", rests_on=[ground(rounds=[1, 2])]),
        result("zhou2019.a[b]", rests_on=[ground(rounds=[7]), ground("random", [3])]),
        result("zhou2019.c[b]", rests_on=[ground(read=False), ground("continued", [4], read=False)]),
        {name: value for name, value in result("zhou2019.earlier[b]").items() if name != "rests_on"},
    ]
    context = Context(results)
    found = context.lineage("Zhou et al. 2019", ("large_final", TRAINED))
    assert list(found["claims"].items()) == [("zhou2019.a[b]", [7]), ("frankle_carbin2019.a[b]", [1, 2])]
    assert found["read"] and next(iter(context.lineage("Frankle", ("large_final", TRAINED))["claims"]))[0] == "f"
    needed = context.lineage("Zhou et al. 2019", ("continued", TRAINED))
    assert (needed["claims"], needed["read"]) == ({"zhou2019.c[b]": [4]}, False)
    both = context.lineage("Zhou et al. 2019", ("random", TRAINED), ("large_final", TRAINED))
    assert both["claims"]["zhou2019.a[b]"] == [3, 7] and "and of 1 other that" in both["origin"]


def test_a_figure_is_of_a_paper_whose_claims_read_it():
    """One of a training that only another paper's claims read stands beyond the papers, at no place of this one."""
    papers = {name.partition("-")[0]: (figure.paper, figure.place) for name, figure in drawn().items()}
    assert papers["tickets"][0] == papers["learning"][0] == "Frankle & Carbin 2019" and "Fig" in papers["learning"][1]
    assert papers["criteria"] == papers["supermasks"] == ("Beyond the papers", "")
    believed = drawn(report(rests_on=[]))  # of a version that did not say who reads what
    assert {figure.place for name, figure in believed.items() if name.startswith("criteria")} == {"Fig. 3"}


def test_what_analogues_read_is_marked():
    """Of whichever network it is: the variants of an appendix are not the network that a claim is about."""
    variant = ground(network="lenet-96-48-narrow")
    claims = [
        result("a.b[c]", analogue=True, rests_on=[variant]),
        result("a.d[c]", analogue=False, rests_on=[ground()]),
    ]
    claims[0]["trained_network"] = "conv-2"
    context = Context(claims)
    assert context.analogue("lenet-96-48-narrow", "digits") and context.analogue("lenet-96-48-narrow")
    assert not context.analogue("lenet-96-48", "digits") and not context.analogue("lenet-96-48-narrow", "mnist")


def test_failed_seeds_do_not_squeeze_a_panel():
    """Intervals that one seed makes as wide as can be are cut: gains at twice the highest mean, accuracies at 100 %."""
    lines = table().replace(f",{accuracy(DENSE, 0, 0)},", ",9.5,")
    for one in (panel for figure in drawn(lines=lines).values() for panel in figure.panels):
        if one.name.startswith("tickets") and one.name.endswith("-gain"):
            highest = max(row["mean"] for row in one.rows)
            assert max(row["high"] for row in one.rows) > 3 * highest
            assert one.spec["layer"][-1]["encoding"]["y"]["scale"]["domain"][1] < 2.5 * highest
    wide = [{"low": -3.0, "high": 120.0}, {"low": None, "high": None}]
    assert within_percent(wide) == {"domainMax": 100.0, "domainMin": 0.0} and not within_percent(wide[1:])


def test_lines_without_markers_have_a_legend_of_strokes():
    """As dashed as they are, and points that can be clicked though they are not seen."""
    spec = panel("learning-validation-accuracy").spec
    colours = [layer["encoding"]["color"] for layer in spec["layer"] if "color" in layer["encoding"]]
    assert colours and all(of["legend"]["symbolType"] == "stroke" for of in colours)
    last = spec["layer"][-1]
    assert (last["mark"]["type"], last["mark"]["opacity"]) == ("point", 0) and last["encoding"]["tooltip"]


def test_every_point_leads_somewhere():
    """In each figure but the forest, whose rows are claims: numbers of the seeds, and where they stand."""
    for one in (panel for name, figure in drawn().items() if name != "forest" for panel in figure.panels):
        for point in one.rows:
            assert point["values"] and one.lineage[point.get("from", point["series"])]["origin"], (one.name, point)


def test_points_of_a_search_lead_to_their_own_arms():
    """Those of a line are searches at several shares, of which each is an arm of its own."""
    found = panel(f"searches-{NET}-one-shot-trained")
    origins = {(one["series"], one["x"]): found.lineage[one["from"]]["origin"] for one in found.rows}
    assert "“snip_init, 10% kept”" in origins["snip", 10.1] and "“snip_init, 1% kept”" in origins["snip", 1.2]
    assert f"{NET} on circle, 2,810 iterations" in origins["snip", 1.2]


def test_a_page_has_every_origin_once():
    """Series of several panels share it; claims stand there by their places, rounds as ranges."""
    whole = report()
    carried = re.search(r'id="content">(.*?)</script>', page(whole, list(drawn(whole).values())), re.S)[1]
    content = json.loads(carried)
    origins, charts = content["origins"], content["charts"]
    assert len({json.dumps(one) for one in origins}) == len(origins) == len({told for told, *_ in origins})
    for one in (panel for figure in drawn(whole).values() for panel in figure.panels):
        assert {key: origins[place][0] for key, place in charts[one.name]["lineage"].items()} == {
            key: of["origin"] for key, of in one.lineage.items()}  # fmt: skip
    of_ticket = charts["criteria-lenet-96-48-digits-600-adam-0-01-accuracy"]["lineage"]["large_final"]
    assert (
        origins[of_ticket][1:] == [[[0, "7"]], True]
        and content["environment"] == "lottery 0.1.0, torch 2.14.1, cpu, float32"
    )
    assert in_ranges([0, 1, 2, 3, 7, 9, 10]) == "0-3,7,9-10" and in_ranges([]) == ""


def test_bars_are_each_seeds_best_mask():
    """As in the paper's table: the highest of all sizes, seed by seed; the paper's own where it is known."""
    rows = {one["series"]: one for one in panel("table-1").rows}
    assert list(rows) == [name for name in BARS if name in rows] and len(rows) == 4
    assert rows["same sign"]["mean"] == pytest.approx(fmean(40 + seed for seed in SEEDS), rel=1e-4)
    assert rows["learned"]["printed"] == 95.3 and rows["same sign"]["printed"] is None


def test_learning_curves():
    """At every look the mean over seeds, of the dense network and of tickets by their size."""
    rows = panel("learning-validation-accuracy").rows
    assert {one["series"] for one in rows} == {"dense", "21.1 %", "21.1 % reinitialised"}
    assert [one["x"] for one in rows[:4]] == [25, 50, 75, 100]
    assert rows[1]["mean"] == pytest.approx(fmean((2000 + seed) / 50 for seed in SEEDS), rel=1e-4)


def test_searches_by_sparsity():
    """Each method's mean at the shares that remain, and rules where the planted ticket and trivial functions lie."""
    found = panel(f"searches-{NET}-one-shot-trained")
    assert {(one["series"], one["x"], one["mean"]) for one in found.rows} == {
        (method, x, 90.5) for method in ("snip", "magnitude") for x in (10.1, 1.2)}  # fmt: skip
    named = {one["name"]: one["y"] for one in found.spec["layer"][0]["data"]["values"]}
    assert named == {"planted ticket": 98, "best affine function, best constant": 45}
    recall = [one for one in panel(f"recall-{NET}").rows if one["series"] == "snip"]
    assert [one["mean"] for one in recall] == pytest.approx([100 / round for round in range(1, 11)], rel=1e-4)


def test_too_little_is_not_drawn():
    """A comparison of one arm, at two rounds, or of one arm with points of others, would be a panel of nothing."""
    kept = [line for line in table().split("\n") if ",4,41.1," not in line and ",7,21.1," not in line]
    assert not any(name.startswith(("tickets", "criteria")) for name in drawn(lines="\n".join(kept)))
    ticket = re.compile(r"(dense|large_final),")
    kept = [line for line in table().split("\n") if ticket.match(line) or ",1,80.0," in line or line.startswith("arm,")]
    assert len(kept) > 40 and not any(name.startswith(("tickets", "criteria")) for name in drawn(lines="\n".join(kept)))


def test_no_figure_compares_an_arm_with_itself():
    """Within a figure all arms are written differently, so that no line takes another one's rows."""
    own = {contest: ["mine"] for contest in CONTESTS}
    for comparison in (*trained(own), *masked(own)):
        assert len(set(map(written, comparison.arms.values()))) == len(comparison.arms)


def test_intervals_of_few_seeds():
    """One seed has no interval; samples of several sizes come back in their order."""
    assert intervals([[1.0], [1.0, 3.0], [5.0]])[::2] == [(1.0, None, None), (5.0, None, None)]
    mean, low, high = intervals([[1.0, 3.0]])[0]
    assert low < mean == 2.0 < high


def test_what_does_not_differ_has_no_interval_without_a_step():
    """With one it has that of its step: a sample's own, however many there are."""
    bare, fine, coarse = intervals([[97.0] * 3, [97.0] * 3, [97.0] * 3], [0.0, 0.1, 0.2])
    assert (
        bare == (97.0, None, None)
        and fine.mean == 97.0
        and coarse.high - 97 == pytest.approx(2 * (fine.high - 97), rel=0.01)
    )
    assert intervals([[97.0] * 3])[0] == bare


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=12), st.sets(st.integers(0, 11)), st.sampled_from([0.0, 0.1]))
@settings(max_examples=100, deadline=None)
def test_means_are_those_of_verdicts(noise, failed, step):
    """Of the same seeds, with the same interval, whichever networks failed: all, none, one or some."""
    failed = {seed for seed in failed if seed < len(noise)}
    values = {seed: (10.0 if seed in failed else 97.0) + one for seed, one in enumerate(noise)}

    def decide(seeds):
        return decide_mean([values[seed] for seed in seeds], Region(), step)

    decision = decide_apart(range(len(values)), failed, Region(), decide)
    mean_of = alike(values, failed)
    (found,) = intervals([list(mean_of.values())], [step])
    assert len(mean_of) == decision.n and found.mean == pytest.approx(decision.estimate, rel=1e-3)
    assert (found.low is None) == (decision.interval is None)
    if found.low is not None:
        assert (found.low, found.high) == (pytest.approx(decision.interval, rel=1e-3, abs=1e-3))
    told = by_seed(values, mean_of).split(" ")
    assert [one.endswith("!") for one in told] == [seed not in mean_of for seed in values]


def test_figures_do_not_average_failed_networks():
    """A ticket of four failed at round 7, and the dense network of another seed: each panel says whom it left out."""
    lines = table().split("\n")
    ticket = chain("large_final")
    low = [(ticket, 7, 0), (DENSE, 0, 1)]
    rows = [
        row(arm, seed, REMAINING[round], 600, metric, value, round)
        for arm in (ticket, DENSE) for round in ((0,) if arm is DENSE else (1, 2, 4, 7)) for seed in SEEDS
        for metric, value in (("test_accuracy", 9.0 if (arm, round, seed) in low else 95.0),
                              (CONSTANT, 11.0), (TEST_STEP, 0.25), (STOP_STEP, 0.04))
    ]  # fmt: skip
    found = drawn(lines="\n".join(lines[:-1] + text(rows).split("\n")[1:]))
    figure = next(figure for name, figure in found.items() if name.startswith("tickets"))
    shown = [[one for one in panel.rows if one["series"] == "ticket"] for panel in figure.panels]
    (accuracies, gains, speeds), of = shown, [accuracy(ticket, 7, seed) for seed in SEEDS]
    assert [one["n"] for one in accuracies] == [4, 4, 4, 3] and [one["n"] for one in gains] == [3, 3, 3, 2]
    assert [one["n"] for one in speeds] == [3, 3, 3, 2]
    assert accuracies[-1]["mean"] == pytest.approx(fmean(of[1:]), rel=1e-3)
    assert [value[-1] == "!" for value in accuracies[-1]["values"].split()] == [True, False, False, False]
    assert [value[-1] == "!" for value in gains[-1]["values"].split()] == [True, True, False, False]
    gain = of[2] - accuracy(DENSE, 0, 2)
    assert gains[-1]["high"] == pytest.approx(Sample.of([gain] * 2, 0.25).limits(ALPHA)[1], rel=1e-3)
    assert LEFT_OUT in figure.caption and not any(LEFT_OUT in one.caption for one in drawn().values())


def test_every_specification_can_be_drawn(tmp_path):
    """As SVG with its title and without a colour's name, and as the other formats; a page has all of them."""
    pytest.importorskip("vl_convert")
    found = list(drawn().values())
    panels = [one for figure in found for one in figure.panels]
    files = list(pictures(found, tmp_path, "svg"))
    assert [file.stem for file in files] == [one.name for one in panels]
    for file, one in zip(files, panels):
        svg = file.read_text()
        assert (
            "<svg" in svg and "var(--" not in svg and "NaN" not in svg and one.title.split(",")[0].split("'")[0] in svg
        )
    assert "ANALOGUE" in next(file for file in files if file.stem.startswith("tickets")).read_text()
    for format, start in zip(FORMATS[1:], (b"\x89PNG", b"%PDF")):
        (file, *_) = pictures(found[1:2], tmp_path, format)
        assert file.read_bytes().startswith(start)
    html = page(report(), found)
    assert all(f'data-chart="{one.name}"' in html for one in panels)
    json.dumps([one.packed() for one in panels], allow_nan=False)


def test_pictures_need_an_extra(tmp_path, monkeypatch):
    """Without it one message says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    with pytest.raises(LotteryError, match="pip install"):
        list(pictures([], tmp_path, "svg"))


def test_published_points_are_sound():
    """Each is of a paper's network and says where it stands; none is from memory or read off a plot."""
    points = published_points.published_points()
    assert len(points) > 20 and len({(p.quantity, p.network, p.series, p.x) for p in points}) == len(points)
    for point in points:
        assert not any(word in point.place for word in ("memory", "remembered", "digitised", "plot"))
        assert (point.x is None) == (point.quantity in ("bar", "share"))
        assert point.quantity != "bar" or point.series in BARS
    assert {p.series for p in points if p.quantity in ("gain", "speed")} == {"ticket"}
    assert len({(p.network, told([p]).partition(" (")[0]) for p in points}) == len(points)  # as a caption tells them


@pytest.mark.parametrize(
    "content, message",
    [
        ("[[point]]\nquantity = 'gain'", "Field required"),
        ("[[point]]\nquantity = 'size'\nnetwork = 'conv-2'\ny = 1\nsays = 'a'\nplace = 'b'", "'gain', 'speed'"),
        ("[[point]]\nquantity = 'gain'\nnetwork = 'conv-3'\ny = 1\nsays = 'a'\nplace = 'b'", "is not one of"),
        ("[[point", "cannot be read"),
    ],
)
def test_wrong_points_are_one_message(tmp_path, content, message):
    """With the file and which point it is."""
    (tmp_path / "points.toml").write_text(content)
    with pytest.raises(LotteryError, match=message) as raised:
        published_points.read(tmp_path / "points.toml")
    assert "points.toml" in str(raised.value)
