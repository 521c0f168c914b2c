"""The estimate of a training's memory on a GPU, against a count of all tensors that live in one."""

import dataclasses

import pytest
import torch

from lottery.data.datasets import Dataset, Part
from lottery.experiments.action_parts import LearnMaskAction
from lottery.experiments.arms import DENSE
from lottery.experiments.computing import compute
from lottery.experiments.experiment import experiment
from lottery.experiments.memory import BLOCKS, fitting, kind, peak
from lottery.experiments.named_arms import edge_popup, learned, scores_sought, whole
from lottery.experiments.population import Population
from lottery.experiments.scales import PLANTED_SCORES
from lottery.models.convolutional import Convolutional
from lottery.models.model import model_of
from lottery.training.config import Config, Setting
from lottery.training.fit import Replica, fit, observers_for
from lottery.training.parametrisation import Identity
from tests.conftest import shortened
from tests.live_memory import LiveMemory
from tests.recorded_graph import stand_in

LENET, REPLICAS = "lenet-300-100", 2
ADAM, SGD = Config("adam", 1e-3, 60, 4, 2), Config("sgd", 1e-1, 60, 4, 2, momentum=0.9, weight_decay=1e-4)
CASES = {
    "adam": (DENSE, ADAM),
    "sgd": (DENSE, SGD),
    "bernoulli": (learned(), dataclasses.replace(SGD, batch_size=250)),
    "bernoulli, rescaled": (learned(rescaled=True), dataclasses.replace(SGD, batch_size=250)),
    "top-k": (edge_popup(0.5), dataclasses.replace(SGD, batch_size=128)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_estimate_covers_what_lives(case, random_images, monkeypatch):
    """Masked LeNets, all observers, 500 images an evaluation: no less than there is, and at most a third more."""
    arm, config = CASES[case]
    one = experiment(Setting(LENET, "mnist", config), arm, 0, 0)
    parts = {part: _more(getattr(random_images, part)) for part in ("train", "validation", "test")}
    data = dataclasses.replace(random_images, **parts)
    layout = one.setting.architecture.layout
    parametrise = Identity if arm == DENSE else LearnMaskAction.parametrisation(Population([one] * REPLICAS))
    trainable = torch.ones(layout.size)
    trainable[:100] = 0
    replicas = [Replica(torch.randn(layout.size) / 20, trainable, (seed, "order")) for seed in range(REPLICAS)]
    stand_in(monkeypatch, captured=False)
    live = LiveMemory()
    live.watch_steps(monkeypatch)
    with live:
        fit(model_of(one.setting.architecture), parametrise, data, config, replicas, observers_for(parametrise))
    ratio = REPLICAS * peak(one) / live.needed
    print(f"{case}: {live.needed / (4 * REPLICAS * layout.size):.1f} blocks live, {ratio:.2f} times that estimated")
    assert 1 <= ratio < 1.35


@pytest.mark.parametrize(("name", "shape"), [("conv-2-miniature", (1, 8, 8)), ("conv-2-quarter", (3, 32, 32))])
def test_the_estimate_covers_convolutions(name, shape, monkeypatch):
    """Patches of all replicas at once, as on a GPU, and what autograd keeps: no less than there is."""
    one = experiment(Setting(name, "cifar10", Config("adam", 1e-3, 60, 2, 2)), DENSE, 0, 0)
    architecture = one.setting.architecture
    parts = [Part(torch.rand(110, *shape), torch.randint(10, (110,))) for _ in range(3)]
    start = torch.randn(architecture.layout.size) / 20
    replicas = [Replica(start, torch.ones_like(start), (seed, "order")) for seed in range(REPLICAS)]
    stand_in(monkeypatch, captured=False)
    monkeypatch.setattr(Convolutional, "_at_once", lambda model, inputs: len(inputs))
    live = LiveMemory()
    live.watch_steps(monkeypatch)
    with live:
        data = Dataset("noise", *parts, "")
        fit(model_of(architecture), Identity, data, one.setting.config, replicas, observers_for(Identity))
    ratio = REPLICAS * peak(one) / live.needed
    print(f"{name}: {ratio:.2f} times what lives")
    assert 1 <= ratio < 3


def _more(part):
    """Return five times as many images: more than go into one pass."""
    return dataclasses.replace(part, images=part.images.repeat(5, 1), labels=part.labels.repeat(5))


@pytest.mark.parametrize("name", ["planted-circle-5", "planted-relu-5"])
@pytest.mark.parametrize("popped", [False, True])
def test_data_of_ones_own_count(name, popped, monkeypatch):
    """Networks with planted tickets, each with its own samples, trained and popped."""
    setting = shortened(name, PLANTED_SCORES) if popped else shortened(name)
    arm = scores_sought(name, 0.5) if popped else whole(name)
    searches = [experiment(setting, arm, 0, seed) for seed in range(REPLICAS)]
    stand_in(monkeypatch, captured=False)
    live = LiveMemory()
    live.watch_steps(monkeypatch)
    with live:
        compute(Population(searches), {one: {} for one in searches})
    ratio = REPLICAS * peak(searches[0]) / live.needed
    print(f"{name} {popped}: {live.needed / (4 * REPLICAS * setting.architecture.layout.size):.1f} blocks, {ratio:.2f}")
    assert 1 <= ratio < 2


def test_memory_is_shared_among_the_workers_of_a_gpu(monkeypatch):
    """What is free, four fifths of it, through the number of workers; one network at least."""
    one = experiment(Setting(LENET, "mnist", ADAM), DENSE, 0, 0)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000 * peak(one), 9000 * peak(one)))
    assert [fitting(one, "cuda:0", sharing) for sharing in (1, 2, 3)] == [800, 400, 266]
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10, 10))
    assert fitting(one, "cuda:0", 1) == 1


def test_what_is_trained_decides():
    """A learned mask takes more than its optimiser alone; edge-popup less than drawn masks."""
    arms = (DENSE, learned(), edge_popup(0.5))
    kinds = [kind(experiment(Setting(LENET, "mnist", SGD), arm, 0, 0)) for arm in arms]
    blocks = [BLOCKS[of] for of in kinds]
    assert kinds[0] == "sgd" and blocks[0] < blocks[2] < blocks[1]
