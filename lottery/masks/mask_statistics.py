"""The anatomy of a ticket: which initial weights a mask keeps, and what became of them in training."""

import torch
from torch import Tensor

NEAR_ZERO = 0.25  # deviations of the layer's initial weights: how far the valley between two peaks is looked for

NAMES = ("positive", "near_zero", "distance", "movement", "incoming", "outgoing")
PRUNING = ("grown_kept", "grown_pruned", "closer", "closer_by_chance")


def anatomy(mask: Tensor, w_init: Tensor, w_final: Tensor) -> dict[str, float]:
    """Return measurements of a layer's mask over its weights before and after dense training, all (inputs, outputs).

    positive   share of kept weights whose initial value is positive
    near_zero  how dense kept initial values lie around zero, as a multiple of all of them: 0 is an empty valley
    distance   largest distance of the distribution functions of kept and of all initial values (Kolmogorov and Smirnov)
    movement   median |w_f - w_i| of kept weights, as a multiple of that of pruned ones
    incoming, outgoing  how unevenly connections are spread over the layer's outputs and inputs: deviation over mean of
               their number, less what a random mask's would be (both squared), so that sides of any length compare

    NaN where there is nothing to measure: no kept weight, or no pruned one.
    """
    kept, pruned = w_init[mask], w_init[~mask]
    if not len(kept) or not len(pruned):
        return dict.fromkeys(NAMES, float("nan"))
    reach = NEAR_ZERO * w_init.std(correction=0)
    moved = (w_final - w_init).abs()
    measured: tuple[Tensor | float, ...] = (
        (kept > 0).double().mean(),
        (kept.abs() < reach).double().mean() / (w_init.abs() < reach).double().mean(),
        _distance(kept, w_init.flatten()),
        moved[mask].median() / moved[~mask].median(),
        _unevenness(mask),
        _unevenness(mask.T),
    )
    return {name: float(value) for name, value in zip(NAMES, measured)}


def pruning(
    before: Tensor, after: Tensor, w_start: Tensor, w_final: Tensor, generator: torch.Generator
) -> dict[str, float]:
    """Return what a round's training did to the weights of a layer that the round then prunes.

    `before` (inputs, outputs) is the mask that it was trained under, `after` the one that is left, `w_start` and
    `w_final` are its weights before and after (Zhou et al. 2019, section 4: masking is training).

    grown_kept, grown_pruned  share of the kept, of the newly pruned weights with |w_final| > |w_start|
    closer     |w_start, newly pruned ones at zero, - w_final| / |w_start - w_final| as vectors: below 1 where
               pruning moves the start to where training took it
    closer_by_chance  the same with as many weights chosen at random among those that were trained

    NaN where there is nothing to measure: no weight is kept, or none newly pruned.
    """
    newly = before & ~after
    if not newly.any() or not after.any():
        return dict.fromkeys(PRUNING, float("nan"))
    grown = w_final.abs() > w_start.abs()
    places = before.flatten().nonzero()[:, 0]
    chosen = torch.zeros(before.numel(), dtype=torch.bool)
    chosen[places[torch.randperm(len(places), generator=generator)[: int(newly.sum())]]] = True

    def nearer(zeroed: Tensor) -> Tensor:
        start, end = w_start[before], w_final[before]
        return (torch.where(zeroed[before], 0.0, start) - end).norm() / (start - end).norm()

    measured = [grown[after].double().mean(), grown[newly].double().mean()]
    measured += [nearer(newly), nearer(chosen.view(before.shape))]
    return {name: value.item() for name, value in zip(PRUNING, measured)}


def _distance(sample: Tensor, whole: Tensor) -> float:
    from scipy.stats import ks_2samp

    return ks_2samp(sample.numpy(), whole.numpy(), method="asymp").statistic


def _unevenness(mask: Tensor) -> Tensor:
    """Return the unevenness of the columns of a mask."""
    counts, share = mask.sum(0).double(), mask.double().mean()
    by_chance = mask.shape[0] * share * (1 - share)
    return (counts.var(correction=0) - by_chance).clamp(min=0).sqrt() / counts.mean()
