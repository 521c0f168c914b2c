"""The anatomy of a ticket: which initial weights a mask keeps, and what became of them in the dense network."""

from torch import Tensor

NEAR_ZERO = 0.25  # deviations of the layer's initial weights: how far the valley between two peaks is looked for

NAMES = ("positive", "near_zero", "distance", "movement", "grown_kept", "grown_pruned", "closer", "incoming",
         "outgoing")  # fmt: skip


def anatomy(mask: Tensor, w_init: Tensor, w_final: Tensor) -> dict[str, float]:
    """Return measurements of a layer's mask over its weights before and after dense training, all (inputs, outputs).

    positive   share of kept weights whose initial value is positive
    near_zero  how dense kept initial values lie around zero, as a multiple of all of them: 0 is an empty valley
    distance   largest distance of the distribution functions of kept and of all initial values (Kolmogorov and Smirnov)
    movement   median |w_f - w_i| of kept weights, as a multiple of that of pruned ones
    grown_kept, grown_pruned  share of kept, of pruned weights with |w_f| > |w_i|
    closer     |m w_i - w_f| / |w_i - w_f| as vectors: below 1 where the mask moves the start towards the end
    incoming, outgoing  how unevenly connections are spread over the layer's outputs and inputs: deviation over mean of
               their number, less what a random mask's would be (both squared), so that sides of any length compare

    NaN where there is nothing to measure: no kept weight, or no pruned one.
    """
    kept, pruned = w_init[mask], w_init[~mask]
    if not len(kept) or not len(pruned):
        return dict.fromkeys(NAMES, float("nan"))
    reach = NEAR_ZERO * w_init.std(correction=0)
    moved, grown = (w_final - w_init).abs(), w_final.abs() > w_init.abs()
    measured = (
        (kept > 0).double().mean(),
        (kept.abs() < reach).double().mean() / (w_init.abs() < reach).double().mean(),
        _distance(kept, w_init.flatten()),
        moved[mask].median() / moved[~mask].median(),
        grown[mask].double().mean(),
        grown[~mask].double().mean(),
        (mask * w_init - w_final).norm() / (w_init - w_final).norm(),
        _unevenness(mask),
        _unevenness(mask.T),
    )
    return {name: float(value) for name, value in zip(NAMES, measured)}


def _distance(sample: Tensor, whole: Tensor) -> float:
    from scipy.stats import ks_2samp

    return ks_2samp(sample.numpy(), whole.numpy(), method="asymp").statistic


def _unevenness(mask: Tensor) -> Tensor:
    """Return the unevenness of the columns of a mask."""
    counts, share = mask.sum(0).double(), mask.double().mean()
    by_chance = mask.shape[0] * share * (1 - share)
    return (counts.var(correction=0) - by_chance).clamp(min=0).sqrt() / counts.mean()
