"""Any module: what it draws comes from its replica's own stream; what cannot be followed is refused."""

import random

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.models.architectures import Architecture
from lottery.models.cost import training_cost
from lottery.models.layout import Layout
from lottery.models.modules import Modules, lean
from lottery.models.randomness import drawing_from
from tests.small_networks import SMALL_NETWORKS, convolutional
from tests.test_model_contract import setup

CPU = torch.device("cpu")


class Noisy(nn.Module):
    """A linear layer whose inputs are shifted by what `draw` returns."""

    def __init__(self, draw):
        super().__init__()
        self.layer, self.draw = nn.Linear(3, 4), draw

    def forward(self, inputs):
        return self.layer(inputs + self.draw())


def noisy(draw):
    """Return the model of a noisy module, and blocks and a batch for two replicas."""
    architecture = Architecture("noisy", lambda: Noisy(draw))
    layout = Layout(architecture)
    return Modules(layout), torch.ones(2, layout.size), torch.zeros(2, 0), torch.ones(2, 5, 3)


def test_global_randomness_is_left_as_it_was_found():
    """By training and evaluation alike, though a module draws; the replicas' streams have moved on."""
    model, parameters, buffers, inputs, observed = setup("dropping", range(2))
    streams, before = [stream(r, "forward") for r in range(2)], torch.random.get_rng_state()
    model.set_gradient(parameters, buffers, inputs, observed, "cross-entropy", streams, torch.zeros_like(parameters))
    model.outputs(parameters, buffers, inputs, (), False)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not any(torch.equal(s.get_state(), stream(r, "forward").get_state()) for r, s in enumerate(streams))


def test_every_step_draws_anew():
    """Training outputs differ from call to call, and between replicas that are alike but for their streams."""
    model, parameters, buffers, inputs, _ = setup("dropping", [0, 0])
    streams = [stream(r, "forward") for r in range(2)]
    first, second = (model.outputs(parameters, buffers, inputs, streams, True) for _ in range(2))
    assert not torch.equal(first, second) and not torch.equal(first[0], first[1])
    evaluated = model.outputs(parameters, buffers, inputs, (), False)
    assert torch.equal(evaluated[0], evaluated[1])


@pytest.mark.parametrize(
    ("whose", "draw"),
    [("Python's", random.random), ("numpy's", np.random.rand), ("torch's generator in eval", lambda: torch.rand(()))],
)
def test_what_no_stream_can_stand_in_for_is_refused(whose, draw):
    """With one message, of the network's name and of whose numbers it draws; torch's generator stays as it was."""
    model, parameters, buffers, inputs = noisy(draw)
    before = torch.random.get_rng_state()
    with pytest.raises(LotteryError, match=f"noisy draws random numbers from {whose}"):
        model.outputs(parameters, buffers, inputs, (), False)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_gpus_random_numbers_are_refused(monkeypatch):
    """Which a stand-in for the card's generator shows."""
    states = iter([torch.tensor([1]), torch.tensor([2])])
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: next(states))
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    message = "net draws random numbers from the GPU's generator"
    with pytest.raises(LotteryError, match=message), drawing_from((), "net", torch.device("cuda")):
        pass


def test_an_error_within_leaves_randomness_as_it_was_found():
    """A module that fails is not refused for what it drew, and torch's generator is put back."""
    before = torch.random.get_rng_state()
    with pytest.raises(ZeroDivisionError), drawing_from((), "net", CPU):
        torch.rand(1)
        raise ZeroDivisionError
    assert torch.equal(torch.random.get_rng_state(), before)


def test_modules_are_made_lean_where_nothing_would_notice():
    """Pools before a ReLU in a `Sequential`, ReLUs in place: the same bits of outputs and gradients; nowhere else."""
    plain, changed = convolutional(), lean(convolutional())
    kinds = [type(part).__name__ for part in changed]
    assert kinds[3:5] == ["MaxPool2d", "ReLU"] and kinds[:3] == ["Conv2d", "ReLU", "Conv2d"]
    assert [part.inplace for part in changed if type(part) is nn.ReLU] == [True] * 4
    changed.load_state_dict(plain.state_dict())
    inputs = torch.randn(30, 2, 8, 8, generator=torch.Generator().manual_seed(0)).round()  # many ties
    outputs = [module(inputs) for module in (plain, changed)]
    assert torch.equal(*outputs)
    for of_both in zip(
        *(torch.autograd.grad(o.square().sum(), list(m.parameters())) for o, m in zip(outputs, (plain, changed)))
    ):
        assert torch.equal(*of_both)
    needed = nn.Sequential(nn.Sigmoid(), nn.ReLU())
    assert not lean(needed)[1].inplace  # a sigmoid's gradient is made of its outputs
    own = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2, return_indices=True))
    assert [type(part) for part in lean(own)] == [nn.ReLU, nn.MaxPool2d]


@pytest.mark.parametrize("chance", [0.0, 0.3, 1.0])
def test_dropout_drops_by_its_chance(chance):
    """Binomially often, what stays divided by the chance of staying; the gradient likewise; none in evaluation."""
    changed = lean(nn.Sequential(nn.Linear(4, 4), nn.Dropout(chance)))[1]
    inputs = torch.ones(100, 1000, requires_grad=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        outputs = changed.train()(inputs)
    dropped = int((outputs == 0).sum())
    assert stats.binomtest(dropped, inputs.numel(), chance).pvalue > 1e-3
    if chance < 1:
        torch.testing.assert_close(outputs[outputs != 0], torch.full((inputs.numel() - dropped,), 1 / (1 - chance)))
    assert torch.equal(torch.autograd.grad(outputs.sum(), inputs)[0], outputs)
    assert changed.eval()(inputs) is inputs and type(changed) is not nn.Dropout


def test_a_layer_that_is_used_twice_has_one_place():
    """Its parameters are put everywhere where the module has them."""

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 3)
            self.second = nn.Sequential(self.first, nn.ReLU())

        def forward(self, inputs):
            return self.second(self.first(inputs))

    layout = Layout(Architecture("tied", Tied))
    module, block = Tied(), torch.zeros(1, layout.size)
    block[0] = layout.read(module)
    inputs = torch.randn(1, 5, 3)
    torch.testing.assert_close(Modules(layout).outputs(block, torch.zeros(1, 0), inputs)[0], module(inputs[0]))


def test_buffers_of_whole_numbers_are_counted():
    """Batches that a normalisation has seen; a buffer that is set anew is kept as one that is changed."""

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 4)
            self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
            self.register_buffer("mean", torch.zeros(3))

        def forward(self, inputs):
            if self.training:
                self.seen += len(inputs)
                self.mean = inputs.mean(0)
            assert self.seen.dtype == torch.int64
            return self.layer(inputs)

    layout = Layout(Architecture("counting", Counting))
    buffers, inputs = layout.initial_buffers().repeat(2, 1), torch.stack([torch.ones(5, 3), 2 * torch.ones(5, 3)])
    for _ in range(3):
        Modules(layout).outputs(torch.ones(2, layout.size), buffers, inputs, [stream(0), stream(1)], True)
    views = layout.buffer_views(buffers)
    assert views["seen"].tolist() == [15, 15] and views["mean"].tolist() == [[1, 1, 1], [2, 2, 2]]


def test_cost_counts_what_autograd_keeps():
    """The inputs of every part of the module, beside those of layers with weights; the same arithmetic."""
    architecture = SMALL_NETWORKS["dropping"]
    found, layers_alone = Modules(architecture.layout).cost(3), training_cost(architecture, 3)
    # image, convolution's outputs four times, hidden units three times, outputs
    assert found.activations == 4 * 3 * (2 * 64 + 4 * 64 + 3 * 8 + 4)
    assert layers_alone.activations == 4 * 3 * (2 * 64 + 64 + 8 + 4)
    assert found.operations == layers_alone.operations
