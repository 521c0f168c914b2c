"""Curves: what is read from measurements.csv.gz, every seed of it, and files that cannot be read."""

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery.core.errors import LotteryError
from lottery.experiments import measurements
from lottery.experiments.arms import DENSE, Arm
from lottery.experiments.measurements import ARM, COLUMNS, rows_of, written
from lottery.experiments.named_arms import (
    branch,
    chain,
    learned,
    multishot,
    scores_sought,
    singleshot,
    untrained,
    whole,
)
from lottery.report import curves, planted_rows
from lottery.report.curves import Training, consecutive
from lottery.report.figures import is_shown
from lottery.report.planted_rows import Search

WHERE = ("lenet-96-48", "digits", 600, "adam", 0.01, 0.0)
NET = "planted-circle-5"
HEAD = f"{','.join(COLUMNS)}\n".encode()
LEARNED = ("a name", 0, 1, 51.3, 100, "test_accuracy_early_stop", 96.5)
ROW = f"{','.join(map(str, (*LEARNED, *WHERE, *written(chain('large_final')))))}\n".encode()


def packed(content):
    """Return the same bytes for the same content: workers of one run have to collect tests of the same names."""
    return gzip.compress(content, mtime=0)


WHOLE = packed(HEAD + ROW)


def row(arm: Arm, seed, remaining, iteration, metric, value, round=1, where=WHERE):
    return (arm.name, seed, round, remaining, iteration, metric, value, *where, *written(arm))


def text(rows):
    """Return the table that a run writes of rows."""
    file = io.StringIO()
    csv.writer(file).writerows([COLUMNS, *rows])
    return file.getvalue()


def read(rows):
    """Return what figures read of a run's table."""
    return curves.read(rows_of(text(rows).split("\n"), "a file", is_shown))


def test_lines_hold_every_seed():
    """Accuracy at early stop with its iteration, untrained arms' accuracy; other metrics and gaps are left alone."""
    ticket, mask, bernoulli = chain("large_final"), untrained("large_final"), learned()
    found = read([
        row(ticket, 0, "51.3", 200, "test_accuracy_early_stop", 97.5),
        row(ticket, 1, "51.3", 300, "test_accuracy_early_stop", 98.5),
        row(ticket, 1, "21.1", 0, "test_accuracy_early_stop", "", 7),
        row(ticket, 1, "51.3", 600, "test_accuracy", 98.0),
        row(ticket, 1, "51.3", 600, "train_accuracy", 99.0),
        row(mask, 0, "51.3", 0, "test_accuracy", 36.0),
        row(bernoulli, 0, "48.5", 600, "test_accuracy", 90.0, 0),
        row(ticket, 0, "51.3", 25, "validation_accuracy", 80.0),
        row(chain("random"), 0, "51.3", 25, "validation_accuracy", 70.0),
    ])  # fmt: skip
    training = Training(*map(str, WHERE))
    assert found.line(training, ticket).rounds[1].accuracy == {0: 97.5, 1: 98.5}
    assert found.line(training, ticket).rounds[1].iteration == {0: 200, 1: 300}
    assert list(found.line(training, ticket).rounds) == [1] and found.line(training, DENSE) is None
    assert found.line(training, mask).rounds[1].accuracy == {0: 36.0}
    assert found.line(training, bernoulli).rounds[0].accuracy == {0: 90.0}
    looks = {place[1:]: values for place, values in found.looks.items()}
    assert looks == {(written(ticket), 1, "validation_accuracy"): {25: {0: 80.0}}}
    assert training.told == "lenet-96-48 on digits, 600 iterations of adam at 0.01"
    assert training.slug == "lenet-96-48-digits-600-adam-0-01"


@pytest.mark.parametrize("early, end, failed", [(97.5, 98.0, False), (11.0, 98.0, True), (97.5, 10.0, True)])
def test_networks_that_failed_are_known(early, end, failed):
    """At early stop or at the end no better than a constant; trained, or a mask that was learned; with all steps."""
    ticket, bernoulli, mask = chain("large_final"), learned(), untrained("large_final")
    constant, step = "test_accuracy_constant", "test_accuracy_step"
    rows = [
        row(ticket, 3, "51.3", 0, "test_accuracy", 9.0),
        row(ticket, 3, "51.3", 200, "test_accuracy_early_stop", early),
        row(ticket, 3, "51.3", 600, "test_accuracy", end),
        *(row(ticket, 3, "51.3", 600, name, of) for name, of in ((constant, 11.0), (step, 0.25))),
        row(ticket, 3, "51.3", 600, "early_stop_step", 0.04),
        row(bernoulli, 3, "48.5", 600, "test_accuracy", end, 0),
        *(row(bernoulli, 3, "48.5", 600, name, of, 0) for name, of in ((constant, 11.0), (step, 0.05))),
        row(mask, 3, "51.3", 0, "test_accuracy", 9.0),
        row(mask, 3, "51.3", 0, step, 0.25),
    ]
    found, training = read(rows), Training(*map(str, WHERE))
    (trained,), (masks,) = (found.line(training, arm).rounds.values() for arm in (ticket, bernoulli))
    assert trained.failed == ({3} if failed else set()) and (trained.step, trained.stop_step) == (0.25, 0.04)
    assert masks.failed == ({3} if end < 11 else set()) and masks.step == 0.05
    assert not found.line(training, mask).rounds[1].failed and found.line(training, mask).rounds[1].step == 0.25
    older = read([one for one in rows if one[5] not in (constant, step, "early_stop_step")])
    assert not older.line(training, ticket).rounds[1].failed and not older.line(training, ticket).rounds[1].step


def test_trainings_of_other_rates_are_other_lines():
    """What was trained alike but for its learning rate or momentum is never mixed."""
    rates = [(*WHERE[:4], rate, momentum) for rate in (0.01, 0.1) for momentum in (0.0, 0.9)]
    found = read([row(DENSE, 0, "100.0", 9, "test_accuracy_early_stop", 90, 0, where) for where in rates])
    assert len(found.lines) == 4 == len({training.told for training in found.lines})


def test_looks_of_arms_with_commas_in_their_names():
    """Names that a table puts in quotes are recognised, too."""
    looks = [row(arm, 0, "51.3", 25, "validation_loss", 0.5) for arm in curves.LEARNING]
    looks += [row(arm, 0, "41.1", 25, "validation_loss", 0.5, 4) for arm in curves.LEARNING]  # of which none is shown
    assert len(read(looks).looks) == len(curves.LEARNING) and branch("large_final", "reinit").name in text(looks)


@given(st.lists(st.integers(0, 30), unique=True).map(sorted))
def test_stretches_join_rounds_that_follow_each_other(rounds):
    """Two neighbours share a stretch if and only if no round lies between them."""
    stretches = consecutive(rounds)
    assert len(stretches) == len(rounds)
    for place in range(1, len(rounds)):
        assert (stretches[place] == stretches[place - 1]) == (rounds[place] == rounds[place - 1] + 1)


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "cannot be read"),
        (packed(b"a,b\n1,2\n"), "not a measurements.csv.gz"),
        (b"arm,seed\n", "this file is damaged .Not a gzipped file"),
        (WHOLE[:-9], "this file is damaged"),
        (WHOLE[:40] + b"x" + WHOLE[41:], "this file is damaged"),
        (packed(HEAD + b"a,0\n"), "after line 2: this file is damaged .2 cells"),
        (packed(HEAD + ROW.replace(b"96.5", b"inf")), "after line 2: .* is not finite"),
        (packed(HEAD + ROW.replace(b"96.5", b"high")), "after line 2: .*could not convert"),
        (packed(HEAD + ROW.replace(b"96.5", b"\xff")), "this file is damaged"),
        (packed(HEAD + b'"' + ROW), "this file is damaged"),
    ],
)
def test_bad_files_are_one_message(tmp_path, content, message):
    """A missing file, one that is damaged anywhere, and one with other columns; what is sound is read."""
    (tmp_path / "sound.gz").write_bytes(WHOLE)
    assert len(curves.read(measurements.read(tmp_path / "sound.gz")).lines) == 1
    if content is not None:
        (tmp_path / "measurements.csv.gz").write_bytes(content)
    with pytest.raises(LotteryError, match=message):
        curves.read(measurements.read(tmp_path / "measurements.csv.gz"))


def planted_table():
    """Rows as searches leave them: two methods at two shares in one shot, one in ten rounds."""
    where = (NET, "circle", 2810, "adam", 0.001, 0.0)
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


def test_searches_are_read():
    """By network, method, share and rounds, every seed."""
    found = planted_rows.read(rows_of(text(planted_table()).split("\n"), "a file", is_shown)).networks[NET]
    assert found[Search("magnitude", "0.01", 1, True, "")]["weak"] == {0: 90.0, 1: 91.0}
    assert found[Search("snip", "0.01", 10, True, "")]["precision 10"] == {0: 0.1}


@pytest.mark.parametrize(
    "arm, search",
    [
        (multishot(NET, "magnitude", None), Search("magnitude", "", 10, True, "")),
        (multishot(NET, "movement", 0.01), Search("movement", "0.01", 10, True, "")),
        (scores_sought(NET, 0.1), Search("edge-popup", "0.1", 1, True, "")),
        (scores_sought(NET, 0.1, annealed=True), Search("annealed edge-popup", "0.1", 1, True, "")),
        (singleshot(NET, "synflow", 0.01, rounds=100), Search("synflow in 100 rounds", "0.01", 1, True, "")),
        (singleshot(NET, "snip", 0.1, weak=False), Search("snip", "0.1", 1, True, "")),
        (whole(NET), planted_rows.WHOLE),
        (singleshot(NET, "snip", 0.1, scope="layer"), Search("snip", "0.1", 1, False, "")),
        (multishot(NET, "snip", 0.1, released=True), Search("snip", "0.1", 10, False, "")),
        (multishot(NET, "snip", 0.1, noise=0.5), Search("snip", "0.1", 10, False, "0.5")),
    ],
    ids=lambda value: value.name if isinstance(value, Arm) else "",
)  # fmt: skip
def test_what_a_search_is_told_by(arm, search):
    """Method, share and rounds out of the arm's columns, and whether anything else was asked of it."""
    assert planted_rows.search_of(dict(zip(ARM, written(arm)))) == search
