"""The machine: its processor, the cores and GPUs that this process may use. Nothing here needs torch."""

import functools
import glob
import os
import platform
from pathlib import Path


def visible_gpus() -> int:
    """Return the number of NVIDIA GPUs that this process may use, without importing torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    present = len(glob.glob("/dev/nvidia[0-9]*"))
    if visible is None:
        return present
    return min(present, sum(one.strip() not in ("", "-1") for one in visible.split(",")))


def processor() -> str:
    """Return the processor's name, as far as the system tells it, with the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    return f"{name}, {cores()} cores"


@functools.cache
def is_intel() -> bool:
    """Return whether the processor is one of Intel's."""
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        told = platform.processor()
    return "GenuineIntel" in told


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
