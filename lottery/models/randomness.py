"""Randomness in forward passes: every replica's from its own stream, whatever a module draws from torch's generator."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from lottery.core.errors import LotteryError


@contextmanager
def drawing_from(
    streams: Sequence[torch.Generator], network: str, device: torch.device
) -> Iterator[Callable[[int], Iterator[int]]]:
    """Yield a function that counts replicas, each of which draws from its own stream while it is counted.

    Torch's global generator is left as it was found. Raise where a module draws what no stream can stand in for: on a
    GPU, from Python's or numpy's generators, or anything where there are no streams, which is in evaluation.
    """
    before, others = torch.get_rng_state(), _others(device)

    def own(replicas: int) -> Iterator[int]:
        for replica in range(replicas):
            if streams:
                torch.set_rng_state(streams[replica].get_state())
            yield replica
            if streams:
                streams[replica].set_state(torch.get_rng_state())

    try:
        yield own
        drawn = [name for name, state in _others(device).items() if state != others[name]]
        if not streams and not torch.equal(torch.get_rng_state(), before):
            drawn.append("torch's generator in evaluation, or in training without streams")
    finally:
        torch.set_rng_state(before)
    if drawn:
        raise LotteryError(
            f"{network} draws random numbers from {' and '.join(drawn)}, where no replica has a stream of its own; let "
            "it draw from torch's generator on the processor, and only in training"
        )


def _others(device: torch.device) -> dict[str, object]:
    """Return the states of generators that modules may draw from, but should not."""
    numpy = np.random.get_state(legacy=False)
    states: dict[str, object] = {
        "Python's generator": random.getstate(),
        "numpy's generator": (numpy["state"]["key"].tobytes(), numpy["state"]["pos"]),
    }
    if device.type == "cuda" and not torch.cuda.is_current_stream_capturing():
        states["the GPU's generator"] = torch.cuda.get_rng_state(device).tolist()
    return states
