"""The machine: its processor, the cores that this process may use, signs of a GPU. Nothing here needs torch."""

import ctypes
import functools
import glob
import os
import platform
from pathlib import Path

# What NVIDIA's driver leaves on a system: Linux, its Tegra, Windows' subsystem for Linux, Windows.
SIGNS_OF_GPUS = ("/dev/nvidia[0-9]*", "/dev/nvhost-gpu", "/dev/dxg", "C:/Windows/System32/nvcuda.dll")

# The two thresholds of glibc's allocator, by their numbers in its malloc.h, and what they are set to.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEPT = 2**30  # bytes
KEPT_AT_MOST = 2**25  # bytes of one block, where the library refuses more for the second threshold


def shows_gpu() -> bool:
    """Return whether there seems to be a GPU that this process may use, without importing torch, which knows for sure.

    /dev/dxg is there for cards of other makers as well.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    hidden = visible is not None and visible.split(",")[0].strip() in ("", "-1")  # the first such ends the list
    return not hidden and any(glob.glob(sign) for sign in SIGNS_OF_GPUS)


def processor() -> str:
    """Return the processor's name, as far as the system tells it, with the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    return f"{name}, {cores()} core{'s' * (cores() != 1)}"


@functools.cache
def is_intel() -> bool:
    """Return whether the processor is one of Intel's."""
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        told = platform.processor()
    return "GenuineIntel" in told


def cores() -> int:
    """Return the number of processor cores that this process may use, as its affinity and its container's quota say."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(own, int(quota(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")))))


def quota(root: Path, own: Path) -> float:
    """Return how many cores' time a process's control groups give it, of Linux's second version or its first.

    `root` is where they are mounted, `own` the file that says which are the process's; without them there is no limit.
    """
    shares = [float(10**6)]
    try:
        for line in own.read_text().splitlines():
            _, controllers, place = line.split(":", 2)
            base = root if not controllers else root / "cpu" if "cpu" in controllers.split(",") else None
            group = base and base / place.lstrip("/")
            while group and base:  # what is above it limits it as well
                shares += _share(group)
                group = None if group == base else group.parent
    except (OSError, ValueError):
        pass
    return min(shares)


def _share(group: Path) -> list[float]:
    """Return how many cores' time a control group has, in a list, which is empty where that is not limited."""
    try:
        if (group / "cpu.max").is_file():
            limit, period = (group / "cpu.max").read_text().split()
        else:
            limit, period = ((group / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        return [int(limit) / int(period)] if limit not in ("max", "-1") else []
    except (OSError, ValueError, ZeroDivisionError):
        return []


def keep_freed_memory() -> None:
    """Keep memory that this process frees, up to a gigabyte, where its C library is glibc; elsewhere do nothing.

    A step frees what it computed with and the next one asks for the same again: given back to the system meanwhile, it
    comes as new pages, which takes a quarter of a convolutional network's step.
    """
    allocator = getattr(ctypes.CDLL(None), "mallopt", None) if platform.libc_ver()[0] == "glibc" else None
    if allocator and not allocator(MMAP_THRESHOLD, KEPT):
        allocator(MMAP_THRESHOLD, KEPT_AT_MOST)
    if allocator:
        allocator(TRIM_THRESHOLD, KEPT)
