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


@pytest.mark.parametrize(
    "line, files, cores",
    [
        ("0::/", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/", {"cpu.max": "max 100000"}, None),
        ("0::/a/b", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, 0.5),
        ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "200000 100000"}, 2),
        ("4:cpu,cpuacct:/job", {"cpu/job/cpu.cfs_quota_us": "250000", "cpu/job/cpu.cfs_period_us": "100000"}, 2.5),
        ("4:cpu:/gone", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("4:memory:/", {"cpu.max": "50000 100000"}, None),
        ("0::/", {"cpu.max": "some 0"}, None),
        ("nonsense", {"cpu.max": "50000 100000"}, None),
    ],
)
def test_a_containers_quota_counts(tmp_path, line, files, cores):
    """Of control groups of both versions, and of whatever group is above the process's own."""
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(f"{text}\n")
    (tmp_path / "own").write_text(f"1:name=systemd:/\n{line}\n")
    found = machine.quota(tmp_path / "root", tmp_path / "own")
    assert found == cores if cores else found > 1000
    assert machine.quota(tmp_path / "nowhere", tmp_path / "nothing") > 1000


def test_there_is_always_a_core(monkeypatch):
    """Less than one of a quota is one, and no quota gives more than there are."""
    monkeypatch.setattr(machine, "quota", lambda root, own: 0.5)
    assert machine.cores() == 1
    monkeypatch.setattr(machine, "quota", lambda root, own: 1e6)
    assert 1 <= machine.cores() < 1e6
