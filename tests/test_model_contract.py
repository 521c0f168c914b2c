"""What every model keeps to: autograd's gradient, bits whatever the company, blocks that modules are read from."""

import pytest
import torch
from torch import nn

from lottery.core.rng import stream
from lottery.models.architectures import network
from lottery.models.convolutional import Convolutional
from lottery.models.evaluation import evaluate
from lottery.models.initialisers import initial_weights
from lottery.models.losses import mean_loss
from lottery.models.model import model_of
from lottery.models.modules import Modules
from lottery.models.perceptrons import Perceptrons
from lottery.models.task import CROSS_ENTROPY
from tests.small_networks import SMALL_NETWORKS, plain

PERCEPTRONS = ("lenet-96-48", "lenet-300-100", "planted-relu-5", "planted-circle-5", "planted-helix-5")
SMALL = tuple(name for name in SMALL_NETWORKS if name != "ranked as a whole")  # whose module is another one's
ALL = (*PERCEPTRONS, *SMALL, "conv-2", "resnet-18")
BATCH = 20
MODELS = dict.fromkeys(ALL, Modules) | dict.fromkeys(PERCEPTRONS, Perceptrons)
MODELS |= dict.fromkeys(("convolutional", "pairs"), Convolutional)


def described(name):
    """Return a network of the tests or of the suite."""
    return SMALL_NETWORKS[name] if name in SMALL_NETWORKS else network(name)


def setup(name, replicas, dtype=torch.float32, batch=BATCH):
    """Return a model, parameters and buffers of so many replicas, and a batch for each, all from their own streams."""
    architecture = described(name)
    model, layout = model_of(architecture), architecture.layout
    parameters = torch.stack([layout.join(initial_weights(architecture, r)) for r in replicas])
    for row, r in enumerate(replicas):
        for part in layout.biases:
            parameters[row, part] += torch.randn(part.stop - part.start, generator=stream(r, "bias", part.start)) / 10
    inputs = [
        torch.randn(batch, *architecture.input_shape, generator=stream(r, "inputs"), dtype=dtype) for r in replicas
    ]
    outputs = architecture.layers[-1].fan_out
    if architecture.loss == CROSS_ENTROPY:
        observed = [torch.randint(outputs, (batch,), generator=stream(r, "observed")) for r in replicas]
    else:
        observed = [torch.randn(batch, outputs, generator=stream(r, "observed"), dtype=dtype) for r in replicas]
    buffers = layout.initial_buffers().repeat(len(replicas), 1)
    return model, parameters.to(dtype), buffers.to(dtype), torch.stack(inputs), torch.stack(observed)


def own_module(name, parameters, buffers):
    """Return a module of its own, in double precision, with these parameters (P,) and buffers (Q,)."""
    module = plain(described(name))
    described(name).layout.load(module, parameters)
    described(name).layout.load_buffers(module, buffers)
    return module


@pytest.mark.parametrize("name", ALL)
def test_a_model_is_chosen_by_what_the_module_is_made_of(name):
    """Chains of linear layers, and anything else."""
    assert type(model_of(described(name))) is MODELS[name]


@pytest.mark.parametrize("name", [*PERCEPTRONS, *SMALL])
def test_gradient_and_outputs_are_those_of_the_module(name):
    """In double precision, for every replica with a batch of its own; padding has no gradient.

    In training and in evaluation; what is random is drawn from the replica's own stream.
    """
    model, parameters, buffers, inputs, observed = setup(name, range(3), torch.float64)
    before, gradient, loss = buffers.clone(), torch.zeros_like(parameters), described(name).loss
    outputs = model.outputs(parameters, buffers, inputs, (), False)
    assert torch.equal(buffers, before)  # only training changes them
    model.set_gradient(parameters, buffers, inputs, observed, loss, [stream(r, "forward") for r in range(3)], gradient)
    for r in range(3):
        module = own_module(name, parameters[r], before[r])
        torch.testing.assert_close(outputs[r], module.eval()(inputs[r]), rtol=1e-10, atol=1e-12)
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(stream(r, "forward").get_state())
            mean_loss(loss, module.train()(inputs[r]), observed[r]).backward()
        for weight in module.parameters():
            weight.data = weight.grad
        torch.testing.assert_close(gradient[r], model.layout.read(module), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(buffers[r], model.layout.read_buffers(module).double(), rtol=1e-6, atol=1e-7)


def walked(name, replicas, steps=50, batch=BATCH):
    """Return what became of each replica after so many steps: parameters, buffers, its stream, loss and score."""
    model, parameters, buffers, inputs, observed = setup(name, replicas, batch=batch)
    streams, gradient = [stream(r, "forward") for r in replicas], torch.zeros_like(parameters)
    for _ in range(steps):
        model.set_gradient(parameters, buffers, inputs, observed, described(name).loss, streams, gradient)
        parameters -= 0.01 * gradient
    loss, score = evaluate(model, parameters, buffers, inputs, observed)
    ends = [one.get_state() for one in streams]
    return {r: (parameters[row], buffers[row], ends[row], loss[row], score[row]) for row, r in enumerate(replicas)}


@pytest.mark.parametrize("name", [*PERCEPTRONS, *SMALL])
def test_bits_do_not_depend_on_company(name):
    """Alone, beside another, among five or twenty in any order: the same after fifty steps of every model."""
    steps = 5 if name in ("residual", "own way") else 50  # the fifty are taken by other networks of the same model
    everyone = walked(name, list(range(20)), steps)
    for company in ([7], [19, 3], [4, 0, 19, 7, 11], list(reversed(range(20)))):
        for r, outcome in walked(name, company, steps).items():
            assert all(map(torch.equal, outcome, everyone[r]))


@pytest.mark.parametrize("name", SMALL)
def test_nor_do_they_at_an_odd_batch(name):
    """Whose images lie at other places in memory than those of a processor's vectors."""
    everyone = walked(name, list(range(5)), steps=5, batch=7)
    for company in ([4], [3, 1]):
        for r, outcome in walked(name, company, steps=5, batch=7).items():
            assert all(map(torch.equal, outcome, everyone[r]))


@pytest.mark.parametrize("name", ALL)
def test_modules_can_be_written_and_read(name):
    """Parameters and buffers come back to the bit, padding is zero, and weights lie where their layers' views are."""
    architecture, generator = described(name), torch.Generator().manual_seed(0)
    layout, module, other = architecture.layout, architecture.build(), architecture.build()
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = torch.randint(1, 9, tensor.shape, generator=generator).to(tensor)
    row, buffers = layout.read(module), layout.read_buffers(module)
    layout.load(other, row)
    layout.load_buffers(other, buffers)
    for ours, theirs in zip(module.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    assert not row[layout.count :].any() and row[: layout.count].all()
    assert layout.size % 64 == 0 and layout.buffer_size % 64 == 0
    for layer, view in zip(architecture.layers, layout.weight_views(row[None])):
        weight = module.get_submodule(layer.path).weight
        assert view.shape[1:] == layer.shape and torch.equal(view[0], weight.t() if weight.dim() == 2 else weight)
    assert sum(part.numel() for part in layout.parts(row).values()) == layout.count


def test_buffers_begin_as_torch_begins_them():
    """Running means zero, variances one; scales one, other biases zero; building draws nothing from torch's stream."""
    layout, state = network("resnet-18").layout, torch.random.get_rng_state()
    module = network("resnet-18").build()
    torch.random.set_rng_state(state)
    layout.load_buffers(module, layout.initial_buffers())
    assert torch.equal(state, torch.random.get_rng_state())
    layout.load(module, layout.join(initial_weights(network("resnet-18"), 0)))
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    assert len(norms) == 21
    for norm in norms:
        assert norm.running_var.eq(1).all() and norm.weight.eq(1).all()
        assert not norm.running_mean.any() and not norm.bias.any() and norm.num_batches_tracked == 0
