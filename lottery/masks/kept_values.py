"""Treatments: from which values kept weights start (the mask-1 actions of Zhou et al. 2019, section 3).

A treatment returns the start values (inputs, outputs) of one layer; where the mask is False they are not used. It names
what it needs as arguments:

    w_init     (inputs, outputs) the original initial weights of the replica
    w_start    (inputs, outputs) what the round before started from; w_init in a chain's first round and in a branch
    mask       (inputs, outputs) True where the weight is kept
    generator  a random stream of this replica, round and layer

In a chain of Zhou et al. the treated values of a round are the next round's w_init. To most treatments that makes no
difference, as they use only its signs and deviation, which a treatment with the initial sign passes on; those that
depend on the round before ask for `w_start`.
"""

import torch
from torch import Tensor

from lottery.core.registry import Registry

TREATMENTS = treatment = Registry("treatment", "treatments", ("w_init", "w_start", "mask", "initialiser", "generator"))


def scale(w_init: Tensor) -> Tensor:
    """Return alpha of a layer: the population deviation of its initial weights, as in the code of Zhou et al."""
    return w_init.std(correction=0)


def random_signs(w_init: Tensor, generator: torch.Generator) -> Tensor:
    """Return independent fair signs, -1 or 1, of the shape of `w_init`."""
    return torch.randint(0, 2, w_init.shape, generator=generator).to(w_init.dtype) * 2 - 1


def noisy(w_init: Tensor, generator: torch.Generator, deviations: float) -> Tensor:
    """Return the initial weights plus noise of so many deviations of their layer (Frankle & Carbin, appendix F.7)."""
    return w_init + deviations * scale(w_init) * torch.randn(w_init.shape, generator=generator)


@treatment
def rewind(w_init):
    """The values of the first initialisation: the winning ticket of Frankle & Carbin 2019."""
    return w_init


@treatment
def reinit(initialiser, generator):
    """A fresh draw from the distribution that the layer was initialised from."""
    return initialiser(generator)


@treatment
def reinit_initial_sign(w_init, initialiser, generator):
    """The magnitudes of a fresh draw with the sign of the initial value."""
    return reinit(initialiser, generator).abs() * w_init.sign()


@treatment
def reshuffle(w_start, mask, generator):
    """The kept values of the round before, permuted among the kept places of the layer."""
    kept = w_start[mask]
    shuffled = torch.zeros_like(w_start)
    shuffled[mask] = kept[torch.randperm(len(kept), generator=generator)]
    return shuffled


@treatment
def reshuffle_initial_sign(w_init, w_start, mask, generator):
    """The magnitudes of the kept values, permuted, with the sign of the initial value."""
    return reshuffle(w_start, mask, generator).abs() * w_init.sign()


@treatment
def constant(w_init, generator):
    """Plus or minus alpha, with random signs."""
    return scale(w_init) * random_signs(w_init, generator)


@treatment
def constant_initial_sign(w_init):
    """Plus or minus alpha, with the sign of the initial value."""
    return scale(w_init) * w_init.sign()


@treatment
def resample(w_init, mask, generator):
    """Independent draws from the initial values that the ticket keeps in the layer (Frankle & Carbin, appendix F.3)."""
    kept = w_init[mask]
    return (
        kept[torch.randint(0, max(1, len(kept)), w_init.shape, generator=generator)]
        if len(kept)
        else torch.zeros_like(w_init)
    )


@treatment
def noise_half(w_init, generator):
    """The initial values with noise of half a deviation."""
    return noisy(w_init, generator, 0.5)


@treatment
def noise_one(w_init, generator):
    """The initial values with noise of one deviation."""
    return noisy(w_init, generator, 1.0)


@treatment
def noise_two(w_init, generator):
    """The initial values with noise of two deviations."""
    return noisy(w_init, generator, 2.0)


@treatment
def noise_three(w_init, generator):
    """The initial values with noise of three deviations."""
    return noisy(w_init, generator, 3.0)
