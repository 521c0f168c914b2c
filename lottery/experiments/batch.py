"""A batch: experiments that are computed together, and how far that is."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Batch:
    """The experiments that a worker computes at the moment, and how far it is."""

    experiments: Sequence
    iteration: int

    @property
    def steps(self) -> int:
        """Network-steps done so far."""
        return self.iteration * len(self.experiments)

    @property
    def share(self) -> float:
        """How much of its steps is done, from 0 to 1; 0 where nothing is trained."""
        whole = self.experiments[0].steps
        return min(1.0, self.iteration / whole) if whole else 0.0
