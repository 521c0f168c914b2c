"""torchvision's networks behind an enlargement, and their miniatures, layer for layer."""

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision.transforms import InterpolationMode, functional

from lottery.core.rng import stream
from lottery.models.architectures import network
from lottery.models.initialisers import initial_weights
from lottery.models.layers import SHORTCUT
from lottery.models.losses import mean_loss
from lottery.models.model import model_of
from lottery.models.modules import Modules, lean
from lottery.models.torchvision_networks import Enlargement

KINDS = {"alexnet": models.AlexNet, "vgg11": models.VGG, "resnet18": models.ResNet}


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_images_are_enlarged_as_torchvision_does(shape):
    """Bilinearly to 224 by 224; grey ones become three channels that are the same."""
    images = torch.rand(4, *shape, generator=stream(0, "test"))
    found = Enlargement()(images)
    size, how = [224, 224], InterpolationMode.BILINEAR
    expected = functional.resize(images.expand(-1, 3, -1, -1), size, how, antialias=False)
    torch.testing.assert_close(found, expected)
    assert not list(Enlargement().parameters()) and found.shape == (4, 3, 224, 224)


@pytest.mark.parametrize("end, image, classes", [("", 3, 10), ("-100", 3, 100), ("-grey", 1, 10), ("-grey-47", 1, 47)])
@pytest.mark.parametrize("kind", KINDS)
def test_networks_are_torchvisions_own(kind, end, image, classes):
    """As they are, dropout and all, for either kind of images and every number of classes."""
    architecture = network(f"{kind}-224{end}")
    _, theirs = architecture.module
    assert type(theirs) is KINDS[kind] and architecture.input_shape[0] == image
    assert architecture.layers[-1].fan_out == classes
    with torch.device("meta"):
        whole = getattr(models, kind)(num_classes=classes).eval()
    assert str(theirs) == str(whole)


def test_resnets_shortcuts_alone_are_never_pruned():
    """Three convolutions of 1x1, 172,032 weights."""
    resnet = network("resnet18-224")
    spared = [layer for layer in resnet.layers if not resnet.rate(layer)]
    assert {layer.role for layer in spared} == {SHORTCUT} and {layer.shape[2:] for layer in spared} == {(1, 1)}
    assert (len(spared), sum(layer.weights for layer in spared)) == (3, 172_032)


@pytest.mark.parametrize("kind", KINDS)
def test_miniatures_have_an_eighth_of_the_width(kind):
    """Layers of the same names and roles, pruned alike, each with an eighth of the outputs; the last one has ten."""
    small, large = network(f"{kind}-miniature"), network(f"{kind}-224")
    assert [(layer.name, layer.role) for layer in small.layers] == [(layer.name, layer.role) for layer in large.layers]
    assert [small.rate(layer) for layer in small.layers] == [large.rate(layer) for layer in large.layers]

    def outputs(layer):
        return layer.shape[0] if len(layer.shape) > 2 else layer.fan_out

    assert [8 * outputs(layer) for layer in small.layers[:-1]] == [outputs(layer) for layer in large.layers[:-1]]
    dropout, batch_norm = (
        [[type(part) for part in of.module.modules()].count(kind) for of in (small, large)]
        for kind in (nn.Dropout, nn.BatchNorm2d)
    )
    assert dropout[0] == dropout[1] and batch_norm[0] == batch_norm[1]


@pytest.mark.parametrize("name", ["resnet18-224-grey", "alexnet-miniature", "vgg11-miniature", "resnet18-miniature"])
def test_steps_are_taken_by_the_model_for_any_module(name):
    """Its gradient of a batch of two is autograd's of the plain module, which draws the same random numbers."""
    architecture, model = network(name), model_of(network(name))
    assert type(model) is Modules
    layout, labels = architecture.layout, torch.tensor([3, 7])
    images = torch.rand(2, *architecture.input_shape, generator=stream(0, "test")).double()
    start, buffers = layout.join(initial_weights(architecture, 0)).double(), layout.initial_buffers().double()
    found, loss = torch.zeros_like(start), architecture.loss
    model.set_gradient(start[None], buffers[None], images[None], labels[None], loss, [stream(1)], found[None])
    with torch.random.fork_rng(devices=[]):
        module = lean(architecture.build().double())  # with the dropout that draws as the model's does
        layout.load(module, start)
        torch.set_rng_state(stream(1).get_state())
        mean_loss(loss, module(images), labels).backward()
    expected = {path: parameter.grad for path, parameter in module.named_parameters()}
    torch.testing.assert_close(layout.module_views(found), expected, rtol=1e-6, atol=1e-9)
    assert all(gradient.any() for gradient in expected.values())
