"""How masks come about: nothing pruned, chains, one-shot pruning, the masks of another arm."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.experiments import chain_masks as chains
from lottery.experiments.arms import Arm, Dense, From, Iterative, OneShot
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import NONE, Cut, MaskPart, Masks, Snapshots, Sources, Weights, implements, part_of
from lottery.masks import criteria
from lottery.masks.saliency import Saliency, forward_of
from lottery.models.architectures import Architecture
from lottery.store.store import Record

KEPT = "mask_kept"  # how many weights a mask keeps that is not cut to a round's count, in the record of its training


def criterion_science(name: str, samples: Callable = chains.scored_images) -> list[Callable]:
    """Return the functions that a criterion's scores depend on, `samples` being what derivatives are taken on."""
    asked = any(criteria.CRITERIA.asks(name, argument) for argument in criteria.DERIVATIVES)
    derivatives: list[Callable] = [Saliency, forward_of, samples]
    return [criteria.CRITERIA.find(name), *(derivatives if asked else [])]


def kept(experiment: Experiment, masks: Masks, previous: Weights | None = None) -> Cut:
    """Return masks as a cut."""
    return Cut(experiment.setting.architecture.layout.trainable(masks), masks, previous)


def after(iterations: int) -> str:
    """Return the name of the dense network's weights after so many iterations in its record; 0: at the end."""
    return f"after {iterations}" if iterations else "final"


class OtherMask:
    """The mask that another arm has in the same round, with what it takes to know it."""

    def __init__(self, experiment: Experiment, arm: Arm, round: int):
        if arm.mask.kind == "to share":
            raise LotteryError(f"{arm.name}: the mask of a search is made within it, and no other arm can have it")
        self.experiment = experiment.of(arm, round)
        self._part = part_of(self.experiment.arm.mask)(self.experiment)

    @property
    def parents(self) -> tuple[Experiment, ...]:
        """The experiments whose records it takes."""
        return self._part.parents()

    @property
    def science(self) -> list[Callable]:
        """The functions that it depends on."""
        start = part_of(self.experiment.arm.start)(self.experiment)
        return [type(self._part), type(start), *self._part.science(), *start.science()]

    def masks(self, sources: Sources) -> Masks:
        """Return its masks, layer by layer."""
        masks = self._part.cut(sources).masks
        return chains.no_masks(self.experiment) if masks is None else masks


@implements(Dense)
class DenseMask(MaskPart):
    """Nothing is pruned; later experiments get the trained parameters."""

    def cut(self, sources: Sources) -> Cut:
        return Cut(self.experiment.setting.architecture.layout.trainable(None))

    def carry(self, cut: Cut, start: Tensor, final: Tensor, snapshots: Snapshots = NONE) -> Record:
        return Record({}, {"final": final.numpy()} | {after(n): of.numpy() for n, of in snapshots.items()})


@implements(Iterative)
class IterativeMask(MaskPart):
    """One round after the other, each in an experiment of its own, or all at once where no trained weight matters."""

    by: Iterative

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.by = experiment.arm.mask  # type: ignore[assignment]

    @staticmethod
    def rests_on_training(arm: Arm) -> bool:
        """Return whether trained weights decide where a chain's next round starts: by its mask, or by its values."""
        return criteria.needs_training(arm.mask.criterion) or not arm.start.plain  # type: ignore[attr-defined]

    def parents(self) -> tuple[Experiment, ...]:
        arm, round = self.experiment.arm, self.experiment.round
        return (self.experiment.of(arm, round - 1),) if self.rests_on_training(arm) else ()

    def science(self) -> list[Callable]:
        units = [Architecture.kept_of_units] if self.by.units else []
        return criterion_science(self.by.criterion) + units

    def cut(self, sources: Sources) -> Cut:
        parents = self.parents()
        if not parents:
            return self._before_training()
        left = sources[parents[0]].arrays
        if "next_masks" not in left:  # of the dense network
            ranked = chains.dense_ranks(self.experiment, self.by, left["final"])
            return kept(self.experiment, chains.cut(self.experiment, self.by, ranked, self.experiment.round))
        masks = chains.unpack(self.experiment, left["next_masks"])
        return kept(self.experiment, masks, chains.spread(left["kept_start"], masks) if "kept_start" in left else None)

    def _before_training(self) -> Cut:
        """Return the mask where the criterion looks at initial weights alone: round by round, from treated starts."""
        experiment = self.experiment
        masks, weights = chains.no_masks(experiment), chains.initial(experiment)
        for round in range(experiment.round):
            if round:
                weights = chains.treated(experiment, experiment.arm.start, round, masks, weights)  # type: ignore[arg-type]
            start = chains.joined(experiment, weights)
            ranked = chains.ranks(experiment, self.by, round, masks, start, start)
            masks = chains.cut(experiment, self.by, ranked, round + 1)
        return kept(experiment, masks, weights)

    def carry(self, cut: Cut, start: Tensor, final: Tensor, snapshots: Snapshots = NONE) -> Record:
        experiment, round = self.experiment, self.experiment.round
        masks = cut.masks if cut.masks is not None else chains.no_masks(experiment)
        counted: dict[str, object] = {KEPT: chains.count(masks)} if self.by.units else {}
        if not self.rests_on_training(self.experiment.arm):
            return Record(counted)
        ranked = chains.ranks(experiment, self.by, round, masks, start, final)
        following = chains.cut(experiment, self.by, ranked, round + 1)
        begun = part_of(experiment.arm.start)(experiment).carry_over(following, masks, start, final)
        measured = counted | {"pruning": chains.pruned_in(experiment, masks, following, start, final)}
        return Record(measured, {"next_masks": chains.pack(following)} | begun)


@implements(OneShot)
class OneShotMask(MaskPart):
    """A single ranking, by the dense network's training or before any, cut as far as is asked for."""

    by: OneShot

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.by = experiment.arm.mask  # type: ignore[assignment]

    @property
    def like(self) -> OtherMask | None:
        """The mask whose count it is cut to, if it is not a round's."""
        return OtherMask(self.experiment, self.by.like, self.experiment.round) if self.by.like else None

    def parents(self) -> tuple[Experiment, ...]:
        dense = (self.experiment.dense,) if criteria.needs_training(self.by.criterion) else ()
        return dense + (self.like.parents if self.like else ())

    def check(self) -> None:
        kept = self.experiment.setting.config.snapshots
        if self.by.after and self.by.after not in kept:
            raise LotteryError(
                f"{self.experiment.arm.name}: this training keeps weights after {list(kept) or 'no'} iterations alone"
            )

    def science(self) -> list[Callable]:
        return criterion_science(self.by.criterion) + (self.like.science if self.like else [])

    def rungs(self, sources: Sources, rounds: range) -> list[Masks]:
        """Return the masks after each of these rounds."""
        ranked = self._ranked(sources)
        return [chains.cut(self.experiment, self.by, ranked, round) for round in rounds]

    def cut(self, sources: Sources) -> Cut:
        round = self.experiment.round
        if self.like is None:
            return kept(self.experiment, self.rungs(sources, range(round, round + 1))[0])
        like = chains.fitted(self.experiment, self.like.masks(sources))
        return kept(self.experiment, chains.cut_like(self.experiment, self.by, self._ranked(sources), like))

    def _ranked(self, sources: Sources) -> list[Tensor]:
        trained = criteria.needs_training(self.by.criterion)
        final = sources[self.experiment.dense].arrays[after(self.by.after)] if trained else None
        return chains.dense_ranks(self.experiment, self.by, final)


@implements(From)
class FromMask(MaskPart):
    """The masks that another arm has in the same round; a head that has another shape is whole."""

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.of = OtherMask(experiment, experiment.arm.mask.arm, experiment.round)  # type: ignore[attr-defined]

    def parents(self) -> tuple[Experiment, ...]:
        return self.of.parents

    def science(self) -> list[Callable]:
        return self.of.science

    def cut(self, sources: Sources) -> Cut:
        return kept(self.experiment, chains.fitted(self.experiment, self.of.masks(sources)))
