"""Two runs compared: bit for bit first, then what moved, which way, by more than chance or not, and what was around."""

import json

import pytest

from lottery.cli import show
from lottery.cli.compare import compare_runs
from lottery.cli.main import main
from tests.result_helpers import result, whole

SEEDS = [85.0, 85.5, 86.15, 85.2, 85.9]


@pytest.fixture
def runs(tmp_path):
    """A function that writes two runs, of the same claims with other numbers, and returns their files."""

    def write(before, after, **around):
        files = []
        for name, claims, more in (("before", before, {}), ("after", after, around)):
            report = whole(*claims) | {"environment": {"device": "cpu", "precision": "float32", "torch": "2.11"}}
            file = tmp_path / f"{name}.json"
            file.write_text(json.dumps(report | more))
            files.append(file)
        return files

    return write


def of(effects, **changes):
    mean = sum(effects) / len(effects)
    return result(effects=effects, estimate=mean, n=len(effects), seeds=list(range(len(effects))), **changes)


def test_the_same_is_the_same(runs):
    """Bit for bit: nothing else is said."""
    text, drifted = compare_runs(*runs([of(SEEDS)], [of(SEEDS)]))
    assert text == "1 same; 0 only in the first, 0 only in the second\nnothing else is different that a run keeps"
    assert not drifted


@pytest.mark.parametrize(
    "region, move, told",
    [([80, None], -9, "worse"), ([80, None], 9, "better"), ([None, 80], 9, "worse"), ([1, 99], 9, "")],
)
def test_what_moved_says_which_way(runs, region, move, told):
    """Towards what agrees or away from it, where that is open at one end; with its interval and its p-value."""
    after = [one + move + number / 10 for number, one in enumerate(SEEDS)]
    text, drifted = compare_runs(*runs([of(SEEDS, region=region)], [of(after, region=region)]))
    assert drifted and "1 drifted" in text and f"{move + 0.2:+.3g} %" in text and "more than chance" in text
    assert ("better" in text) == (told == "better") and ("worse" in text) == (told == "worse")


def test_noise_is_no_drift(runs):
    """Moves within what chance does are told as that, and the command's status is 0."""
    before, after = runs([of(SEEDS)], [of([one + (-1) ** number / 5 for number, one in enumerate(SEEDS)])])
    text, drifted = compare_runs(before, after)
    assert not drifted and "1 moved" in text and "within what chance does" in text
    assert main(["compare", str(before), str(after)]) == 0


def test_what_was_around_is_named(runs, capsys):
    """Version, commit, machine, packages, data, claims of one run alone; status 1 where something drifted."""
    new = of([one - 9 - number / 7 for number, one in enumerate(SEEDS)])
    other = result("zhou2019.other[x]")
    around = {"commit": "abc", "environment": {"device": "cuda:0 (some)", "precision": "float32", "torch": "2.12"}}
    files = runs([of(SEEDS)], [new, other], **around)
    assert main(["compare", *map(str, files)]) == 1
    said = capsys.readouterr().out
    for words in (
        "commit unknown, then abc",
        "torch 2.11, then 2.12",
        "device cpu, then cuda:0 (some)",
        "1 only in the second",
    ):
        assert words in said
    assert main(["compare", str(files[0]), "nowhere"]) == 2 and "nowhere" in capsys.readouterr().err


def test_what_cannot_be_compared_says_why(runs):
    """Another data set, or other seeds."""
    text, drifted = compare_runs(*runs([of(SEEDS)], [of(SEEDS, data_fingerprint="bad")]))
    assert not drifted and "not comparable: another data_fingerprint" in text
    assert "the data set digits: f00, then bad" in text


def test_results_are_read_from_where_they_lie(runs, tmp_path):
    """A file, a run's folder, or the latest in a folder of runs."""
    file, _ = runs([of(SEEDS)], [of(SEEDS)])
    folder = tmp_path / "results" / "2026-11-29-100000-tiny"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(file.read_text())
    assert show.read(file) == show.read(folder) == show.read(tmp_path / "results")
