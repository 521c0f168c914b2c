"""Curves: what is read from measurements.csv, and figures that are there."""

import csv

import pytest

from lottery import curves
from lottery.errors import LotteryError
from lottery.measurements import COLUMNS

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
    lines = curves.read(tmp_path / "measurements.csv")
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
    made = curves.draw(tmp_path)
    assert {file.name.split("-lenet")[0] for file in made} == {"curves-tickets", "curves-criteria", "curves-kept-weights"}
    assert all(file.read_bytes().startswith(b"\x89PNG") and file.stat().st_size > 10_000 for file in made)


@pytest.mark.parametrize("content, message", [(None, "run the benchmarks first"), ("a,b\n1,2\n", "not a measurements.csv")])
def test_bad_files_are_one_message(tmp_path, content, message):
    """A missing file, and one with other columns."""
    if content is not None:
        (tmp_path / "measurements.csv").write_text(content)
    with pytest.raises(LotteryError, match=message):
        curves.read(tmp_path / "measurements.csv")
