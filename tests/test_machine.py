"""What the machine is asked to do: to leave freed memory with the process."""

import ctypes
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from lottery.core import machine

FAULTS = """
import resource, sys, torch
from lottery.core.machine import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
def use():
    for size in range(20, 25):
        torch.empty(5 * 2**size, dtype=torch.uint8).fill_(1)
for _ in range(3):
    use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_is_used_again():
    """Blocks of 5 to 80 MB, freed and asked for again, come as new pages only where nothing was set."""
    faults = {
        how: int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout)
        for how in ("kept", "returned")
    }
    assert faults["kept"] < 100 < 10_000 < faults["returned"]


def test_other_libraries_are_left_alone(monkeypatch):
    """Without glibc nothing is called; an old one, which refuses large blocks, is asked for smaller ones."""
    calls = []

    def mallopt(threshold, value):
        calls.append((threshold, value))
        return int(value <= machine.KEPT_AT_MOST or threshold == machine.TRIM_THRESHOLD)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2"))
    machine.keep_freed_memory()
    assert not calls
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.17"))
    machine.keep_freed_memory()
    assert calls == [(-3, 2**30), (-3, 2**25), (-1, 2**30)]
