"""Schedules: what the learning rate is multiplied by as training goes on. No torch at import."""

import functools
from dataclasses import dataclass
from math import pi

FORMS = ("constant", "steps", "cosine")


@dataclass(frozen=True)
class Schedule:
    """A form, and iterations in which the rate first rises linearly.

    "steps" multiplies by `gamma` after each of the iterations in `milestones`; "cosine" falls from one to zero by half
    a cosine, interval by interval (Loshchilov & Hutter 2017, without restarts).
    """

    form: str = "constant"
    warm_up: int = 0
    milestones: tuple[int, ...] = ()
    gamma: float = 0.1

    def __post_init__(self):
        if self.form not in FORMS:
            raise ValueError(f"schedule {self.form!r} is not one of {', '.join(FORMS)}")

    def factor(self, iteration: int, iterations: int, interval: int) -> float:
        """Return what the rate of this iteration, counted from one, is multiplied by."""
        done, factor = iteration - 1, 1.0
        if self.form == "steps":
            factor = self.gamma ** sum(done >= milestone for milestone in self.milestones)
        elif self.form == "cosine":
            factor = _half_cosine(done // interval * interval, iterations)
        return factor * iteration / self.warm_up if iteration < self.warm_up else factor


@functools.lru_cache(4)
def _half_cosine(done: int, iterations: int) -> float:
    import torch  # in its float32, which released results were computed with

    return (1 + torch.cos(torch.tensor(pi * done / iterations)).item()) / 2


CONSTANT, COSINE = Schedule(), Schedule("cosine")
