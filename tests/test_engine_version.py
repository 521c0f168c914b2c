"""The engine's version is declared, not computed: this reminds whoever edits the engine to think about it."""

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
ENGINE = (
    fit.fit,
    fit.observers_for,
    step.Step,
    optimiser.Descent,
    data_order.DataOrder,
    data_order.ReplicaData,
    augmentation.FlipAndCrop,
    *(observers.Accuracies, observers.EarlyStop, observers.MaskedAccuracies),
    *(evaluation.evaluate, evaluation.untrained_scores),
    *(model.model_of, perceptrons.Perceptrons, convolutional.Convolutional, modules.Modules, layout.Layout),
    *(matmul.product, denormals.flushing),
    *(learned_masks.Bernoulli, learned_masks.TopK),
    *(initialisers.initial_weights, *initialisers.INITIALISERS.values()),
    *losses.LOSSES.values(),
    *(catalogue.load, *catalogue.DATASETS.values(), *preprocessing.PREPROCESSINGS.values(), network_data.data_of),
    *(made_tasks.dataset, *targets.TASKS.values()),
    *(schedules.Schedule, population.Population, computing.prepared_of, computing.compute),
    *(planted_networks.planted_parameters, planted_reading.PlantedReading),
)


def test_version_was_confirmed_for_this_source():
    """If an edit can change a result, raise `fit.VERSION`, so that nothing old is reused; then confirm it here."""
    assert (fit.VERSION, source_digest(*ENGINE)) == CONFIRMED
