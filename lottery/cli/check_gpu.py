"""`lottery check-gpu`: whether everything works on a GPU, in minutes and without a download, with figures to paste."""

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import torch

import lottery
from lottery.cli.gpu_checks import CHECKS, Seen
from lottery.core.devices import CPU, cards, named, set_precision
from lottery.core.errors import LotteryError, told

CLAIM = "zhou2019.large_final_beats_random[lenet-300-100]"
WORKERS = (1, 3)  # on one GPU
PATIENCE = 80  # seconds for a run of the plugin
APART = 1.0  # points of accuracy by which two runs of a claim may differ


def plugin(device: str, workers: tuple[int, ...] = WORKERS) -> Seen:
    """Return what a claim comes to in whole runs with a store of their own, by one worker and by several."""
    seconds, estimates = {}, []
    for count in workers:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            estimates.append(_estimate(device, count, Path(folder)))
            seconds[f"{count} workers" if count > 1 else "1 worker"] = time.perf_counter() - started
    gap = max(estimates) - min(estimates)
    took = ", ".join(f"{name} {of:.0f} s" for name, of in seconds.items())
    text = f"{took}; {CLAIM} {min(estimates):+.2f} to {max(estimates):+.2f} pp"
    return Seen(text, gap < APART and min(estimates) > 0, seconds)


def _estimate(device: str, workers: int, folder: Path) -> float:
    """Return the estimate of the claim, run as a user runs it; raise where that says something else."""
    arguments = ["-k", "large_final_beats_random", f"-n{workers}", f"--device={device}", "--scale=tiny", "-q"]
    arguments += [f"--store={folder / 'store'}", f"--results={folder / 'results'}", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "lottery", "run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    written = folder / "results" / "latest" / "results.json"
    if done.returncode not in (0, 1) or not written.exists():
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise LotteryError(lines[-1] if lines else f"the run ended with status {done.returncode}")
    report = json.loads(written.read_text())
    if not report["environment"]["device"].startswith(device):
        raise LotteryError(f"it ran on {report['environment']['device']}")
    return float(next(claim["estimate"] for claim in report["claims"] if claim["id"] == CLAIM))


def run_checks(device: str, checks: Mapping[str, Callable[[str], Seen]]) -> Iterator[dict[str, object]]:
    """Yield what each check saw, as JSON has it; one that raises has failed with what it raised."""
    for name, check in checks.items():
        started = time.perf_counter()
        try:
            seen = check(device)
        except Exception as error:
            seen = Seen(told(error), False)
        yield {"check": name, **asdict(seen), "seconds": round(time.perf_counter() - started, 1)}


def line(found: Mapping[str, object]) -> str:
    """Return a check's line."""
    return f"{'ok    ' if found['ok'] else 'FAILED'} {found['check']:21} {found['text']} ({found['seconds']} s)"


def check_gpu(device: str) -> int:
    """Check a GPU, print a line for each check and then all of it as JSON, and return the exit status."""
    there, reason = cards()
    if device.startswith("cuda") and not there:
        print(f"ERROR: there is no GPU that torch can use: {reason}", file=sys.stderr)
        return 1
    card = named(device)
    if card == CPU:
        raise LotteryError("--device cpu: check-gpu checks a GPU; write cuda or cuda:N")
    set_precision("float32")
    found = []
    with torch.cuda.device(card):
        for one in run_checks(card, CHECKS | {"plugin": plugin}):
            print(line(one), flush=True)
            found.append(one)
    versions = {"lottery": lottery.__version__, "torch": torch.__version__, "cuda": torch.version.cuda}
    where = {"python": platform.python_version(), "system": platform.platform(), "device": card}
    print(json.dumps({**versions, **where, "checks": found}, indent=1))
    return int(not all(one["ok"] for one in found))
