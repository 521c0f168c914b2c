"""Named arms: the arms that claims speak of, each a mask, a start and an action by one name."""

from collections.abc import Sequence
from dataclasses import replace

from lottery.experiments.arms import (
    BERNOULLI,
    TOP,
    Agree,
    Align,
    Arm,
    Compare,
    Consensus,
    Continue,
    Count,
    CutTo,
    Dense,
    Evaluate,
    From,
    Inspect,
    Iterative,
    LearnMask,
    Null,
    OneShot,
    Recover,
    Reset,
    Survey,
    ToShare,
    Train,
    Units,
)
from lottery.experiments.scales import PLANTED_SCORES, RESCALED, SUPERMASK, TOP_K
from lottery.models.layers import INPUTS


def chain(criterion: str, treatment: str = "rewind", pruned: str = "zero") -> Arm:
    """Return the arm that prunes iteratively, each round from networks that were trained from treated starts."""
    return Arm(Iterative(criterion), Reset(treatment, pruned))


def continued(criterion: str) -> Arm:
    """Return the arm that prunes iteratively and trains on from where the weights are, without a reset."""
    return Arm(Iterative(criterion), Continue())


def reset_at_the_end(criterion: str) -> Arm:
    """Return the arm that prunes iteratively while it trains on, and resets once, before the last training."""
    return Arm(From(continued(criterion)))


def branch(criterion: str, treatment: str, draw: int = 0) -> Arm:
    """Return the arm that trains treated starts under the masks of the rewinding chain."""
    return Arm(From(chain(criterion)), Reset(treatment, draw=draw))


def one_shot(criterion: str, treatment: str = "rewind", draw: int = 0) -> Arm:
    """Return the arm that prunes once, and trains what is left from treated starts."""
    return Arm(OneShot(criterion), Reset(treatment, draw=draw))


def learned(treatment: str = "rewind", rescaled: bool = False, logit: float = 0.0) -> Arm:
    """Return the arm that trains a Bernoulli mask over treated, frozen weights (Zhou et al., section 5.2)."""
    training = RESCALED if rescaled else SUPERMASK
    return Arm(Dense(), Reset(treatment), LearnMask(BERNOULLI, rescaled, logit), training)


def edge_popup(share: float, treatment: str = "rewind") -> Arm:
    """Return the arm that trains scores over frozen weights; a layer keeps its best `share` (Ramanujan et al. 2020)."""
    return Arm(Dense(), Reset(treatment), LearnMask(TOP, share=share), TOP_K)


def untrained(criterion: str, treatment: str = "rewind", training: str = "", after: int = 0) -> Arm:
    """Return the arm of heuristic supermasks: one-shot masks over weights that are never trained (Zhou et al., 5.1).

    `training` names the training of the dense network that the masks come from, where it is not that of the claim, and
    `after` the iterations that it had gone through then, 0 for all of them.
    """
    return Arm(OneShot(criterion, after), Reset(treatment), Evaluate(), training)


def dissected(criterion: str, training: str = "") -> Arm:
    """Return the arm that looks at the rewinding chain's masks: which weights they keep, and what became of those."""
    return Arm(From(chain(criterion)), Reset(), Inspect(), training)


def counted(criterion: str, training: str = "") -> Arm:
    """Return the arm that counts the connections of the rewinding chain's masks."""
    return Arm(From(chain(criterion)), Reset(), Count(), training)


def units_chain(criterion: str, norm: float, side: str = INPUTS) -> Arm:
    """Return the arm that prunes whole units iteratively, by a norm of their scores, each layer by itself."""
    return Arm(Iterative(criterion, "layer", Units(side, norm)))


def on(dataset: str, arm: Arm) -> Arm:
    """Return an arm on another data set."""
    return replace(arm, dataset=dataset)


def in_data_order(number: int, arm: Arm) -> Arm:
    """Return a trained arm with the data in another order, in all of its rounds."""
    return replace(arm, action=replace(arm.action, order=number))  # type: ignore[call-arg]  # of a training


def ticket_from(arm: Arm) -> Arm:
    """Return the arm that trains under the masks of another one, of another task perhaps."""
    return Arm(From(arm))


def consensus(arms: Sequence[Arm], least: int = 0) -> Arm:
    """Return the arm that trains what at least so many of the arms' masks keep; 0: all of them."""
    return Arm(Consensus(tuple(arms), least or len(arms)))


def null(arm: Arm, model: str, by_layer: bool = False, sample: int = 0) -> Arm:
    """Return the arm that trains under a null model of another arm's masks."""
    return Arm(Null(arm, model, by_layer, sample))


def as_many(criterion: str, like: Arm) -> Arm:
    """Return the arm that is pruned once to as many weights as another arm's mask has."""
    return Arm(OneShot(criterion, like=like))


def cut_to(arm: Arm, like: Arm, rounds: int) -> Arm:
    """Return the arm that trains under a chain's masks, cut to as many weights as another arm's mask has."""
    return Arm(CutTo(arm, like, rounds))


def compared(*arms: Arm) -> Arm:
    """Return the arm that compares the masks of two arms or more."""
    _two_at_least(arms)
    return Arm(From(arms[0]), action=Compare(arms))


def in_agreement(*arms: Arm) -> Arm:
    """Return the arm that compares the predictions of two arms or more, which must keep them."""
    _two_at_least(arms)
    return Arm(From(arms[0]), action=Agree(arms))


def _two_at_least(arms: Sequence[Arm]) -> None:
    if len(arms) < 2:
        raise ValueError(f"{'one arm' if arms else 'no arms'} to compare; give at least two")


def surveyed(arm: Arm) -> Arm:
    """Return the arm that surveys another arm's masks."""
    return Arm(From(arm), action=Survey())


def aligned(arm: Arm) -> Arm:
    """Return the arm that compares an arm's masks under two initialisations, as they are and with units matched."""
    return Arm(From(arm), action=Align(arm))


def under(training: str, arm: Arm) -> Arm:
    """Return an arm as another of the scale's trainings makes it; "": as the claim's does."""
    return replace(arm, training=training) if training else arm


def of_network(name: str, arm: Arm) -> Arm:
    """Return an arm in another of the scale's networks."""
    return replace(arm, network=name)


def at(share: float | None) -> str:
    """Return how a claim's part at a share of the parameters is called, such as `at_10_percent` or `at_planted`."""
    return "at_planted" if share is None else f"at_{100 * share:g}_percent"


def whole(network: str) -> Arm:
    """Return the arm that trains the network in which a ticket is planted without pruning it."""
    return Arm(network=network)


def singleshot(
    network: str,
    method: str,
    share: float | None,
    rounds: int = 1,
    weak: bool = True,
    scope: str = "global",
    noise: float | None = None,
    released: bool = False,
) -> Arm:
    """Return the arm that prunes a planted network untrained, by "magnitude", "random", "snip", "grasp" or "synflow".

    What is left is then trained, but where no `weak` ticket is asked for.
    """
    mask = ToShare(_criterion(method, "init"), share, rounds, scope=scope, released=released)
    return Arm(mask, Reset(), Train() if weak else Evaluate(), network=network, noise=noise)


def multishot(
    network: str,
    method: str,
    share: float | None,
    scope: str = "global",
    noise: float | None = None,
    released: bool = False,
    order: int = 0,
) -> Arm:
    """Return the arm that trains, prunes and resets a planted network ten times over, five epochs each, then trains it.

    `method` is one of those of `singleshot`, scored after training, or any other criterion by its own name.
    """
    mask = ToShare(_criterion(method, "final"), share, 10, 5, scope, released, order)
    return Arm(mask, network=network, noise=noise)


def together(*searches: Arm) -> Arm:
    """Return the arm that holds what several searches of one planted network keep together against the ticket."""
    return Arm(action=Recover(searches), network=searches[0].network)


def scores_sought(network: str, share: float | None, annealed: bool = False, released: bool = False) -> Arm:
    """Return the arm that trains scores over a planted network, of which each layer keeps the best (edge-popup)."""
    learn = LearnMask(TOP, share=share, biases=True, annealed=annealed, released=released)
    return Arm(action=learn, training=PLANTED_SCORES, network=network)


def _criterion(method: str, moment: str) -> str:
    """Return the criterion that the paper calls `method`, of weights before ("init") or after ("final") training."""
    name = {"magnitude": "large"}.get(method, method)
    return f"{name}_{moment}" if method in ("magnitude", "snip", "grasp", "synflow") else method
