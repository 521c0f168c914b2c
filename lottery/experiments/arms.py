"""Arms: the ways in which a claim makes and trains networks. Descriptions; `lottery.experiments.parts` makes them real.

An arm is three small parts, the same for all seeds: how its mask comes about, what its networks start from, and what
is done with them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import isinf
from typing import ClassVar

from lottery.core.later import later
from lottery.models.layers import INPUTS, OUTPUTS

BERNOULLI, TOP = "Bernoulli", "top-k"  # how a mask is learned
UNIFORM, BY_LAYER, INITIAL = "uniform", "by layer", "initial magnitude"  # null models of a mask


@dataclass(frozen=True)
class Mask:
    """How a mask comes about. `by_round` says whether an arm with it has a network after every round of pruning."""

    by_round: ClassVar[bool] = True
    kind: ClassVar[str]

    @property
    def on_ladder(self) -> bool:
        """Whether a round leaves as many weights as the architecture says."""
        return False

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

    @property
    def on_ladder(self) -> bool:
        """Whether a round leaves as many weights as the architecture says; before any pruning all are left."""
        return True


@dataclass(frozen=True)
class Units:
    """Whole units of a layer are pruned: the weights of one of its inputs, or outputs, by a norm of their scores.

    The norm's order is 1, 2, inf or -inf, as in `torch.nn.utils.prune.ln_structured`.
    """

    side: str = INPUTS
    norm: float = 1.0

    def __post_init__(self):
        if self.side not in (INPUTS, OUTPUTS):
            raise ValueError(f"{self.side!r} is no side of a layer; units are its {INPUTS} or its {OUTPUTS}")
        if self.norm not in (1, 2) and not isinf(self.norm):
            raise ValueError(f"there is no norm of order {self.norm}; units are ranked by 1, 2, inf or -inf")

    @property
    def name(self) -> str:
        """The units in tables and files."""
        order = f"{self.norm:+f}"[:4].removeprefix("+") if isinf(self.norm) else f"{self.norm:g}"
        return f"{self.side} by L{order}"


@dataclass(frozen=True)
class Iterative(Mask):
    """Round by round: the networks of a round, trained from the arm's own starts, decide about the next mask (a chain).

    `scope` is "layer" if each layer is ranked by itself, "global" if all are together; "": as the architecture says.
    With `units` whole units are pruned, each layer's by themselves.
    """

    kind = "iterative"
    criterion: str
    scope: str = ""
    units: Units | None = later(None)

    def __post_init__(self):
        if self.scope not in ("", "layer", "global"):
            raise ValueError(f'{self.scope!r} is no way to rank layers; they are ranked by "layer" or "global"')
        if self.units and self.scope == "global":
            raise ValueError("units are ranked layer by layer: those of two layers have norms of different size")

    @property
    def on_ladder(self) -> bool:
        """Whether weights are pruned one by one."""
        return self.units is None

    @property
    def name(self) -> str:
        return " ".join(filter(None, [self.criterion, self.scope, self.units.name if self.units else ""]))


@dataclass(frozen=True)
class OneShot(Mask):
    """At once, to what the same round of a chain would leave: by the dense network, or by initial weights.

    `after` says after how many iterations of the dense network's training; 0: at its end. With `like` as many weights
    are left as another arm's mask of the same round has, all layers ranked as the architecture says.
    """

    kind = "one-shot"
    criterion: str
    after: int = 0
    like: Arm | None = later(None)

    @property
    def on_ladder(self) -> bool:
        """Whether it is cut to a round's count, and not to another mask's."""
        return self.like is None

    @property
    def name(self) -> str:
        words = [f"{self.criterion} one-shot"]
        words += [f"after {self.after}"] if self.after else []
        return " ".join(words + ([f"as many as {self.like.name}"] if self.like else []))


@dataclass(frozen=True)
class From(Mask):
    """The masks of another arm, round by round (a branch, as in Frankle & Carbin)."""

    kind = "from"
    arm: Arm

    @property
    def on_ladder(self) -> bool:
        """Whether the other arm's is."""
        return self.arm.mask.on_ladder

    @property
    def name(self) -> str:
        if self.arm.dataset:
            return f"{replace(self.arm, dataset='').name} ticket of {self.arm.dataset}"
        return f"{self.arm.name} branch"


@dataclass(frozen=True)
class Consensus(Mask):
    """What at least `least` of several arms' masks keep in the same round: all of them, or a vote.

    Arms that differ in their data sets alone give a consensus of tasks (Paganini & Forde 2020, section 4.2).
    """

    kind = "consensus"
    arms: tuple[Arm, ...]
    least: int

    def __post_init__(self):
        if not 1 <= self.least <= len(self.arms):
            raise ValueError(f"{self.least} of {len(self.arms)} masks is no consensus")

    @property
    def name(self) -> str:
        own, *others = dict.fromkeys(replace(arm, dataset="").name for arm in self.arms)
        what = "/".join([own, *others])
        return f"{self.least} of {len(self.arms)} {what} masks ({', '.join(arm.dataset or 'own' for arm in self.arms)})"


@dataclass(frozen=True)
class Null(Mask):
    """A null model of another arm's mask in the same round: it shares with it what it is conditioned on, and no more.

    `model` is "uniform" (as many weights, anywhere), "by layer" (as many in each layer) or "initial magnitude" (as many
    of those that were largest before training); `by_layer` asks the last one for as many in each layer. `sample` is
    which of several independent draws.
    """

    kind = "null"
    arm: Arm
    model: str
    by_layer: bool = False
    sample: int = 0

    def __post_init__(self):
        if self.model not in (UNIFORM, BY_LAYER, INITIAL):
            raise ValueError(f"{self.model!r} is no null model of a mask")

    @property
    def name(self) -> str:
        model = self.model + (f" {BY_LAYER}" if self.by_layer else "")
        return f"{model} null of {self.arm.name}" + (f", sample {self.sample}" if self.sample else "")


@dataclass(frozen=True)
class CutTo(Mask):
    """A chain's masks cut to as many weights as another arm's mask has in the same round.

    `arm` is pruned for as many rounds as leave at least so many, `rounds` at most; of what its next round would prune
    as many are drawn by chance as are too many.
    """

    kind = "cut to"
    arm: Arm
    like: Arm
    rounds: int

    def __post_init__(self):
        if self.rounds < 1:
            raise ValueError(f"{self.rounds} rounds; a chain is cut after one at least")

    @property
    def name(self) -> str:
        return f"{self.arm.name} cut to as many as {self.like.name}"


@dataclass(frozen=True)
class ToShare(Mask):
    """Down to a share of all parameters, biases included, in one experiment (Fischer & Burkholz 2021, appendix B.1).

    Its ladder depends on the share, so that two of these have no round but the first in common: no round is kept.

    share     which is kept; None: as many parameters as the planted ticket has
    rounds    in how many steps, on a geometric ladder, scores are taken and parameters are cut
    epochs    of training before each of these, after which the network is reset
    scope     "global": all parameters are ranked together; "layer": each layer's weights, and its biases, by themselves
    released  True: as the authors' code does it (`lottery/experiments/search_part.py` has the differences)
    search_order  which of several orders of the data the trainings between rounds see
    """

    by_round = False
    kind = "to share"
    criterion: str
    share: float | None
    rounds: int = 1
    epochs: int = 0
    scope: str = "global"
    released: bool = False
    search_order: int = later(0)

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
        words += [f"data order {self.search_order}"] if self.search_order else []
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
    """The kept weights are trained.

    order        which of several orders of the data; each is shuffled anew, seed by seed
    predictions  True: the predictions for the test images are kept at the end
    """

    kind = "train"
    order: int = later(0)
    predictions: bool = later(False)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The action in tables and files; which data come when goes without saying."""
        return f"data order {self.order}" if self.order else ""


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
class Survey(Action):
    """Nothing is evaluated: what the mask keeps of each layer is surveyed (`lottery/masks/surveys.py`)."""

    trains, kind, name = False, "survey", "surveyed"


@dataclass(frozen=True)
class OfArms(Action):
    """Nothing is evaluated: what several arms left is held against each other."""

    trains = False
    how: ClassVar[str]
    arms: tuple[Arm, ...] = ()

    @property
    def name(self) -> str:  # type: ignore[override]
        """The action in tables and files."""
        return f"{self.how}: {'; '.join(arm.name for arm in self.arms)}"


@dataclass(frozen=True)
class Compare(OfArms):
    """The masks of several arms in the same round are compared, each with each, layer by layer."""

    kind, how = "compare", "compared"


@dataclass(frozen=True)
class Agree(OfArms):
    """The predictions of several arms' trained networks are compared, each with each."""

    kind, how = "agree", "in agreement"


@dataclass(frozen=True)
class Recover(OfArms):
    """What several searches for a planted ticket keep together is held against the ticket."""

    kind, how = "recover", "together"


@dataclass(frozen=True)
class Align(Action):
    """Nothing is evaluated: an arm's masks under two initialisations are compared, as they are and with units matched.

    Seed s stands for the initialisations 2s and 2s + 1, so that no two seeds share one.
    """

    trains, kind = False, "align"
    arm: Arm | None = None

    @property
    def name(self) -> str:  # type: ignore[override]
        """The action in tables and files."""
        return f"aligned: {self.arm.name if self.arm else ''}"


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

    `training` names one of the scale's trainings, `network` one of its networks, `dataset` a data set; "": those of the
    claim, or of the arm that this one is part of. `noise` is that of made data; None: the paper's.
    """

    mask: Mask = Dense()
    start: Start = Reset()
    action: Action = Train()
    training: str = ""
    network: str = ""
    noise: float | None = None
    dataset: str = later("")

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:  # of nested descriptions; whoever looks up a network asks for it
        return hash((self.mask, self.start, self.action, self.training, self.network, self.noise, self.dataset))

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
        words = [self.mask.name, self.start.name, self.action.name, noise, self.training, self.dataset]
        return ", ".join(filter(None, words))

    @property
    def within(self) -> tuple[Arm, ...]:
        """The arms that this one is made of: whose masks it has, cuts, mixes or compares."""
        values = [getattr(part, field.name) for part in (self.mask, self.action) for field in fields(part)]
        found = [arm for value in values for arm in (value if isinstance(value, tuple) else (value,))]
        return tuple(arm for arm in found if isinstance(arm, Arm))

    @property
    def looked_at(self) -> tuple[Arm, ...]:
        """The arms that this one compares, or looks at without training: in the order of the places in its numbers."""
        alone = (self.mask.arm,) if isinstance(self.mask, From) and not self.action.trains else ()
        return getattr(self.action, "arms", ()) or alone

    def described(self) -> dict[str, object]:
        """Return the arm as data, by columns of `measurements.csv.gz`: by these, not by names, figures choose.

        `masks_of` has the arms that are looked at without their tasks, `tasks` their data sets, "" for that of the row.
        """
        parts: dict[str, object] = {"mask": self.mask.kind, "start": self.start.kind, "action": self.action.kind}
        for part in (self.mask, self.start, self.action):
            for field in fields(part):
                value = getattr(part, field.name)
                if isinstance(value, Arm) and field.name == "arm":
                    parts |= {"criterion": getattr(value.mask, "criterion", None), "of": value.start.kind}
                else:
                    parts[field.name] = _plain(value)
        parts["masks_of"] = _plain(tuple(replace(arm, dataset="") for arm in self.looked_at))
        parts["tasks"] = _plain(tuple(arm.dataset for arm in self.looked_at))
        return parts | {"training": self.training, "noise": self.noise, "dataset": self.dataset}


DENSE = Arm()


def _plain(value: object) -> object:
    """Return a field as one cell of a table: arms and units by their names."""
    if isinstance(value, tuple):
        return "; ".join(str(_plain(one)) for one in value)
    return value.name if isinstance(value, (Arm, Units)) else value


def _kept(share: float | None) -> str:
    return "as many kept as planted" if share is None else f"{100 * share:g}% kept"
