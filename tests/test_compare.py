"""Two runs compared: bit for bit first, then what moved, which way, by more than chance or not, and what was around."""

import json

import pytest

from lottery.claims.baselines import read_run
from lottery.claims.results import SCHEMA
from lottery.cli.compare import NOTHING_COMPARED, compare_runs
from lottery.cli.main import main
from tests.result_helpers import result, whole

SEEDS = [85.0, 85.5, 86.15, 85.2, 85.9]
MACHINE = {"device": "cpu", "precision": "float32", "torch": "2.11"}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A function that writes two runs, of the same claims with other numbers, and returns their files."""
    monkeypatch.setenv("COLUMNS", "80")

    def write(before, after, **around):
        files = []
        for name, claims, more in (("before", before, {}), ("after", after, around)):
            file = tmp_path / f"{name}.json"
            file.write_text(json.dumps(whole(*claims) | {"environment": MACHINE} | more))
            files.append(file)
        return files

    return write


def of(effects, **changes):
    mean = sum(effects) / len(effects)
    return result(effects=effects, estimate=mean, n=len(effects), seeds=list(range(len(effects))), **changes)


def moved(by):
    """Return the seeds' effects after a move that is no constant."""
    return [one + by + number / 10 for number, one in enumerate(SEEDS)]


def test_the_same_is_the_same(runs):
    """Bit for bit, in one sentence: an A/A night."""
    before, after = runs([of(SEEDS)], [of(SEEDS)])
    text, status = compare_runs(before, after)
    said = "the verdict the same; of 1 claim 1 the same, bit for bit; nothing that a run records differs"
    assert "".join(text.split()) == f"against{before}:{said}".replace(" ", "") and not status  # wherever lines end


@pytest.mark.parametrize(
    "region, move, told",
    [([80, None], -9, "worse"), ([80, None], 9, "better"), ([None, 80], 9, "worse"), ([1, 99], 9, "")],
)
def test_what_moved_says_which_way(runs, region, move, told):
    """Towards what agrees or away from it, where that is open at one end; with its interval and its p-value."""
    text, status = compare_runs(*runs([of(SEEDS, region=region)], [of(moved(move), region=region)]))
    assert status == 1 and "1 moved, 1 by more than chance" in " ".join(text.split())
    (row,) = [line for line in text.splitlines() if line.startswith("Z12")]
    assert f"{move + 0.2:+.3g} [" in row and " p " in row and len(row) <= 80
    assert ("better" in row) == (told == "better") and ("worse" in row) == (told == "worse")


@pytest.mark.parametrize("verdict, told", [("refuted", "control holds"), ("inconclusive", "control lost")])
@pytest.mark.parametrize("move", [-9, 9])
def test_a_control_that_moved_is_neither_better_nor_worse(runs, verdict, told, move):
    """Whichever way: it is there to be refuted. Its row is no longer for that."""
    about = {"region": [80, None], "negative_control": True, "expected_verdict": "refuted"}
    before, after = of(SEEDS, **about, verdict="refuted"), of(moved(move), **about, verdict=verdict)
    text, status = compare_runs(*runs([before], [after]))
    (row,) = [line for line in text.splitlines() if line.startswith("!Z12") or line.startswith("Z12")]
    assert status == 1 and told in row and len(row) <= 80 and " p " in row
    assert "better" not in text and "worse" not in text


def test_noise_is_no_drift(runs):
    """Moves within what chance does are told as that, and the command's status is 0."""
    before, after = runs([of(SEEDS)], [of([one + (-1) ** number / 5 for number, one in enumerate(SEEDS)])])
    text, status = compare_runs(before, after)
    assert not status and "1 moved, none by more than chance" in " ".join(text.split())
    assert "MOVED, NOT SIGNIFICANTLY  1" in text and main(["compare", str(before), str(after)]) == 0


def test_runs_of_two_scales_are_not_compared(runs, capsys):
    """And no option is suggested that the command does not have."""
    before, after = runs([of(SEEDS)], [of(SEEDS)], scale="paper")
    assert main(["compare", str(before), str(after)]) == 2
    told = capsys.readouterr().err
    assert "and not of paper: claims are compared at one scale; name two runs of one scale" in told


class TestShares:
    """A seed counts in a share or does not: by what margin says nothing of the share."""

    @staticmethod
    def compared(runs, before, after):
        shares = [of(effects, kind="proportion", unit="of seeds", region=[0.5, None]) for effects in (before, after)]
        text, status = compare_runs(*runs(*[[share] for share in shares]))
        return " ".join(text.split()), status

    def test_margins_alone_move_no_share(self, runs):
        """Though each seed's margin is another, and all alike."""
        said, status = self.compared(runs, [-0.9, -0.85, -0.8, 0.3], [-0.3, -0.25, -0.2, 0.9])
        assert not status and "none by more than chance" in said and "no seed turned" in said

    def test_seeds_that_change_sides_do(self, runs):
        """Eight of eight by more than chance, with the share that moved; two of eight are chance."""
        said, status = self.compared(runs, [-1.0 - seed for seed in range(8)], [1.0 + seed for seed in range(8)])
        assert status == 1 and "better +1 " in said and "p 0.0078" in said
        said, status = self.compared(runs, [-1.0] * 8, [1.0, 1.0, *[-1.0] * 6])
        assert not status and "+0.25 [" in said


def test_seeds_that_were_added_move_nothing(runs):
    """What both have is the same, so the claim is."""
    text, status = compare_runs(*runs([of(SEEDS[:3])], [of(SEEDS)]))
    assert not status and "1 the same, bit for bit" in text and "fault" not in text


@pytest.mark.parametrize("before, now, told", [([None], [84.0], "more"), ([84.0], [None], "fewer")])
def test_a_number_that_is_there_only_once_is_no_rounding(runs, before, now, told):
    """A network that diverged in one of the runs."""
    one, other = of(SEEDS), of(SEEDS)
    text, status = compare_runs(*runs([one | {"effects": SEEDS + before}], [other | {"effects": SEEDS + now}]))
    assert not status and f"1 seed {told}" in text


def test_what_was_around_is_named(runs, capsys):
    """Commit, machine, packages, claims of one run alone; status 1 where something drifted."""
    other = result("zhou2019.other[x]")
    around = {"commit": "abc", "environment": MACHINE | {"device": "cuda:0 (some)", "torch": "2.12"}}
    files = runs([of(SEEDS)], [of(moved(-9)), other], **around)
    assert main(["compare", *map(str, files)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "commit unknown, then abc",
        "torch 2.11, then 2.12",
        "device cpu, then cuda:0 (some)",
        "1 claim only now",
    ):
        assert words in said
    assert main(["compare", str(files[0]), "nowhere"]) == 2 and "nowhere" in capsys.readouterr().err


def test_what_cannot_be_compared_says_why(runs):
    """Another data set, or other seeds."""
    text, status = compare_runs(*runs([of(SEEDS)], [of(SEEDS, data_fingerprint="bad")]))
    assert status == NOTHING_COMPARED and "NOT COMPARABLE  1" in text and "[lenet-300-100]: other data" in text
    assert "the data set digits: f00, then bad" in text


def test_one_scale_at_a_time(runs, capsys):
    """One message, and nothing compared."""
    assert main(["compare", *map(str, runs([of(SEEDS)], [of(SEEDS)], scale="reduced"))]) == 2
    assert "before.json is of scale tiny, and not of reduced: claims are compared at one" in capsys.readouterr().err


def test_tables_are_compared_too(runs, tmp_path, capsys):
    """A folder of them is a run that one can look at; it says where its rows were measured."""
    before, after = runs([of(SEEDS)], [of(SEEDS)], environment=MACHINE | {"torch": "2.12"})
    assert main(["baseline", str(before), str(tmp_path / "tables")]) == 0
    assert (
        capsys.readouterr().out
        == f"{tmp_path / 'tables' / 'zhou2019.csv'}: 1 claim, 0.3 kB; 1 not there before: claim[lenet-300-100]\n"
    )
    assert main(["compare", str(tmp_path / "tables"), str(after)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "1 the same to 7 digits" in said
    assert "rows of the baseline were measured on cpu, float32, torch 2.11" in said


def test_markdown_is_a_table_for_a_comment(runs, capsys):
    """With the row of what moved, escaped."""
    after = [of(moved(-9)), of(moved(0), id="zhou2019.other[a|b]", data_fingerprint="bad")]
    files = runs([of(SEEDS), of(SEEDS, id="zhou2019.other[a|b]")], after)
    assert main(["compare", "--markdown", *map(str, files)]) == 1
    said = capsys.readouterr().out
    assert "| **worse** |" in " ".join(said.split()) and r"other[a\|b]: not comparable: other data" in said


def test_results_are_read_from_where_they_lie(runs, tmp_path):
    """A file, a run's folder, or the latest in a folder of runs."""
    file, _ = runs([of(SEEDS)], [of(SEEDS)])
    folder = tmp_path / "results" / "2026-11-29-100000-tiny"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(file.read_text())
    assert read_run(file) == read_run(folder) == read_run(tmp_path / "results")


@pytest.mark.parametrize("options", [[], ["--markdown"]])
def test_nothing_in_common_is_no_success(runs, capsys, options):
    """A status of its own, and a sentence."""
    files = runs([of(SEEDS)], [of(SEEDS, id="zhou2019.other[x]")])
    assert main(["compare", *options, *map(str, files)]) == NOTHING_COMPARED == 5
    said = " ".join(capsys.readouterr().out.split())
    assert "no claim in common" in said and "nothing was compared: name two runs" in said


def test_the_run_that_was_not_named_is_told(runs, tmp_path, monkeypatch, capsys):
    """In a folder without results."""
    before, _ = runs([of(SEEDS)], [of(SEEDS)])
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(before)]) == 2
    assert "AFTER was left out, which is the latest run in results then" in capsys.readouterr().err


@pytest.mark.parametrize("by, told", [(1, "a newer version wrote it: update lottery"), (-1, "run again")])
def test_another_schema_says_what_to_do(runs, capsys, by, told):
    """Of `compare` and of `show`, with the file."""
    before, after = runs([of(SEEDS)], [of(SEEDS)], schema=SCHEMA + by)
    for command in (["compare", str(before), str(after)], ["show", str(after)]):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"ERROR: {after} has schema {SCHEMA + by}") and told in said


def test_what_was_not_asked_before_is_a_count(runs, capsys):
    """After a night that was cut short, whose claims of other reasons keep their lines."""
    ids = [f"zhou2019.c{number}[x]" for number in range(6)]
    skipped = [of(SEEDS, id=id, verdict="skipped", reason="budget") for id in ids[:4]]
    before = [*skipped, of(SEEDS, id=ids[4]), of(SEEDS, id=ids[5])]
    files = runs(before, [*(of(SEEDS, id=id) for id in ids[:5]), of(SEEDS, id=ids[5], data_fingerprint="bad")])
    for options in ([], ["--markdown"]):
        assert main(["compare", *options, *map(str, files)]) == 0
        said = capsys.readouterr().out
        assert "4 claims answered now, not asked before" in said and said.count("not asked before") == 1
        assert "c5[x]" in said and "c0[x]" not in said
