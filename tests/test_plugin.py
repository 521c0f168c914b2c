"""The plugin as a user meets it: a small suite of its own, run by pytest within pytest, alone and with two workers."""

import dataclasses
import gzip
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy  # noqa: F401  (pytester forgets what a run imports, and some of these can be imported only once)
import pytest
import scipy.stats  # noqa: F401
import sklearn.datasets  # noqa: F401
import torch

import lottery.experiments.worker  # noqa: F401
from lottery.claims.run_folders import run_folder
from lottery.cli.main import main
from lottery.experiments.scales import EARLY_STOP, SCALES
from lottery.plugin.run import Run

ROOT = Path(__file__).resolve().parent.parent
TESTS = """
from lottery.experiments.arms import DENSE
from lottery.experiments.named_arms import chain
from lottery.claims.claim import claim, claim_per_criterion, conjunction, effect, exact, proportion
from lottery.claims.image_quantities import accuracy, early_stop

NET = "lenet-300-100"

@claim(NET)
def test_learns(question):
    return effect(accuracy(DENSE, 0))

@claim(NET)
def test_hardly_learns(question):
    return effect(accuracy(DENSE, 0))

@claim(NET)
def test_control(question):
    return effect(accuracy(DENSE, 0))

@claim(NET)
def test_undecided(question):
    return effect(accuracy(chain("large_final"), 1) - accuracy(DENSE, 0))

@claim(NET)
def test_always(question):
    return proportion(accuracy(DENSE, 0))

@claim(NET)
def test_both(question):
    return conjunction(first=accuracy(DENSE, 0), second=accuracy(DENSE, 0, at="end"))

@claim(NET)
def test_only_on_mnist(question):
    return effect(early_stop(DENSE, 0))

@claim(cases={"small": (2, 2), "large": (3, 3)})
def test_counts(question, computed, printed):
    return exact(lambda: computed, printed)

@claim_per_criterion(NET)
def test_own(question, criterion):
    return effect(accuracy(chain(criterion), 1))
"""
QUICKLY = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")  # which takes a second to find nothing to report
NEEDS = 'needs = { dataset = "mnist", network = "lenet-300-100", training = "early stop" }'


def entry(name, kind, asked, more="", needs=NEEDS, scale="tiny"):
    return f"""
[[claim]]
id = "mini2020.{name}"
number = "1"
kind = "{kind}"
statement = "A statement."
source = "section 1"
metric = "test accuracy"
unit = "%"
{needs}
{more}
[claim.scales.{scale}]
{asked}
reason = "because"
"""


def asked(region, seeds=3):
    return f'seeds = {seeds}\nregion = {region}\nanalogue = "of course"'


REFUTED = 'expected = { verdict = "refuted", basis = "baseline", since = 2026-11-28, because = "it is false" }'
OPEN = 'expected = { verdict = "any", basis = "open", because = "yours" }'
CONTROL = 'expected = { verdict = "refuted", basis = "control", because = "a control" }'
ENTRIES = {
    "learns": entry("learns[lenet-300-100]", "effect", asked("[50, inf]")),
    "hardly": entry("hardly_learns[lenet-300-100]", "effect", asked("[-inf, 50]"), REFUTED),
    "control": entry(
        "control[lenet-300-100]",
        "effect",
        asked("[-inf, 50]"),
        CONTROL + '\nnegates = "mini2020.learns[lenet-300-100]"',
    ),
    "undecided": entry("undecided[lenet-300-100]", "effect", asked("[-0.8, inf]")),
    "always": entry("always[lenet-300-100]", "proportion", asked("[0.5, 1]", 8)),
    "both": entry(
        "both[lenet-300-100]",
        "conjunction",
        'seeds = 3\nparts = { first = [50, inf], second = [50, inf] }\nanalogue = "yes"',
    ),
    "mnist": entry("only_on_mnist[lenet-300-100]", "effect", "seeds = 3\nregion = [0, inf]"),
    "small": entry("counts[small]", "exact", "", needs="", scale="every"),
    "large": entry("counts[large]", "exact", "", needs="", scale="every"),
    "own": entry("own[*]", "effect", asked("[50, inf]"), OPEN),
}


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    """One store for the tests that do not care what is in it."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def suite(pytester, monkeypatch, shared_store):
    """A function that runs a small suite: `suite("-n0", ...)`; `suite.write(...)` lays it out with other tests."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("LOTTERY_STORE", str(shared_store))
    monkeypatch.delenv("LOTTERY_SCALE", raising=False)

    def write(tests=TESTS, entries=ENTRIES, conftest=""):
        for folder in ("benchmarks", "expected"):
            (pytester.path / folder).mkdir(exist_ok=True)
        (pytester.path / "conftest.py").write_text(f'pytest_plugins = ["lottery.plugin.hooks"]\n{conftest}')
        (pytester.path / "benchmarks" / "test_mini_2020.py").write_text(tests)
        (pytester.path / "expected" / "mini_2020.toml").write_text('title = "Mini 2020"\n' + "".join(entries.values()))

    def run(*arguments):
        distributed = bool({"-n1", "-n2"} & set(arguments))
        command = (
            "benchmarks",
            *QUICKLY,
            *(() if distributed or "-n0" in arguments else ("-n0",)),
            *(() if "--plan" in arguments else ("--table",)),
            *(() if any(one.startswith("--device") for one in arguments) else ("--device=cpu",)),
            *arguments,
        )
        if distributed:
            return pytester.runpytest_subprocess(*command)
        return in_process(*command)

    def in_process(*command):
        torch.set_num_threads(2)
        try:
            result = pytester.runpytest_inprocess(*command)
            assert torch.get_num_threads() == 2  # as whoever runs claims in a notebook has it
        finally:
            torch.set_num_threads(1)
        return result

    write()
    run.write, run.path = write, pytester.path
    return run


def results(suite, folder="results"):
    return json.loads((run_folder(suite.path / folder) / "results.json").read_text())


def verdicts(suite):
    return {
        claim["id"].removeprefix("mini2020.").partition("[")[0]: claim["verdict"] for claim in results(suite)["claims"]
    }


def stable(report):
    """Return a report without what differs from run to run."""
    return [{key: value for key, value in claim.items() if key != "seconds"} for claim in report["claims"]]


def error(result):
    """Return the one error message of a run that could not go on, and check that it is not buried in a traceback."""
    text = result.stdout.str() + "\n" + result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR, text
    assert "Traceback" not in text and "INTERNALERROR" not in text, text
    messages = re.findall(r"^ERROR: (.*)$", text, re.MULTILINE)
    assert len(messages) == 1, text
    return messages[0]


class TestRuns:
    def test_alone_and_with_two_workers(self, suite, tmp_path):
        """Cold alone, cold with two workers, and warm: the same verdicts, effects and p-values; warm trains nothing."""
        reports = []
        for number, arguments in enumerate([("-n0", "--store=one"), ("-n2", "--store=two"), ("-n2", "--store=two")]):
            result = suite(*arguments, f"--results=r{number}")
            assert result.ret == 0, result.stdout.str()
            result.stdout.fnmatch_lines(
                [
                    "*lottery, scale tiny, data digits*",
                    "claim *paper *ours *verdict*",
                    "*learns?lenet-300-100?*reproduced (analogue)*",
                ]
            )
            result.stdout.fnmatch_lines(
                [
                    "6 claims measured: 3 reproduced, 2 refuted (1 negative controls, 1 known since our baseline), "
                    "1 inconclusive, 6 of them analogues; 2 exact, *: 2 reproduced; 1 not asked; 0 other than expected*"
                ]
            )
            reports.append(results(suite, f"r{number}"))
        assert stable(reports[0]) == stable(reports[1]) == stable(reports[2])
        assert [report["trained_steps"] for report in reports] == [6600, 6600, 0]
        measured = [(suite.path / f"r{number}" / "latest" / "measurements.csv.gz").read_bytes() for number in range(3)]
        assert measured[0] == measured[1] == measured[2]

    def test_outcomes(self, suite):
        """Inconclusive is a category of its own; a skipped claim says why; a conjunction shows its parts."""
        result = suite()
        result.stdout.fnmatch_lines(["*7 passed, 1 skipped, 1 inconclusive*"])
        result.stdout.fnmatch_lines(
            ["*only_on_mnist?lenet-300-100?: skipped: needs mnist, this scale trains on digits"]
        )
        assert verdicts(suite) == {"learns": "reproduced", "hardly_learns": "refuted", "control": "refuted",
                                   "undecided": "inconclusive", "always": "reproduced", "both": "reproduced",
                                   "only_on_mnist": "skipped", "counts": "reproduced"}  # fmt: skip
        both = next(claim for claim in results(suite)["claims"] if "both" in claim["id"])
        assert [part["name"] for part in both["parts"]] == ["first", "second"] and all(
            part["n"] == 3 for part in both["parts"]
        )

    def test_json_has_every_field(self, suite):
        """Claims carry what `results.json` promises, as strict JSON; measurements are tidy."""
        suite()
        text = (suite.path / "results" / "latest" / "results.json").read_text()
        report = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
        assert {"schema", "scale", "started", "seconds", "trained_steps", "environment", "claims", "criteria"} <= set(
            report
        )
        fields = {"id", "paper", "number", "kind", "statement", "source", "published", "network",
                  "trained_network", "dataset", "data_fingerprint", "tasks", "scale", "analogue", "metric", "unit",
                  "region", "estimate", "interval", "confidence", "n", "seeds", "effects", "p_inside",
                  "p_outside", "parts", "verdict", "expected_verdict",
                  "reason", "seconds", "arms"}  # fmt: skip
        for claim in report["claims"]:
            assert fields <= set(claim)
        learns = next(claim for claim in report["claims"] if ".learns" in claim["id"])
        assert (
            learns["trained_network"] == "lenet-96-48"
            and (learns["optimiser"], learns["learning_rate"])
            == ("adam", SCALES["tiny"].setting("lenet-300-100", "early stop").config.learning_rate)
            and learns["region"] == [50, None]
            and len(learns["effects"]) == learns["n"] == 3
        )
        rows = (
            gzip.decompress((suite.path / "results" / "latest" / "measurements.csv.gz").read_bytes())
            .decode()
            .splitlines()
        )
        assert len(rows) == len(set(rows)) > 100

    def test_selection_does_not_change_a_verdict(self, suite):
        """A claim asked alone has the same numbers as among all."""
        suite("--results=all")
        suite("--results=one", "-k", "learns and not hardly", "--store=other")
        alone = stable(results(suite, "one"))
        assert len(alone) == 1 and alone[0] == next(
            claim for claim in stable(results(suite, "all")) if claim["id"] == alone[0]["id"]
        )

    def test_collecting_trains_nothing_and_imports_no_torch(self, suite):
        """--collect-only lists the ids and stays light."""
        suite.write(
            conftest="def pytest_unconfigure():\n    import sys\n    print('torch imported:', 'torch' in sys.modules)\n"
        )
        result = _subprocess(suite, "--collect-only", "-q", "-n0")
        result.stdout.fnmatch_lines(["*test_learns?lenet-300-100?", "*test_counts?small?", "torch imported: False"])
        assert not (suite.path / "results").exists()

    def test_what_is_not_asked_is_not_counted(self, suite):
        """A test of each own criterion is none where none is given: nine claims, whatever selects among them."""
        suite("--collect-only").stdout.fnmatch_lines(["collected 9 items"])
        suite("--collect-only", "-k", "own").stdout.fnmatch_lines(["collected 9 items / 9 deselected / 0 selected"])

    def test_claims_are_selected_by_number(self, suite):
        """By the paper's letter and theirs, in either case; where none is selected, one line says so."""
        named = ENTRIES["small"].replace('number = "1"', 'number = "7"')
        suite.write(entries={"": 'letter = "M"\n'} | ENTRIES | {"small": named})
        for words in ("M7", "m7 and not large"):
            chosen = suite("--collect-only", "-q", "-k", words).stdout.str()
            assert re.findall(r"::(\S+)", chosen) == ["test_counts[small]"]
        for arguments in (["-n0"], ["-n0", "--plan"], ["-n2"]):
            result = suite(*arguments, "-k", "M9")
            assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
            result.stdout.fnmatch_lines(["no claim was selected by -k M9: lottery list -k WORDS finds claims by name*"])
        assert "no claim was selected" not in suite("--collect-only", "-k", "M7").stdout.str()

    def test_nobody_is_led_to_what_passes(self, suite):
        """Where the folder of results is removed after the run."""
        assert "latest" not in suite("-k", "counts", "--passing").stdout.str()
        kept = suite("-k", "counts").stdout.str()
        assert "written to results" in kept and "written to" not in suite("-k", "counts", "--passing").stdout.str()

    def test_plan_trains_nothing(self, suite):
        """--plan counts what is missing, with times measured here, and after a run finds nothing missing."""
        result = suite("--plan", "--store=planned")
        assert result.ret == 0 and not (suite.path / "results").exists()
        result.stdout.fnmatch_lines(
            ["*what would be trained*", "*learns?lenet-300-100?*", "*network-steps; 0 that were asked for*"]
        )
        assert not list(suite.path.glob("planned/entries/*/*"))
        assert suite("-n2", "--plan", "--store=other").ret == 4 and not (suite.path / "other").exists()
        suite("--store=planned")
        suite("--plan", "--store=planned").stdout.fnmatch_lines(
            ["nothing: 0 networks to train or to evaluate*are in the store"]
        )

    def test_junit_and_last_failed(self, suite):
        """--junitxml carries the verdicts; --lf works as with any tests."""
        broken = ENTRIES | {"learns": ENTRIES["learns"].replace("[50, inf]", "[-inf, 50]")}
        suite.write(entries=broken)
        assert suite("--junitxml=junit.xml", "-p", "cacheprovider").ret == 1
        written = (suite.path / "junit.xml").read_text()
        assert '<property name="verdict" value="inconclusive"' in written
        learns = next(claim for claim in results(suite)["claims"] if ".learns" in claim["id"])
        assert f'<property name="estimate" value="{learns["estimate"]}"' in written
        assert f'<property name="interval" value="{learns["interval"]}"' in written
        assert '<property name="expected_verdict" value="refuted"' in written and 'name="test"' in written
        again = suite("--lf", "-p", "cacheprovider")
        again.assert_outcomes(failed=1)
        assert list(verdicts(suite)) == ["learns"]

    def test_quiet_without_a_terminal(self, suite):
        """No live progress in a log."""
        result = suite("-n2", "--store=fresh")
        assert "claims ready" not in result.stdout.str() and "iteration" not in result.stdout.str()

    def test_nothing_happens_without_claims(self, suite):
        """Other tests run as if the plugin were not there."""
        (suite.path / "test_other.py").write_text("def test_other():\n    assert True\n")
        result = suite("test_other.py", "--deselect", "benchmarks")
        assert result.ret == 0 and "lottery, scale" not in result.stdout.str() and not (suite.path / "results").exists()


class TestExitStatus:
    def entries(self, **changes):
        return ENTRIES | {name: ENTRIES[name].replace(*change) for name, change in changes.items()}

    def test_a_verdict_other_than_expected(self, suite):
        """An unexpected refutation fails, and the table marks it."""
        suite.write(entries=self.entries(learns=("[50, inf]", "[-inf, 50]")))
        result = suite()
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*learns?lenet-300-100?*refuted (analogue) (!)*", "*1 other than expected*"])

    def test_an_expected_refutation_that_holds(self, suite):
        """Reproducing what should be refuted fails as well."""
        suite.write(entries=self.entries(hardly=("[-inf, 50]", "[50, inf]")))
        assert suite().ret == 1

    def test_a_negative_control_that_is_not_refuted(self, suite):
        """An inconclusive control is a failure: the suite could not say no."""
        suite()
        estimate = next(claim for claim in results(suite)["claims"] if ".control" in claim["id"])["estimate"]
        suite.write(entries=self.entries(control=("[-inf, 50]", f"[-inf, {estimate}]")))
        assert suite().ret == 1
        assert verdicts(suite)["control"] == "inconclusive"

    def test_chance_among_many_claims_does_not_count(self, suite):
        """A deviating verdict that chance explains is shown and does not fail the run."""
        suite()
        effects = next(claim for claim in results(suite)["claims"] if ".learns" in claim["id"])["interval"]
        suite.write(entries=self.entries(learns=("[50, inf]", f"[{effects[1] + 0.01}, inf]")))
        result = suite()
        result.stdout.fnmatch_lines(
            ["*mini2020.learns?lenet-300-100? is not as expected, *not counted: too few networks*chance*"]
        )
        result.stdout.fnmatch_lines(["*1 deviating, not counted*"])
        assert result.ret == 0

    def test_strict(self, suite):
        """Inconclusive fails only under --strict."""
        assert suite().ret == 0
        result = suite("--strict")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*1 inconclusive, which fails under --strict*"])

    def test_nothing_decided(self, suite):
        """A run that skips everything is not green."""
        result = suite("-k", "only_on_mnist")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*nothing was decided*"])

    @pytest.mark.parametrize("workers", ["-n0", "-n2"])
    def test_a_claim_without_verdict(self, suite, workers):
        """A claim that was collected and brought nothing is named."""
        suite.write(
            conftest="import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_protocol(item):\n"
            "    return True if 'always' in item.name else None\n"
        )
        result = suite(workers)
        assert result.ret == 1
        result.stdout.fnmatch_lines(
            ["*1 collected claims brought no verdict: benchmarks/test_mini_2020.py::test_always*"]
        )

    def test_interrupted(self, suite):
        """Ctrl-C keeps what is there."""
        suite.write(
            conftest="def pytest_runtest_setup(item):\n    if 'both' in item.name:\n        raise KeyboardInterrupt\n"
        )
        result = _subprocess(suite, "-n0")
        assert result.ret == 2
        assert set(verdicts(suite)) == {"learns", "hardly_learns", "control", "undecided", "always"}

    def test_budget(self, suite):
        """What does not fit is skipped and said so; the next run goes on."""
        result = suite("--budget=0.001s", "--store=budget")
        result.stdout.fnmatch_lines(["*learns?lenet-300-100?: skipped: budget"])
        assert verdicts(suite)["learns"] == "skipped" and verdicts(suite)["counts"] == "reproduced" and result.ret == 0
        result.stdout.fnmatch_lines(["*this run computed no network: starting*0.0 s of the budget of 0.0 s here*"])
        result = suite("--budget=1h", "--store=budget")
        assert verdicts(suite)["learns"] == "reproduced"
        result.stdout.no_fnmatch_line("*this run computed*")

    def test_baseline(self, suite):
        """The same numbers pass; a shift that all seeds share fails and is named."""
        suite("--results=before", "-k", "learns")
        result = suite("--baseline=before", "-k", "learns")
        assert result.ret == 0
        result.stdout.fnmatch_lines(["against before: all 2 verdicts the same; of 2 claims 2 the same, bit*"])
        report = results(suite, "before")
        _shift(report, 3)
        (suite.path / "before" / "latest" / "results.json").write_text(json.dumps(report))
        result = suite("--baseline=before", "-k", "learns")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*MOVED BY MORE THAN CHANCE  1 of 1 *", "* learns?lenet-300-*worse*-3.1 ?*"])
        result.stdout.fnmatch_lines(["*same inputs, other numbers: 1 of 2*"])

    def test_the_stored_baseline(self, suite):
        """It is written by a run that fails, so that somebody looks; then it is what runs are compared with."""
        first = suite("--update-expected", "-k", "learns or small")
        tables = suite.path / "expected" / "baselines" / "tiny"
        assert first.ret == 1 and [file.name for file in tables.iterdir()] == ["mini2020.csv"]
        first.stdout.fnmatch_lines(
            ["*rewritten: expected/baselines/tiny/mini2020.csv: 3 claims*", "*the run fails once, so that*"]
        )
        again = suite("--update-expected", "-k", "learns or small")
        assert again.ret == 0
        again.stdout.fnmatch_lines(["*the stored baseline has these numbers already*"])
        _shift(report := results(suite), 3)
        file = suite.path / "shifted.json"
        file.write_text(json.dumps(report))
        assert main(["baseline", str(file), str(tables)]) == 0
        drifted = suite("-k", "learns")
        assert drifted.ret == 1
        drifted.stdout.fnmatch_lines(["against expected/baselines/tiny: all 2 verdicts the same; of 2 claims 1*"])
        assert suite("-k", "learns", "--baseline=none").ret == 0
        assert suite("-k", "hardly", "--baseline-exact").ret == suite("-k", "always").ret == 0
        nothing = suite("-k", "always", "--baseline-exact")
        assert nothing.ret == 1 and "nothing was compared with the baseline" in nothing.stdout.str()

    def test_every_number_the_same(self, suite):
        """Under --baseline-exact the smallest move fails, which otherwise is none."""
        suite("--results=before", "-k", "learns")
        _shift(report := results(suite, "before"), 1e-9)
        (suite.path / "before" / "latest" / "results.json").write_text(json.dumps(report))
        assert suite("--baseline=before", "-k", "learns").ret == 0
        result = suite("--baseline=before", "--baseline-exact", "-k", "learns")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*1 are not exactly as in the baseline*"])

    @pytest.mark.parametrize("workers", ["-n0", "-n2"])
    def test_own_criterion(self, suite, workers):
        """--criterion adds its claims to the table and to `criteria`; whatever they say does not fail the run."""
        (suite.path / "mine.py").write_text("def score(w_init, w_final):\n    return (w_final - w_init).abs()\n")
        result = suite(workers, "--criterion=mine=mine.py:score")
        assert result.ret == 0, result.stdout.str()
        assert [claim["id"] for claim in results(suite)["criteria"]] == ["mini2020.own[mine]"]
        assert (
            "own[mine]" in (suite.path / "results" / "latest" / "results.md").read_text()
            and len(results(suite)["claims"]) == 9
        )

    def test_diverged_training_is_no_number(self, suite, monkeypatch):
        """A config that diverges gives inconclusive claims with the reason, strict JSON, and no accuracy of a guess."""
        setting = SCALES["tiny"].setting("lenet-300-100", EARLY_STOP)
        wild = dataclasses.replace(setting, config=dataclasses.replace(setting.config, learning_rate=1e30))
        monkeypatch.setitem(SCALES["tiny"].settings["lenet-300-100"], EARLY_STOP, wild)
        result = suite()
        assert (
            result.ret == 1 and "INTERNALERROR" not in result.stdout.str()
        )  # the negative control could not be refuted
        result.stdout.fnmatch_lines(
            ["*learns?lenet-300-100?: inconclusive: no number from seeds 0, 1, 2: training diverged*failed to learn*"]
        )
        learns = next(claim for claim in results(suite)["claims"] if ".learns" in claim["id"])
        assert learns["effects"] == [None, None, None] and learns["estimate"] is None

    def test_a_failing_criterion_fails_its_claims_alone(self, suite):
        """Its message is the failure; everything else has its verdict."""
        late = "float('nan') if w_final.numel() > 300 else 1"  # a layer larger than those of the contract's check
        (suite.path / "bad.py").write_text(f"def score(w_final):\n    return w_final * ({late})\n")
        result = suite("--criterion=bad=bad.py:score")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*criterion 'bad' returned NaN*"])
        assert verdicts(suite)["learns"] == "reproduced" and "Traceback" not in result.stdout.str()


class TestErrors:
    @pytest.mark.parametrize(
        "argument, message",
        [
            ("--scale=huge", "--scale: there is no scale 'huge'; the scales are tiny, reduced, paper"),
            ("--budget=soon", "--budget soon: write a number and its unit, such as 90s, 30m or 8h"),
            ("--budget=0h", "--budget 0h: write a number"),
            ("--device=abacus", "--device abacus: write auto, cpu, cuda or cuda:N"),
            ("--device=cuda:99", "--device cuda:99: torch"),
            ("--precision=float8", "--precision float8: the precisions are float32, tf32"),
            ("--baseline=nowhere.json", "--baseline: there is no nowhere.json"),
            ("--criterion=mine", "--criterion mine: write it as NAME=FILE.py:FUNCTION"),
            ("--criterion=all-installed", "--criterion all-installed: no installed package offers criteria"),
            ("--as=large_finl=random", "--as large_finl=random: name a criterion that there is: 'large_finl' is none;"),
            ("--criterion=mine=nowhere.py:score", "--criterion mine=nowhere.py:score: there is no file"),
            ("--store=file/store", "the store file/store cannot be written"),
            ("--results=file/results", "the results cannot be written to file/results"),
        ],
    )
    @pytest.mark.parametrize("workers", ["-n0", "-n2"])
    def test_wrong_option(self, suite, argument, message, workers):
        """One message, exit status 4, whether workers are involved or not."""
        if workers == "-n2" and not argument.startswith(("--scale", "--store")):
            pytest.skip("decided before workers start, or in a worker where a wrong scale is: -n0 covers it")
        (suite.path / "file").write_text("")
        assert message in error(suite(workers, argument))
        assert not (suite.path / "results").exists()

    def test_wrong_environment(self, suite, monkeypatch):
        """LOTTERY_SCALE is named where it is wrong."""
        monkeypatch.setenv("LOTTERY_SCALE", "vast")
        assert "LOTTERY_SCALE: there is no scale 'vast'" in error(suite())

    @pytest.mark.parametrize(
        "name, change, message",
        [
            (
                "learns",
                ("region = [50, inf]", "region = 50"),
                "claim 'mini2020.learns[lenet-300-100]', scales.tiny: region = 50 should be [low, high] with low",
            ),
            ("learns", ("mini2020.learns", "mini2020.earns"), "has no entry for 'mini2020.learns[lenet-300-100]'"),
            (
                "both",
                ("second =", "third ="),
                "its test states the parts first, second, its regions are for first, third",
            ),
            (
                "always",
                ('kind = "proportion"', 'kind = "effect"'),
                "kind is 'effect', but its test states 'proportion'",
            ),
        ],
        ids=["malformed", "unknown", "parts", "kind"],
    )
    def test_wrong_entry(self, suite, name, change, message):
        """An entry that is malformed, of an unknown claim, or not what its test states fails its claim alone."""
        assert change[0] in ENTRIES[name]
        suite()
        before = verdicts(suite)
        suite.write(entries=ENTRIES | {name: ENTRIES[name].replace(*change)})
        result = suite("--results=after")
        assert result.ret == 1 and message in result.stdout.str()
        claims = results(suite, "after")["claims"]
        after = {claim["id"].removeprefix("mini2020.").partition("[")[0]: claim["verdict"] for claim in claims}
        assert after == before | {name: "error"}

    def test_entry_without_claim(self, suite):
        """An entry that no test states is an unknown claim: the run fails, and every claim has its verdict."""
        suite.write(entries=ENTRIES | {"more": entry("more[lenet-300-100]", "effect", asked("[0, 1]"))})
        result = suite()
        assert result.ret == 1 and len(verdicts(suite)) == 8
        assert "has an entry for the unknown claim 'mini2020.more[lenet-300-100]'" in result.stdout.str()

    @pytest.mark.parametrize("workers", ["-n0", "-n2"])
    def test_missing_data(self, suite, workers, monkeypatch, tmp_path):
        """One message for the whole run, with the folder and both ways out."""
        monkeypatch.setenv("LOTTERY_DATA", str(tmp_path / "empty"))
        refuse = (
            "import lottery.data.published\ndef refuse(kind, root, train, download):\n"
            "    raise RuntimeError('Dataset not found.' if not download else 'no route to host')\n"
        )
        changed = ENTRIES | {"learns": ENTRIES["learns"].replace("scales.tiny", "scales.reduced")}
        suite.write(entries=changed, conftest=refuse + "lottery.data.published.read = refuse\n")
        import lottery.data.published

        monkeypatch.setattr(
            lottery.data.published, "read", lottery.data.published.read
        )  # the conftest of an in-process run replaces it
        lottery.data.catalogue.forget()
        result = suite(workers, "--scale=reduced")
        assert f"MNIST is not in {tmp_path / 'empty'}" in error(result) and "no route to host" in error(result)
        assert "set LOTTERY_DATA to a folder that holds MNIST/raw" in result.stdout.str() + result.stderr.str()

    @pytest.mark.parametrize("workers", ["-n0", "-n2"])
    def test_corrupt_store_entry(self, suite, workers):
        """Damage is a warning, and computed again to the same numbers."""
        suite("--store=harmed", "--results=before")
        for file in (suite.path / "harmed" / "entries").glob("*/*.npz"):
            file.write_bytes(file.read_bytes()[:-100])
        result = suite(workers, "--store=harmed")
        assert result.ret == 0
        result.stdout.fnmatch_lines(["- the store's entry harmed/entries/* cannot be read*is computed again"])
        assert stable(results(suite)) == stable(results(suite, "before"))

    @pytest.mark.parametrize("workers", ["-n0", "-n2"])
    def test_full_disk(self, suite, workers):
        """One message and status 4; with room again, the run goes on."""
        limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        suite.write(conftest=limit)
        result = _subprocess(suite, workers, "--store=narrow")
        said = result.stdout.str() + result.stderr.str()
        assert result.ret == 4 and "Traceback" not in said
        assert (
            "ERROR: the store narrow cannot be written" in said
            and "choose another with --store or LOTTERY_STORE" in said
        )
        suite.write()
        assert _subprocess(suite, workers, "--store=narrow").ret == 0

    def test_two_runs_share_a_store(self, suite):
        """Started at once they train everything once between them, and come to the same table."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor() as pool:
            ends = list(
                pool.map(
                    lambda name: _subprocess(suite, "-n0", "--store=shared", f"--results={name}").ret, ("one", "two")
                )
            )
        assert ends == [0, 0]
        assert stable(results(suite, "one")) == stable(results(suite, "two"))
        _subprocess(suite, "-n0", "--store=alone", "--results=alone")
        assert (
            sum(results(suite, name)["trained_steps"] for name in ("one", "two"))
            == results(suite, "alone")["trained_steps"]
        )

    def test_read_only_store_that_is_full_is_fine(self, suite, monkeypatch):
        """Nothing is written where nothing is missing."""
        suite("--store=full")
        from lottery.store.store import Store

        monkeypatch.setattr(Store, "check_writable", lambda self: pytest.fail("asked to write"))
        monkeypatch.setattr(Store, "write", lambda self, key, entry: pytest.fail("wrote"))
        assert suite("--store=full").ret == 0


@pytest.mark.parametrize(
    "error, distributed, said",
    [(KeyboardInterrupt, True, 1), (KeyboardInterrupt, False, 0), (pytest.exit.Exception, True, 0)],
)
def test_an_interrupt_is_answered_at_once(error, distributed, said):
    """In place of the display, where workers have to end first; what ends the run otherwise has words of its own."""
    told: list[str] = []
    terminal = SimpleNamespace(write_line=told.append, flush=lambda: None)
    process = SimpleNamespace(
        terminal=terminal, distributed=distributed, is_worker=False, end_display=lambda: told.append("display ended")
    )
    with pytest.raises(error) as raised:
        raise error("stop")
    Run.pytest_keyboard_interrupt(SimpleNamespace(process=process), raised)
    assert told == ["display ended", "\ninterrupted: waiting for the workers to end"] * said


def _shift(report, by):
    """Move one claim's numbers down by that much, and a little more seed by seed."""
    learns = next(claim for claim in report["claims"] if ".learns" in claim["id"])
    learns["effects"] = [value + by * (1 + seed / 30) for seed, value in enumerate(learns["effects"])]


def _subprocess(suite, *arguments):
    import subprocess

    command = [sys.executable, "-m", "pytest", "benchmarks", *QUICKLY, "--table", *arguments]
    done = subprocess.run(command, cwd=suite.path, capture_output=True, text=True)
    return pytest.RunResult(done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), 0)
