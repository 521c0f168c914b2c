"""Denormal numbers: below 1.2e-38, where a processor may take a hundred times as long for an operation."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def flushed() -> bool:
    """Return whether this thread takes denormal numbers for zeros; torch can set that and does not tell."""
    return float(torch.tensor(1e-40, device="cpu") * 1.0) == 0


@contextmanager
def flushing() -> Iterator[None]:
    """Take denormal numbers for zeros meanwhile.

    Adam's first moment of a weight whose input is seldom on decays into them and, rounded, stays there: trainings of
    LeNet took more than twice as long on an Intel processor.
    """
    before = flushed()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
