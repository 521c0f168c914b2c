"""Command lines at random, good and bad: a known exit status, one message where it is 4, and nothing lost."""

import os
import random
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.campaigns.suite import lay_out
from tests.campaigns.tally import Tally

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds
STATUSES = {0, 1, 2, 4, 5}  # of pytest; 3 is an internal error
RUN = {  # options of a run, with values that make sense and values that do not
    "--scale": ["tiny", "reduced", "huge", "", "TINY", "tiny ", "\x1b[31m", "../tiny"],
    "--results": ["out", "file", "file/x", "/dev/null", "", "a" * 300, "~nobody/x", "out/deep/er", "\u00e9t\u00e9"],
    "--store": ["store", "file", "/dev/null/x", "/proc/nope", "~nobody/x", "a" * 300],
    "--baseline": ["out", "file", "nowhere", "empty", "/dev/null", "expected", "bad.json"],
    "--budget": ["1h", "0.001s", "soon", "-1s", "0h", "1e9h", "", "9" * 400 + "h"],
    "--device": ["cpu", "auto", "cuda:99", "abacus", "mps", "cuda:-1", ""],
    "--precision": ["float32", "tf32", "float8", ""],
    "--criterion": ["mine=mine.py:score", "mine=mine.py:nothing", "mine", "=:", "mine=nowhere.py:f", "1x=mine.py:score",
                    "large_final=mine.py:score", "mine=bad.py:score", "mine=/dev/null:score", "mine=empty:score"],
    "--network": ["net=mine.py:network", "net=mine.py:score", "net", "planted=mine.py:network"],
    "--dataset": ["data=mine.py:data", "data=mine.py:score", "digits=mine.py:data", "data="],
    "-k": ["learns", "nothing_like_this", "not learns", "(("],
    "-n": ["0", "1", "x"],
}  # fmt: skip
FLAGS = ["--plan", "--collect-only", "--setup-plan", "--strict", "-x", "-q", "-v", "--lf", "--nonsense", "-rA"]
COMMANDS = [
    ["store", "size"], ["store", "list"], ["store", "prune"], ["store", "export", "/dev/null"],
    ["store", "export", "all.tar"], ["store", "import", "file"], ["store", "import", "/dev/null"],
    ["store", "import", "nowhere"], ["store", "eat"], ["store", "export"], ["store", "import", "empty"],
    ["report", "empty"], ["report", "nowhere"], ["report", "file"], ["report", "bad.json"], ["baseline", "nowhere"],
    ["baseline", "file"], ["baseline", "empty"], ["baseline", "out", "tables"], ["baseline", "out", "file"],
    ["gate", "--scale=huge"],
    ["rates", "--runs=x"], ["bench", "--device=abacus"], ["check-gpu", "--device=cpu"], ["nothing"], [],
    ["run", "--help"], ["plan", "--scale=huge"], ["plan", "benchmarks", "-k", "learns"], ["--help"],
]  # fmt: skip


def one_of(chance: random.Random) -> tuple[list[str], dict[str, str]]:
    """Return a command line, and what of the environment it has."""
    environment = {}
    if chance.random() < 0.3:
        name = chance.choice(("LOTTERY_SCALE", "LOTTERY_STORE", "LOTTERY_DATA", "PYTHONIOENCODING", "COLUMNS", "HOME"))
        values = {"PYTHONIOENCODING": ["ascii", "latin-1"], "COLUMNS": ["20", "0", "x"], "HOME": ["", "/nowhere"]}
        environment[name] = chance.choice(values.get(name, ["vast", "/proc/nope", "", "~nobody"]))
    if chance.random() < 0.25:
        return ["-m", "lottery", *chance.choice(COMMANDS)], environment
    words = ["-m", "pytest", "benchmarks"]
    for name in chance.sample(sorted(RUN), chance.choice((1, 1, 2, 3))):
        value = chance.choice(RUN[name])
        words += [f"{name}={value}"] if name.startswith("--") else [name, value]
    words += chance.sample(FLAGS, chance.choice((0, 0, 1, 2)))
    return words, environment


def judged(words: list[str], status: int, said: str) -> str:
    """Return what is wrong about what a command line came to, or an empty text."""
    if "Traceback" in said or "INTERNALERROR" in said:
        return "a traceback"
    if words[1] == "lottery":
        return "" if status in (0, 1, 2, 4, 5) else f"exit status {status}"
    if status not in STATUSES:
        return f"exit status {status}"
    if status == 4 and not re.search(r"^ERROR: |error: ", said, re.MULTILINE):
        return "exit status 4 without a message"
    if status == 0 and re.search(r"=(huge|float8|abacus|soon)( |$)", " ".join(words)):
        return "exit status 0 for a value that does not exist"
    return ""


def run(count: int, seed: int) -> Tally:
    """Return what so many command lines did, each in a folder of its own with the results of an earlier run."""
    tally, chance = Tally("command lines"), random.Random(seed)
    asked = [one_of(chance) for _ in range(count)]
    with tempfile.TemporaryDirectory() as name:
        pattern = lay_out(Path(name) / "pattern")
        full = (pattern / "out" / "latest" / "results.json").read_bytes()

        def tried(number: int) -> tuple[str, str]:
            words, environment = asked[number]
            folder = lay_out(Path(name) / str(number), pattern)
            known = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
            known |= {"OMP_NUM_THREADS": "1", "LOTTERY_STORE": str(folder / "store")}
            story = f"{' '.join(words)!r:.300} with {environment}"
            try:
                done = subprocess.run(
                    [sys.executable, *words],
                    cwd=folder,
                    env=known | environment,
                    capture_output=True,
                    stdin=subprocess.DEVNULL,
                    timeout=PATIENCE,
                )
            except subprocess.TimeoutExpired:
                return "hung", story
            said = (done.stdout + done.stderr).decode("utf-8", "replace")
            if wrong := judged(words, done.returncode, said):
                return "wrong", f"{story}: {wrong}\n{said[-1500:]}"
            kept = [file.read_bytes() for file in (folder / "out").glob("*/results.json")]
            return ("", "") if full in kept else ("lost", story)

        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            for what, story in threads.map(tried, range(count)):
                tally.tried += 1
                if what:
                    tally.note(what, story)
    return tally
