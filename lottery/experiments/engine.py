"""The engine: the code whose version is declared, and the source for which somebody confirmed that version.

Its source is no part of keys: what an edit of it changes is trained again only once `VERSION` in
`lottery/training/fit.py` is raised.
"""

import gc
from collections.abc import Callable, Mapping
from typing import Any

import lottery.experiments.all_parts  # noqa: F401  it fills a register, which counts as a constant while it is empty
from lottery.data import catalogue, made_tasks, preprocessing
from lottery.experiments import computing, network_data, planted_reading, population
from lottery.models import (
    convolutional,
    denormals,
    evaluation,
    initialisers,
    layout,
    losses,
    matmul,
    model,
    modules,
    perceptrons,
)
from lottery.planting import planted_networks, targets
from lottery.store.fingerprints import source_digest
from lottery.training import augmentation, data_order, fit, learned_masks, observers, optimiser, schedules, step

# The version and the engine's source for which it was last confirmed.
CONFIRMED = (3, "11f36d33a5597510803d19a113993c4e")
TOLD = (
    "the engine's source is not the one confirmed for its version {} (lottery/experiments/engine.py): "
    "whatever was edited, stored results of that version are used as they are until VERSION in "
    "lottery/training/fit.py is raised, or another --store is given"
)
PLACES = ("lottery.data.", "lottery.models.", "lottery.planting.")  # of what the package registers; users' is elsewhere


def engine() -> list[Any]:
    """Return the functions and classes that train networks, with those that the package has registered for it."""
    return [
        *(fit.fit, fit.observers_for, step.Step, optimiser.Descent, data_order.DataOrder, data_order.ReplicaData),
        augmentation.FlipAndCrop,
        *(observers.Accuracies, observers.EarlyStop, observers.MaskedAccuracies),
        *(evaluation.evaluate, evaluation.untrained_scores),
        *(model.model_of, perceptrons.Perceptrons, convolutional.Convolutional, modules.Modules, layout.Layout),
        *(matmul.product, denormals.flushing),
        *(learned_masks.Bernoulli, learned_masks.TopK),
        *(initialisers.initial_weights, *_ours(initialisers.INITIALISERS)),
        *_ours(losses.LOSSES),
        *(catalogue.load, *_ours(catalogue.DATASETS), *_ours(preprocessing.PREPROCESSINGS), network_data.data_of),
        *(made_tasks.dataset, *_ours(targets.TASKS)),
        *(schedules.Schedule, population.Population, computing.prepared_of, computing.compute),
        *(planted_networks.planted_parameters, planted_reading.PlantedReading),
    ]


def _ours(registry: Mapping[str, Callable]) -> list[Callable]:
    return [function for function in registry.values() if function.__module__.startswith(PLACES)]


def unconfirmed() -> str:
    """Return what to know where the engine's source is not the one confirmed for its version; nothing where it is."""
    collecting = gc.isenabled()
    gc.disable()  # which walks over all of torch's objects, half as long again as the sources take
    try:
        is_confirmed = (fit.VERSION, source_digest(*engine())) == CONFIRMED
    finally:
        if collecting:
            gc.enable()
    return "" if is_confirmed else TOLD.format(fit.VERSION)
