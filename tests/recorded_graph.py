"""A CUDA graph's stand-in on a processor: what is captured is recorded operation by operation, and replay repeats it.

As with the real one, a capture changes nothing, a replay works on the memory that was captured, whatever Python did
beside it does not happen again, and what waits for the device or draws from a generator is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lottery.training import fit, step
from lottery.training.counted_masks import CountedBernoulli
from lottery.training.learned_masks import Bernoulli
from lottery.training.optimiser import Descent

WAITS = {"_local_scalar_dense", "item", "equal", "is_nonzero", "nonzero", "masked_select", "bincount", "_unique2"}
DRAWS = ("rand", "bernoulli", "uniform", "normal", "exponential", "multinomial", "native_dropout")


def tensors(tree: object) -> list[Tensor]:
    """Return the tensors among arguments or results."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


class Recorder(TorchDispatchMode):
    """Executes operations and records them; `put_back` undoes what they did to memory that was there before."""

    def __init__(self):
        super().__init__()
        self.tape: list[tuple] = []
        self._before: dict[int, tuple[Tensor, Tensor]] = {}
        self._own: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func._schema.name.partition("::")[2]
        if name in WAITS or (name.startswith("index") and any(one.dtype == torch.bool for one in tensors(args[1:]))):
            raise RuntimeError(f"CUDA error: {name} waits for the device, which a captured step may not")
        if name.startswith(DRAWS):
            raise RuntimeError(f"CUDA error: {name} draws from a generator, which a captured step cannot advance")
        for argument, given in zip(func._schema.arguments, args):
            if argument.alias_info is not None and argument.alias_info.is_write:
                self._save(tensors(given))
        self._save(tensors([value for key, value in kwargs.items() if key == "out"]))
        if "batch_norm" in name:  # which changes running statistics, and does not say so
            self._save(tensors(args))
        out = func(*args, **kwargs)
        known = {one.untyped_storage()._cdata for one in tensors((args, kwargs))}
        self._own |= {one.untyped_storage()._cdata for one in tensors(out)} - known
        views = any(of.alias_info is not None and not of.alias_info.is_write for of in func._schema.returns)
        if not views:
            self.tape.append((func, args, kwargs, out))
        else:
            self.tape.append((None, args, kwargs, out))  # kept alive
        return out

    def _save(self, written: list[Tensor]) -> None:
        for one in written:
            place = one.untyped_storage()._cdata
            if place not in self._own and place not in self._before:
                whole = torch.empty(0, dtype=one.dtype).set_(one.untyped_storage())
                self._before[place] = whole, whole.clone()

    def put_back(self) -> None:
        """Make memory what it was before the capture."""
        for whole, before in self._before.values():
            whole.copy_(before)


class Graph:
    """What was captured."""

    made: list["Graph"] = []

    def __init__(self):
        self.tape: list[tuple] = []
        self.replays = 0
        Graph.made.append(self)

    @property
    def names(self) -> list[str]:
        """Names of the recorded operations, but for views."""
        return [func._schema.name for func, *_ in self.tape if func is not None]

    def replay(self) -> None:
        """Do it all again on the same memory."""
        self.replays += 1
        for func, args, kwargs, out in self.tape:
            if func is not None:
                for old, new in zip(tensors(out), tensors(func(*args, **kwargs))):
                    if old.data_ptr() != new.data_ptr():
                        old.copy_(new)


@contextmanager
def graph(made: Graph, stream: object = None) -> Iterator[None]:
    """Capture into `made`."""
    recorder = Recorder()
    with recorder:
        yield
    recorder.put_back()
    made.tape = recorder.tape


class Stream:
    """A stream on which everything happens at once."""

    def wait_stream(self, other: object) -> None:
        """Nothing to wait for."""


def stand_in(monkeypatch, captured: bool = True) -> None:
    """Train as on a GPU from now on: rates on the device, masks by a counter, steps `captured` or one by one."""

    class OnDevice(Descent):
        def __init__(self, *args):
            super().__init__(*args)
            self.keep_rates_on_device()

    Graph.made.clear()
    monkeypatch.setattr(fit, "Descent", OnDevice)
    monkeypatch.setattr(fit, "resident", lambda made: CountedBernoulli(made) if type(made) is Bernoulli else made)
    monkeypatch.setattr(step, "captures", lambda device: captured)
    monkeypatch.setattr(step, "capture_stream", lambda device: Stream())
    for name, value in {
        "device": lambda device: nullcontext(),
        "stream": lambda stream: nullcontext(),
        "current_stream": lambda device: Stream(),
        "CUDAGraph": Graph,
        "graph": graph,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
