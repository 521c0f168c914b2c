"""Kill a run with -9 at random moments, workers and controller alike, repeat it, and compare with an undisturbed run.

    python tests/kill_and_repeat.py [--rounds 5] [--seed 0] [-- extra arguments to pytest]

Exit status 0: however often the run was killed, the last one left the results of an undisturbed one.
"""

import argparse
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

ROOT = Path(__file__).resolve().parent.parent


def command(folder: Path, name: str, extra: list[str]) -> list[str]:
    """Return the command that benchmarks into `folder/name`, with two workers."""
    store, results = folder / f"{name}-store", folder / f"{name}-results"
    return [
        sys.executable,
        "-m",
        "pytest",
        "benchmarks",
        "-n2",
        "--device=cpu",
        "-p",
        "no:cacheprovider",
        f"--store={store}",
        f"--results={results}",
        *extra,
    ]


def processes(group: int) -> list[int]:
    """Return the processes of a process group, the controller first."""
    listed = subprocess.run(["ps", "-o", "pid=", "-g", str(group)], capture_output=True, text=True).stdout.split()
    return sorted(map(int, listed))


def stable(folder: Path, name: str) -> tuple[list[dict], int]:
    """Return a run's claims without seconds, and the network-steps it trained."""
    report = json.loads((folder / f"{name}-results" / "latest" / "results.json").read_text())
    return [{key: value for key, value in claim.items() if key != "seconds"} for claim in report["claims"]], report[
        "trained_steps"
    ]


def disturb(folder: Path, chance: random.Random, longest: float, extra: list[str]) -> tuple[str, bool]:
    """Start the run and kill one worker or the controller at a random moment.

    Return what was done, and whether the run reached its end all the same.
    """
    running = subprocess.Popen(
        command(folder, "disturbed", extra),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    moment = chance.uniform(1.0, longest)
    time.sleep(moment)
    alive = processes(running.pid)
    if not alive or running.poll() is not None:
        return f"the run ended before {moment:.1f} s", True
    victim = chance.choice(alive)
    os.kill(victim, signal.SIGKILL)
    what = "controller" if victim == running.pid else "worker"
    if what == "worker" and chance.random() < 0.5:  # half of the time see whether the run copes by itself
        return f"killed a worker after {moment:.1f} s; the run went on and exited with {running.wait()}", True
    time.sleep(0.2)
    for pid in processes(running.pid):
        os.kill(pid, signal.SIGKILL)
    running.wait()
    return f"killed the {what} after {moment:.1f} s, then the rest", False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often to kill (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("extra", nargs="*", help="further arguments to pytest, after --")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.time()
        subprocess.run(command(folder, "undisturbed", options.extra), cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        longest = time.time() - started
        whole, all_steps = stable(folder, "undisturbed")
        print(f"an undisturbed run trained {all_steps:,} network-steps in {longest:.1f} s", flush=True)
        same = True
        for _ in range(options.rounds):
            what, ended = disturb(folder, chance, longest / 2, options.extra)
            print(what, flush=True)
            if ended:  # compare at once, and start over with an empty store
                same &= stable(folder, "disturbed")[0] == whole
                shutil.rmtree(folder / "disturbed-store")
        subprocess.run(command(folder, "disturbed", options.extra), cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        repeated, last_steps = stable(folder, "disturbed")
    print(f"the last repetition trained {last_steps:,} network-steps")
    same &= repeated == whole
    print("the results are the same" if same else "THE RESULTS DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
