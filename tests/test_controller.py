"""The controller with an executor that computes at once, in the order of submission, or fails as asked."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lottery.core.errors import SuiteWarning
from lottery.experiments.all_parts import parents
from lottery.experiments.arms import DENSE
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import chain, compared
from lottery.jobs import controller, task
from lottery.jobs.controller import Controller, Progress
from lottery.jobs.grouping import jobs_of
from lottery.jobs.request import Request, read, write_answer
from lottery.store.store import Record, Store
from lottery.training.config import Config, Setting

SETTINGS = [Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, steps, 10)) for steps in (30, 60, 90)]
ARM = chain("large_final")


def key(one):
    return f"{abs(hash(repr(one))):032x}"[:32]


class Executor:
    """Computes a job when it is first looked at; `fate` says what of it: all, none, or none with a reason."""

    name = "local"

    def __init__(self, store, fate):
        self.store, self.fate, self.submitted, self.cancelled, self.most = store, fate, [], [], 0

    def kind(self, seconds):
        return 0

    def submit(self, tasks, seconds):
        new = [
            SimpleNamespace(job_id=str(len(self.submitted) + n), task=one, paths=PATHS) for n, one in enumerate(tasks)
        ]
        self.submitted += new
        return new

    def look(self, jobs):
        self.most = max(self.most, len(jobs))
        for job in jobs:
            request = read(Path(job.task.request))
            fate = self.fate(job, request)
            for name in request.keys if fate == "computes" else ():
                self.store.write(name, Record({}, {"a": np.zeros(1)}))
            if fate != "dies":
                write_answer(Path(job.task.request), {} if fate == "computes" else dict.fromkeys(request.keys, fate))
        return {job.job_id: ("over", "") for job in jobs}

    def ended(self, job):
        return "OUT_OF_MEMORY"

    def cancel(self, jobs):
        self.cancelled += jobs


PATHS = SimpleNamespace(stderr=Path("/nowhere/7_log.err"), stdout=Path("/nowhere/7_log.out"))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs jobs of three populations, and of comparisons that rest on them."""
    monkeypatch.setitem(controller.LOOK, "local", 0.0)
    store = Store(tmp_path / "store")

    def run(fate, at_once=2, tell=lambda progress: None):
        wanted = {experiment(one, ARM, round, seed) for one in SETTINGS for round in (1, 2) for seed in range(2)}
        wanted |= {experiment(SETTINGS[0], DENSE, 0, seed) for seed in range(2)}
        wanted |= {experiment(SETTINGS[0], compared(ARM, chain("random")), 2, seed) for seed in range(2)}
        jobs = jobs_of(wanted, lambda one: 400.0, at_once=8)
        executor = Executor(store, fate)

        def request(chosen, device):
            there = store.keys()
            assert all(
                parent in chosen or key(parent) in there for one in chosen for parent in set(parents(one)) & wanted
            )
            return Request([key(one) for one in chosen], [], [], str(tmp_path), {}, device)

        ruled = Controller(jobs, executor, store, key, request, tmp_path, ["cpu"], at_once, tell)
        return ruled, executor, wanted, store

    return run


def test_all_is_computed_and_never_more_at_a_time_than_asked_for(run):
    told = []
    ruled, executor, wanted, store = run(lambda job, request: "computes", at_once=2, tell=told.append)
    assert ruled.run() == {}
    assert store.keys() == set(map(key, wanted)) and executor.most == 2
    assert set(told[-1].finished) == wanted and told[-1].done == told[-1].jobs
    again, executor, *_ = run(lambda job, request: "computes")
    assert again.run() == {} and not executor.submitted  # everything is there


def test_a_reason_reaches_all_that_rests_on_it_and_others_finish(run):
    """A job that says why it cannot compute: its experiments fail so, and what rests on them without being sent."""
    broken = {key(experiment(SETTINGS[0], ARM, 1, 0))}
    ruled, _, wanted, store = run(lambda job, request: "nan" if broken & set(request.keys) else "computes")
    failed = ruled.run()
    assert set(failed.values()) == {"nan"}
    assert set(map(key, wanted)) - store.keys() == set(map(key, failed))
    assert {one.setting for one in failed} == {SETTINGS[0]} and any("compared" in one.arm.name for one in failed)
    assert all(key(one) not in broken for one in wanted if one not in failed)


def test_a_job_that_dies_is_named_with_its_log(run):
    ruled, *_ = run(lambda job, request: "dies" if job.job_id == "1" else "computes")
    with pytest.warns(SuiteWarning, match=r"the job 1 \(.*\) ended as OUT_OF_MEMORY without \d+ of its \d+ networks"):
        failed = ruled.run()
    assert failed and all("/nowhere/7_log.err" in why and "the same command" in why for why in failed.values())


def test_interrupted_jobs_are_cancelled(run):
    def interrupt(progress):
        raise KeyboardInterrupt

    ruled, executor, *_ = run(lambda job, request: "computes", tell=interrupt)
    with pytest.warns(SuiteWarning, match="2 jobs were cancelled"), pytest.raises(KeyboardInterrupt):
        ruled.run()
    assert executor.cancelled == executor.submitted and len(executor.cancelled) == 2


def test_progress_fits_a_terminal():
    shown = Progress([], 1234, 123, 456, 999, "AssocGrpCPUMinutesLimit").text
    assert len(f"main     slurm: {shown}") <= 80
    assert "squeue" in Progress([], 3, 1, 0, 2, silent=True).text


class Stopped(BaseException):
    """What a signal raises in a job."""


def test_a_task_runs_the_command_and_leaves_no_process(tmp_path, monkeypatch):
    """It exits as its process does; where it has to end first, that process is dead before it is gone."""
    file = tmp_path / "0.json"
    Request([], [], ["benchmarks", "-k", "signs"], str(tmp_path), {"LOTTERY_DATA": "/data"}, "cuda").write(file)
    words = task.command(str(file))
    assert words[1:5] == ["-m", "pytest", "-p", "lottery.plugin.hooks"]
    assert words[5:] == ["benchmarks", "-k", "signs", "-n0", f"--lottery-request={file}", "--lottery-device=cuda"]
    code = "import os, sys; sys.exit(7 * (os.environ['LOTTERY_DATA'] == '/data'))"
    monkeypatch.setattr(task, "command", lambda request: [sys.executable, "-S", "-c", code])
    with pytest.raises(SystemExit) as ended:
        task.Task(str(file))()
    assert ended.value.code == 7
    monkeypatch.setattr(task, "command", lambda request: [sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    began, parents = [], iter([1, 1, 2])
    with monkeypatch.context() as patched:
        patched.setattr(task.os, "getppid", lambda: next(parents))
        with pytest.raises(SystemExit):  # whoever watched over it was ended, so that it is, too
            task.Task(str(file))()

    class Interrupted(subprocess.Popen):
        def wait(self, timeout=None):
            began.append(self)
            if len(began) == 1:
                raise Stopped
            return super().wait(timeout)

    monkeypatch.setattr(task.subprocess, "Popen", Interrupted)
    with pytest.raises(Stopped):
        task.Task(str(file))()
    assert began[0].returncode == -9
