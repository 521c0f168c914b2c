"""The captured step without a GPU: a recorded graph in a CUDA graph's place, and made-up tensors on a made-up GPU."""

import dataclasses
import functools

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from lottery.core.errors import DeviceFailure
from lottery.core.rng import stream
from lottery.data.datasets import Dataset, Part
from lottery.models.architectures import network
from lottery.models.layout import Layout
from lottery.models.model import model_of
from lottery.training import step
from lottery.training.config import Config
from lottery.training.counted_masks import resident
from lottery.training.data_order import ReplicaData
from lottery.training.learned_masks import Bernoulli, TopK
from lottery.training.observers import EarlyStop, State
from lottery.training.optimiser import Descent
from lottery.training.parametrisation import Identity
from lottery.training.schedules import Schedule
from tests.conftest import SMALL, random_masks, replica
from tests.recorded_graph import Graph, stand_in
from tests.training_helpers import train

LAYOUT = Layout(network(SMALL))
ADAM, SGD = Config("adam", 1e-2, 20, 30, 10), Config("sgd", 1e-1, 20, 30, 10)
MOMENTUM = dataclasses.replace(SGD, momentum=0.9)
LARGE_STEPS = dataclasses.replace(MOMENTUM, learning_rate=20.0)


def top_k(start, annealed=False):
    streams = [stream(seed, "scores") for seed in range(len(start))]
    return TopK(start, LAYOUT, streams, [0.5, 0.5, 0.3][: len(start)], annealed=[annealed] * len(start))


def bernoulli(start, rescaled=False):
    return Bernoulli(start, LAYOUT, [stream(seed, "mask") for seed in range(len(start))], rescaled=rescaled)


CASES = {
    "adam": (ADAM, Identity),
    "adam, weight decay": (dataclasses.replace(ADAM, weight_decay=1e-3), Identity),
    "adam, falling rate": (dataclasses.replace(ADAM, schedule=Schedule("steps", milestones=(7, 20))), Identity),
    "sgd": (SGD, Identity),
    "sgd, momentum": (MOMENTUM, Identity),
    "top-k": (dataclasses.replace(MOMENTUM, weight_decay=1e-4), top_k),
    "top-k, annealed": (MOMENTUM, functools.partial(top_k, annealed=True)),
    "bernoulli": (LARGE_STEPS, bernoulli),
    "bernoulli, rescaled": (
        dataclasses.replace(MOMENTUM, learning_rate=20.0),
        functools.partial(bernoulli, rescaled=True),
    ),
}


def replicas(parametrise):
    """Return three networks, masked and with rates of their own where parameters are trained themselves."""
    if parametrise is not Identity:
        return [replica(SMALL, seed) for seed in range(3)]
    masked = [replica(SMALL, seed, random_masks(SMALL, seed)) for seed in range(3)]
    return [dataclasses.replace(one, learning_rate=rate) for one, rate in zip(masked, (1e-2, 3e-3, 3e-3))]


@pytest.mark.parametrize("case", CASES)
def test_replayed_steps_are_the_steps(case, digits, monkeypatch):
    """Bit for bit, in everything that is measured: the first three are taken, the others replayed, none twice."""
    config, parametrise = CASES[case]
    batch = replicas(parametrise)
    outcomes = []
    for captured in (False, True):
        with monkeypatch.context() as patch:
            stand_in(patch, captured)
            outcomes.append(train(SMALL, digits, config, batch, parametrise=parametrise))
    for eager, replayed in zip(*outcomes):
        assert torch.equal(eager.final, replayed.final) and repr(eager.measurements) == repr(replayed.measurements)
    captures = 3 if "annealed" in case else 1  # of three intervals
    assert len(Graph.made) == captures and sum(graph.replays for graph in Graph.made) == 30 - step.EAGER
    assert all(not torch.equal(one.final, begun.start) for one, begun in zip(outcomes[1], batch))


def test_a_capture_itself_is_no_step(digits, monkeypatch):
    """Trainings that end before a capture, with it, and after it have taken as many steps as they were asked for."""
    ends = {}
    for captured in (False, True):
        for iterations in (2, 3, 4, 5):
            with monkeypatch.context() as patch:
                stand_in(patch, captured)
                config = dataclasses.replace(ADAM, iterations=iterations, interval=1)
                ends[captured, iterations] = train(SMALL, digits, config, [replica(SMALL, 0)])[0].final
                assert len(Graph.made) == (captured and iterations > step.EAGER)
    assert all(torch.equal(ends[False, iterations], ends[True, iterations]) for iterations in (2, 3, 4, 5))


WRONG = {
    "waits": lambda model: lambda *args: (args[-1].sum().item(), type(model).set_gradient(model, *args)),
    "draws": lambda model: lambda *args: (torch.rand(3), type(model).set_gradient(model, *args)),
    "out of memory": lambda model: lambda *args: _full(model, *args),
}


def _full(model, *args):
    if _full.calls == step.EAGER:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
    _full.calls += 1
    type(model).set_gradient(model, *args)


MESSAGES = {"waits": "item|_local_scalar_dense", "draws": "rand draws", "out of memory": "its memory is full"}


@pytest.mark.parametrize("how", WRONG)
def test_what_cannot_be_captured_ends_the_process_in_one_message(how, digits, monkeypatch):
    """Whatever breaks a capture: a failure of the device, which says where and why, and is no error of one network."""
    stand_in(monkeypatch)
    _full.calls = 0
    made = model_of(network(SMALL))
    monkeypatch.setattr(made, "set_gradient", WRONG[how](made), raising=False)
    monkeypatch.setattr("tests.training_helpers.model_of", lambda architecture: made)
    with pytest.raises(DeviceFailure, match=f"could not be captured on cpu .*({MESSAGES[how]})"):
        train(SMALL, digits, ADAM, [replica(SMALL, 0)])


@pytest.mark.parametrize("name", ["lenet-300-100", "planted-circle-5"])
@pytest.mark.parametrize("config, parametrise", [(ADAM, Identity), (MOMENTUM, top_k), (MOMENTUM, bernoulli)])
def test_nothing_of_a_step_stays_behind_on_the_processor(name, config, parametrise, monkeypatch):
    """Step, look and measuring on a GPU that is made up: every tensor is on it, and nothing waits for a number."""
    layout = Layout(network(name))
    inputs, count = layout.shapes[0][0], 3
    starts = torch.stack([layout.join([torch.ones(shape) for shape in layout.shapes])] * count)
    monkeypatch.setattr(f"{__name__}.LAYOUT", layout)
    monkeypatch.setattr(TopK, "__init__", _without_drawing(TopK.__init__))
    monkeypatch.setattr("lottery.training.learned_masks.beside", lambda block, generator: generator)
    for kernel in ("_fused_adam_", "_fused_sgd_"):  # torch's made-up ones want a real GPU
        monkeypatch.setattr(torch, kernel, _all_there)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():

        def part(n):
            labels = torch.zeros(n, dtype=torch.int64, device="cuda:0")
            return Part(torch.empty(n, inputs, device="cuda:0"), labels)

        sets = ReplicaData(Dataset("made up", part(200), part(100), part(100), ""), count)
        parameters = resident(parametrise(starts.to("cuda:0")))
        parameters.refresh()
        model, buffers = model_of(network(name)), torch.zeros(count, 0, device="cuda:0")
        trainable = torch.ones(count, layout.size, device="cuda:0")
        descent = Descent(parameters.trained, parameters.gradient, trainable, config, [config.learning_rate] * count)
        taken = step.Step(model, sets, parameters, buffers, descent, network(name).loss, ())
        assert taken._captures
        index = torch.zeros(count * 20, dtype=torch.int64, device="cuda:0")
        taken._run(index)
        stop = EarlyStop()
        state = State(model, parameters, buffers, sets, config)
        stop.begin(state)
        stop.look(state, 1)
        for block in (parameters.effective, parameters.gradient, stop.parameters, stop.loss, *stop.curve):
            assert block.device == torch.device("cuda:0")


def _all_there(*lists, **others):
    """Check that an optimiser's tensors are all on the GPU."""
    for one in (*(one for of in lists for one in of), *others.values()):
        assert not isinstance(one, torch.Tensor) or one.device == torch.device("cuda:0")


def _without_drawing(sound):
    """Return an initialiser of scores that are not drawn, since generators are not made up."""

    def init(self, start, layout, streams, *args, **kwargs):
        sound(self, start, layout, [], *args, **kwargs)

    return init
