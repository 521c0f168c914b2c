"""What every interval rests on: seeds are draws of their own, and none depends on which others share its batch."""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from lottery.experiments.action_parts import moment_of
from lottery.experiments.arms import DENSE
from lottery.experiments.computing import prepared_of
from lottery.experiments.experiment import experiment
from lottery.experiments.laws import random_pixels
from lottery.experiments.population import Population
from lottery.training.config import Config, Setting
from lottery.training.data_order import DataOrder, ReplicaData
from lottery.training.fit import fit
from lottery.training.parametrisation import Identity

SEEDS = range(4)
STEPS, BATCH = 5, 60


def own_draws(network: str, dataset: str = "mnist") -> dict[str, bool]:
    """Return whether every two seeds start from other weights and train on other batches, each the same if alone.

    Only where tickets are planted does a seed have data of its own, and they are compared; elsewhere random pixels do.
    The order is asked twice: of the order itself, and of what training makes of one and the same start.
    """
    together, alone = _draws(network, dataset, SEEDS), [_draws(network, dataset, [seed]) for seed in SEEDS]
    told = {f"other {what}": _all_differ(rows) for what, rows in together.items()}
    told["other order"] &= told.pop("other outcome")
    return told | {
        "the same alone": all(
            torch.equal(rows[place], one[what][0])
            for what, rows in together.items()
            if what != "outcome"  # of which the start is the first seed's, and rounding depends on the batch
            for place, one in enumerate(alone)
        )
    }


def _draws(network: str, dataset: str, seeds: Sequence[int]) -> dict[str, Tensor]:
    """Return of dense networks in one batch, a row a seed: start, order, outcome of the first start, and own data."""
    setting = Setting(network, dataset, Config("sgd", 0.1, BATCH, STEPS, STEPS))
    population = Population([experiment(setting, DENSE, 0, seed) for seed in seeds])
    prepared = prepared_of(population, {one: {} for one in population.experiments})
    first, *_ = prepared.values()
    replicas = [
        population.replica(one, first.start, first.cut.trainable, moment_of(one)) for one in population.experiments
    ]
    data = population.data if population.planted else random_pixels(network)
    images = ReplicaData(data, len(replicas))
    order = DataOrder([one.order for one in replicas], images.count, BATCH, images.device)
    outcomes = fit(population.model, Identity, data, setting.config, replicas)
    return {
        "start": torch.stack([made.start for made in prepared.values()]),
        "order": torch.cat([next(order) for _ in range(STEPS)], 1),
        "outcome": torch.stack([outcome.final for outcome in outcomes]),
    } | ({"data": images.part("train").images} if population.planted else {})


def _all_differ(rows: Tensor) -> bool:
    """Return whether no two rows are equal, but for rounding."""
    return not any(torch.allclose(one, other) for one, other in combinations(rows, 2))
