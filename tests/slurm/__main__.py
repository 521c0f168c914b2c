"""Run a few claims by jobs of a real Slurm on this machine, disturb these, and compare with a plain run.

    python -m tests.slurm [--keep]

One node is made of Debian's packages (`node.py`). Jobs are cancelled, put back by Slurm for others, sent the signal
that stands for the end of their time, and requeued by hand. Exit status 0: in the end every number is the plain run's,
bit for bit, and a later run trains nothing. 1: something is wrong. 77: there can be no Slurm here, and a line says why.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lottery.claims.run_folders import run_folder
from lottery.store.store import Store
from tests.slurm.node import Node, Unavailable, install

ROOT = Path(__file__).resolve().parents[2]
NO_SLURM = 77  # what test runners take for "skipped"
PATIENCE = 600  # seconds for anything to happen
CLAIMS = '''
from lottery.claims.claim import claim, claim_per_criterion, effect
from lottery.claims.image_quantities import accuracy
from lottery.experiments.named_arms import chain, untrained


@claim("lenet-300-100")
def test_tickets(question):
    """Large weights are better than random ones."""
    return effect(accuracy(chain("large_final"), 4) - accuracy(chain("random"), 4))


@claim("conv-2")
def test_convolutions(question):
    """Another population, and so another job."""
    return effect(accuracy(chain("large_final"), 2) - accuracy(chain("random"), 2))


@claim("lenet-300-100")
def test_supermasks(question):
    """Nothing is trained for it but what it rests on."""
    return effect(accuracy(untrained("large_final"), 0))


@claim_per_criterion("lenet-300-100")
def test_own(question, criterion):
    """A criterion from a file of its own."""
    return effect(accuracy(chain(criterion), 3))
'''
ENTRY = """
[[claim]]
id = "mini2020.{name}"
number = "1"
kind = "effect"
statement = "A statement."
source = "ours"
metric = "test accuracy"
unit = "pp"
needs = {{ dataset = "{data}", network = "{network}", training = "early stop" }}
{more}
[claim.scales.tiny]
seeds = {seeds}
region = {region}
reason = "Whatever it is."
analogue = "Of course."
"""
OPEN = 'expected = { verdict = "any", basis = "open", because = "yours" }'
CRITERION = "def score(w_final):\n    return w_final.abs()\n"


def lay_out(folder: Path) -> None:
    """Write claims, their entries and a criterion into a folder."""
    for name in ("benchmarks", "expected"):
        (folder / name).mkdir()
    lenet, conv = ("mnist", "lenet-300-100"), ("cifar10", "conv-2")
    rows = [
        ("tickets[lenet-300-100]", *lenet, "", 8, "[-50, 50]"),
        ("convolutions[conv-2]", *conv, "", 4, "[-50, 50]"),
        ("supermasks[lenet-300-100]", *lenet, "", 8, "[0, 100]"),
        ("own[*]", *lenet, OPEN, 4, "[50, inf]"),
    ]
    names = ("name", "data", "network", "more", "seeds", "region")
    entries = [ENTRY.format(**dict(zip(names, row))) for row in rows]
    (folder / "benchmarks" / "test_mini_2020.py").write_text(CLAIMS)
    (folder / "expected" / "mini_2020.toml").write_text('title = "Mini 2020"\n' + "".join(entries))
    (folder / "mine.py").write_text(CRITERION)


class Runs:
    """Runs of these claims, each in a process of its own."""

    def __init__(self, folder: Path, node: Node):
        self.folder, self.node = folder, node
        hidden = {name for name in os.environ if name.startswith("LOTTERY_") and name != "LOTTERY_DATA"}
        self.environment = {name: value for name, value in node.environment.items() if name not in hidden}
        self.environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def begin(self, store: str, *options: str) -> subprocess.Popen:
        """Start a run with a store, its output in a file."""
        words = [sys.executable, "-m", "lottery", "run", "--device=cpu", "--criterion=mine=mine.py:score", "-n0", "-v"]
        words += [f"--store={store}", f"--results=results-{store}", *options]
        with (self.folder / f"{store}.log").open("ab") as log:
            return subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=log, stderr=log)

    def run(self, store: str, *options: str) -> int:
        """Run, and return the exit status."""
        return self.begin(store, *options).wait(PATIENCE)

    def results(self, store: str) -> dict:
        """Return the content of the latest `results.json`."""
        return json.loads((run_folder(self.folder / f"results-{store}") / "results.json").read_text())

    def said(self, store: str) -> str:
        """Return what runs with a store printed, in one line."""
        return " ".join((self.folder / f"{store}.log").read_text(errors="replace").split())


def wait_for(what: str, there: Callable[[], object], process: subprocess.Popen | None = None):
    """Return what `there` returns as soon as that is something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := there()):
        if time.monotonic() > deadline or (process is not None and process.poll() is not None):
            raise AssertionError(f"in vain waited for: {what}")
        time.sleep(0.5)
    return found


def check(runs: Runs) -> None:
    """Hold jobs of Slurm against a plain run, whatever happens to them."""
    node, sent = runs.node, Store(runs.folder / "jobs")

    def step(what: str) -> None:
        print(f"{time.strftime('%H:%M:%S')}  {what}", flush=True)

    def running(name: str = "lottery") -> list[str]:
        listed = node.says("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%j|%i").splitlines()
        return [line.partition("|")[2] for line in listed if line.startswith(f"{name}|")]

    def restarts(job: str) -> int:
        return int((re.search(r"Restarts=(\d+)", node.says("scontrol", "show", "job", "-o", job)) or "00")[1])

    step("the plain run")
    assert runs.run("plain") in (0, 1), runs.said("plain")[-2000:]
    options = ("--engine=slurm", "--jobs=2", "--slurm=partition=low", "--slurm=mem=500M", "--slurm=time=10")

    step("a run whose jobs are cancelled")
    run = runs.begin("jobs", *options)
    for job in wait_for("two jobs that run", lambda: len(running()) == 2 and running(), run):
        node.says("scancel", job)
    assert run.wait(PATIENCE) == 1, runs.said("jobs")[-2000:]
    told = runs.said("jobs")
    assert "ended as CANCELLED without" in told and "_log.err" in told, told[-2000:]

    step("the same command, whose jobs are put back into the queue for others")
    before = len(sent.keys())
    run = runs.begin("jobs", *options)
    wait_for("something finished", lambda: len(sent.keys()) > before and running(), run)
    first = running()
    node.says("sbatch", "--partition=high", "--exclusive", "--job-name=other", "--output=/dev/null", "--wrap=sleep 3")
    wait_for("a job that was put back", lambda: any(restarts(job) for job in first), run)
    step("a job that is told of the end of its time")
    signalled = wait_for("a job that runs again", running, run)[0]
    time.sleep(10)  # until it has started Python and set its handlers
    count = restarts(signalled)
    node.says("scancel", "--signal=USR2", signalled)
    wait_for("its return to the queue", lambda: restarts(signalled) > count or signalled not in running(), run)
    step("a job that somebody requeues")
    again = wait_for("a job that runs, or the end", lambda: running() or run.poll() is not None)
    if isinstance(again, list):
        node.says("scontrol", "requeue", again[0])
    step("the end")
    status = run.wait(PATIENCE)
    assert status == 0, f"exit status {status}: {runs.said('jobs')[-2000:]}"
    compare(runs)
    step("a plain run with the store of the jobs")
    assert runs.run("jobs") == 0
    assert runs.results("jobs")["trained_steps"] == 0
    compare(runs)
    for file in (runs.folder / "jobs" / "jobs").rglob("*_log.*"):
        text = file.read_text(errors="replace")
        for words in ("Bypassing signal", "Requeued job", "DUE TO PREEMPTION", "CANCELLED"):
            if words in text:
                print(f"  {file.name}: {text.count(words)} x {words}")


def compare(runs: Runs) -> None:
    """Raise unless both stores hold the same records, bit for bit, and both runs say the same."""
    plain, sent = Store(runs.folder / "plain"), Store(runs.folder / "jobs")
    assert plain.keys() == sent.keys(), (len(plain.keys()), len(sent.keys()))
    for key in sorted(plain.keys()):
        one, other = plain.read(key), sent.read(key)
        assert one.measurements == other.measurements, key
        assert one.arrays.keys() == other.arrays.keys(), key
        for name, array in one.arrays.items():
            assert array.dtype == other.arrays[name].dtype and array.tobytes() == other.arrays[name].tobytes(), (
                key,
                name,
            )
    found = [
        {
            row["id"]: (row["verdict"], row["estimate"], row["interval"])
            for name in ("claims", "own")
            for row in report.get(name, [])
        }
        for report in map(runs.results, ("plain", "jobs"))
    ]
    assert found[0] == found[1] and found[0], found
    print(f"  {len(plain.keys())} records and {len(found[0])} claims are the plain run's, bit for bit")


def main() -> int:
    """Run the check."""
    parser = argparse.ArgumentParser(prog="python -m tests.slurm", description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the folder with all logs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lottery-slurm-"))
    node = Node(folder / "node")
    try:
        install()
        node.start()
        print(node.says("sinfo", "--version").strip(), flush=True)
        (folder / "claims").mkdir()
        lay_out(folder / "claims")
        check(Runs(folder / "claims", node))
    except Unavailable as why:
        print(f"no Slurm here: {why}", file=sys.stderr)
        return NO_SLURM
    except AssertionError as wrong:
        options.keep = True
        print(f"WRONG: {wrong}\nlogs are in {folder}", file=sys.stderr)
        return 1
    finally:
        node.stop()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print("everything is as it should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
