"""What networks start from: anew from treated initial weights, or where training left them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lottery.experiments import chain_masks as chains
from lottery.experiments.arms import Continue, Reset
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import Cut, Masks, Sources, StartPart, Weights, implements
from lottery.masks.kept_values import TREATMENTS
from lottery.masks.pruned_values import PRUNED
from lottery.models.architectures import is_planted
from lottery.planting.planted_networks import planted_parameters


@implements(Reset)
class ResetStart(StartPart):
    """Kept weights start from treated initial ones, pruned ones are frozen at zero or elsewhere; biases start at zero.

    What belongs to no layer starts as it was initialised, in every round and with every treatment. A network in which a
    ticket is planted starts, biases and all, from what was planted.
    """

    reset: Reset

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.reset = experiment.arm.start  # type: ignore[assignment]

    def science(self) -> list[Callable]:
        if is_planted(self.experiment.setting.network):
            return [planted_parameters]
        values = [] if self.reset.plain else [PRUNED.find(self.reset.pruned)]
        return [TREATMENTS.find(self.reset.treatment), *values]

    def begin(self, cut: Cut, sources: Sources) -> Tensor:
        experiment = self.experiment
        architecture = experiment.setting.architecture
        if is_planted(architecture.name):
            return planted_parameters(architecture.name, (experiment.seed,))[0] * cut.trainable.bool()
        masks = chains.no_masks(experiment) if cut.masks is None else cut.masks
        if not self.reset.plain:
            return chains.joined(experiment, self._frozen(masks, sources))
        return chains.joined(experiment, self.treated(experiment.round, masks, cut.previous))

    def treated(self, round: int, masks: Masks, previous: Weights | None) -> Weights:
        """Return the treated weights of a round."""
        previous = chains.initial(self.experiment) if previous is None else previous
        return chains.treated(self.experiment, self.reset, round, masks, previous)

    def _frozen(self, masks: Masks, sources: Sources) -> Weights:
        """Return the weights of a round whose pruned ones are not all frozen at zero."""
        experiment, w_init = self.experiment, chains.initial(self.experiment)
        (left,) = (record.arrays for record in sources.values())
        if "next_zeros" in left:
            return [torch.where(zero, 0.0, w) for zero, w in zip(chains.unpack(experiment, left["next_zeros"]), w_init)]
        final = chains.weights_of(experiment, torch.from_numpy(left["final"]))
        return chains.zeroed(experiment, self.reset.pruned, 0, masks, chains.no_masks(experiment), w_init, final)

    def carry_over(self, following: Masks, masks: Masks, start: Tensor, final: Tensor) -> dict[str, np.ndarray]:
        """Return what the next start needs, `following` being its masks: where it is at zero, or values to permute."""
        w_start, w_final = (chains.weights_of(self.experiment, block) for block in (start, final))
        if not self.reset.plain:
            round, pruned = self.experiment.round, self.reset.pruned
            zeroed = chains.zeroed(self.experiment, pruned, round, following, masks, w_start, w_final)
            return {"next_zeros": chains.pack([weights == 0 for weights in zeroed])}
        if TREATMENTS.asks(self.reset.treatment, "w_start"):
            return {"kept_start": np.concatenate([w[mask].numpy() for w, mask in zip(w_start, following)])}
        return {}


@implements(Continue)
class ContinueStart(StartPart):
    """Kept weights go on from the trained parameters of the round before, biases as well."""

    def begin(self, cut: Cut, sources: Sources) -> Tensor:
        (record,) = sources.values()
        return torch.where(cut.trainable.bool(), torch.from_numpy(record.arrays["final"]), 0.0)

    def carry_over(self, following: Masks, masks: Masks, start: Tensor, final: Tensor) -> dict[str, np.ndarray]:
        """Return the trained parameters."""
        return {"final": final.numpy()}
