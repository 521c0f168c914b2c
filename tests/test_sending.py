"""Sending: which options make sense together, what a job is told, and a run whose jobs are other processes."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from lottery.experiments import calibration
from lottery.jobs import executors, slurm
from lottery.jobs.request import Request, read, read_answer
from lottery.plugin import sending
from lottery.store.store import Store
from tests.test_plugin import results, shared_store, suite  # noqa: F401


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--slurm", "partition=gpu"], "add --engine slurm"),
        (["--jobs", "4"], "add --engine slurm"),
        (["--engine", "ray"], "write slurm or local"),
        (["--engine", "slurm"], "sbatch was not found"),
        (["--engine", "local", "--slurm", "partition=gpu"], "ask for nothing"),
        (["--engine", "local", "--jobs", "none"], "--jobs none: write how many"),
        (["--engine", "local", "--budget", "8h"], "--budget is of a run that computes by itself"),
        (["--engine", "local", "-n2"], "leave out -n"),
        (["--engine", "slurm", "--device", "cuda:1"], "no GPU but its own"),
        (["--request", "nowhere.json"], "no request of a job"),
    ],
)
def test_options_that_make_no_sense_are_one_message(pytester, monkeypatch, arguments, told):
    """Before anything is collected, trained or submitted."""
    monkeypatch.setattr(slurm.shutil, "which", lambda command: None if told.startswith("sbatch") else command)
    monkeypatch.setattr(slurm, "asked", lambda *words: None)
    monkeypatch.setattr(executors.importlib.util, "find_spec", lambda name: object())
    pytester.makepyfile(test_other="def test_other(): pass")
    found = pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in found.stderr.lines + found.outlines if line.startswith("ERROR")]
    assert told in line


def test_a_job_comes_to_its_experiments_by_few_claims():
    """Each experiment by one claim that needs it; a claim whose experiments others have as well is not needed."""
    needs = {"small": {1, 2}, "large": {1, 2, 3}, "other": {4}}
    assert sending.asking(needs) == {1: "large", 2: "large", 3: "large", 4: "other"}


def test_what_is_carried(monkeypatch):
    """Where data and package are; a machine's GPUs only to jobs on it, since Slurm gives a job its own."""
    for name in ("LOTTERY_DATA", "CUDA_VISIBLE_DEVICES", "PASSWORD"):
        monkeypatch.setenv(name, "x")
    assert {"LOTTERY_DATA", "CUDA_VISIBLE_DEVICES"} <= set(sending.carried("local"))
    assert {"CUDA_VISIBLE_DEVICES", "PASSWORD"}.isdisjoint(sending.carried("slurm"))


ASKED = "undecided or test_learns"
CLAIM = "mini2020.undecided[lenet-300-100]"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A store that a plain run fills."""
    return Store(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def filled(suite, plain):  # noqa: F811
    """The small suite, and the store of a plain run of two of its claims."""
    assert suite("-k", ASKED, f"--store={plain.folder}").ret == 0
    return suite


def test_a_job_computes_what_has_its_keys_and_judges_nothing(filled, plain, tmp_path):
    """By one of the claims that are collected; what has other keys, or none any more, is told and not guessed."""
    store, file, before = Store(tmp_path / "store"), tmp_path / "0.json", len(list(filled.path.glob("results/*")))
    keys = sorted(plain.keys())
    Request(keys, [CLAIM], [], "", {}, "cpu").write(file)
    assert filled(f"--request={file}", f"--store={store.folder}").ret == 0
    assert sorted(store.keys()) == keys and read_answer(file) == {}
    assert all(store.read(key).measurements == plain.read(key).measurements for key in keys)
    assert len(list(filled.path.glob("results/*"))) == before
    Request([*keys, "0" * 32], [CLAIM], [], "", {}, "cpu").write(file)
    found = filled(f"--request={file}", f"--store={store.folder}")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["*1 of the 7 networks that this job was sent for are of another plan*"])


@pytest.mark.parametrize("dies", [False, True])
def test_a_run_whose_jobs_compute(filled, plain, tmp_path, monkeypatch, dies):
    """It reads what they left in the store, and trains nothing itself; a job that dies is named, with its log."""
    requests, store = [], Store(tmp_path / "store")

    class Elsewhere(executors.Local):
        def submit(self, tasks, seconds):
            for one in tasks:
                requests.append(read(Path(one.request)))
                for key in requests[-1].keys if not dies else ():
                    store.write(key, plain.read(key))
            log = Path(self._logs) / "7_log.err"
            return [SimpleNamespace(job_id="7", paths=SimpleNamespace(stderr=log, stdout=log), done=lambda: True)]

    monkeypatch.setattr(executors, "Local", Elsewhere)
    monkeypatch.setattr(calibration, "SHORTEST", 0.01)
    monkeypatch.setattr(executors.importlib.util, "find_spec", lambda name: object())
    found = filled("-k", ASKED, "--engine=local", f"--store={store.folder}", "--junitxml=x.xml")
    assert {key for one in requests for key in one.keys} == plain.keys() and {*requests[0].claims} == {CLAIM}
    assert requests[0].arguments[-2:] == ["--junitxml=", f"--lottery-store={store.folder}"]
    content = results(filled)
    assert [row["verdict"] == "error" for row in content["claims"]] == [dies, dies] and bool(found.ret) == dies
    if dies:
        assert all("the job 7" in row["reason"] and "7_log.err" in row["reason"] for row in content["claims"])
        assert content["trained_steps"] == 0
    else:
        assert store.keys() == plain.keys() and content["trained_steps"] == 600 * 6
