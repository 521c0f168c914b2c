"""Files of criteria, most of them broken: each fails by itself in one message, and everybody else has a verdict."""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.campaigns.suite import ROOT, lay_out
from tests.campaigns.tally import Tally

PATIENCE = 900  # seconds, for a run with all criteria that could be loaded
SOUND = "w_final.abs()"
RAISES = [
    "1 / 0", "[][0]", "{}['x']", "None.x", "int('x')", "exit()", "sys.exit(0)", "sys.exit(3)", "os._exit(0)",
    "os.abort()",
    "(_ for _ in ()).throw(KeyError('a'))", "(_ for _ in ()).throw(MemoryError())", "(_ for _ in ()).throw(SystemExit)",
    "(_ for _ in ()).throw(GeneratorExit())", "(_ for _ in ()).throw(StopIteration())", "pytest.skip('no')",
    "pytest.exit('no')", "pytest.fail('no')", "pytest.xfail('no')",
    "(_ for _ in ()).throw(ValueError('\\x1b[2J\\ud800|<b>'))",
    "(_ for _ in ()).throw(ValueError('x' * 10**6))", "(_ for _ in ()).throw(OSError(28, 'No space left on device'))",
    "score(w_init, w_final)", "open('/nowhere')", "warnings.warn('odd') or w_final", "w_final.cuda(99)",
    "torch.empty(10**15)", "w_final @ w_final @ w_final", "w_final.view(3, 3)",
    "signal.raise_signal(signal.SIGTERM) or 1",
]  # fmt: skip
RETURNS = [
    "None", "3", "'high'", "[]", "w_final.tolist()", "w_final.numpy()", "w_final[:1]", "w_final.flatten()", "w_final.T",
    "w_final * float('nan')", "w_final + 1j", "w_final.to_sparse()", "w_final > 0", "torch.tensor(1.0)",
    "w_final.unsqueeze(0)",
    "(w_final, w_final)", "w_final.half()", "w_final.double()", "w_final.abs().to(torch.int64)", "torch.zeros(0)",
    "score",
    "torch.nn.Parameter(w_final)", "w_final * float('inf')", "w_final.abs().requires_grad_()", "w_final.to('meta')",
]  # fmt: skip
DOES = [
    "w_final.zero_()", "w_init.fill_(float('nan'))", "torch.manual_seed(3)", "torch.set_grad_enabled(True)",
    "torch.set_default_dtype(torch.float64)", "os.chdir('/')", "os.environ.clear()", "sys.stdout.close()",
    "torch.set_num_threads(7)", "setattr(torch, 'abs', None)", "setattr(np, 'mean', None)", "sys.setrecursionlimit(60)",
    "threading.Thread(target=time.sleep, args=[9e6]).start()", "COUNT.append(1)", "warnings.simplefilter('error')",
    "print('\\ud800' if False else 'x' * 10**5)", "__import__('this')", "gc.disable()", "random.seed(1)",
    "threading.Thread(target=time.sleep, args=[9e6], daemon=True).start()", "os.fork() or os._exit(0)",
    "signal.signal(signal.SIGINT, signal.SIG_IGN)", "sys.modules.pop('json', None)", "del_me()", "sys.path.clear()",
]  # fmt: skip
FILES = [
    "", "def score(w_final)\n", "import nowhere\n", "1 / 0\n", "import sys; sys.exit(0)\n", "import os; os._exit(0)\n",
    "score = 3\n", "class score:\n    pass\n", "def score():\n    return 1\n",
    "def score(w_fnal):\n    return w_fnal\n",
    "def score(*all):\n    return all[0]\n", "def score(**all):\n    return 1\n",
    "score = lambda w_final: w_final.abs()\n",
    "async def score(w_final):\n    return w_final\n", "def score(w_final):\n    yield w_final\n", "\x00",
    "def score(w_final):\n\treturn (\n",
    "from mine import score\n", "import pytest; pytest.skip('no', allow_module_level=True)\n", "raise KeyError\n",
    "import torch; torch.abs = None\ndef score(w_final):\n    return w_final\n",
    "def score(w_final, nonsense):\n    return w_final\n",
]  # fmt: skip
HEAD = """import gc, os, random, signal, sys, threading, time, warnings
import numpy as np
import pytest, torch
COUNT = []
"""
# Sound as long as layers are small, as those are that a criterion is checked on before anything is trained.
LATE = f"def score(w_init, w_final):\n    if w_final.numel() < 300:\n        return {SOUND}\n"


def sources(count: int, chance: random.Random) -> list[str]:
    """Return so many files: all kinds in turn, in an order drawn anew."""
    kinds = [f"{HEAD}{LATE}    return {value}\n" for value in RAISES + RETURNS]
    kinds += [f"{HEAD}{LATE}    {does}\n    return {SOUND}\n" for does in DOES]
    kinds += FILES
    chance.shuffle(kinds)
    return [kinds[number % len(kinds)] for number in range(count)]


def _run(folder: Path, *arguments: str) -> tuple[int, str]:
    known = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "benchmarks", "-q", "--device=cpu", "--results=new", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=known | {"LOTTERY_STORE": str(folder / "store")},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


LOAD = """
import sys
from lottery.core.errors import LotteryError
from lottery.masks.own_criteria import load
for number in range(int(sys.argv[1])):
    try:
        load(f"c{number}=criterion_{number}.py:score")
    except LotteryError as error:
        print("refused", number, str(error).count(chr(10)))
    else:
        print("loaded", number)
print("end")
"""


def run(count: int, seed: int) -> Tally:
    """Return what so many files did: all are loaded in one process, then one run has all that could be."""
    tally, chance = Tally("files of criteria"), random.Random(seed)
    files = sources(count, chance)
    tally.tried = len(files)
    with tempfile.TemporaryDirectory() as name:
        folder = lay_out(Path(name) / "suite")
        for number, source in enumerate(files):
            (folder / f"criterion_{number}.py").write_bytes(source.encode("utf-8", "surrogatepass"))
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder / "home")}
        try:
            told = subprocess.run(
                [sys.executable, "-c", LOAD, str(count)],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            lines = [line.split() for line in told.stdout.splitlines() if line.startswith(("loaded", "refused"))]
            if len(lines) < count:
                tally.note("wrong", f"{files[len(lines)]!r} ended the process: {told.stderr[-300:]}")
            loaded = [int(line[1]) for line in lines if line[0] == "loaded"]
            options = [f"--criterion=c{number}=criterion_{number}.py:score" for number in loaded]
            status, said = _run(folder, "-n2", *options)
        except subprocess.TimeoutExpired:
            tally.note("hung", "a run with all of them")
            return tally
        _judge(tally, folder, files, loaded, status, said)
    return tally


def _judge(tally: Tally, folder: Path, files: list[str], loaded: list[int], status: int, said: str) -> None:
    """Note what did not hold in a run with all criteria that could be loaded."""
    if status != 1 or "INTERNALERROR" in said:
        tally.note("wrong", f"the run ended with {status}: {said[-1500:]}")
    written = folder / "new" / "latest" / "results.json"
    if not written.exists():
        tally.note("lost", f"there are no results: {said[-1500:]}")
        return
    report = json.loads(written.read_text())
    if {claim["verdict"] for claim in report["claims"]} != {"reproduced"} and {
        claim["verdict"] for claim in report["claims"] if "large" not in claim["id"]
    } != {"reproduced"}:
        tally.note("lost", f"the verdicts of others: {[(claim['id'], claim['verdict']) for claim in report['claims']]}")
    came = {claim["id"].partition("[")[2][:-1]: claim for claim in report["criteria"]}
    for number in loaded:
        claim = came.get(f"c{number}")
        if claim is None:
            tally.note("lost", f"no row for {files[number]!r:.300}")
        elif (claim["verdict"] == "error") != (claim["estimate"] is None):
            tally.note("wrong", f"neither an error nor a number for {files[number]!r:.300}: {claim['reason']}")
        elif claim["verdict"] == "error" and f"c{number}" not in claim["reason"]:
            tally.note("wrong", f"the message does not name {files[number]!r:.300}: {claim['reason']}")
