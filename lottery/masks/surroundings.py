"""Surroundings: what the code of a user might change in the process around it, put back when it is done."""

import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]  # what reads it, and what sets it


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _flushes() -> bool:
    return float(torch.tensor(1e-40) * 1.0) == 0  # a denormal number; torch does not tell otherwise


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)  # None leaves no mode behind


def _set_streams(streams: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = streams


SETTINGS: dict[str, Setting] = {
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default device": (torch.get_default_device, _set_device),
    "deterministic": (_deterministic, lambda was: torch.use_deterministic_algorithms(was[0], warn_only=was[1])),
    "threads": (torch.get_num_threads, torch.set_num_threads),
    "precision of products": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "anomalies": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "denormals": (_flushes, torch.set_flush_denormal),
    "folder": (os.getcwd, os.chdir),
    "recursion": (sys.getrecursionlimit, sys.setrecursionlimit),
    "printing": (lambda: (sys.stdout, sys.stderr), _set_streams),
    "numpy's errors": (np.geterr, lambda was: np.seterr(**was)),
}


@contextmanager
def kept(seed: int) -> Iterator[None]:
    """Run code that is not ours: global random numbers begin at `seed`, and all settings are put back afterwards."""
    before = {name: read() for name, (read, _) in SETTINGS.items()}
    drawn = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for name, (read, put) in SETTINGS.items():
            if _other(read, before[name]):
                put(before[name])
        torch.set_rng_state(drawn[0])
        np.random.set_state(drawn[1])
        random.setstate(drawn[2])


def _other(read: Callable[[], Any], before: Any) -> bool:
    try:
        return bool(read() != before)
    except OSError:  # the folder is gone
        return True
