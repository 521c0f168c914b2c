"""Stages of small convolutional networks: which modules are made of them, and each against torch's own layer."""

import pytest
import torch
from torch import nn

from lottery.models.architectures import network
from lottery.models.stages import Convolution, Dense, Flattening, Pool, Rectifier, stages_of
from tests.small_networks import SMALL_NETWORKS, convolutional, pairs


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_part(place, part):
    """Return the tests' convolutional network with another part at this place."""
    module = convolutional()
    module[place] = part
    return module


def test_a_chain_of_stages_is_read_off_a_module():
    """In order, pools before the ReLU in front of them; the module itself is left as it was."""
    module = pairs()
    kinds = [type(stage) for stage in stages_of(module)]
    assert kinds == [Convolution, Rectifier, Convolution, Pool, Rectifier, Flattening, Dense, Rectifier, Dense]
    assert type(module[3]) is nn.ReLU


@pytest.mark.parametrize(
    "module",
    [
        *(network(name).module for name in ("lenet-96-48", "resnet-18", "vgg-19")),
        *(SMALL_NETWORKS[name].module for name in ("normalised", "dropping", "residual", "own way")),
        with_part(0, nn.Conv2d(2, 5, 3, stride=2)),
        with_part(0, nn.Conv2d(2, 5, 3, padding="same")),
        with_part(0, nn.Conv2d(2, 5, 3, padding=1, padding_mode="circular")),
        with_part(0, nn.Conv2d(2, 5, 3, padding=1, bias=False)),
        with_part(0, nn.Conv2d(2, 2, 3, padding=1, groups=2)),
        with_part(0, nn.Conv2d(2, 5, 3, dilation=2)),
        with_part(0, nn.Conv2d(2, 5, 1, padding=1)),
        with_part(4, nn.MaxPool2d(3)),
        with_part(4, nn.MaxPool2d(2, stride=1)),
        with_part(4, nn.MaxPool2d(2, ceil_mode=True)),
        with_part(8, nn.Flatten(2)),
        with_part(9, nn.Linear(3, 7, bias=False)),
        with_part(11, nn.ReLU()),
        nn.Sequential(nn.Flatten(), nn.Linear(4, 4)),
        nn.ReLU(),
    ],
)
def test_what_is_made_of_anything_else_has_no_stages(module):
    """Another model has it then."""
    assert stages_of(module) == []


@pytest.mark.parametrize(("inputs", "outputs"), [(2, 7), (7, 2)], ids=["errors spread", "errors in patches"])
@pytest.mark.parametrize(
    ("kernel", "padding"), [((3, 3), (1, 1)), ((3, 2), (0, 1)), ((1, 1), (0, 0)), ((5, 3), (2, 0))]
)
def test_a_convolution_is_torchs(inputs, outputs, kernel, padding):
    """Outputs, both gradients and the inputs' error, of two replicas, whose memory is used again in a second pass."""
    modules = [nn.Conv2d(inputs, outputs, kernel, padding=padding).double() for _ in range(2)]
    stage = Convolution(modules[0])
    # as they lie in blocks: (R, O, kernel, C), seen as (R, O, C, kernel)
    weight = torch.stack([m.weight.detach().movedim(1, -1) for m in modules]).movedim(-1, 2)
    bias = torch.stack([m.bias.detach() for m in modules])
    for seed in range(2):
        images = random(2, inputs, 8, 7, 4, seed=seed)
        found = stage.forward(images, (weight, bias))
        error = random(*found.shape, seed=seed + 2)
        gradients = torch.zeros_like(weight), torch.zeros_like(bias)
        back = stage.backward(error, (weight, bias), gradients, True)
        for r, module in enumerate(modules):
            own = images[r].movedim(-1, 0).clone().requires_grad_()
            theirs = module(own)
            torch.testing.assert_close(found[r].movedim(-1, 0), theirs)
            wanted = torch.autograd.grad(theirs, [own, *module.parameters()], error[r].movedim(-1, 0))
            ours = back[r].movedim(-1, 0), gradients[0][r], gradients[1][r]
            torch.testing.assert_close(ours, wanted)


def test_a_pool_is_torchs_where_values_tie():
    """The first of equal maxima takes the gradient, row by row; odd rows and columns have none."""
    images = random(1, 3, 7, 9, 5).round()
    stage, own = Pool(), images[0].movedim(-1, 0).clone().requires_grad_()
    found, theirs = stage.forward(images, ()), nn.functional.max_pool2d(own, 2)
    assert torch.equal(found[0].movedim(-1, 0), theirs)
    error = random(*found.shape, seed=1)
    (wanted,) = torch.autograd.grad(theirs, own, error[0].movedim(-1, 0))
    assert torch.equal(stage.backward(error, (), (), True)[0].movedim(-1, 0), wanted)


def test_memory_is_counted_at_least_as_it_is_used():
    """What a forward pass makes new: patches, outputs."""
    shape, counted = (2, 8, 8), 0
    for stage in stages_of(convolutional()):
        shape, busy = stage.through(shape)
        counted += busy
    assert shape == (4,)
    patches = 2 * 9 * 64 + 5 * 6 * 42 + 4 * 1 * 9
    assert counted > patches + 5 * 64 + 4 * 42
