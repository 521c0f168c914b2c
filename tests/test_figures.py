"""Curves: what is read from measurements.csv, and figures that are there."""

import csv

import pytest

from lottery.core.errors import LotteryError
from lottery.experiments.arms import multishot, scores_sought, singleshot, whole
from lottery.experiments.measurements import COLUMNS
from lottery.report import figures, planted_figures

WHERE = ("lenet-96-48", "digits", 600, "adam")


def write(folder, rows):
    with (folder / "measurements.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def row(arm, seed, remaining, iteration, metric, value):
    return (arm, seed, 1, remaining, iteration, metric, value, *WHERE)


def test_lines_hold_every_seed(tmp_path):
    """Accuracy at early stop with its iteration, untrained arms' accuracy; other metrics and missing values are left alone."""
    write(tmp_path, [
        row("large_final rewind", 0, "51.3", 200, "test_accuracy_early_stop", 97.5),
        row("large_final rewind", 1, "51.3", 300, "test_accuracy_early_stop", 98.5),
        row("large_final rewind", 1, "21.1", 0, "test_accuracy_early_stop", ""),
        row("large_final rewind", 1, "51.3", 600, "test_accuracy", 98.0),
        row("large_final rewind untrained", 0, "51.3", 0, "test_accuracy", 36.0),
    ])  # fmt: skip
    lines = figures.read(tmp_path / "measurements.csv")
    where = "lenet-96-48, digits, 600 iterations of adam"
    assert lines[where, "large_final rewind"] == {51.3: [(97.5, 200.0), (98.5, 300.0)]}
    assert lines[where, "large_final rewind untrained"] == {51.3: [(36.0, 0.0)]}


def test_figures_are_drawn(tmp_path):
    """One figure for every comparison that has at least two lines."""
    pytest.importorskip("matplotlib")
    write(tmp_path, [
        row(arm, seed, remaining, 100, "test_accuracy_early_stop", 90 + seed)
        for arm in ("dense", "large_final rewind", "random rewind", "large_final constant") for remaining in ("100.0", "51.3") for seed in (0, 1)
    ])  # fmt: skip
    made = figures.draw(tmp_path)
    assert {file.name.split("-lenet")[0] for file in made} == {
        "curves-tickets",
        "curves-criteria",
        "curves-kept-weights",
    }
    assert all(file.read_bytes().startswith(b"\x89PNG") and file.stat().st_size > 10_000 for file in made)


@pytest.mark.parametrize(
    "content, message", [(None, "run the benchmarks first"), ("a,b\n1,2\n", "not a measurements.csv")]
)
def test_bad_files_are_one_message(tmp_path, content, message):
    """A missing file, and one with other columns."""
    if content is not None:
        (tmp_path / "measurements.csv").write_text(content)
    with pytest.raises(LotteryError, match=message):
        figures.read(tmp_path / "measurements.csv")


def planted_rows(network="planted-circle-5"):
    """Rows as searches leave them: two methods at two shares in one shot, one in ten rounds."""
    where = (network, "circle", 2810, "adam")
    for method in ("snip_init", "large_init"):
        for share, remaining in (("10% kept", "10.1"), ("1% kept", "1.2")):
            for seed in (0, 1):
                for metric, value in (
                    ("weak", 90 + seed),
                    ("strong", 20 + seed),
                    ("ticket", 98),
                    ("constant", 45),
                    ("affine", 45),
                ):
                    yield (f"{method}, {share}", seed, 1, remaining, 2810, metric, value, *where)
    for round in range(1, 11):
        yield ("snip_final, 1% kept, 10 rounds", 0, round, "1.2", 0, "recall", 1 / round, *where)
        yield ("snip_final, 1% kept, 10 rounds", 0, round, "1.2", 0, "precision", round / 100, *where)
        yield ("snip_final, 1% kept, 10 rounds", 0, round, "1.2", 0, "chance", 0.5 / round, *where)


def test_searches_are_read_and_drawn(tmp_path):
    """By network, method, share and rounds, every seed; a figure of levels and one of what was recovered."""
    pytest.importorskip("matplotlib")
    write(tmp_path, planted_rows())
    with (tmp_path / "measurements.csv").open(newline="") as content:
        found = planted_figures.read(csv.DictReader(content))["planted-circle-5"]
    assert found["magnitude", "1% kept", ""]["weak"] == [90.0, 91.0]
    assert found["snip", "1% kept", "10 rounds"]["precision 10"] == [0.1]
    made = figures.draw(tmp_path)
    assert {file.name for file in made} == {"curves-planted-circle-5.png", "curves-recovered-planted-circle-5.png"}
    assert all(file.read_bytes().startswith(b"\x89PNG") and file.stat().st_size > 10_000 for file in made)


def test_names_of_searches_are_taken_apart():
    """Every way in which an arm is named."""
    assert planted_figures.split(multishot("planted-circle-5", "magnitude", None).name) == (
        "magnitude",
        "as many kept as planted",
        "10 rounds",
    )
    assert planted_figures.split(scores_sought("planted-circle-5", 0.1, annealed=True).name) == (
        "annealed edge-popup",
        "10% kept",
        "",
    )
    assert planted_figures.split(singleshot("planted-circle-6", "synflow", 0.01, rounds=100).name) == (
        "synflow in 100 rounds",
        "1% kept",
        "",
    )
    assert planted_figures.split(whole("planted-circle-5").name) == ("whole network", "", "")
