"""A small suite of claims in a folder of its own, with an own criterion, network and data beside it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.test_plugin import ENTRIES, TESTS

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("learns", "small", "large", "own")
MINE = """
import numpy as np
from torch import nn

def score(w_init, w_final):
    return w_final.abs()

def network():
    return nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))

network.dataset = "digits"
network.training = {"iterations": 40, "interval": 20, "batch_size": 20}

def data():
    pixels = np.random.default_rng(0).random((60, 64)).astype(np.float32)
    return {part: (pixels, np.arange(60) % 10) for part in ("train", "validation", "test")}
"""
START, OWN = TESTS.partition("@claim(NET)\ndef test_hardly")[0], TESTS[TESTS.index("@claim(cases=") :]


def lay_out(folder: Path, pattern: Path | None = None) -> Path:
    """Return a folder with the suite and the results of a run of it: new, or as a pattern has them."""
    if pattern is not None:
        shutil.copytree(pattern, folder, symlinks=True)
        return folder
    for name in ("benchmarks", "expected", "empty", "home"):
        (folder / name).mkdir(parents=True)
    (folder / "conftest.py").write_text('pytest_plugins = ["lottery.plugin.hooks"]\n')
    (folder / "benchmarks" / "test_mini_2020.py").write_text(START + OWN)
    entries = "".join(ENTRIES[name] for name in NAMES)
    (folder / "expected" / "mini_2020.toml").write_text('title = "Mini 2020"\n' + entries)
    (folder / "mine.py").write_text(MINE)
    (folder / "bad.py").write_text("def score(w_final)\n")
    (folder / "file").write_text("a file")
    (folder / "bad.json").write_text('{"schema": 3, "claims": NaN}')
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "benchmarks", "-q", "-n0", "--device=cpu", "--results=out"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment | {"LOTTERY_STORE": str(folder / "store"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return folder
