"""Memory: how much of it a training takes on a GPU, and how many networks fit."""

import torch

from lottery.experiments.arms import TOP, LearnMask
from lottery.experiments.experiment import Experiment
from lottery.models.cost import training_cost

USED = 0.8  # of the memory that is free: libraries and fragments take theirs
# Blocks (R, P) that live at most at one time, temporaries included, by what is trained; beside these come activations.
# tests/test_memory.py counts the real ones.
BLOCKS = {"adam": 9, "sgd": 9, "bernoulli": 15, TOP: 14}
PASSES = 3  # times that the activations of a batch, and of an evaluation's rows, live at most


def working_set(experiment: Experiment) -> int:
    """Return how many floats a network of an experiment keeps busy: its parameters, and the activations of a batch."""
    setting = experiment.setting
    activations = training_cost(setting.architecture, setting.config.batch_size).activations
    return setting.architecture.layout.size + activations // 4


def kind(experiment: Experiment) -> str:
    """Return which row of `BLOCKS` is an experiment's: its optimiser, or the way its mask is learned."""
    action = experiment.arm.action
    if isinstance(action, LearnMask):
        return TOP if action.method == TOP else "bernoulli"
    return experiment.setting.config.optimiser


def peak(experiment: Experiment) -> int:
    """Return how many bytes a network of an experiment takes at most, beside its data."""
    architecture, batch = experiment.setting.architecture, experiment.setting.config.batch_size
    passed = max(training_cost(architecture, rows).activations for rows in (batch, architecture.layout.rows))
    return 4 * BLOCKS[kind(experiment)] * architecture.layout.size + PASSES * passed


def fitting(experiment: Experiment, device: str, sharing: int) -> int:
    """Return how many networks of an experiment's kind fit into what is free of a GPU that so many workers share."""
    torch.cuda.empty_cache()  # what torch keeps for itself counts as used otherwise
    return max(1, int(torch.cuda.mem_get_info(device)[0] * USED / sharing) // peak(experiment))
