"""A typo in a claim, by kind and place: it fails that claim alone, with one message, and all others are judged."""

import json

import pytest

import lottery.claims.claim  # noqa: F401  (pytester forgets what a run imports)
from lottery.claims.run_folders import run_folder
from tests.test_plugin import ENTRIES, NEEDS, QUICKLY, asked, entry

HEAD = """from lottery.claims.claim import claim, effect, exact
from lottery.claims.image_quantities import accuracy
from lottery.experiments.named_arms import chain
"""
COUNTS = """
@claim(cases={"small": (2, 2), "large": (3, 3)})
def test_counts(question, computed, printed):
    return exact(lambda: computed, printed)
"""
TYPED = """
@claim("lenet-300-100")
def test_typed(question):
    return effect(accuracy(chain("large_final"), 1))
"""
OTHER = """
@claim(cases={"one": (1, 1)})
def test_other(question, computed, printed):
    return exact(lambda: computed, printed)
"""
COUNTED = [ENTRIES["small"], ENTRIES["large"]]
ENTRY = entry("typed[lenet-300-100]", "effect", asked("[50, inf]"))
OTHERS = entry("other[one]", "exact", "", needs="", scale="every").replace("mini2020", "other2021")
RIGHT = {"mini2020.counts[small]", "mini2020.counts[large]", "other2021.other[one]"}
IN_TESTS = {  # what is typed, and what is told
    ("effect(accuracy", "efect(accuracy"): "its test raised NameError: name 'efect' is not defined",
    ('"large_final"', '"large_finel"'): "there is no criterion 'large_finel'; the criteria are",
    ('"large_final"', '"large_final", "rewnd"'): "there is no treatment 'rewnd'",
    ("return effect", "effect"): "its test returned NoneType, and not an effect",
    ("(question)", "()"): "its test raised TypeError",
    ('"lenet-300-100"', '"lenet-300-10"'): "has no entry for 'mini2020.typed5[lenet-300-10]'",
}
IN_ENTRIES = {
    ("seeds =", "sheds ="): "scales.tiny: unknown field 'sheds'",
    ("region = [50, inf]", "region = [50, 40]"): "region = [50, 40] should be [low, high] with low < high",
    ("mini2020.typed", "mini2020.tpyed"): "has no entry for 'mini2020.typed2[lenet-300-100]'",
    (NEEDS, ""): "the field 'needs' is missing",
    ("inf]", "110]\nexpected = 3"): "expected should be a table",
    ("reason =", "raeson ="): "unknown field 'raeson'",
    ("region", "regions"): "unknown field 'regions'",
}


@pytest.fixture
def run(pytester, monkeypatch):
    """A function that runs two files of claims, one with typos; it returns results, failures, and what is told."""
    monkeypatch.setenv("LOTTERY_STORE", str(pytester.path / "store"))
    monkeypatch.delenv("LOTTERY_SCALE", raising=False)

    def of(*arguments, tests=COUNTS, expected=(), title='title = "Mini 2020"\n'):
        for file, text in {
            "conftest.py": 'pytest_plugins = ["lottery.plugin.hooks"]\n',
            "benchmarks/test_mini_2020.py": HEAD + tests,
            "benchmarks/test_other_2021.py": HEAD + OTHER,
            "expected/mini_2020.toml": title + "".join([*COUNTED, *expected]),
            "expected/other_2021.toml": 'title = "Other 2021"\n' + OTHERS,
        }.items():
            (pytester.path / file).parent.mkdir(exist_ok=True)
            (pytester.path / file).write_text(text)
        ran = pytester.runpytest_inprocess("benchmarks", *QUICKLY, "-n0", "--device=cpu", *arguments)
        text = ran.stdout.str() + ran.stderr.str()
        assert ran.ret == 1 and "Traceback" not in text and "INTERNALERROR" not in text, text
        if "--plan" in arguments:
            return text
        report = json.loads((run_folder(pytester.path / "results") / "results.json").read_text())
        found = {result["id"]: result for result in report["claims"]}
        return found, {id: result["reason"] for id, result in found.items() if result["verdict"] == "error"}, text

    return of


def numbered(text, place):
    """Return a text in which the claim `typed` has a number of its own."""
    return text.replace("typed", f"typed{place}")


def test_in_test_functions(run):
    """Each claim has its own reason, and those that are right their verdicts."""
    assert all(old in TYPED for old, _ in IN_TESTS)
    typed = [numbered(TYPED, place).replace(*typo) for place, typo in enumerate(IN_TESTS)]
    right = [numbered(ENTRY, place) for place in range(len(IN_TESTS) - 1)]
    found, failed, text = run(tests=COUNTS + "".join(typed), expected=right)
    told = {id.removeprefix("mini2020.").partition("[")[0]: reason for id, reason in failed.items()}
    assert set(told) == {f"typed{place}" for place in range(len(IN_TESTS))}
    assert all(message in told[f"typed{place}"] for place, message in enumerate(IN_TESTS.values())), told
    assert {id for id, result in found.items() if result["verdict"] == "reproduced"} == RIGHT
    assert "exit status 1" in text


def test_in_entries(run):
    """Each claim has its own reason; a plan tells them before anything is run."""
    assert all(old in ENTRY for old, _ in IN_ENTRIES)
    typed = [numbered(ENTRY.replace(*typo), place) for place, typo in enumerate(IN_ENTRIES)]
    typed[2] = typed[2].replace("tpyed", "tpyed2")
    tests = COUNTS + "".join(numbered(TYPED, place) for place in range(len(IN_ENTRIES)))
    found, failed, _ = run(tests=tests, expected=typed)
    ids = [f"mini2020.typed{place}[lenet-300-100]" for place in range(len(IN_ENTRIES))]
    assert set(failed) == {*ids}
    assert all(message in failed[id] for message, id in zip(IN_ENTRIES.values(), ids)), failed
    assert {id for id, result in found.items() if result["verdict"] == "reproduced"} == RIGHT
    planned = run("--plan", tests=tests, expected=typed)
    assert all(f"ERROR: {reason}" in planned for reason in failed.values())


def test_in_a_files_toml(run):
    """Where nothing of a file can be read its claims fail, with the line, and those of other files do not."""
    found, failed, _ = run(title='title = "Mini 2020\n')
    assert set(failed) == {"mini2020.counts[small]", "mini2020.counts[large]"}
    assert all("expected/mini_2020.toml is not valid TOML" in told and "at line 1" in told for told in failed.values())
    assert found["other2021.other[one]"]["verdict"] == "reproduced"


def test_in_a_files_own_fields(run):
    """A title that is missing, or an entry of no claim, fails the run; all claims are judged."""
    found, failed, text = run(expected=[OTHERS.replace("other2021.other", "mini2020.more")], title="")
    assert not failed and set(found) == RIGHT and "FAILED, see below" in text
    assert "- expected/mini_2020.toml: the field 'title' is missing" in text
    assert "has an entry for the unknown claim" in text


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("(question)", "(question", "line 10: SyntaxError: '(' was never closed"),
        ('@claim("lenet-300-100")', "@claim()", "line 9: LotteryError: test_typed names no network and no cases"),
    ],
)
def test_in_a_file_that_cannot_be_imported(run, old, new, told):
    """Its claims are not asked, one line names the file and the line, and all other files are judged."""
    found, failed, text = run(tests=COUNTS + TYPED.replace(old, new), expected=[ENTRY])
    assert list(found) == ["other2021.other[one]"] and not failed
    assert f"benchmarks/test_mini_2020.py, {told}" in text and "FAILED, see below" in text


def test_a_name_twice(run):
    """The first of two tests of one name would never be asked; so the claim fails, and says where they are."""
    _, failed, _ = run(tests=COUNTS + TYPED + TYPED, expected=[ENTRY])
    assert "there are two tests test_typed in test_mini_2020.py" in failed["mini2020.typed[lenet-300-100]"]
