"""`lottery replay`: what a run asked is asked again, of one claim, and any bit that is another is told."""

import json
import re
from pathlib import Path

import pytest

from lottery.claims.entries import read
from lottery.cli import replay
from lottery.cli.main import main
from lottery.cli.run import claims_folder
from lottery.core.errors import LotteryError
from tests.result_helpers import result, whole

COMMAND = ["benchmarks", "-n", "auto", "--scale=paper", "--criterion", "mine=mine.py:score", "--claims=a b", "-k", "x"]
COMMAND += ["--store=s", "--results", "r", "--budget=8h", "--baseline-exact", "--lottery-device=cpu", "--table", "-v"]
COMMAND += ["--engine=slurm", "--slurm=gpus=1", "--jobs=4"]


def measured(values=(85.0, 85.5, 86.15)):
    """Return a result whose arm has these values."""
    arm = {"values": list(values), "failed": [], "censored": []}
    return result(arms={"dense, round 0": arm}, effects=list(values))


class TestAsked:
    def test_what_is_asked_and_nothing_beside_it(self):
        """Criteria, folders of claims and devices; neither what was selected nor where things are kept."""
        assert replay.asked(COMMAND) == ["--criterion=mine=mine.py:score", "--claims=a b", "--device=cpu"]
        assert replay.asked([]) == replay.asked(["benchmarks", "-q"]) == []

    def test_every_option_is_asked_or_beside(self):
        """One that comes later is asked again, unless somebody says that it only keeps or shows."""
        asked = {"criterion", "as", "treatment", "network", "dataset", "claims", "device", "precision"}
        assert set(replay.OPTIONS) == asked | set(replay.BESIDE)

    def test_the_expression_selects_one_test(self):
        """By its file, its name and its brackets."""
        assert replay.selection(measured()) == "test_zhou_2019.py and test_claim[lenet-300-100]"

    def test_no_claim_of_the_suite_is_selected_with_another(self):
        """Though words of pytest's -k are parts of names."""
        files = sorted((claims_folder().parent / "expected").glob("*.toml"))
        claims = [(f"test_{file.stem}.py", f"test_{id.partition('.')[2]}") for file in files for id in read(file)]
        for module, name in claims:
            one = result(f"x.{name.removeprefix('test_')}", test=f"benchmarks/{module}:1")
            words = replay.selection(one).split(" and ")
            found = [other for other in claims if all(any(word in part for part in other) for word in words)]
            assert found == [(module, name)]
            assert "*" in name or re.fullmatch(r"[\w:+.\[\]\\/-]+", name)  # what pytest takes for a word


class TestVerdict:
    def test_the_same_to_the_last_bit(self):
        """And how many numbers that is: the arm's, the seeds', the estimate with its interval."""
        text, status = replay.verdict(measured(), json.loads(json.dumps(measured())), ["another torch"])
        assert status == 0 and "the same to the last bit" in text and "another torch" not in text

    def test_one_bit_is_told(self):
        """Where it is, what it was and is, and what was different around it."""
        text, status = replay.verdict(measured(), measured((85.0, 85.50000000000001, 86.15)), ["torch: 2 before"])
        assert status == 1 and "arms, dense, round 0, values[1]: 85.5 before, 85.50000000000001 now" in text
        assert "NOT THE SAME: 2 of" in text and text.endswith("different around it: torch: 2 before")

    def test_another_verdict_is_told(self):
        """Whatever the numbers are."""
        text, status = replay.verdict(measured(), measured() | {"verdict": "refuted"}, [])
        assert status == 1 and "the verdict is now refuted" in text

    def test_what_has_more_or_fewer_numbers_is_not_the_same(self):
        """An arm that is gone, or a seed."""
        assert replay.verdict(measured(), measured() | {"arms": {}}, [])[1] == 1
        assert replay.verdict(measured(), measured((85.0, 85.5)), [])[1] == 1


class TestReplay:
    @pytest.fixture
    def before(self, tmp_path, monkeypatch):
        """The folder of a run, beside which a run of the claims writes what `again` says."""
        monkeypatch.chdir(tmp_path)
        return self.written(tmp_path / "results" / "2026-11-29-120000-tiny", measured())

    def written(self, folder, *results):
        folder.mkdir(parents=True)
        report = whole(*results) | {"command": COMMAND, "code": {}, "baseline": None}
        (folder / "results.json").write_text(json.dumps(report))
        return folder

    def ran(self, monkeypatch, again, status=0):
        """Have a run of the claims write results, and return the arguments that it was given."""
        given = []

        def run(arguments):
            given.extend(arguments)
            if again is not None:
                self.written(Path(arguments[arguments.index("--results") + 1]) / "run", again)
            return status

        monkeypatch.setattr(replay, "run", run)
        return given

    def test_it_is_trained_anew_as_it_was_asked(self, before, monkeypatch, capsys):
        """In a store that has nothing in it, at the run's scale, with its criteria."""
        given = self.ran(monkeypatch, measured())
        assert main(["replay", "Z12"]) == 0
        assert given[:3] == ["--criterion=mine=mine.py:score", "--claims=a b", "--device=cpu"]
        assert given[given.index("--scale") + 1] == "tiny" and given[given.index("-k") + 1].endswith("[lenet-300-100]")
        assert "--passing" in given  # nobody is led to a folder that is gone
        assert given[given.index("--store") + 1] != "s" and "the same to the last bit" in capsys.readouterr().out

    def test_the_exit_status_says_whether_it_is_the_same(self, before, monkeypatch, capsys):
        """As a script needs it."""
        self.ran(monkeypatch, measured((1.0, 2.0, 3.0)), status=1)
        assert main(["replay", "claim", str(before)]) == 1 and "NOT THE SAME" in capsys.readouterr().out

    @pytest.mark.parametrize("status", [2, 3, 4, 5])
    def test_a_run_that_does_not_end_is_one_message(self, before, monkeypatch, capsys, status):
        """With its exit status."""
        self.ran(monkeypatch, None, status)
        assert main(["replay", "claim"]) == 2 and f"exit status {status}" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "name, message",
        [
            ("nothing", "run has 3 claims, none of which is called 'nothing'"),
            ("late", "was not asked in that run: needs mnist"),
            ("twice", "2 claims are called 'twice': 'twice[a]', 'twice[b]'; name one of them"),
        ],
    )
    def test_one_claim_that_was_asked(self, tmp_path, monkeypatch, name, message):
        """Else one message says which there are, or why not."""
        skipped = result("zhou2019.late[a]", verdict="skipped", reason="needs mnist")
        twice = [result(f"zhou2019.twice[{variant}]") for variant in "ab"]
        folder = self.written(tmp_path / "run", skipped, *twice)
        with pytest.raises(LotteryError) as error:
            replay.replay(folder, name, "0", None)
        assert message in str(error.value)
