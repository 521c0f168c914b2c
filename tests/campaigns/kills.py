"""Kills: a run is killed with -9 at random moments, a worker or all of it, and repeated, to the same results."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.campaigns.tally import Tally

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = "supermask_stays_low or large_final_beats_random"
FEW = "same_sign_beats_large_final and lenet"  # of short campaigns, below ten kills: dense networks and their masks
PATIENCE = 600  # seconds


def command(folder: Path, name: str, claims: str) -> list[str]:
    """Return the command that runs the claims into `folder/name`, with two workers."""
    options = ["-n2", "--device=cpu", "-k", claims, "-p", "no:cacheprovider"]
    where = [f"--store={folder / name}-store", f"--results={folder / name}-results"]
    return [sys.executable, "-m", "pytest", "benchmarks", *options, *where]


def whole(folder: Path, name: str, claims: str) -> list[dict]:
    """Return the claims of a run that comes to its end, without seconds."""
    subprocess.run(command(folder, name, claims), cwd=ROOT, stdout=subprocess.DEVNULL, check=True, timeout=PATIENCE)
    return stable(folder, name)


def stable(folder: Path, name: str) -> list[dict]:
    """Return the claims of the last run, without seconds."""
    report = json.loads((folder / f"{name}-results" / "latest" / "results.json").read_text())
    return [{key: value for key, value in claim.items() if key != "seconds"} for claim in report["claims"]]


def processes(group: int) -> list[int]:
    """Return the processes of a process group, the controller first."""
    listed = subprocess.run(["ps", "-o", "pid=", "-g", str(group)], capture_output=True, text=True).stdout.split()
    return sorted(map(int, listed))


def disturb(folder: Path, chance: random.Random, longest: float, claims: str) -> tuple[str, bool]:
    """Start the run and kill one worker or the controller at a random moment.

    Return what was done, and whether the run reached its end all the same.
    """
    running = subprocess.Popen(
        command(folder, "disturbed", claims),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    moment = chance.uniform(0.5, longest)
    time.sleep(moment)
    alive = processes(running.pid)
    if not alive or running.poll() is not None:
        return f"the run ended before {moment:.1f} s", True
    victim = chance.choice(alive)
    os.kill(victim, signal.SIGKILL)
    what = "controller" if victim == running.pid else "worker"
    if what == "worker" and chance.random() < 0.5:  # half of the time see whether the run copes by itself
        status = running.wait(timeout=PATIENCE)
        return f"killed a worker after {moment:.1f} s; the run went on and exited with {status}", True
    time.sleep(0.2)
    for pid in processes(running.pid):
        os.kill(pid, signal.SIGKILL)
    running.wait(timeout=PATIENCE)
    return f"killed the {what} after {moment:.1f} s, then the rest", False


def run(count: int, seed: int) -> Tally:
    """Return what so many kills did."""
    tally, chance, claims = Tally("kills at random moments"), random.Random(seed), CLAIMS if count >= 10 else FEW
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.monotonic()
        expected = whole(folder, "undisturbed", claims)
        longest = time.monotonic() - started
        for number in range(count):
            tally.tried += 1
            story = f"number {number}"
            try:
                told, ended = disturb(folder, chance, longest, claims)
                story = f"{told}, number {number}"
                if not ended and number % 3 and number + 1 < count:
                    continue  # the next one goes on with what this one left
                found = stable(folder, "disturbed") if ended else whole(folder, "disturbed", claims)
                if found != expected:
                    tally.note("wrong", f"{story}: other results")
            except subprocess.TimeoutExpired:
                tally.note("hung", story)
            except (subprocess.CalledProcessError, OSError, ValueError) as error:
                tally.note("lost", f"{story}: {error}")
            for place in ("store", "results"):
                shutil.rmtree(folder / f"disturbed-{place}", ignore_errors=True)
    return tally
