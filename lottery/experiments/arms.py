"""Arms: the ways in which a claim makes and trains networks. Descriptions; `lottery.experiments.parts` makes them real.

An arm is three small parts, the same for all seeds: how its mask comes about, what its networks start from, and what
is done with them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar

BERNOULLI, TOP = "Bernoulli", "top-k"  # how a mask is learned


@dataclass(frozen=True)
class Mask:
    """How a mask comes about. `by_round` says whether an arm with it has a network after every round of pruning."""

    by_round: ClassVar[bool] = True
    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """The mask in tables and files."""
        raise NotImplementedError

    def steps(self, epoch: int) -> int:
        """Return the training steps that the mask takes within the experiment, epochs having so many."""
        return 0


@dataclass(frozen=True)
class Dense(Mask):
    """Nothing is pruned."""

    by_round = False
    kind = name = "dense"


@dataclass(frozen=True)
class Iterative(Mask):
    """Round by round: the networks of a round, trained from the arm's own starts, decide about the next mask (a chain).

    `scope` is "layer" if each layer is ranked by itself, "global" if all are together; "": as the architecture says.
    """

    kind = "iterative"
    criterion: str
    scope: str = ""

    @property
    def name(self) -> str:
        return " ".join(filter(None, [self.criterion, self.scope]))


@dataclass(frozen=True)
class OneShot(Mask):
    """At once, to what the same round of a chain would leave: by the dense network, or by initial weights.

    `after` says after how many iterations of the dense network's training; 0: at its end.
    """

    kind = "one-shot"
    criterion: str
    after: int = 0

    @property
    def name(self) -> str:
        return f"{self.criterion} one-shot" + (f" after {self.after}" if self.after else "")


@dataclass(frozen=True)
class From(Mask):
    """The masks of another arm, round by round (a branch, as in Frankle & Carbin)."""

    kind = "from"
    arm: Arm

    @property
    def name(self) -> str:
        return f"{self.arm.name} branch"


@dataclass(frozen=True)
class ToShare(Mask):
    """Down to a share of all parameters, biases included, in one experiment (Fischer & Burkholz 2021, appendix B.1).

    Its ladder depends on the share, so that two of these have no round but the first in common: no round is kept.

    share     which is kept; None: as many parameters as the planted ticket has
    rounds    in how many steps, on a geometric ladder, scores are taken and parameters are cut
    epochs    of training before each of these, after which the network is reset
    scope     "global": all parameters are ranked together; "layer": each layer's weights, and its biases, by themselves
    released  True: as the authors' code does it (`lottery/experiments/search_part.py` has the differences)
    """

    by_round = False
    kind = "to share"
    criterion: str
    share: float | None
    rounds: int = 1
    epochs: int = 0
    scope: str = "global"
    released: bool = False

    def __post_init__(self):
        if self.released and self.criterion == "random":
            raise ValueError(
                "random scores are all tied, and as released all that is tied goes; there is no released way of it"
            )

    def steps(self, epoch: int) -> int:
        return self.rounds * self.epochs * epoch

    @property
    def name(self) -> str:
        words = [self.criterion, _kept(self.share)]
        words += [f"{self.rounds} rounds"] if self.rounds > 1 else []
        words += ["layer by layer"] if self.scope == "layer" else []
        return ", ".join(words + (["as released"] if self.released else []))


@dataclass(frozen=True)
class Start:
    """What the networks of a round start from. `plain`: from initial weights alone, with pruned ones at zero."""

    kind: ClassVar[str]
    plain: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The start in tables and files."""
        raise NotImplementedError


@dataclass(frozen=True)
class Reset(Start):
    """Every round starts anew: kept weights as `treatment` makes them, pruned ones as `pruned` says.

    `lottery/masks/kept_values.py` and `pruned_values.py` have the names; `draw` is which of several independent draws.
    """

    kind = "reset"
    treatment: str = "rewind"
    pruned: str = "zero"
    draw: int = 0

    @property
    def plain(self) -> bool:  # type: ignore[override]
        """Whether pruned weights are at zero."""
        return self.pruned == "zero"

    @property
    def name(self) -> str:
        """The start in tables and files; rewinding goes without saying."""
        words = [self.treatment] if self.treatment != "rewind" else []
        words += [f"draw {self.draw}"] if self.draw else []
        return " ".join(words + ([f"pruned at {self.pruned}"] if self.pruned != "zero" else []))


@dataclass(frozen=True)
class Continue(Start):
    """A round goes on from the trained weights (Frankle & Carbin 2019, appendix B)."""

    kind = name = "continued"


@dataclass(frozen=True)
class Action:
    """What is done with masked networks: whether `by_round`, in an experiment a round, and whether it `trains`."""

    by_round: ClassVar[bool] = True
    trains: ClassVar[bool] = True
    kind: ClassVar[str]
    name: ClassVar[str] = ""


@dataclass(frozen=True)
class Train(Action):
    """The kept weights are trained."""

    kind = "train"


@dataclass(frozen=True)
class Evaluate(Action):
    """The start is evaluated as it is: heuristic supermasks, at all rungs in one experiment, and strong tickets."""

    by_round, trains, kind, name = False, False, "evaluate", "untrained"


@dataclass(frozen=True)
class Inspect(Action):
    """Nothing is evaluated: the mask is looked at (`lottery/masks/mask_statistics.py`)."""

    trains, kind, name = False, "inspect", "dissected"


@dataclass(frozen=True)
class Count(Action):
    """Nothing is evaluated: the mask's connections are counted (`lottery/masks/connections.py`)."""

    trains, kind, name = False, "count", "counted"


@dataclass(frozen=True)
class LearnMask(Action):
    """The start is frozen, and a mask over it is trained (`lottery/training/learned_masks.py`).

    rescaled  of Bernoulli masks: with dynamic weight rescaling
    logit     of Bernoulli masks: what every logit starts from
    share     of top-k masks: which share of a layer is kept; None: as many of all parameters as the planted ticket has
    biases    of top-k masks: biases have scores, too
    annealed  of top-k masks: the share falls geometrically over the training
    released  of top-k masks: as the code of Fischer & Burkholz does it
    """

    by_round = False
    kind = "learn mask"
    method: str = BERNOULLI
    rescaled: bool = False
    logit: float = 0.0
    share: float | None = 0.5
    biases: bool = False
    annealed: bool = False
    released: bool = False

    def __post_init__(self):
        if self.annealed and self.method != TOP:
            raise ValueError("only top-k masks can be annealed")

    @property
    def name(self) -> str:  # type: ignore[override]
        """The action in tables and files."""
        words = [f"learned {'annealed ' * self.annealed}{self.method}{' rescaled' * self.rescaled} mask"]
        words += [f"logits from {self.logit:g}"] if self.logit else []
        words += [_kept(self.share)] if self.method == TOP else []
        return ", ".join(words + (["as released"] if self.released else []))


@dataclass(frozen=True)
class Arm:
    """How the networks of a comparison come about.

    `training` names one of the scale's trainings, `network` one of its networks; "": those of the claim. `noise` is
    that of made data; None: the paper's.
    """

    mask: Mask = Dense()
    start: Start = Reset()
    action: Action = Train()
    training: str = ""
    network: str = ""
    noise: float | None = None

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:  # of nested descriptions; whoever looks up a network asks for it
        return hash((self.mask, self.start, self.action, self.training, self.network, self.noise))

    def __post_init__(self):
        if not self.start.plain and (self.mask.kind, self.action.kind) != ("iterative", "train"):
            raise ValueError("pruned weights elsewhere than at zero, and training on, need a chain that is trained")
        if not self.start.plain and getattr(self.start, "treatment", "rewind") != "rewind":
            raise ValueError("an arm changes one thing: the treatment of kept weights, or the value of pruned ones")
        if self.noise is not None and not 0 <= self.noise < 1:
            raise ValueError(f"noise {self.noise} is not between 0 and 1")

    @property
    def by_round(self) -> bool:
        """Whether there is an experiment for every round of pruning."""
        return self.mask.by_round and self.action.by_round

    @property
    def name(self) -> str:
        """The arm's name in tables and files, such as `large_final, constant` or `large_final one-shot, untrained`."""
        noise = "" if self.noise is None else f"noise {self.noise:g}"
        return ", ".join(filter(None, [self.mask.name, self.start.name, self.action.name, noise, self.training]))

    def described(self) -> dict[str, object]:
        """Return the arm as data, by columns of `measurements.csv`: by these, not by names, figures choose."""
        parts: dict[str, object] = {"mask": self.mask.kind, "start": self.start.kind, "action": self.action.kind}
        for part in (self.mask, self.start, self.action):
            for field in fields(part):
                value = getattr(part, field.name)
                parts |= (
                    {"criterion": value.mask.criterion, "of": value.start.kind}
                    if field.name == "arm"
                    else {field.name: value}
                )
        return parts | {"training": self.training, "noise": self.noise}


DENSE = Arm()


def _kept(share: float | None) -> str:
    return "as many kept as planted" if share is None else f"{100 * share:g}% kept"
