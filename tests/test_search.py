"""Seeking by its laws: exact counts, nested masks, resets to the bit, a plain loop as oracle, and what is measured of a known ticket."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from lottery.experiments.searches import Search, science
from lottery.experiments.seeking import Population, count, seek

from lottery.core.errors import LotteryError
from lottery.data.made_tasks import dataset, draw, margin, score, trivial
from lottery.experiments import seeking
from lottery.experiments.arms import EDGE_POPUP, Seek, multishot, scores_sought, singleshot, whole
from lottery.experiments.experiment import key, kind, parent
from lottery.masks.saliency import perceptron
from lottery.models.architectures import network
from lottery.models.losses import LOSSES, OF_SOFTMAX, mean_loss
from lottery.models.task import CROSS_ENTROPY, SQUARED_ERROR
from lottery.training.data_order import DataOrder
from lottery.training.step import Step

CIRCLE, RELU, HELIX = "planted-circle-5", "planted-relu-5", "planted-helix-5"
METHODS = ("magnitude", "random", "snip", "grasp", "synflow")


def population(*arms, seed=0):
    return Population([Search(arm, seed) for arm in arms], "cpu")


def mask_of(population, row=0):
    return population.masks[row, : population.size]


@pytest.mark.parametrize("name", [CIRCLE, HELIX])
@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("method", METHODS)
def test_counts_are_exact_and_masks_nested(brief, method, scope, name):
    """From round to round, for every method and both scopes, on the geometric ladder; the start is left as it is."""
    arm = replace(multishot(name, method, 0.05, scope=scope), epochs=1)
    one = population(arm)
    start, before = one.start.clone(), mask_of(one).clone()
    with torch.no_grad():
        for round in (1, 2, 10):
            one.prune(round, one.train(f"round {round}", 1, lambda: None))
            now = mask_of(one)
            share = (count(arm) / one.size) ** (round / 10)
            parts = [slice(0, one.size)] if scope == "global" else [*one.layout.weights, *one.layout.biases]
            assert [int(now[part].sum()) for part in parts] == [round_of(share, part) for part in parts]
            assert not (now & ~before).any()
            before = now.clone()
    assert not one.failed and torch.equal(start, one.start)


def round_of(share, part):
    return round(share * (part.stop - part.start))


@pytest.mark.parametrize(
    "arm", [singleshot(CIRCLE, "snip", 0.1), singleshot(HELIX, "magnitude", 0.3), singleshot(RELU, "synflow", 0.3)]
)
def test_training_moves_the_kept_and_nothing_else(brief, monkeypatch, arm):
    """Kept parameters start from what was planted, to the bit, and move; pruned ones are zero after every step; padding stays zero."""
    sound = Step.__call__
    one = population(arm, replace(arm, method="random"))
    with torch.no_grad():
        one.prune(1, one.start)
        start, trained = one.train("last", 0, lambda: None), []
        monkeypatch.setattr(
            Step, "__call__", lambda self, index: (sound(self, index), trained.append(self._parameters.trained.clone()))
        )
        one.train("last", 2, lambda: None)
    assert torch.equal(start[one.masks], one.start[one.masks]) and (start[~one.masks] == 0).all()
    assert len(trained) == 24 and all((step[~one.masks] == 0).all() for step in trained)
    assert all((trained[0] != start)[row].any() for row in range(2))


@pytest.mark.parametrize("name", [CIRCLE, HELIX])
def test_training_equals_a_plain_loop(brief, name):
    """One network at a time, autograd, torch's Adam on whole tensors, a mask multiplied in: the same parameters after the same batches."""
    arms = [singleshot(name, "snip", 0.2), singleshot(name, "random", 0.5)]
    one = population(*arms, seed=3)
    with torch.no_grad():
        one.prune(1, one.start)
        ours = one.train("last", 2, lambda: None)
    data, forward = dataset(one.task, 3), perceptron(network(name))
    for row in range(2):
        mask = {part: values.float() for part, values in one.layout.parts(one.masks[row]).items()}
        weights = {
            part: (values * mask[part]).clone().requires_grad_()
            for part, values in one.layout.parts(one.start[row]).items()
        }
        adam = torch.optim.Adam(weights.values(), lr=1e-3)
        batches = DataOrder([(3, "data order", "last")], len(data.train.images), 32, torch.device("cpu"))
        for _ in range(24):
            chosen = next(batches)[0]
            adam.zero_grad()
            masked = {part: values * mask[part] for part, values in weights.items()}
            mean_loss(
                network(name).loss, forward(masked, data.train.images[chosen]), data.train.labels[chosen]
            ).backward()
            adam.step()
        for part, values in one.layout.parts(ours[row]).items():
            torch.testing.assert_close(values, weights[part].detach() * mask[part], rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("name", [CIRCLE, RELU, HELIX])
def test_a_search_does_not_know_its_neighbours(brief, name):
    """Alone or among others, of other seeds, methods and shares, a search ends the same to the last bit; one output is no exception."""
    many = [
        Search(replace(multishot(name, m, s), epochs=1, rounds=2), n)
        for m in ("snip", "magnitude", "random")
        for s in (0.1, 0.3)
        for n in (0, 1)
    ]
    together = seek(many)
    for place in (0, 3, 10):
        alone = seek([many[place]])[0]
        assert alone[0] == together[place][0] and torch.equal(alone[1], together[place][1])
    assert len({str(outcome[0]["weak"]) for outcome in together}) > 6
    popped = [Search(scores_sought(name, share), seed) for share in (0.5, 0.3) for seed in (0, 1)]
    assert seek(popped)[1][0] == seek(popped[1:2])[0][0]


def test_draws_are_paired_by_seed_only():
    """All methods of a seed search one network on one data set; another seed has another of both; noise changes what is observed alone."""
    one = Population(
        [Search(singleshot(CIRCLE, "snip", 0.1), 0), Search(whole(CIRCLE), 0), Search(whole(CIRCLE), 1)], "cpu"
    )
    assert torch.equal(one.start[0], one.start[1]) and not torch.equal(one.start[1], one.start[2])
    assert one.own[0] is one.own[1] and not torch.equal(one.own[1].test.images, one.own[2].test.images)
    clean, noisy = dataset("circle", 0, 0.0), dataset("circle", 0, 0.1)
    assert torch.equal(clean.train.images, noisy.train.images)
    assert float((clean.train.labels != noisy.train.labels).double().mean()) == pytest.approx(0.1, abs=0.02)
    assert len(clean.train.images) == 9_000 and len(clean.test.images) == 1_000
    assert not torch.isin(clean.test.images.sum(1), clean.train.images.sum(1)).float().mean() > 0.01
    assert not torch.equal(draw("circle", 40, 0, "prune").inputs, draw("circle", 40, 0, "samples").inputs)


@pytest.mark.parametrize("name", ["planted-circle-3", CIRCLE, "planted-circle-10", RELU, HELIX, "planted-helix-3"])
def test_the_planted_mask_reads_as_the_planted_ticket(name):
    """Under the planted mask the reading that is divided by the scale is the target's own score; recall and precision are one."""
    one = population(whole(name), seed=2)
    one.masks = one.planted.clone()
    one._compare()
    data, task = one.own[0], one.task
    wanted = float(score(task, seeking.target_of(name)(data.test.images.double()), data.test.labels))
    reading = one.readings(one.start * one.masks)
    assert reading["scaled"][0] == pytest.approx(wanted, rel=2e-3)
    assert one.overlap[-1]["recall"] == one.overlap[-1]["precision"] == [1.0] and 0 < one.overlap[-1]["chance"][0] < 0.6
    assert one.anatomy(0)["connected"] and sum(one.anatomy(0)["weights_kept"]) == seeking.target_of(name).size
    if task != "circle":
        assert reading["fitted"][0] <= reading["scaled"][0] and reading["any_sign"][0] <= reading["fitted"][0]


def test_every_draw_is_named_by_seed_round_and_part(brief, monkeypatch):
    """Ties of every round, scores of every seed, and the samples that scores are taken on, with the search's own noise: no two share a stream."""
    sound, names, drawn = seeking.stream, [], []
    monkeypatch.setattr(
        seeking, "stream", lambda seed, *purpose: (names.append((seed, *purpose)), sound(seed, *purpose))[1]
    )
    sound_draw = seeking.draw
    monkeypatch.setattr(seeking, "draw", lambda *arguments: (drawn.append(arguments), sound_draw(*arguments))[1])
    arm = replace(multishot(CIRCLE, "random", 0.1, noise=0.2), epochs=1, rounds=3)
    masks = [mask for _, mask in seek([Search(arm, 4), Search(arm, 5)])]
    assert sorted(names) == [(seed, "ties", round, "all") for seed in (4, 5) for round in (1, 2, 3)]
    assert {arguments[2:] for arguments in drawn} == {(seed, "prune", 0.2) for seed in (4, 5)} and not torch.equal(
        *masks
    )
    names.clear()
    seek([Search(scores_sought(CIRCLE, 0.5), seed) for seed in (4, 5)])
    assert set(names) == {(4, "scores"), (5, "scores")}


def test_rounds_score_what_training_made(brief):
    """Ten rounds of magnitude keep what is large after training; increase compares it with the start. Nothing else than the masked start is strong."""
    arm = replace(multishot(CIRCLE, "magnitude", 0.3), epochs=1, rounds=1)
    one = population(arm, replace(arm, method="magnitude_increase"))
    with torch.no_grad():
        final = one.train("round 1", 1, lambda: None)
        one.prune(1, final)
    for row, grown in enumerate((final.abs(), final.abs() - one.start.abs())):
        size, kept = grown[row, : one.size], mask_of(one, row)
        assert size[kept].min() >= size[~kept].max() and int(kept.sum()) == count(arm)
    measured, mask = seek([Search(arm, 0)])[0]
    parts = {
        part: values * kept
        for (part, values), kept in zip(one.layout.parts(one.start[0]).items(), one.layout.parts(mask).values())
    }
    test = dataset("circle", 0).test
    assert measured["strong_raw"] == pytest.approx(
        float(score("circle", perceptron(network(CIRCLE))(parts, test.images), test.labels)), abs=0.11
    )


def test_fitting_needs_a_positive_factor():
    """Outputs of the wrong sign are fitted by zero, and only the released reading turns them round."""
    one = population(whole(RELU))
    one.masks = one.planted.clone()
    turned = one.start * one.masks
    turned[:, one.layout.weights[-1]] *= -1
    reading = one.readings(turned)
    assert reading["any_sign"][0] == pytest.approx(1e-4, rel=0.2)
    assert reading["fitted"][0] == pytest.approx(1 / 6, rel=0.1)  # the error of zero


def test_planted_count_is_the_whole_ticket():
    """Weights and biases of the ticket, where the released code takes the weights' share of both: too few for Circle."""
    assert [count(singleshot(name, "snip", None)) for name in (CIRCLE, RELU, HELIX)] == [130, 4, 156]
    assert [count(singleshot(name, "snip", None, released=True)) for name in (CIRCLE, RELU, HELIX)] == [110, 5, 122]


def test_released_cuts_ties_and_regrows(brief):
    """As released all that tie at the threshold go, and what was pruned can come back; neither happens here."""
    collapsing = [singleshot(CIRCLE, "grasp", 0.5, released=released) for released in (True, False)]
    one = population(*collapsing)
    one.start[:, one.layout.weights[1]] = 0  # a dead layer: most scores are zero
    one.prune(1, one.start)
    kept = [int(mask_of(one, row).sum()) for row in range(2)]
    assert kept[0] < 0.4 * one.size and kept[1] == count(collapsing[1])
    regrown = []
    for released in (True, False):
        one = population(replace(multishot(CIRCLE, "snip", 0.1, released=released), epochs=1))
        with torch.no_grad():
            before, back = mask_of(one).clone(), 0
            for round in range(1, 5):
                one.prune(round, one.train(f"round {round}", 1, lambda: None))
                back += int((mask_of(one) & ~before).sum())
                before = mask_of(one).clone()
        regrown.append(back)
    assert regrown[0] > 0 and regrown[1] == 0


class TestEdgePopup:
    def test_parameters_stay_and_counts_hold(self, brief):
        """Parameters never move; every layer's weights and biases keep their share, plain and annealed alike."""
        one = population(
            scores_sought(CIRCLE, 0.3), scores_sought(CIRCLE, 0.3, annealed=True), scores_sought(CIRCLE, 0.1)
        )
        start = one.start.clone()
        with torch.no_grad():
            one.learn_scores(lambda: None)
        assert torch.equal(start, one.start)
        for row, arm in enumerate(one.arms):
            share = count(arm) / one.size
            for part in (*one.layout.weights, *one.layout.biases):
                assert int(one.masks[row, part].sum()) == (round_of(share, part) or int(part in one.layout.weights))
        assert not torch.equal(one.masks[0], one.masks[1])

    def test_annealing_falls_epoch_by_epoch(self, brief, monkeypatch):
        """The share is that to the power of epoch over epochs."""
        seen, sound = [], seeking.TopK.keep
        monkeypatch.setattr(seeking.TopK, "keep", lambda self, shares: (seen.append(shares), sound(self, shares))[1])
        with torch.no_grad():
            population(scores_sought(CIRCLE, 0.25, annealed=True), scores_sought(CIRCLE, 0.25)).learn_scores(
                lambda: None
            )
        final = count(scores_sought(CIRCLE, 0.25)) / population(whole(CIRCLE)).size
        assert seen[1:] == [[final ** (1 / 2), final], [final, final]]

    def test_released_biases_never_learn(self, brief, monkeypatch):
        """Scores that start at zero stay there, since |s| has no slope at zero; here they start like those of weights, and learn."""
        made, sound = [], seeking.TopK
        monkeypatch.setattr(
            seeking, "TopK", lambda *arguments, **more: made.append(sound(*arguments, **more)) or made[-1]
        )
        for released in (True, False):
            with torch.no_grad():
                population(scores_sought(CIRCLE, 0.3, released=released)).learn_scores(lambda: None)
        biases = slice(population(whole(CIRCLE)).layout.biases[0].start, population(whole(CIRCLE)).size)
        assert (made[0].trained[:, biases] == 0).all() and (made[1].trained[:, biases] != 0).all()

    def test_released_softmax_makes_relu_constant(self, brief):
        """A softmax over one output is one, whatever the mask; a linear output learns."""
        outcome = [seek([Search(scores_sought(RELU, 0.5, released=released), 0)])[0][0] for released in (True, False)]
        assert outcome[0]["strong_raw"] == pytest.approx(
            float((1 - dataset("relu", 0).test.labels).square().mean()), rel=1e-5
        )
        assert outcome[1]["strong"] < 0.1 * outcome[0]["strong_raw"]


@pytest.mark.parametrize("loss", LOSSES)
def test_slopes_equal_autograd(loss):
    """Every loss's slope in the outputs, with the softmax of the released code and without, for three networks at once."""
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(3, 7, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    classes, values = (
        torch.randint(0, 4, (3, 7), generator=generator),
        torch.randn(3, 7, 4, generator=generator, dtype=torch.float64),
    )
    plain = loss.removesuffix(OF_SOFTMAX)
    observed = classes if plain == CROSS_ENTROPY else values
    shown = outputs.softmax(2) if loss.endswith(OF_SOFTMAX) else outputs
    sum(mean_loss(plain, shown[row], observed[row]) for row in range(3)).backward()
    wanted = torch.nn.functional.one_hot(classes, 4).double() if plain == CROSS_ENTROPY else values
    torch.testing.assert_close(LOSSES[loss](outputs.detach().clone(), wanted), outputs.grad, rtol=1e-10, atol=1e-12)


def test_collapse_is_seen():
    """An empty layer leaves no path, nor do layers whose kept weights do not meet; one path is enough."""
    one = population(whole(CIRCLE))
    weights = [one.layout.parts(one.masks[0])[layer.name] for layer in network(CIRCLE).layers]
    for weight in weights:
        weight.fill_(False)
        weight[1, 1] = True
    assert one.anatomy(0)["connected"] and one.anatomy(0)["weights_kept"] == [1, 1, 1, 1]
    weights[2][1, 1], weights[2][2, 1] = False, True
    assert not one.anatomy(0)["connected"]
    weights[2].fill_(False)
    assert one.anatomy(0) == {"weights_kept": [1, 1, 0, 1], "biases_kept": [100, 100, 100, 4], "connected": False}


@pytest.mark.parametrize(
    ("arm", "says"),
    [
        (singleshot(CIRCLE, "snip", 1e-4), "a share of 0.0001 is 2 of 20904 parameters"),
        (singleshot(CIRCLE, "snip", 1.5), "a share of 1.5; write a number up to 1"),
        (scores_sought(CIRCLE, 1e-4), "2 of 20904"),
        (singleshot(CIRCLE, "grasp", 1e-3, scope="layer"), "leaves none of the 200 weights of dense1"),
        (singleshot(CIRCLE, "snip", 0.1, scope="local"), "scope 'local' is not one of global, layer"),
        (singleshot(CIRCLE, "movement", 0.1), "train before the rounds"),
        (singleshot(CIRCLE, "nonsense", 0.1), "there is no criterion 'nonsense'"),
        (singleshot("lenet-300-100", "snip", 0.1), "nothing is planted in lenet-300-100"),
        (singleshot("circle-5", "snip", 0.1), "there is no network 'circle-5'"),
        (singleshot(CIRCLE, "snip", 0.1, rounds=0), "one at least"),
        (singleshot(CIRCLE, "snip", 0.1, noise=-1.0), "noise -1.0"),
        (singleshot(CIRCLE, "snip", 0.1, annealed=True), "only edge-popup"),
        (singleshot(CIRCLE, "snip", "planted"), "a share of 'planted'; write a number"),
        (singleshot(CIRCLE, "snip", float("nan")), "a share of nan"),
        (singleshot(CIRCLE, "snip", 0.1, rounds=2.5), "2.5 rounds"),
        (Seek(CIRCLE, EDGE_POPUP, 0.5, scope="layer", weak=False), "layer by layer always"),
        (Seek(CIRCLE, EDGE_POPUP, 0.5), "nothing is trained after it"),
        (Seek(CIRCLE, "", 0.5), "no share to keep"),
    ],
)
def test_searches_that_make_no_sense_are_refused(arm, says):
    """With one message, before anything is trained."""
    with pytest.raises(LotteryError, match=re.escape(says)):
        Search(arm, 0)


def test_kinds_are_not_mixed():
    """One shot and ten rounds, or two networks, in one population would be nonsense, and are refused."""
    for other in (multishot(CIRCLE, "snip", 0.1), singleshot(RELU, "snip", 0.1), scores_sought(CIRCLE, 0.1)):
        with pytest.raises(LotteryError, match="one population"):
            seek([Search(singleshot(CIRCLE, "snip", 0.1), 0), Search(other, 0)])


def test_chance_knows_the_layers():
    """Expected recall is that of as many random weights of every layer; all of one layer and none of another is no guess at its tickets."""
    one, share = population(whole(CIRCLE)), []
    one.masks[:, one.layout.weights[1]] = one.masks[:, one.layout.weights[2]] = False
    one._compare()
    assert one.overlap[-1]["recall"] == one.overlap[-1]["chance"] == [pytest.approx((4 + 80) / 108)]
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        one.masks[:, : one.size] = torch.rand(one.size, generator=generator) < 0.3
        one._compare()
        share.append(one.overlap[-1]["recall"][0] - one.overlap[-1]["chance"][0])
    assert abs(sum(share) / len(share)) < 4 * np.std(share) / len(share) ** 0.5


def test_what_is_planted_is_part_of_the_name():
    """The target's builder, the losses and the criterion are in the science that a search is named by."""
    names = {function.__name__ for function in science(scores_sought(CIRCLE, 0.5, released=True))}
    assert names == {"seek", "circle", "cross_entropy", "after_softmax"}
    assert {function.__name__ for function in science(multishot(HELIX, "snip", 0.1))} == {
        "seek",
        "helix",
        "squared_error",
        "snip_final",
    }


def test_trivial_levels():
    """The best constant and affine function, as numpy fits them; on circle the most frequent class."""
    data = dataset("helix", 1)
    x, y, test_x, test_y = (
        part.double().numpy() for part in (data.train.images, data.train.labels, data.test.images, data.test.labels)
    )
    found = trivial("helix", data)
    assert found["constant"] == pytest.approx(((test_y - y.mean(0)) ** 2).mean())
    lines = [np.polyval(np.polyfit(x[:, 0], y[:, output], 1), test_x[:, 0]) for output in range(3)]
    assert found["affine"] == pytest.approx(((test_y - np.stack(lines, 1)) ** 2).mean())
    circle = dataset("circle", 1)
    assert trivial("circle", circle)["constant"] == pytest.approx(
        100 * float((circle.test.labels == 3).double().mean())
    )


def test_margins():
    """Three points on Circle, three times the error on ReLU, one and a half times on Helix."""
    assert margin("circle", 95.1 - 0.1, 98.0) > 0 > margin("circle", 94.9, 98.0)
    assert margin("relu", 2.9e-4, 1e-4) > 0 > margin("relu", 3.1e-4, 1e-4)
    assert margin("helix", 4.4e-4, 3e-4) > 0 > margin("helix", 4.6e-4, 3e-4)


def test_searches_are_named_by_content():
    """Every field of an arm, the seed and the precision are part of the name; searches of one length and network share a batch."""
    data, arm = dataset("circle", 0), multishot(CIRCLE, "snip", 0.1)
    others = [
        replace(arm, **change)
        for change in (
            {"method": "random"},
            {"share": None},
            {"rounds": 9},
            {"epochs": 4},
            {"scope": "layer"},
            {"noise": 0.0},
            {"weak": False},
            {"released": True},
        )
    ]
    names = {key(Search(one, 0), data, "float32") for one in [arm, *others]} | {
        key(Search(arm, 1), data, "float32"),
        key(Search(arm, 0), data, "tf32"),
    }
    assert len(names) == len(others) + 3
    assert parent(Search(arm, 0)) is None
    assert (
        kind(Search(arm, 0))
        == kind(Search(replace(arm, method="grasp_final", share=None, noise=0.1), 5))
        != kind(Search(replace(arm, rounds=9), 0))
    )
    assert kind(Search(scores_sought(CIRCLE, 0.5), 0)) != kind(Search(scores_sought(CIRCLE, 0.5, released=True), 0))
    assert (
        Search(arm, 0).steps == 281 * 60
        and Search(whole(CIRCLE), 0).steps == 2810
        and Search(Seek(CIRCLE, EDGE_POPUP, 0.5, weak=False), 0).steps == 2810
    )


def test_random_has_no_released_way():
    with pytest.raises(ValueError, match="tied"):
        multishot(CIRCLE, "random", 0.1, released=True)


def test_loss_of_each_task():
    """Cross-entropy for classes, squared errors for values."""
    assert [network(name).loss for name in (CIRCLE, RELU, HELIX)] == [CROSS_ENTROPY, SQUARED_ERROR, SQUARED_ERROR]
