"""Planting by its laws: the ticket computes the target, what is planted hides, and nothing else is touched."""

import numpy as np
import pytest
import torch
from scipy import stats

from lottery.core.errors import LotteryError
from lottery.models.architectures import network
from lottery.planting.planted_networks import planted_parameters, planting, plantings, size_ratios, task_of
from lottery.planting.planting import Network, hosts, plant
from lottery.planting.readings import kept_parts
from lottery.planting.targets import TASKS, Target

WIDTH = 60
CASES = [(task, depth) for task in TASKS for depth in (3, 4, 5, 6, 10)]


def own_target(seed=0, widths=(3, 5, 4, 2), zeros=0.4):
    """A small network with a share of zeros in it, biases of both signs, and every output with a weight."""
    generator = torch.Generator().manual_seed(seed)
    weights, biases = [], []
    for inputs, outputs in zip(widths, widths[1:]):
        weight = torch.randn(inputs, outputs, generator=generator, dtype=torch.float64)
        weight[torch.rand(inputs, outputs, generator=generator) < zeros] = 0
        weight[0, (weight == 0).all(0)] = 1
        weights.append(weight)
        biases.append(
            torch.randn(outputs, generator=generator, dtype=torch.float64)
            * (torch.rand(outputs, generator=generator) < 0.5)
        )
    return Target(tuple(weights), tuple(biases))


def planted(target, seeds=range(4), width=WIDTH):
    widths = [target.widths[0], *[width] * (len(target.widths) - 2), target.widths[-1]]
    host = hosts(widths, seeds)
    return host, plant(target, host)


def targets():
    return [TASKS[task](depth) for task, depth in CASES] + [own_target(seed) for seed in range(5)]


@pytest.mark.parametrize(
    "target", targets(), ids=[f"{task}-{depth}" for task, depth in CASES] + [f"own-{seed}" for seed in range(5)]
)
class TestLaws:
    def test_the_ticket_computes_the_target(self, target):
        """Cut to what was planted and divided by the scale, to rounding, for every host; the scale is positive."""
        _, found = planted(target)
        inputs = (
            2 * torch.rand(200, target.widths[0], dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1
        )
        wanted = target(inputs)
        ours = found.ticket(inputs) / found.scale.unsqueeze(1)
        assert (found.scale > 0).all()
        torch.testing.assert_close(ours, wanted.expand_as(ours), rtol=1e-10, atol=1e-10 * float(wanted.abs().max()))

    def test_the_masks_count_the_target(self, target):
        """As many weights and biases as the target has, layer by layer, in every host."""
        _, found = planted(target)
        for weight_mask, bias_mask, weight, bias in zip(
            found.weight_masks, found.bias_masks, target.weights, target.biases
        ):
            assert set(weight_mask.flatten(1).sum(1).tolist()) == {int((weight != 0).sum())}
            assert set(bias_mask.sum(1).tolist()) == {int((bias != 0).sum())}

    def test_the_rest_is_untouched(self, target):
        """Outside the masks every parameter is the host's, to the bit; the last layer's outputs change places."""
        host, found = planted(target)
        pairs = [
            (found.network.weights, host.weights, found.weight_masks),
            (found.network.biases, host.biases, found.bias_masks),
        ]
        for ours, theirs, masks in pairs:
            for after, before, mask in list(zip(ours, theirs, masks))[:-1]:
                assert torch.equal(after[~mask], before[~mask])
            kept = ours[-1][~masks[-1]]
            assert torch.isin(kept, theirs[-1]).all()

    def test_planting_is_the_same_alone_and_in_a_batch(self, target):
        """A host does not notice which others are planted beside it."""
        _, together = planted(target, range(4))
        _, alone = planted(target, [2])
        for ours, theirs in zip(
            (*alone.network.weights, *alone.network.biases), (*together.network.weights, *together.network.biases)
        ):
            torch.testing.assert_close(ours[0], theirs[2], rtol=1e-12, atol=1e-14)

    def test_a_planted_neuron_has_the_size_of_what_it_replaces(self, target):
        """Over all neurons of a layer planted and replaced parameters have norms of the same order."""
        host, found = planted(target)
        for after, before, mask in list(zip(found.network.weights, host.weights, found.weight_masks))[:-1]:
            ratio = after[mask].square().mean().sqrt() / before[mask].square().mean().sqrt()
            assert 0.4 < ratio < 2.5


def test_hosts_have_their_deviations():
    """Weights N(0, 2 / inputs), biases with the product of the deviations so far; one stream a seed and layer."""
    widths = (2, 400, 300, 200, 4)
    found = hosts(widths, range(3))
    product, drawn = 1.0, []
    for inputs, weight, bias in zip(widths, found.weights, found.biases):
        deviation = (2 / inputs) ** 0.5
        product *= deviation
        drawn += [weight.flatten() / deviation, bias.flatten() / product]
    assert all(stats.kstest(values.numpy(), stats.norm.cdf).pvalue > 1e-3 for values in drawn)
    assert len(torch.cat(drawn).mul(1e9).round().unique()) > 0.999 * sum(map(len, drawn))  # no number serves twice
    found = hosts((2, 400, 300, 4), range(3))
    again = hosts((2, 400, 300, 4), [1])
    assert all(
        torch.equal(ours[0], theirs[1])
        for ours, theirs in zip(again.weights + again.biases, found.weights + found.biases)
    )


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_hosts_are_homogeneous(factor):
    """With every deviation multiplied, biases are by so many factors as layers lie before them, outputs by them all."""
    host, inputs = hosts((3, 60, 50, 40, 2), range(4)), torch.rand(20, 3, dtype=torch.float64)
    narrow = hosts((3, 15, 50, 40, 2), range(4))  # a layer of a quarter of the width: what follows has twice the size
    sizes = [float((few / many).square().mean().sqrt()) for few, many in zip(narrow.biases[2:], host.biases[2:])]
    assert sizes == pytest.approx([2.0, 2.0])  # the same draws, each times the deviations so far
    scaled = Network(
        tuple(factor * weight for weight in host.weights),
        tuple(factor ** (place + 1) * bias for place, bias in enumerate(host.biases)),
    )
    torch.testing.assert_close(scaled(inputs), factor**4 * host(inputs))


def match_by_hand(target, host, row):
    """Return weights, biases and scale of one host after planting, neuron by neuron, by the paper's algorithm 1.

    theta are a target neuron's parameters over the scales so far, m a free neuron's in the same places; the best m is
    the one that a lambda > 0 brings closest to theta, which takes its place at its norm.
    """
    weights, biases = ([layer[row].numpy().copy() for layer in of] for of in (host.weights, host.biases))
    places, scales = list(range(target.widths[0])), [1.0] * target.widths[0]
    for weight, bias, wanted, wanted_bias in zip(weights, biases, target.weights, target.biases):
        taken, grown = [], []
        for neuron in range(len(wanted_bias)):
            used = [i for i in range(len(wanted)) if wanted[i, neuron] != 0]
            theta = np.array([float(wanted[i, neuron]) / scales[i] for i in used])
            rows = [places[i] for i in used]
            if wanted_bias[neuron] != 0:
                theta = np.append(theta, float(wanted_bias[neuron]))
            best = {True: (np.inf, 0), False: (np.inf, 0)}
            for free in set(range(len(bias))) - set(taken):
                m = np.append(weight[rows, free], [bias[free]] * (wanted_bias[neuron] != 0))
                factor = theta @ m / (m @ m)
                best[factor > 0] = min(best[factor > 0], (np.linalg.norm(theta - factor * m), free))
            place = best[np.isfinite(best[True][0])][1]
            m = np.append(weight[rows, place], [bias[place]] * (wanted_bias[neuron] != 0))
            grown.append(np.linalg.norm(m) / np.linalg.norm(theta))
            weight[rows, place] = grown[-1] * theta[: len(used)]
            if wanted_bias[neuron] != 0:
                bias[place] = grown[-1] * theta[-1]
            taken.append(place)
        places, scales = taken, grown
    weights[-1], biases[-1] = weights[-1][:, places], biases[-1][places]
    return weights, biases, scales


@pytest.mark.parametrize("seed", range(4))
def test_planting_is_the_papers_algorithm(seed):
    """Neuron by neuron with numpy: the same matches, the same values in the same places, the same scale.

    Every neuron has two parameters at least: a single one is matched by all neurons alike, up to rounding.
    """
    target = own_target(seed, zeros=0.0)
    host, found = planted(target, range(2), width=40)
    for row in range(2):
        weights, biases, scale = match_by_hand(target, host, row)
        for ours, theirs in zip((*found.network.weights, *found.network.biases), (*weights, *biases)):
            np.testing.assert_allclose(ours[row].numpy(), theirs, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.scale[row].numpy(), scale, rtol=1e-9)


@pytest.mark.parametrize("task", ["circle", "helix"])
def test_sizes_are_compared_with_the_others(task):
    """Mean size of the planted weights of a layer over that of those which were not planted, one by one in numpy."""
    _, found = plantings(task, 3)
    for ratio, weights, masks in zip(size_ratios(task, 3), found.network.weights, found.weight_masks):
        sizes, ours = np.abs(weights.numpy()), masks.numpy()
        assert ratio == pytest.approx(sizes[ours].sum() / ours.sum() / (sizes[~ours].sum() / (~ours).sum()), rel=1e-9)


def test_connected_is_a_path_through_every_layer():
    """As the product of the layers' masks has it: however many weights are kept, in whichever layer the path ends."""
    layout, generator = network("planted-circle-5").layout, torch.Generator().manual_seed(0)
    answers = []
    for place in range(80):
        kept = torch.rand(layout.size, generator=generator) < 0.02
        for layer in (layout.weights[0], layout.weights[-1]):
            kept[layer] = torch.rand(layer.stop - layer.start, generator=generator) < 0.02
        kept[layout.weights[-1]] &= bool(place % 4)  # sometimes the last layer alone is empty
        parts = layout.parts(kept)
        paths = torch.linalg.multi_dot([parts[layer.name].double() for layer in layout.network.layers])
        assert kept_parts(layout, kept)["connected"] == bool(paths.any())
        answers.append(bool(paths.any()))
    assert 20 < sum(answers) < 60


def test_hosts_are_left_alone():
    """Planting returns other networks; those it was given stay as they were."""
    target = own_target()
    host = hosts((3, 20, 20, 2), range(2))
    before = [values.clone() for values in host.weights + host.biases]
    plant(target, host)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(before, host.weights + host.biases))


def test_the_best_free_neuron_is_taken():
    """Of free neurons with a positive match the one of closest direction; a second equal target takes the next best."""
    weight = torch.tensor([[[1.0, 0.0, -3.0, 2.0], [0.1, 1.0, -3.0, 1.9]]], dtype=torch.float64)
    host = Network(
        (weight, torch.ones(1, 4, 1, dtype=torch.float64)),
        (torch.ones(1, 4, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)),
    )
    same = torch.tensor([[1.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    found = plant(
        Target(
            (same, torch.ones(2, 1, dtype=torch.float64)),
            (torch.zeros(2, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)),
        ),
        host,
    )
    assert found.weight_masks[0][0].any(0).tolist() == [
        True,
        False,
        False,
        True,
    ]  # never the third, whose direction is the opposite


class TestErrors:
    @pytest.mark.parametrize(
        "widths, message",
        [
            ((3, 20, 2), "a target of depth 4 cannot be planted in a network of depth 3"),
            ((3, 20, 20, 20, 2), "a target of depth 4 cannot be planted in a network of depth 5"),
            ((2, 20, 20, 2), "the target has 3 inputs and 2 outputs, the network 2 and 2"),
            ((3, 20, 20, 3), "the target has 3 inputs and 2 outputs, the network 3 and 3"),
            ((3, 20, 3, 2), "layer 2 of the target has 4 neurons, that of the network 3"),
        ],
    )
    def test_a_target_that_does_not_fit(self, widths, message):
        """Another depth, other ends, too narrow: one clear message each."""
        with pytest.raises(LotteryError, match=message):
            plant(own_target(), hosts(widths, [0]))

    def test_no_admissible_neuron(self):
        """Neurons of zeros cannot be scaled to anything; one that is not empty is enough."""
        host = hosts((3, 20, 20, 2), [0, 1])
        host.weights[1][1, :, 3:] = host.biases[1][1, 3:] = 0
        with pytest.raises(LotteryError, match="no free neuron is admissible: .* in network 1 of the batch"):
            plant(own_target(), host)
        host.weights[1][1, :, 3] = 1.0
        assert torch.isfinite(plant(own_target(), host).scale).all()

    def test_hosts_need_widths_and_seeds(self):
        """Of nothing, nothing is made."""
        for widths, seeds in (((1, 100, 1), []), ((1,), [0])):
            with pytest.raises(LotteryError, match="a seed at least"):
                hosts(widths, seeds)

    def test_targets_that_are_none(self):
        """Without layers, with layers that do not follow, with a missing bias, with an output that nothing feeds."""
        one, bias = torch.ones(1, 1), torch.zeros(1)
        for weights, biases, message in [
            ((), (), "needs layers of weights"),
            ((one, torch.ones(2, 1)), (bias, bias), "follow on each other"),
            ((one,), (torch.zeros(2),), "1 outputs and 2 biases"),
            ((torch.zeros(1, 1),), (bias,), "an output without weights"),
        ]:
            with pytest.raises(LotteryError, match=message):
                Target(weights, biases)

    @pytest.mark.parametrize("task", TASKS)
    def test_depths_begin_at_three(self, task):
        """There is no target with fewer than two layers of weights."""
        with pytest.raises(LotteryError, match="the targets begin at depth 3 .* not at 2"):
            TASKS[task](2)


def test_printed_networks_have_the_printed_scale():
    """The same hosts, planted at the algorithm's own scale, by which the last layer stands out."""
    name, target = "planted-circle-5-printed", TASKS["circle"](5)
    ours, printed = planting("planted-circle-5", (3,)), planting(name, (3,))
    wanted = plant(target, hosts((2, 100, 100, 100, 4), (3,)), printed=True)
    assert task_of(name) == ("circle", 5)
    for layer in range(4):
        assert torch.equal(printed.network.weights[layer], wanted.network.weights[layer])
    last = [found.network.weights[-1][found.weight_masks[-1]].abs().mean() for found in (printed, ours)]
    assert last[0] > 5 * last[1]
    assert not torch.equal(planted_parameters(name, [3]), planted_parameters("planted-circle-5", [3]))
