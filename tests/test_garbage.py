"""Garbage is looked for while claims are trained and judged, and not while a process starts or ends."""

import gc
import subprocess
import sys

from lottery.plugin import garbage

LEAVES = """
import gc, atexit
from lottery.plugin import garbage
atexit.register(lambda: print(gc.get_freeze_count() > 0))  # called after those that were registered later
garbage.pause()
garbage.resume()
print(gc.isenabled(), gc.get_freeze_count())
"""


def test_it_is_looked_for_again_after_a_pause():
    """A pause ends; to pause twice changes nothing."""
    garbage.pause()
    garbage.pause()
    assert not gc.isenabled()
    garbage.resume()
    assert gc.isenabled()


def test_a_process_keeps_collecting_until_it_ends():
    """Nothing is set apart in a process that lives on, such as a notebook's."""
    done = subprocess.run([sys.executable, "-c", LEAVES], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "0", "True"], done.stderr
