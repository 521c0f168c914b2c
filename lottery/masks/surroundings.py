"""Surroundings: what the code of a user might change in the process around it, put back when it is done."""

import inspect
import os
import random
import signal
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from lottery.core.errors import LotteryError
from lottery.models.denormals import flushed
from lottery.store.sources import is_own

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]  # what reads it, and what sets it


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)  # None leaves no mode behind


def _set_environment(environment: dict[str, str]) -> None:
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


def _cudnn() -> list[Any]:
    return [getattr(torch.backends.cudnn, flag) for flag in CUDNN]


def _set_cudnn(flags: list[Any]) -> None:
    for flag, value in zip(CUDNN, flags):
        setattr(torch.backends.cudnn, flag, value)


def _set_streams(streams: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = streams


def _set_path(path: list[str]) -> None:
    sys.path[:] = path


def _handlers() -> list[Any]:
    return [signal.getsignal(of) for of in SIGNALS]


def _set_handlers(handlers: list[Any]) -> None:
    for of, handler in zip(SIGNALS, handlers):
        signal.signal(of, handler)


class _Open:
    """A stream for what code of a user's prints, which that cannot close for all others."""

    def __init__(self, stream: Any):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Do nothing."""


SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXITS = ("_exit", "abort")  # of the module os, which no `finally` sees
CUDNN = ("enabled", "benchmark", "deterministic", "allow_tf32")
SETTINGS: dict[str, Setting] = {
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default device": (torch.get_default_device, _set_device),
    "deterministic": (_deterministic, lambda was: torch.use_deterministic_algorithms(was[0], warn_only=was[1])),
    "threads": (torch.get_num_threads, torch.set_num_threads),
    "precision of products": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "anomalies": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "denormals": (flushed, torch.set_flush_denormal),
    "cuDNN": (_cudnn, _set_cudnn),
    "environment": (lambda: dict(os.environ), _set_environment),
    "folder": (os.getcwd, os.chdir),
    "recursion": (sys.getrecursionlimit, sys.setrecursionlimit),
    "printing": (lambda: (sys.stdout, sys.stderr), _set_streams),
    "path": (lambda: list(sys.path), _set_path),
    "signals": (_handlers, _set_handlers),
    "numpy's errors": (np.geterr, lambda was: np.seterr(**was)),
}
LIBRARIES = {  # what everybody uses by name
    "torch": torch,
    "torch.Tensor": torch.Tensor,
    "torch.nn.functional": torch.nn.functional,
    "numpy": np,
}
FOLLOWS = "torch.Storage"  # the default dtype, with which it is put back


class EndedProcess(BaseException):
    """What is raised in place of the end of the process that code of a user's asked for."""


@contextmanager
def going_on() -> Iterator[None]:
    """Run code that is not ours: it can neither end this process nor leave a thread that would keep it from ending."""

    process, exits, begin = os.getpid(), {name: getattr(os, name) for name in EXITS}, threading.Thread.start
    waited_for: list[threading.Thread] = []  # by Python, when the process ends

    def exit_in_child(name: str) -> Callable[..., Any]:
        def end(*given: Any) -> None:
            if os.getpid() != process:  # a process that it forked
                exits[name](*given)
            raise EndedProcess(f"os.{name} was called")

        return end

    def start(self: threading.Thread) -> None:
        if not self.daemon:
            waited_for.append(self)
            self.daemon = True
        begin(self)

    try:
        for name in EXITS:
            setattr(os, name, exit_in_child(name))
        threading.Thread.start = start  # type: ignore[method-assign]
        yield
    finally:
        threading.Thread.start = begin  # type: ignore[method-assign]
        for name, exit in exits.items():
            setattr(os, name, exit)
    if left := [thread.name for thread in waited_for if thread.is_alive()]:
        raise LotteryError(f"it left {', '.join(left)} running; let it wait for its threads")


@contextmanager
def kept(seed: int) -> Iterator[None]:
    """Run code that is not ours: global random numbers begin at `seed`, and all settings are put back afterwards."""
    before = {name: read() for name, (read, _) in SETTINGS.items()}
    drawn = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
    _set_streams((_Open(sys.stdout), _Open(sys.stderr)))
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


@contextmanager
def whole() -> Iterator[list[str]]:
    """Put back what is replaced in libraries meanwhile; the list that it gives has the names of that afterwards."""
    before = {name: dict(vars(library)) for name, library in LIBRARIES.items()}
    replaced: list[str] = []
    try:
        yield replaced
    finally:
        for name, library in LIBRARIES.items():
            names = [f"{name}.{attribute}" for attribute in _put_back(library, before[name])]
            replaced += [attribute for attribute in names if attribute != FOLLOWS]


def _put_back(library: Any, before: dict[str, Any]) -> list[str]:
    """Return what was replaced, added or deleted since, by name; modules are added when they are first used."""
    now = dict(vars(library))
    changed = [name for name, value in before.items() if now.get(name, ...) is not value]
    added = [name for name in now.keys() - before.keys() if not isinstance(now[name], types.ModuleType)]
    for name in changed:
        setattr(library, name, before[name])
    for name in added:
        delattr(library, name)
    return sorted([*added, *(name for name in changed if not _is_wrapped(now.get(name), before[name]))])


def _is_wrapped(value: object, before: Any) -> bool:
    """Return whether a function is what a library itself put around another: torch does so when it first optimises."""
    if not isinstance(value, types.FunctionType) or is_own(value.__code__.co_filename):
        return False
    return inspect.unwrap(value) is inspect.unwrap(before)
