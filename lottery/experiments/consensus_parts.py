"""Masks made of other arms' masks: a consensus, null models, a chain cut to another mask's count."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.experiments import chain_masks as chains
from lottery.experiments.arms import INITIAL, UNIFORM, Consensus, CutTo, Null
from lottery.experiments.experiment import Experiment
from lottery.experiments.mask_parts import KEPT, OtherMask, kept
from lottery.experiments.parts import NONE, Cut, MaskPart, Masks, Snapshots, Sources, implements
from lottery.masks import consensus, nulls
from lottery.store.store import Record


class Counted(MaskPart):
    """A mask that no round's count says the size of."""

    def carry(self, cut: Cut, start: Tensor, final: Tensor, snapshots: Snapshots = NONE) -> Record:
        return Record({KEPT: chains.count(cut.masks or [])})


class OfOthers(Counted):
    """A mask made of others."""

    @property
    def others(self) -> list[OtherMask]:
        """The masks that it is made of."""
        return [OtherMask(self.experiment, arm, self.experiment.round) for arm in self.experiment.arm.within]

    def parents(self) -> tuple[Experiment, ...]:
        return tuple(dict.fromkeys(parent for other in self.others for parent in other.parents))

    def science(self) -> list[Callable]:
        return [function for other in self.others for function in other.science]


@implements(Consensus)
class ConsensusMask(OfOthers):
    """What at least so many of the masks keep; a head that has another shape is whole."""

    def cut(self, sources: Sources) -> Cut:
        by: Consensus = self.experiment.arm.mask  # type: ignore[assignment]
        voters = [chains.fitted(self.experiment, other.masks(sources)) for other in self.others]
        return kept(self.experiment, [consensus.consensus(layer, by.least) for layer in zip(*voters)])


@implements(Null)
class NullMask(OfOthers):
    """Masks that share with another's what their model says, and nothing else."""

    def cut(self, sources: Sources) -> Cut:
        experiment, by = self.experiment, self.experiment.arm.mask
        assert isinstance(by, Null)
        masks = chains.fitted(experiment, self.others[0].masks(sources))
        draws = stream(experiment.seed, "null", by.model, by.sample, experiment.round, by.arm.name)
        if by.model == INITIAL:
            found = nulls.initial_magnitude(masks, chains.initial(experiment), by.by_layer, draws)
        else:
            found = (nulls.uniform if by.model == UNIFORM else nulls.layerwise)(masks, draws)
        return kept(experiment, found)


@implements(CutTo)
class CutToMask(Counted):
    """A chain's masks after as many rounds as leave at least so many weights; the rest of the next round's, by chance.

    Which weights a round prunes is known, their order is not kept: between two rounds chance decides.
    """

    by: CutTo

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.by = experiment.arm.mask  # type: ignore[assignment]
        self.like = OtherMask(experiment, self.by.like, experiment.round)

    def _rungs(self) -> list[OtherMask]:
        return [OtherMask(self.experiment, self.by.arm, round) for round in range(1, self.by.rounds + 1)]

    def parents(self) -> tuple[Experiment, ...]:
        rungs = [parent for rung in self._rungs() for parent in rung.parents]
        return tuple(dict.fromkeys([*self.like.parents, *rungs]))

    def science(self) -> list[Callable]:
        return [*self.like.science, *self._rungs()[0].science]

    def cut(self, sources: Sources) -> Cut:
        count = chains.count(chains.fitted(self.experiment, self.like.masks(sources)))
        before = chains.no_masks(self.experiment)
        for rung in self._rungs():
            after = chains.fitted(self.experiment, rung.masks(sources))
            if chains.count(after) <= count:
                return kept(self.experiment, self._between(before, after, count))
            before = after
        where = f"{self.experiment.name}: {self.by.rounds} rounds leave {chains.count(before):,} weights"
        raise LotteryError(f"{where}, more than the {count:,} of the mask to cut to; give `rounds` a larger number")

    def _between(self, before: Masks, after: Masks, count: int) -> Masks:
        """Return `after` and as many of what only `before` has as make it `count` weights."""
        draws = stream(self.experiment.seed, "cut to", self.experiment.round, self.by.arm.name)
        flat = torch.cat([mask.flatten() for mask in after])
        going = torch.cat([(b & ~a).flatten() for b, a in zip(before, after)]).nonzero()[:, 0]
        flat[going[torch.randperm(len(going), generator=draws)[: count - int(flat.sum())]]] = True
        return [part.view(mask.shape) for part, mask in zip(flat.split([mask.numel() for mask in after]), after)]
