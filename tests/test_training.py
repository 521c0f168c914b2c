"""Laws of the engine: what a replica computes is its own business, frozen is frozen, early stop is found afterwards."""

import dataclasses

import pytest
import torch

from lottery.models import matmul
from lottery.models.architectures import network
from lottery.models.layout import Layout
from lottery.models.matmul import product
from lottery.training.config import Config
from lottery.training.observers import EarlyStop
from tests.conftest import SMALL, random_masks, replica
from tests.training_helpers import train

BRIEF = Config("adam", 1e-2, 20, 100, 25)


class TestReplicas:
    @pytest.mark.parametrize("company", [1, 2, 3, 7])
    def test_result_does_not_depend_on_company_digits(self, digits, company):
        """A replica of the miniature ends with the same bits and the same measurements whoever shares its batch."""
        replicas = [replica(SMALL, seed, random_masks(SMALL, seed)) for seed in range(12)]
        everyone = train(SMALL, digits, BRIEF, replicas)
        few = train(SMALL, digits, BRIEF, replicas[-company:])
        for ours, theirs in zip(few, everyone[-company:]):
            assert torch.equal(ours.final, theirs.final)
            assert ours.measurements == theirs.measurements

    @pytest.mark.parametrize("optimiser", ["adam", "sgd"])
    def test_result_does_not_depend_on_company_lenet(self, random_images, optimiser):
        """The same law for LeNet-300-100, whose products go another way through the libraries."""
        config = Config(optimiser, 1e-3, 60, 12, 4, momentum=0.9 if optimiser == "sgd" else 0)
        replicas = [replica("lenet-300-100", seed) for seed in range(5)]
        everyone = train("lenet-300-100", random_images, config, replicas)
        for alone, among in zip(replicas, everyone):
            ours = train("lenet-300-100", random_images, config, [alone])[0]
            assert torch.equal(ours.final, among.final)
            assert ours.measurements == among.measurements

    def test_twice_the_same(self, digits):
        """The same request gives the same bits."""
        first, second = (train(SMALL, digits, BRIEF, [replica(SMALL, 5)])[0] for _ in range(2))
        assert torch.equal(first.final, second.final)

    def test_seeds_differ(self, digits):
        """Two seeds start, shuffle and end differently."""
        first, second = train(SMALL, digits, BRIEF, [replica(SMALL, 0), replica(SMALL, 1)])
        assert not torch.equal(first.final, second.final)

    @pytest.mark.parametrize("optimiser", ["adam", "sgd"])
    def test_learning_rate_is_a_replicas_own(self, digits, optimiser):
        """Replicas with rates of their own share a batch and end as they would alone under such a config."""
        rates = [1e-2, 1e-2, 3e-3, 1e-2]
        mixed = [dataclasses.replace(replica(SMALL, seed), learning_rate=rate) for seed, rate in enumerate(rates)]
        together = train(SMALL, digits, dataclasses.replace(BRIEF, optimiser=optimiser), mixed)
        for seed, rate in enumerate(rates):
            alone = train(
                SMALL,
                digits,
                dataclasses.replace(BRIEF, optimiser=optimiser, learning_rate=rate),
                [replica(SMALL, seed)],
            )[0]
            assert torch.equal(alone.final, together[seed].final) and alone.measurements == together[seed].measurements

    def test_data_order_matters_alone(self, digits):
        """The same start in another data order ends elsewhere: order and init are separate streams."""
        one = replica(SMALL, 0)
        other = dataclasses.replace(one, order=(1, "data order", 0))
        first, second = train(SMALL, digits, BRIEF, [one, other])
        assert not torch.equal(first.final, second.final)


class TestFrozen:
    @pytest.mark.parametrize("decay", [0.0, 0.1])
    @pytest.mark.parametrize("optimiser", ["adam", "sgd"])
    def test_pruned_weights_stay_at_zero_after_every_step(self, digits, optimiser, decay):
        """Pruned weights are exactly zero after any number of steps, by both optimisers, with or without decay."""
        masks = random_masks(SMALL, 0)
        layout = Layout(network(SMALL))
        weights = [w * mask for w, mask in zip(layout.weight_views(replica(SMALL, 0).start.unsqueeze(0)), masks)]
        start = [weight[0] for weight in weights]
        for steps in (1, 2, 3, 10):
            config = Config(optimiser, 1e-2, 20, steps, steps, momentum=0.9, weight_decay=decay)
            final = train(SMALL, digits, config, [replica(SMALL, 0, masks, start)])[0].final.unsqueeze(0)
            for trained, mask in zip(layout.weight_views(final), masks):
                assert (trained[0][~mask] == 0).all()

    def test_survivors_of_both_signs_move(self, digits):
        """Negative survivors are trained as positive ones are (a published code froze all negative weights)."""
        layout, masks = Layout(network(SMALL)), random_masks(SMALL, 0)
        one = replica(SMALL, 0, masks)
        final = train(SMALL, digits, BRIEF, [one])[0].final
        for before, after, mask in zip(layout.weight_views(one.start[None]), layout.weight_views(final[None]), masks):
            for sign in (-1, 1):
                survivors = mask & (before[0].sign() == sign)
                assert (before[0][survivors] != after[0][survivors]).float().mean() > 0.6  # some pixels are never lit

    def test_dense_replica_beside_a_masked_one(self, digits):
        """A dense replica trains the same whether its neighbour is masked or not."""
        dense = replica(SMALL, 0)
        alone = train(SMALL, digits, BRIEF, [dense])[0]
        beside = train(SMALL, digits, BRIEF, [dense, replica(SMALL, 1, random_masks(SMALL, 1))])[0]
        assert torch.equal(alone.final, beside.final)


def test_measurements_are_of_the_parts_they_name(digits):
    """Validation loss is of validation images, test and train accuracy of theirs: recomputed from the final weights."""
    outcome = train(SMALL, digits, BRIEF, [replica(SMALL, 0)])[0]
    layout = Layout(network(SMALL))
    weights, biases = layout.weight_views(outcome.final[None]), layout.bias_views(outcome.final[None])

    def logits(images):
        for weight, bias in list(zip(weights, biases))[:-1]:
            images = (images @ weight[0] + bias[0]).relu()
        return images @ weights[-1][0] + biases[-1][0]

    for name in ("test", "train"):
        part = getattr(digits, name)
        accuracy = 100 * (logits(part.images).argmax(1) == part.labels).double().mean().item()
        assert outcome.measurements[f"{name}_accuracy_end"] == pytest.approx(accuracy, abs=1e-9)
    loss = torch.nn.functional.cross_entropy(logits(digits.validation.images), digits.validation.labels).item()
    assert outcome.measurements["validation_loss"][-1] == pytest.approx(loss, rel=1e-5)


class TestEarlyStop:
    def test_first_of_equal_minima(self):
        """The first minimum counts, and the weights are those of that moment."""
        early_stop = EarlyStop()
        early_stop.start(torch.zeros(1, 4), torch.zeros(1, 2))
        for iteration, loss in enumerate([3.0, 1.0, 2.0, 1.0], start=1):
            early_stop.note(
                iteration,
                torch.tensor([loss], dtype=torch.float64),
                torch.zeros(1),
                torch.full((1, 4), float(iteration)),
                torch.full((1, 2), -float(iteration)),
            )
        assert early_stop.iteration.tolist() == [2]
        assert early_stop.parameters.tolist() == [[2.0] * 4] and early_stop.buffers.tolist() == [[-2.0] * 2]

    def test_each_replica_has_its_own(self):
        """Replicas stop at different moments."""
        early_stop, none = EarlyStop(), torch.zeros(2, 0)
        early_stop.start(torch.zeros(2, 1), none)
        early_stop.note(10, torch.tensor([1.0, 2.0], dtype=torch.float64), torch.zeros(2), torch.ones(2, 1), none)
        early_stop.note(
            20, torch.tensor([2.0, 1.0], dtype=torch.float64), torch.zeros(2), torch.full((2, 1), 2.0), none
        )
        assert early_stop.iteration.tolist() == [10, 20]
        assert early_stop.parameters.tolist() == [[1.0], [2.0]]

    def test_is_the_minimum_of_the_curve(self, digits):
        """The reported iteration is where the curve is lowest over the whole run: nothing stops the training."""
        config = Config("adam", 1e-2, 20, 190, 25)
        for outcome in train(SMALL, digits, config, [replica(SMALL, seed) for seed in range(4)]):
            curve = outcome.measurements["validation_loss"]
            looks = [25, 50, 75, 100, 125, 150, 175, 190]
            assert len(curve) == len(looks)
            assert outcome.measurements["early_stop_iteration"] == looks[curve.index(min(curve))]

    def test_accuracy_at_early_stop_is_of_a_run_that_ended_there(self, digits):
        """A run cut off at the early stop has that accuracy at its end."""
        long = train(SMALL, digits, Config("adam", 1e-2, 20, 600, 25), [replica(SMALL, 0)])[0].measurements
        stop = long["early_stop_iteration"]
        assert stop < 600
        short = train(SMALL, digits, Config("adam", 1e-2, 20, stop, 25), [replica(SMALL, 0)])[0].measurements
        for part in ("test", "train"):
            assert short[f"{part}_accuracy_end"] == long[f"{part}_accuracy_early_stop"]

    def test_censored_in_the_last_tenth(self, digits):
        """A run that still improves when it ends is marked as censored, one that overfits is not."""
        improving = train(SMALL, digits, Config("sgd", 1e-3, 20, 100, 5), [replica(SMALL, 0)])[0].measurements
        assert improving["censored"] and improving["early_stop_iteration"] > 90
        overfit = train(SMALL, digits, Config("adam", 1e-2, 20, 600, 25), [replica(SMALL, 0)])[0].measurements
        assert not overfit["censored"]

    def test_divergence_is_censored_and_harms_no_neighbour(self, digits):
        """A replica whose loss is not a number has no early stop; the one beside it is as if alone."""
        sick = replica(SMALL, 1)
        sick = dataclasses.replace(sick, start=sick.start * float("nan"))
        broken, healthy = train(SMALL, digits, BRIEF, [sick, replica(SMALL, 0)])
        assert broken.measurements["early_stop_iteration"] == 0 and broken.measurements["censored"]
        assert torch.equal(healthy.final, train(SMALL, digits, BRIEF, [replica(SMALL, 0)])[0].final)


@pytest.fixture(params=["on Intel's processors", "on others"])
def processor(request, monkeypatch):
    """Choose libraries as on either kind of processor."""
    monkeypatch.setattr(matmul, "is_intel", lambda: request.param == "on Intel's processors")
    matmul._onednn_linear.cache_clear()
    yield
    monkeypatch.undo()
    matmul._onednn_linear.cache_clear()


@pytest.mark.parametrize("shape", [(60, 784, 300), (20, 64, 96), (500, 300, 100)])
def test_product_equals_matmul(shape, processor):
    """Whichever library computes it, a product is left @ right plus the bias, into `out` or not, transposed or not."""
    rows, inner, columns = shape
    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(2, rows, inner, generator=generator), torch.randn(2, inner, columns, generator=generator)
    bias = torch.randn(2, 1, columns, generator=generator)
    out = torch.empty(2, rows, columns)
    exact = left.double() @ right.double()
    torch.testing.assert_close(product(left, right).double(), exact, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(product(left, right, bias).double(), exact + bias, rtol=1e-4, atol=1e-3)
    assert product(left, right, out=out) is out
    torch.testing.assert_close(out.double(), exact, rtol=1e-4, atol=1e-3)
    flipped = product(right.transpose(1, 2), left.transpose(1, 2))
    torch.testing.assert_close(flipped.double(), exact.transpose(1, 2), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("sizes", [(1, 100), (100, 1), (100, 3), (2, 100), (100, 100), (96, 48), (48, 10), (784, 300)])
def test_products_do_not_know_their_neighbours(sizes, processor):
    """Alone or among others, all three products of a layer have the same bits, vectors included."""
    generator, (inputs, outputs) = torch.Generator().manual_seed(0), sizes
    left, error = (torch.randn(12, 32, size, generator=generator) for size in sizes)
    weights, bias = torch.randn(12, *sizes, generator=generator), torch.randn(12, 1, outputs, generator=generator)

    def products(rows):
        gradient = torch.empty(len(left[rows]), inputs * outputs + 64)[:, : inputs * outputs].view(-1, *sizes)
        return (
            product(left[rows], weights[rows], bias[rows]),
            product(error[rows], weights[rows].transpose(1, 2)),
            product(left[rows].transpose(1, 2), error[rows], out=gradient),
        )

    everyone = products(slice(0, 12))
    for rows in (slice(0, 1), slice(11, 12), slice(4, 6), slice(4, 7), slice(2, 7)):
        assert all(torch.equal(ours, all_of_them[rows]) for ours, all_of_them in zip(products(rows), everyone))
