"""A run that was killed goes on where it was, to the same results."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("kill_and_repeat.py")


def test_killed_runs_are_taken_up():
    """Three kills at random moments of a run of a few claims; `kill_and_repeat.py` does it for the whole suite."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--rounds=3", "--", "-k", "supermask_stays_low or large_final_beats_random"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
