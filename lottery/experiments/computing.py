"""Computing a population: masks and starts, each by its part of the arm, then the action that they all share."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lottery.core.devices import out_of_memory
from lottery.core.errors import LotteryError
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import ActionPart, Cut, MaskPart, Prepared, Sources, batch_key, part_of
from lottery.experiments.population import Population
from lottery.store.store import Record


def prepared_of(population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Prepared]:
    """Return every experiment with its mask and its start, from the records of its parents."""
    by_part: dict[type[MaskPart], list[Experiment]] = {}
    for experiment in population.experiments:
        by_part.setdefault(part_of(experiment.arm.mask), []).append(experiment)
    cuts: dict[Experiment, Cut] = {}
    for part, experiments in by_part.items():
        group = population.only(experiments)
        cuts |= part.cut_all(group, sources)
        population.done = max(population.done, group.done)

    def begin(experiment: Experiment) -> Prepared:
        cut = cuts[experiment]
        return Prepared(cut, part_of(experiment.arm.start)(experiment).begin(cut, sources[experiment]))

    return population.each(begin)


@torch.no_grad()
def compute(population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
    """Return the records of a population's experiments; those in `population.failed` have none.

    Where a GPU's memory does not hold them all, they are computed in halves: others may use that GPU, too.
    """
    if len({batch_key(experiment) for experiment in population.experiments}) > 1:
        raise LotteryError("experiments go into one population if they share network, training and action")
    action: type[ActionPart] = part_of(population.experiments[0].arm.action)
    try:
        return action.run(population, sources)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        if len(population.experiments) == 1:
            name = population.architecture.name
            raise LotteryError(
                f"the memory of {population.device} does not hold a single {name}; free some, or use --device cpu"
            ) from None
    population.release()
    torch.cuda.empty_cache()
    middle = len(population.experiments) // 2
    halves = population.experiments[:middle], population.experiments[middle:]
    return {key: record for half in halves for key, record in compute(population.only(half), sources).items()}
