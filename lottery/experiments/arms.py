"""Arms: the ways in which a claim makes and trains networks. An arm is a description; `lottery.experiments` makes it real."""

from dataclasses import dataclass
from typing import ClassVar

from lottery.experiments.scales import RESCALED, SUPERMASK, TOP_K

ITERATIVE, ONE_SHOT = "iterative", "one-shot"


@dataclass(frozen=True)
class Arm:
    """How the networks of a comparison come about, the same for all seeds.

    criterion  what a round of pruning keeps; None: the dense network
    treatment  from which values the kept weights start
    schedule   "iterative": round by round; "one-shot": at once from the dense network, to what the same round would leave
    branch     False: the treated networks, retrained, decide about the next round's mask (a chain, as in Zhou et al.);
               True: the masks are those of the rewinding chain of the same criterion (a branch, as in Frankle & Carbin)
    trunk      of a branch: "rewinding", or "continued" for the masks of the chain that trains on without a reset
    trained    False: the masked start is evaluated as it is (a heuristic supermask)
    pruned     at which value pruned weights are frozen (`lottery/masks/pruned_values.py`); other than zero only with rewinding
    reset      False: a round goes on from the trained weights instead of starting anew (Frankle & Carbin, appendix B)
    draw       which of several independent draws of the treatment
    supermask  "bernoulli", "bernoulli rescaled" or "top-k": the treated weights are frozen and a mask over them is trained
               (`lottery/training/learned_masks.py`); no criterion then
    logit      what every logit of a Bernoulli supermask starts from
    share      which share of a layer's weights a top-k supermask keeps
    dissected  True: nothing is trained or evaluated, the mask is looked at (`lottery/masks/statistics.py`)
    training   under which of the scale's trainings; "": that of the claim
    """

    criterion: str | None = None
    treatment: str = "rewind"
    schedule: str = ITERATIVE
    branch: bool = False
    trunk: str = "rewinding"
    trained: bool = True
    pruned: str = "zero"
    reset: bool = True
    draw: int = 0
    supermask: str = ""
    logit: float = 0.0
    share: float = 0.5
    dissected: bool = False
    training: str = ""

    def __post_init__(self):
        changed = [self.treatment != "rewind", self.pruned != "zero", not self.reset]
        if sum(changed) > 1 or (self.branch or not self.trained) and any(changed[1:]):
            raise ValueError(
                "an arm changes one thing: the treatment of kept weights, the value of pruned ones, or the reset"
            )

    @property
    def name(self) -> str:
        """The arm's name in tables and files, such as `large_final constant` or `large_final one-shot untrained`."""
        if self.supermask:
            details = (
                f", logits from {self.logit:g}"
                if self.logit
                else f", {self.share:.0%} kept"
                if self.supermask == "top-k"
                else ""
            )
            return f"learned {self.supermask} mask, {self.treatment}{details}"
        if self.criterion is None:
            return f"dense, {self.training}" if self.training else "dense"
        words = [self.criterion, self.treatment if self.reset else "continued"]
        words += [f"draw {self.draw}"] if self.draw else []
        words += [f"pruned at {self.pruned}"] if self.pruned != "zero" else []
        words += [self.schedule] if self.schedule != ITERATIVE and self.trained else []
        words += ["branch"] if self.branch else []
        words += ["of continued"] if self.trunk != "rewinding" else []
        words += [] if self.trained else ["dissected" if self.dissected else "untrained"]
        return " ".join(words) + (f", {self.training}" if self.training else "")


DENSE = Arm()


def chain(criterion: str, treatment: str = "rewind", pruned: str = "zero") -> Arm:
    """Return the arm that prunes iteratively, each round from networks that were trained from treated starts."""
    return Arm(criterion, treatment, pruned=pruned)


def continued(criterion: str) -> Arm:
    """Return the arm that prunes iteratively and trains on from where the weights are, without a reset."""
    return Arm(criterion, reset=False)


def reset_at_the_end(criterion: str) -> Arm:
    """Return the arm that prunes iteratively while it trains on, and resets the weights once, before the last training."""
    return Arm(criterion, branch=True, trunk="continued")


def branch(criterion: str, treatment: str, draw: int = 0) -> Arm:
    """Return the arm that trains treated starts under the masks of the rewinding chain."""
    return Arm(criterion, treatment, branch=True, draw=draw)


def one_shot(criterion: str, treatment: str = "rewind", draw: int = 0) -> Arm:
    """Return the arm that prunes once and retrains: the trained dense network, or, by a criterion that looks at initial weights, the untrained."""
    return Arm(criterion, treatment, schedule=ONE_SHOT, draw=draw)


def learned(treatment: str = "rewind", rescaled: bool = False, logit: float = 0.0) -> Arm:
    """Return the arm that trains a Bernoulli mask over treated, frozen weights (Zhou et al., section 5.2)."""
    if rescaled:
        return Arm(None, treatment, supermask="bernoulli rescaled", logit=logit, training=RESCALED)
    return Arm(None, treatment, supermask="bernoulli", logit=logit, training=SUPERMASK)


def edge_popup(share: float, treatment: str = "rewind") -> Arm:
    """Return the arm that trains scores over treated, frozen weights, of which each layer keeps the best `share` (Ramanujan et al. 2020)."""
    return Arm(None, treatment, supermask="top-k", share=share, training=TOP_K)


def untrained(criterion: str, treatment: str = "rewind", training: str = "") -> Arm:
    """Return the arm of heuristic supermasks: one-shot masks over treated weights that are never trained (Zhou et al., section 5.1).

    `training` names the training of the dense network that the masks come from, where it is not that of the claim.
    """
    return Arm(criterion, treatment, schedule=ONE_SHOT, trained=False, training=training)


def dissected(criterion: str, training: str = "") -> Arm:
    """Return the arm that looks at the masks of the rewinding chain: which weights they keep, and what became of those in the dense network."""
    return Arm(criterion, trained=False, dissected=True, training=training)


EDGE_POPUP = "edge-popup"
SCORES = {"magnitude": "large"}  # how the criteria are called that the papers call otherwise


@dataclass(frozen=True)
class Seek:
    """A search for the ticket that is planted in a network (Fischer & Burkholz 2021, section 3), the same for all seeds.

    network   in which the task's target is planted, such as planted-circle-5
    method    a criterion of `lottery/masks/criteria.py`, "edge-popup", or "" for the whole network
    share     which share of all parameters, biases included, is kept; None: as many as the planted ticket has. Edge-popup keeps that
              share of every layer, rounded, and one weight at least
    rounds    in how many steps, from all to that share on a geometric ladder, scores are taken and parameters are cut
    epochs    of training before each of these, after which the network is reset
    scope     "global": all parameters are ranked together; "layer": every layer's weights, and its biases, by themselves
    annealed  of edge-popup: True if the share falls geometrically over the epochs
    noise     of the data: None for the paper's
    weak      True: what is kept is trained for ten epochs, to see whether it is a weak ticket as well; edge-popup never is
    released  True: as the authors' code does it (`lottery/experiments/seeking.py` has the differences)
    """

    trained: ClassVar[bool] = True
    dissected: ClassVar[bool] = False
    training: ClassVar[str] = ""

    network: str
    method: str = ""
    share: float | None = 1.0
    rounds: int = 1
    epochs: int = 0
    scope: str = "global"
    annealed: bool = False
    noise: float | None = None
    weak: bool = True
    released: bool = False

    def __post_init__(self):
        if self.released and self.method == "random":
            raise ValueError(
                "random scores are all tied, and as released all that is tied goes; there is no released way of random pruning"
            )

    @property
    def name(self) -> str:
        """What is sought how, such as `snip_final, 1% kept, 10 rounds`."""
        if not self.method:
            words = ["whole network"]
        else:
            share = "as many kept as planted" if self.share is None else f"{100 * self.share:g}% kept"
            words = [f"annealed {self.method}" if self.annealed else self.method, share]
        words += [f"{self.rounds} rounds"] if self.rounds > 1 else []
        words += ["layer by layer"] if self.scope == "layer" else []
        words += [f"noise {self.noise:g}"] if self.noise is not None else []
        words += ["untrained"] if not self.weak and self.method != EDGE_POPUP else []
        words += ["as released"] if self.released else []
        return ", ".join(words)


def at(share: float | None) -> str:
    """Return how a claim's part at a share of the parameters is called, such as `at_10_percent` or `at_planted`."""
    return "at_planted" if share is None else f"at_{100 * share:g}_percent"


def whole(network: str) -> Seek:
    """Return the arm that trains the network in which a ticket is planted without pruning it."""
    return Seek(network)


def singleshot(network: str, method: str, share: float | None, rounds: int = 1, **more: object) -> Seek:
    """Return the arm that prunes before any training by "magnitude", "random", "snip", "grasp" or "synflow", then trains for ten epochs."""
    return Seek(network, _criterion(method, "init"), share, rounds, **more)


def multishot(network: str, method: str, share: float | None, **more: object) -> Seek:
    """Return the arm that trains, prunes and resets ten times over, five epochs each, then trains for ten.

    `method` is one of those of `singleshot`, scored after training, or any other criterion by its own name.
    """
    return Seek(network, _criterion(method, "final"), share, rounds=10, epochs=5, **more)


def scores_sought(network: str, share: float | None, annealed: bool = False, released: bool = False) -> Seek:
    """Return the arm that leaves the network as it is and trains scores of which each layer keeps the best (edge-popup), for ten epochs."""
    return Seek(network, EDGE_POPUP, share, annealed=annealed, weak=False, released=released)


def _criterion(method: str, moment: str) -> str:
    published = ("magnitude", "snip", "grasp", "synflow")
    return f"{SCORES.get(method, method)}_{moment}" if method in published else method
