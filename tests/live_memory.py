"""A counter of live memory: how many bytes of tensors that came about meanwhile live at one time, at most."""

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lottery.training.step import Step


class LiveMemory(TorchDispatchMode):
    """Counts while it is entered: `now` and `peak` bytes, and `in_steps`, what the temporaries of a step add."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = self.in_steps = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                storage = leaf.untyped_storage()
                if storage._cdata not in self._sizes:
                    self._sizes[storage._cdata] = storage.nbytes()
                    weakref.finalize(storage, self._gone, storage._cdata)
                    self.now += storage.nbytes()
                    self.peak = max(self.peak, self.now)
        return out

    def _gone(self, place: int) -> None:
        self.now -= self._sizes.pop(place, 0)

    def watch_steps(self, monkeypatch) -> None:
        """Count the temporaries of steps apart: a captured step keeps them to itself as long as it lives."""
        sound = Step._run

        def run(step, index):
            before, outside, self.peak = self.now, self.peak, self.now
            sound(step, index)
            self.in_steps, self.peak = max(self.in_steps, self.peak - before), outside

        monkeypatch.setattr(Step, "_run", run)

    @property
    def needed(self) -> int:
        """Bytes that a training with a captured step takes."""
        return self.peak + self.in_steps
