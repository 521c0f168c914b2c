"""Jobs: nothing is forgotten, computed twice or begun too early; what they ask for; what Slurm's commands say."""

import random
from types import SimpleNamespace

import pytest

from lottery.core.errors import LotteryError
from lottery.experiments.all_parts import parents, with_ancestors
from lottery.experiments.arms import DENSE
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import chain, compared, on, ticket_from, untrained
from lottery.jobs import executors, slurm
from lottery.jobs.grouping import LEAST, Job, heights, jobs_of, parents_first, takes
from lottery.jobs.request import Request, read, read_answer, write_answer
from lottery.jobs.resources import MARGIN, Resources, minutes_of, resources, wants_gpu
from lottery.jobs.table import jobs_table
from lottery.training.config import Config, Setting

DIGITS = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 30, 10))
OTHERS = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 60, 10))


def everything(seeds=4):
    """Chains, what rests on them without training, another population, and tickets of another task."""
    chains = [chain("large_final"), chain("random")]
    asked = {
        experiment(setting, arm, 3, seed) for setting in (DIGITS, OTHERS) for arm in chains for seed in range(seeds)
    }
    asked |= {experiment(DIGITS, untrained("large_final"), 0, seed) for seed in range(seeds)}
    asked |= {experiment(DIGITS, compared(*chains), 2, seed) for seed in range(seeds)}
    asked |= {experiment(DIGITS, ticket_from(on("digits-turned", chains[0])), 2, seed) for seed in range(seeds)}
    asked |= {experiment(DIGITS, on("digits-turned", DENSE), 0, seed) for seed in range(seeds)}
    return set(with_ancestors(asked))


@pytest.mark.parametrize(("at_once", "scale"), [(1, 1.0), (8, 100.0), (64, 1e5)])
def test_every_experiment_is_in_one_job_after_what_it_rests_on(at_once, scale):
    """Whatever is done already: jobs are a partition of what is missing, and no two of them wait for each other."""
    missing = everything()
    generator = random.Random(at_once)
    done = {one for one in missing if generator.random() < 0.2}
    for left in (missing, missing - done):
        jobs = jobs_of(left, lambda one: scale * (1 + one.steps), at_once)
        assert sorted(map(repr, left)) == sorted(repr(one) for job in jobs for one in job.experiments)
        number_of = {one: number for number, job in enumerate(jobs) for one in job.experiments}
        for number, job in enumerate(jobs):
            seen = set()
            for one in job.experiments:
                for parent in set(parents(one)) & left:
                    assert parent in seen or (number_of[parent] != number and number_of[parent] in job.needs)
                seen.add(one)
            assert job.seconds == pytest.approx(sum(scale * (1 + one.steps) for one in job.experiments))
        assert sorted(range(len(jobs)), key=lambda n: -heights(jobs)[n])  # which ends: there are no circles
        assert takes(jobs, 10**6) == pytest.approx(max(heights(jobs)))
        assert takes(jobs, 1) == pytest.approx(sum(job.seconds for job in jobs))


def test_a_population_is_one_job_until_it_is_too_long():
    """Arms, rounds, seeds and what only reads them are together; a long one is split by seeds, its chains are not."""
    chains = {experiment(DIGITS, chain("large_final"), round, seed) for round in range(4) for seed in range(4)}
    readings = {experiment(DIGITS, untrained("large_final"), 0, seed) for seed in range(4)}
    (job,) = jobs_of(chains | readings, lambda one: 1.0, at_once=8)
    assert set(job.experiments) == chains | readings and not job.needs
    split = jobs_of(chains | readings, lambda one: LEAST, at_once=8)
    assert [{one.seed for one in job.experiments} for job in split] == [{0}, {1}, {2}, {3}]
    assert len(jobs_of(chains, lambda one: 1.0, at_once=1, longest=8.1)) == 2


def test_parents_first_of_a_long_chain():
    """A chain of any length, given in any order."""
    found = list(parents_first({experiment(DIGITS, chain("large_final"), round, 0) for round in (9, 3, 5, 4, 6, 8, 7)}))
    assert [one.round for one in found] == [3, 4, 5, 6, 7, 8, 9]


def test_list_scheduling_by_hand():
    """Three jobs on two machines, and one that waits for the longest."""
    one = experiment(DIGITS, DENSE, 0, 0)
    jobs = [Job([one], set(), 5.0), Job([one], set(), 3.0), Job([one], set(), 3.0), Job([one], {0}, 2.0)]
    assert heights(jobs) == [7, 3, 3, 2]
    assert [takes(jobs, machines) for machines in (1, 2, 3)] == [13, 7, 7]


def test_time_has_a_margin_and_few_values():
    """What is asked for is enough, never more than allowed, and jobs of about one length ask for the same."""
    asked = resources(["partition=gpu", "--time=4:00:00", "cpus_per_task=2"], gpu=True, memory=2**30)
    for seconds in (0, 10, 599, 3_000, 9_000, 10**6):
        minutes = asked.minutes_for(seconds)
        assert minutes == 240 or minutes * 60 >= MARGIN * seconds
        assert (1 + asked.timeouts(seconds)) * 60 * minutes >= MARGIN * seconds
    assert len({asked.minutes_for(seconds) for seconds in range(0, 10**5, 100)}) == 6
    assert asked.parameters(700) == {
        "timeout_min": 20,
        "mem_gb": 5,
        "slurm_additional_parameters": {"requeue": True, "partition": "gpu", "cpus-per-task": "2", "gpus-per-node": 1},
    }
    assert asked.longest * MARGIN == 4 * 3600


def test_gpus_are_asked_for_once_and_only_where_wanted():
    """A kind of GPU that is named takes the place of any; on processors none is asked for."""
    on_gpu = resources(["gres=gpu:a100:1", "mem=8G"], True, 0).parameters(1)
    assert on_gpu["slurm_additional_parameters"] == {"requeue": True, "gres": "gpu:a100:1", "mem": "8G"}
    assert "mem_gb" not in on_gpu
    assert resources(["gres=gpu:1"], False, 0) == Resources(24 * 60, 3, 0, {})
    assert [wants_gpu(name, [], there=True) for name in ("auto", "cuda", "cpu")] == [True, True, False]
    assert [wants_gpu("auto", given, False) for given in ([], ["partition=x"], ["gpus=1"])] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90", 90), ("90:30", 91), ("4:00:00", 240), ("1-0", 1440), ("1-2:30", 1590), ("0-0:3:1", 4), ("2", 2)],
)
def test_times_as_sbatch_has_them(text, minutes):
    assert minutes_of(text) == minutes


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: resources(["partition"], True, 0), "write KEY=VALUE"),
        (lambda: resources(["output=x"], True, 0), "what this suite sets"),
        (lambda: resources(["time=soon"], True, 0), "hours:minutes:seconds"),
        (lambda: resources(["time=1"], True, 0), "two minutes at least"),
        (lambda: wants_gpu("cuda:1", [], False), "no GPU but its own"),
        (lambda: executors.check_name("ray"), "write slurm or local"),
    ],
)
def test_options_that_make_no_sense(call, told):
    with pytest.raises(LotteryError, match=told):
        call()


def test_no_slurm_and_no_submitit(monkeypatch):
    """One message each: which other engine there is, and what to install."""
    monkeypatch.setattr(slurm.shutil, "which", lambda command: None)
    monkeypatch.setattr(executors.importlib.util, "find_spec", lambda name: object())
    with pytest.raises(LotteryError, match=r"sbatch was not found.*--engine local"):
        executors.check("slurm")
    executors.check("local")
    monkeypatch.setattr(executors.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LotteryError, match=r"pip install 'lottery\[slurm\]'"):
        executors.check("local")


@pytest.mark.parametrize("module, name", executors.NEEDED)
def test_a_system_without_signals_or_fork(module, name, monkeypatch):
    """Windows, before anything is submitted: one message with the way that there is."""
    monkeypatch.delattr(module, name)
    with pytest.raises(LotteryError, match=r"--engine local tells its jobs of their end by signals.* run -n auto"):
        executors.check("local")


def test_states_from_the_queue(monkeypatch):
    """Running, pending and why, pending again after a preemption, over; and nothing where squeue fails."""
    listed = "7_0|RUNNING|None\n7_1|PENDING|Priority\n8|COMPLETING|None\n9|REQUEUED|None\n10|CANCELLED|None\n"
    expected = {
        "7_0": ("running", ""),
        "7_1": ("pending", "Priority"),
        "8": ("running", ""),
        "9": ("pending", ""),
        "10": ("over", ""),
        "11": ("over", ""),
    }
    assert slurm.states(listed, expected) == expected
    monkeypatch.setattr(slurm, "asked", lambda *words: None)
    assert slurm.queue(["7_0"]) == {"7_0": ("unknown", "")}


def test_file_systems_that_others_do_not_see(tmp_path):
    mounts = "overlay / overlay rw 0 0\nserver:/home /home nfs4 rw 0 0\ntmpfs /home/scratch tmpfs rw 0 0\n"
    kinds = [slurm.own_files(tmp_path.__class__(path), mounts) for path in ("/tmp/x", "/home/me", "/home/scratch/me")]
    assert kinds == ["overlay", "", "tmpfs"]


def test_requests_and_answers(tmp_path):
    """A request is what was written; an answer is there once the job wrote it; anything else is told."""
    request = Request(["a"], ["mini.claim[x]"], ["-k", "signs"], "/home", {"LOTTERY_DATA": "/data"}, "cpu")
    file = tmp_path / "0.json"
    request.write(file)
    assert read(file) == request and read_answer(file) is None
    write_answer(file, {"a": "it is broken"})
    assert read_answer(file) == {"a": "it is broken"}
    (tmp_path / "1.json").write_text('{"keys": []}')
    for name in ("1.json", "2.json"):
        with pytest.raises(LotteryError, match="no request of a job"):
            read(tmp_path / name)


def test_last_words_of_a_log(tmp_path):
    """The line that says what went wrong, without a terminal's codes; or that there is no log at all."""
    paths = SimpleNamespace(stderr=tmp_path / "err", stdout=tmp_path / "out")
    assert "nodes share" in executors.last_words(SimpleNamespace(paths=paths))
    paths.stdout.write_text("begin\nERROR: the store \x1b[31mis full\nend\n")
    assert executors.last_words(SimpleNamespace(paths=paths)) == r"ERROR: the store \x1b[31mis full"
    paths.stderr.write_text("slurmstepd: error: *** JOB 7 CANCELLED DUE TO TIME LIMIT ***\n")
    assert "TIME LIMIT" in executors.last_words(SimpleNamespace(paths=paths))


def test_the_table_of_jobs_fits_a_terminal():
    """A row for each job, and times for several numbers of machines that no chain of jobs undercuts."""
    left = everything()
    divided = [(number, jobs_of(left, lambda one: 100.0, number)) for number in (1, 8, 64)]
    shown = jobs_table(divided[0][1], divided).splitlines()
    assert max(map(len, shown)) <= 80 and len(shown) == len(divided[0][1]) + 8
    assert shown[-3].startswith("  1 at a time") and shown[-3].endswith("1.0 times as fast as one")
    assert jobs_table([], [(1, [])]).startswith("no job")
