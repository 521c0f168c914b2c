"""Figures: what is read from measurements.csv, and pictures that are there."""

import csv
import gzip

import pytest

from lottery.core.errors import LotteryError
from lottery.experiments import measurements
from lottery.experiments.arms import DENSE, Arm
from lottery.experiments.measurements import ARM, COLUMNS, written
from lottery.experiments.named_arms import chain, multishot, scores_sought, singleshot, untrained, whole
from lottery.report import figures, planted_figures
from lottery.report.planted_figures import Search

WHERE = ("lenet-96-48", "digits", 600, "adam")
NET = "planted-circle-5"
HEAD = f"{','.join(COLUMNS)}\n".encode()
LEARNED = ("a name", 0, 1, 51.3, 100, "test_accuracy_early_stop", 96.5)
ROW = f"{','.join(map(str, (*LEARNED, *WHERE, *written(chain('large_final')))))}\n".encode()
WHOLE = gzip.compress(HEAD + ROW)


def write(folder, rows):
    with gzip.open(folder / "measurements.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _file(path, content):
    path.write_bytes(content)
    return path


def row(arm: Arm, seed, remaining, iteration, metric, value, round=1, where=WHERE):
    return (arm.name, seed, round, remaining, iteration, metric, value, *where, *written(arm))


def test_lines_hold_every_seed(tmp_path):
    """Accuracy at early stop with its iteration, untrained arms' accuracy; other metrics and gaps are left alone."""
    ticket, mask = chain("large_final"), untrained("large_final")
    write(tmp_path, [
        row(ticket, 0, "51.3", 200, "test_accuracy_early_stop", 97.5),
        row(ticket, 1, "51.3", 300, "test_accuracy_early_stop", 98.5),
        row(ticket, 1, "21.1", 0, "test_accuracy_early_stop", ""),
        row(ticket, 1, "51.3", 600, "test_accuracy", 98.0),
        row(mask, 0, "51.3", 0, "test_accuracy", 36.0),
    ])  # fmt: skip
    lines = figures.read(tmp_path / "measurements.csv.gz")
    where = "lenet-96-48, digits, 600 iterations of adam"
    assert lines[where, written(ticket)] == {51.3: [(97.5, 200.0), (98.5, 300.0)]}
    assert lines[where, written(mask)] == {51.3: [(36.0, 0.0)]}


def test_figures_are_drawn(tmp_path):
    """One figure for every comparison that has at least two lines, whatever the arms are called."""
    pytest.importorskip("matplotlib")
    arms = (DENSE, chain("large_final"), chain("random"), chain("large_final", "constant"))
    write(tmp_path, [
        ("a name", *row(arm, seed, remaining, 100, "test_accuracy_early_stop", 90 + seed)[1:])
        for arm in arms for remaining in ("100.0", "51.3") for seed in (0, 1)
    ])  # fmt: skip
    made = figures.draw(tmp_path)
    assert {file.name.split("-lenet")[0] for file in made} == {
        "curves-tickets",
        "curves-criteria",
        "curves-kept-weights",
    }
    write(tmp_path, [
        row(untrained("large_final", after=after), seed, remaining, 0, "test_accuracy", 50 + seed)
        for after in (0, 4_000, 10_000) for remaining in ("100.0", "51.3") for seed in (0, 1)
    ])  # fmt: skip
    assert [file.name.split("-lenet")[0] for file in figures.draw(tmp_path)] == ["curves-supermasks-by-length"]
    assert all(file.read_bytes().startswith(b"\x89PNG") and file.stat().st_size > 10_000 for file in made)


def test_no_figure_compares_an_arm_with_itself():
    """Within a figure all arms are written differently, so that no line takes another one's rows."""
    for arms in (figures.TRAINED | figures.UNTRAINED).values():
        assert len(set(map(written, arms.values()))) == len(arms)


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "cannot be read"),
        (gzip.compress(b"a,b\n1,2\n"), "not a measurements.csv.gz"),
        (b"arm,seed\n", "after line 1: this file is damaged .Not a gzipped file"),
        (WHOLE[:-9], "this file is damaged"),
        (WHOLE[:40] + b"x" + WHOLE[41:], "this file is damaged"),
        (gzip.compress(HEAD + b"a,0\n"), "after line 2: this file is damaged .2 cells"),
        (gzip.compress(HEAD + ROW.replace(b"96.5", b"inf")), "after line 2: .* is not finite"),
        (gzip.compress(HEAD + ROW.replace(b"96.5", b"high")), "after line 2: .*could not convert"),
        (gzip.compress(HEAD + ROW.replace(b"96.5", b"\xff")), "this file is damaged"),
        (gzip.compress(HEAD + b'"' + ROW), "this file is damaged"),
    ],
)
def test_bad_files_are_one_message(tmp_path, content, message):
    """A missing file, one that is damaged anywhere, and one with other columns; what is sound is read."""
    assert len(figures.read(_file(tmp_path / "sound.gz", WHOLE))) == 1
    if content is not None:
        _file(tmp_path / "measurements.csv.gz", content)
    with pytest.raises(LotteryError, match=message):
        figures.read(tmp_path / "measurements.csv.gz")


def planted_rows():
    """Rows as searches leave them: two methods at two shares in one shot, one in ten rounds."""
    where = (NET, "circle", 2810, "adam")
    scores = (("weak", 90), ("strong", 20), ("ticket", 98), ("constant", 45), ("affine", 45))
    for method in ("snip", "magnitude"):
        for share, remaining in ((0.1, "10.1"), (0.01, "1.2")):
            arm = singleshot(NET, method, share)
            for seed in (0, 1):
                for metric, value in scores:
                    better = seed if metric in ("weak", "strong") else 0
                    yield row(arm, seed, remaining, 2810, metric, value + better, where=where)
    sifted = multishot(NET, "snip", 0.01)
    for round in range(1, 11):
        for metric, value in (("recall", 1 / round), ("precision", round / 100), ("chance", 0.5 / round)):
            yield row(sifted, 0, "1.2", 0, metric, value, round, where)


def test_searches_are_read_and_drawn(tmp_path):
    """By network, method, share and rounds, every seed; a figure of levels and one of what was recovered."""
    pytest.importorskip("matplotlib")
    write(tmp_path, planted_rows())
    found = planted_figures.read(measurements.read(tmp_path / "measurements.csv.gz"))[NET]
    assert found[Search("magnitude", "0.01", 1, True, "")]["weak"] == [90.0, 91.0]
    assert found[Search("snip", "0.01", 10, True, "")]["precision 10"] == [0.1]
    made = figures.draw(tmp_path)
    assert {file.name for file in made} == {"curves-planted-circle-5.png", "curves-recovered-planted-circle-5.png"}
    assert all(file.read_bytes().startswith(b"\x89PNG") and file.stat().st_size > 10_000 for file in made)


@pytest.mark.parametrize(
    "arm, search",
    [
        (multishot(NET, "magnitude", None), Search("magnitude", "", 10, True, "")),
        (multishot(NET, "movement", 0.01), Search("movement", "0.01", 10, True, "")),
        (scores_sought(NET, 0.1), Search("edge-popup", "0.1", 1, True, "")),
        (scores_sought(NET, 0.1, annealed=True), Search("annealed edge-popup", "0.1", 1, True, "")),
        (singleshot(NET, "synflow", 0.01, rounds=100), Search("synflow in 100 rounds", "0.01", 1, True, "")),
        (singleshot(NET, "snip", 0.1, weak=False), Search("snip", "0.1", 1, True, "")),
        (whole(NET), planted_figures.WHOLE),
        (singleshot(NET, "snip", 0.1, scope="layer"), Search("snip", "0.1", 1, False, "")),
        (multishot(NET, "snip", 0.1, released=True), Search("snip", "0.1", 10, False, "")),
        (multishot(NET, "snip", 0.1, noise=0.5), Search("snip", "0.1", 10, False, "0.5")),
    ],
    ids=lambda value: value.name if isinstance(value, Arm) else "",
)  # fmt: skip
def test_what_a_search_is_told_by(arm, search):
    """Method, share and rounds out of the arm's columns, and whether anything else was asked of it."""
    assert planted_figures.search_of(dict(zip(ARM, written(arm)))) == search
