"""Targets: they compute what they are made for, with exactly the published numbers of weights."""

import pytest
import torch
from scipy import stats

from lottery.data.made_tasks import draw, function, score
from lottery.planting.targets import BOUNDARIES, TASKS, alternating, interpolation

# weights and biases that are not zero, by task and depth, as the authors' released code builds them
PUBLISHED = {
    ("circle", 3): (100, 24), ("circle", 4): (124, 22), ("circle", 5): (108, 22), ("circle", 6): (119, 22),
    ("circle", 8): (135, 22), ("circle", 10): (153, 22), ("relu", 3): (2, 0), ("relu", 5): (4, 0), ("relu", 10): (9, 0),
    ("helix", 3): (115, 33), ("helix", 5): (120, 36),
    ("helix", 6): (123, 36), ("helix", 10): (135, 36),
}  # fmt: skip
WIDTHS = {
    ("circle", 3): (2, 20, 4), ("circle", 4): (2, 4, 20, 4), ("circle", 5): (2, 4, 2, 20, 4),
    ("circle", 6): (2, 4, 2, 3, 20, 4),
    ("relu", 5): (1, 1, 1, 1, 1), ("helix", 3): (1, 30, 3), ("helix", 4): (1, 1, 30, 3),
    ("helix", 6): (1, 1, 30, 3, 3, 3),
}  # fmt: skip


@pytest.mark.parametrize("task, depth", PUBLISHED)
def test_counts_are_the_published_ones(task, depth):
    """To the last weight, rounding noise of Helix's straight line included."""
    target = TASKS[task](depth)
    assert (target.size, sum(int((bias != 0).sum()) for bias in target.biases)) == PUBLISHED[task, depth]


@pytest.mark.parametrize("task, depth", WIDTHS)
def test_widths(task, depth):
    """As deep and as wide as described."""
    assert TASKS[task](depth).widths == WIDTHS[task, depth]


@pytest.mark.parametrize("depth", range(3, 11))
def test_functions(depth):
    """The path is max(0, x) exactly, the curve close to the helix, the classes right but for interpolation."""
    inputs = {task: draw(task, 20_000, 0, "test").inputs for task in TASKS}
    assert torch.equal(TASKS["relu"](depth)(inputs["relu"]), inputs["relu"].relu())
    error = (TASKS["helix"](depth)(inputs["helix"]) - function("helix", inputs["helix"])).square().mean()
    assert error == pytest.approx(2.16e-4, rel=0.03)
    right = score("circle", TASKS["circle"](depth)(inputs["circle"]), function("circle", inputs["circle"]).argmax(1))
    assert right > (95 if depth == 3 else 98)


def test_interpolation_meets_the_function_at_its_knots():
    """Whatever the signs, at the knots and halfway between them, which is where a line lies between its ends."""
    knots = torch.linspace(-1, 1, 7, dtype=torch.float64)
    for signs in (torch.ones(7, dtype=torch.float64), alternating(7), alternating(7, last=-1)):
        inner, bias, outer, constant = interpolation(torch.square, knots, signs)
        points = torch.cat([knots, (knots[1:] + knots[:-1]) / 2])
        ours = (points.unsqueeze(1) * inner + bias).relu() @ outer + constant
        wanted = torch.cat([knots.square(), (knots[1:].square() + knots[:-1].square()) / 2])
        torch.testing.assert_close(ours, wanted, rtol=1e-12, atol=1e-12)


def test_classes_are_rings():
    """The label is the ring of the squared radius, corners outside; the runner-up is a neighbour."""
    sample = draw("circle", 50_000, 0, "train", noise=0.0)
    radius = sample.inputs.square().sum(1)
    rings = sum((radius > boundary).long() for boundary in BOUNDARIES)
    assert torch.equal(sample.observed, rings)
    moved = draw("circle", 50_000, 0, "train", noise=0.1)
    changed = moved.observed != rings
    assert changed.double().mean() == pytest.approx(0.1, abs=0.005)
    assert ((moved.observed - rings)[changed].abs() == 1).all()


def test_samples_have_streams_of_their_own():
    """Seeds, parts and tasks differ; the same request is the same to the bit; noise has its deviation and mean zero."""
    one = draw("helix", 10_000, 0, "train")
    assert torch.equal(one.observed, draw("helix", 10_000, 0, "train").observed)
    for other in (
        draw("helix", 10_000, 1, "train"),
        draw("helix", 10_000, 0, "test"),
        draw("relu", 10_000, 0, "train"),
    ):
        assert not torch.equal(one.inputs, other.inputs)
    noise = one.observed - function("helix", one.inputs)
    assert all(stats.kstest(of_one / 0.01, stats.norm.cdf).pvalue > 1e-3 for of_one in noise.t().numpy())
    strangers = [noise[:, 0] * noise[:, 1], noise[:, 0] * noise[:, 2], noise[1:, 0] * noise[:-1, 0]]
    assert all(abs(float(product.mean())) < 4 * 1e-4 / 100 for product in strangers)  # four errors of the mean
    assert float(one.inputs.min()) >= -1 and float(one.inputs.max()) <= 1 and abs(float(one.inputs.mean())) < 0.02


def test_scores():
    """Error over all outputs, share of right classes, for one prediction and for a batch of them."""
    assert float(score("relu", torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [1.0]]))) == 2.5
    predicted = torch.eye(4).expand(3, 4, 4)
    assert score("circle", predicted, torch.tensor([0, 1, 2, 0])).tolist() == [75.0] * 3
