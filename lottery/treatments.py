"""Treatments: from which values the kept weights of a masked network start (the mask-1 actions of Zhou et al. 2019, section 3).

A treatment returns the start values (inputs, outputs) of one layer before the mask is applied. It is given

    w_init     (inputs, outputs) the original initial weights of the replica
    generator  a random stream of this replica, round and layer

In a chain Zhou et al. feed the treated values into the next round as its w_init. Every treatment here depends on the
original values through their signs and their layer's standard deviation alone, both of which a treatment with the initial
sign passes on unchanged, so starting from the original each round gives the same distribution, and the same values for the
signed constant. What a chain does feed on is the mask, and the criterion's w_init, which is the treated start.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from lottery.errors import LotteryError

TREATMENTS: dict[str, Callable[..., Tensor]] = {}


def treatment(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Register a treatment under the name of its function."""
    TREATMENTS[function.__name__] = function
    return function


def find(name: str) -> Callable[..., Tensor]:
    """Return the treatment of this name, or raise with the names there are."""
    try:
        return TREATMENTS[name]
    except KeyError:
        raise LotteryError(f"there is no treatment {name!r}; the treatments are {', '.join(sorted(TREATMENTS))}") from None


def scale(w_init: Tensor) -> Tensor:
    """Return alpha of a layer: the population standard deviation of its initial weights, as the code of Zhou et al. takes it."""
    return w_init.std(correction=0)


def random_signs(w_init: Tensor, generator: torch.Generator) -> Tensor:
    """Return independent fair signs, -1 or 1, of the shape of `w_init`."""
    return torch.randint(0, 2, w_init.shape, generator=generator).to(w_init.dtype) * 2 - 1


@treatment
def rewind(w_init, generator):
    """The values of the first initialisation: the winning ticket of Frankle & Carbin 2019."""
    return w_init


@treatment
def reinit(w_init, generator):
    """A fresh draw from the distribution that the layer was initialised from."""
    inputs, outputs = w_init.shape
    return torch.randn(inputs, outputs, generator=generator) * (2 / (inputs + outputs)) ** 0.5


@treatment
def constant(w_init, generator):
    """Plus or minus alpha, with random signs."""
    return scale(w_init) * random_signs(w_init, generator)


@treatment
def constant_initial_sign(w_init, generator):
    """Plus or minus alpha, with the sign of the initial value."""
    return scale(w_init) * w_init.sign()
