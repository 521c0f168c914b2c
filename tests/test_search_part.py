"""Searches by their laws: exact counts, nested masks, resets to the bit, a plain loop, a known ticket's numbers."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.data.made_tasks import dataset, draw, margin, score, trivial
from lottery.experiments import action_parts, search_part
from lottery.experiments.all_parts import batch_key, parents
from lottery.experiments.arms import TOP, Arm, Dense, Evaluate, From, Iterative, LearnMask, ToShare
from lottery.experiments.computing import compute, prepared_of
from lottery.experiments.experiment import experiment
from lottery.experiments.keys import key, science
from lottery.experiments.named_arms import chain, multishot, scores_sought, singleshot, whole
from lottery.experiments.parts import parts
from lottery.experiments.planted_reading import PlantedReading
from lottery.experiments.population import Population
from lottery.experiments.scales import SCALES
from lottery.experiments.search_part import SearchMask, above_threshold, count, stays
from lottery.masks import ranking
from lottery.masks.saliency import perceptron
from lottery.models.architectures import network
from lottery.models.losses import LOSSES, OF_SOFTMAX, mean_loss
from lottery.models.task import CROSS_ENTROPY, SQUARED_ERROR
from lottery.planting.planted_networks import target_of, task_of
from lottery.planting.readings import kept_parts, overlap
from lottery.training.data_order import DataOrder
from lottery.training.step import Step
from tests.conftest import shortened

CIRCLE, RELU, HELIX = "planted-circle-5", "planted-relu-5", "planted-helix-5"
METHODS = ("magnitude", "random", "snip", "grasp", "synflow")


def one_search(arm, seed=0):
    """Return the experiment of an arm in two epochs of twelve steps."""
    return experiment(shortened(arm.network, arm.training or "planted"), arm, 0, seed)


def found_by(*searches):
    """Return what searches of one population measure, and their masks (P,)."""
    records = compute(Population(searches), {one: {} for one in searches})
    layout = searches[0].setting.architecture.layout
    masks = [torch.from_numpy(np.unpackbits(records[one].arrays["mask"])[: layout.count]) for one in searches]
    return [(records[one].measurements, mask.bool()) for one, mask in zip(searches, masks)]


def kept_count(arm):
    """Return how many parameters an arm's search keeps."""
    return count(network(arm.network), arm.mask.share, arm.mask.released)


class Rounds:
    """A population of searches, one round at a time."""

    def __init__(self, *arms, seed=0):
        self.arms, self.population = arms, Population([one_search(arm, seed) for arm in arms])
        self.layout, self.start = self.population.layout, self.population.planted_block()
        self.masks = torch.zeros_like(self.start, dtype=torch.bool)
        self.masks[:, : self.layout.count] = True

    def train(self, moment, epochs):
        with torch.no_grad():
            return search_part.train(self.population, self.start, self.masks, moment, epochs)

    def prune(self, round, final):
        final = torch.where(self.masks, final, self.start)
        for row, one in enumerate(self.population.experiments):
            self.masks[row] = SearchMask(one).cut_once(round, self.masks[row].clone(), self.start[row], final[row])

    def kept(self, row=0):
        return self.masks[row, : self.layout.count]

    def reading(self):
        made = list(prepared_of(self.population, {one: {} for one in self.population.experiments}).values())
        return PlantedReading(self.population, made)


def round_of(share, part):
    return round(share * (part.stop - part.start))


@pytest.mark.parametrize("name", [CIRCLE, HELIX])
@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("method", METHODS)
def test_counts_are_exact_and_masks_nested(method, scope, name):
    """From round to round, for every method and both scopes, on the geometric ladder; the start is left as it is."""
    arm = multishot(name, method, 0.05, scope=scope)
    one = Rounds(arm)
    start, before = one.start.clone(), one.kept().clone()
    for round in (1, 2, 10):
        one.prune(round, one.train(f"round {round}", 1))
        share = (kept_count(arm) / one.layout.count) ** (round / 10)
        by_layer = [*one.layout.weights, *one.layout.biases]
        groups = [slice(0, one.layout.count)] if scope == "global" else by_layer
        assert [int(one.kept()[part].sum()) for part in groups] == [round_of(share, part) for part in groups]
        assert not (one.kept() & ~before).any()
        before = one.kept().clone()
    assert torch.equal(start, one.start)


def test_rounds_are_those_of_a_whole_search():
    """Fit, score, prune, step by step, ends at the mask of the search, and training starts anew in every round."""
    arm = replace(multishot(CIRCLE, "snip", 0.05), mask=ToShare("snip_final", 0.05, 3, 1))
    one = Rounds(arm, seed=2)
    for round in (1, 2, 3):
        one.prune(round, one.train(f"round {round}", 1))
    measured, mask = found_by(one_search(arm, 2))[0]
    assert torch.equal(mask, one.kept()) and len(measured["kept"]) == 3


@pytest.mark.parametrize(
    "arm", [singleshot(CIRCLE, "snip", 0.1), singleshot(HELIX, "magnitude", 0.3), singleshot(RELU, "synflow", 0.3)]
)
def test_training_moves_the_kept_and_nothing_else(monkeypatch, arm):
    """Kept parameters start from what was planted, to the bit, and move; pruned ones and padding stay zero."""
    sound, trained = Step.__call__, []
    one = Rounds(arm, replace(arm, mask=replace(arm.mask, criterion="random")))
    one.prune(1, one.start)
    made = prepared_of(one.population, {search: {} for search in one.population.experiments})
    start = torch.stack([prepared.start for prepared in made.values()])

    def step(self, index):
        sound(self, index)
        trained.append(self._parameters.trained.clone())

    monkeypatch.setattr(Step, "__call__", step)
    found_by(*one.population.experiments)
    assert torch.equal(start[one.masks], one.start[one.masks]) and (start[~one.masks] == 0).all()
    assert len(trained) == 24 and all((after[~one.masks] == 0).all() for after in trained)
    assert all((trained[0] != start)[row].any() for row in range(2))


@pytest.mark.parametrize("name", [CIRCLE, HELIX])
def test_training_equals_a_plain_loop(name):
    """One network at a time, autograd, torch's Adam, a mask multiplied in: the same parameters in the end."""
    one = Rounds(singleshot(name, "snip", 0.2), singleshot(name, "random", 0.5), seed=3)
    one.prune(1, one.start)
    ours = one.train("last", 2)
    data, forward = dataset(task_of(name)[0], 3), perceptron(network(name))
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
            outputs = forward(masked, data.train.images[chosen])
            mean_loss(network(name).loss, outputs, data.train.labels[chosen]).backward()
            adam.step()
        for part, values in one.layout.parts(ours[row]).items():
            torch.testing.assert_close(values, weights[part].detach() * mask[part], rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("name", [CIRCLE, RELU, HELIX])
def test_a_search_does_not_know_its_neighbours(name):
    """Alone or among other seeds, methods and shares, it ends the same to the last bit; one output is no exception."""
    many = [
        one_search(replace(arm, mask=replace(arm.mask, epochs=1, rounds=2)), seed)
        for arm in (multishot(name, m, s) for m in ("snip", "magnitude", "random") for s in (0.1, 0.3))
        for seed in (0, 1)
    ]
    together = found_by(*many)
    for place in (0, 3, 10):
        alone = found_by(many[place])[0]
        assert alone[0] == together[place][0] and torch.equal(alone[1], together[place][1])
    assert len({str(outcome[0]["weak"]) for outcome in together}) > 6
    popped = [one_search(scores_sought(name, share), seed) for share in (0.5, 0.3) for seed in (0, 1)]
    assert found_by(*popped)[1][0] == found_by(popped[1])[0][0]


def test_draws_are_paired_by_seed_only():
    """All methods of a seed search one network on one data set, another seed others; noise changes what is observed."""
    one = Population(
        [one_search(singleshot(CIRCLE, "snip", 0.1)), one_search(whole(CIRCLE)), one_search(whole(CIRCLE), 1)]
    )
    start, own = one.planted_block(), one.data
    assert torch.equal(start[0], start[1]) and not torch.equal(start[1], start[2])
    assert own[0] is own[1] and not torch.equal(own[1].test.images, own[2].test.images)
    clean, noisy = dataset("circle", 0, 0.0), dataset("circle", 0, 0.1)
    assert torch.equal(clean.train.images, noisy.train.images)
    assert float((clean.train.labels != noisy.train.labels).double().mean()) == pytest.approx(0.1, abs=0.02)
    assert len(clean.train.images) == 9_000 and len(clean.test.images) == 1_000
    assert not torch.isin(clean.test.images.sum(1), clean.train.images.sum(1)).float().mean() > 0.01
    assert not torch.equal(draw("circle", 40, 0, "prune").inputs, draw("circle", 40, 0, "samples").inputs)


@pytest.mark.parametrize("name", ["planted-circle-3", CIRCLE, "planted-circle-10", RELU, HELIX, "planted-helix-3"])
def test_the_planted_mask_reads_as_the_planted_ticket(name):
    """Under the planted mask the scaled reading is the target's own score; recall and precision are one."""
    one = Rounds(whole(name), seed=2)
    places, task = one.population.planted_places(), task_of(name)[0]
    data = one.population.data[0]
    wanted = float(score(task, target_of(name)(data.test.images.double()), data.test.labels))
    reading = one.reading().read(one.start * places)
    assert reading["scaled"][0] == pytest.approx(wanted, rel=2e-3)
    rates, kept = overlap(one.layout, places, places)[0], kept_parts(one.layout, places[0])
    assert rates["recall"] == rates["precision"] == 1.0 and 0 < rates["chance"] < 0.6
    assert kept["connected"] and sum(kept["weights_kept"]) == target_of(name).size
    if task != "circle":
        assert reading["fitted"][0] <= reading["scaled"][0] and reading["any_sign"][0] <= reading["fitted"][0]


def test_every_draw_is_named_by_seed_round_and_part(monkeypatch):
    """Ties of every round, scores of every seed, and the samples that scores are taken on: no two share a stream."""
    sound, sound_draw, names, drawn = ranking.stream, search_part.draw, [], []

    def stream(seed, *purpose):
        names.append((seed, *purpose))
        return sound(seed, *purpose)

    for module in (ranking, action_parts):
        monkeypatch.setattr(module, "stream", stream)
    monkeypatch.setattr(search_part, "draw", lambda *arguments: (drawn.append(arguments), sound_draw(*arguments))[1])
    arm = replace(multishot(CIRCLE, "random", 0.1, noise=0.2), mask=ToShare("random", 0.1, 3, 1))
    masks = [mask for _, mask in found_by(one_search(arm, 4), one_search(arm, 5))]
    assert not drawn  # no scores are taken
    found_by(*(one_search(replace(arm, mask=ToShare("snip_final", 0.1, 3, 1)), seed) for seed in (4, 5)))
    rounds = [(seed, round) for seed in (4, 5) for round in (1, 2, 3)]
    assert sorted(names, key=str) == sorted(
        [(seed, "ties", round, "all") for seed, round in rounds]
        + [(seed, "ties", "snip_final", round, "all") for seed, round in rounds],
        key=str,
    )
    assert {arguments[2:] for arguments in drawn} == {(seed, "prune", 0.2) for seed in (4, 5)}
    assert not torch.equal(*masks)
    names.clear()
    found_by(*(one_search(scores_sought(CIRCLE, 0.5), seed) for seed in (4, 5)))
    assert set(names) == {(4, "scores"), (5, "scores")}


def test_rounds_score_what_training_made():
    """Magnitude keeps what is large after training; increase compares it with the start; strong is the masked start."""
    arm = replace(multishot(CIRCLE, "magnitude", 0.3), mask=ToShare("large_final", 0.3, 1, 1))
    one = Rounds(arm, replace(arm, mask=replace(arm.mask, criterion="magnitude_increase")))
    final = one.train("round 1", 1)
    one.prune(1, final)
    for row, grown in enumerate((final.abs(), final.abs() - one.start.abs())):
        size, kept = grown[row, : one.layout.count], one.kept(row)
        assert size[kept].min() >= size[~kept].max() and int(kept.sum()) == kept_count(arm)
    measured, mask = found_by(one_search(arm))[0]
    assert torch.equal(mask, one.kept())
    parts_of = one.layout.parts(one.start[0] * one.masks[0])
    test = dataset("circle", 0).test
    strong = float(score("circle", perceptron(network(CIRCLE))(parts_of, test.images), test.labels))
    assert measured["strong_raw"] == pytest.approx(strong, abs=0.11)


def test_fitting_needs_a_positive_factor():
    """Outputs of the wrong sign are fitted by zero, and only the released reading turns them round."""
    one = Rounds(whole(RELU))
    turned = one.start * one.population.planted_places()
    turned[:, one.layout.weights[-1]] *= -1
    reading = one.reading().read(turned)
    assert reading["any_sign"][0] == pytest.approx(1e-4, rel=0.2)
    assert reading["fitted"][0] == pytest.approx(1 / 6, rel=0.1)  # the error of zero


def test_planted_count_is_the_whole_ticket():
    """Weights and biases of the ticket, where the released code takes the weights' share: too few for Circle."""
    assert [count(network(name), None, False) for name in (CIRCLE, RELU, HELIX)] == [130, 4, 156]
    assert [count(network(name), None, True) for name in (CIRCLE, RELU, HELIX)] == [110, 5, 122]


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 108 / 20_600, 0.9999])
@pytest.mark.parametrize("values", [3, 10_000_000])
def test_released_threshold_is_that_of_the_official_code(share, values):
    """The k-th smallest score, k = int((1 - share) * N), and what exceeds it: with many ties and with none."""
    generator = torch.Generator().manual_seed(1)
    for size in (10, 999, 10_452, 20_904):
        scores = torch.randint(values, (size,), generator=generator).double()
        gone = int((1.0 - share) * size)
        wanted = scores > scores.kthvalue(gone).values if gone else torch.ones(size, dtype=torch.bool)
        assert torch.equal(above_threshold(scores, stays(share, size, True)), wanted)


@pytest.mark.parametrize("how", [singleshot, multishot])
def test_released_searches_keep_what_does_not_go(how):
    """Of N parameters int((1 - share) * N) go, where nothing ties: 210 of 20,904 stay at a hundredth, here 209."""
    one = Rounds(how(CIRCLE, "snip", 0.01, released=True), how(CIRCLE, "snip", 0.01))
    last = one.arms[0].mask.rounds
    one.prune(last, one.train(f"round {last}", one.arms[0].mask.epochs and 1))
    total = one.layout.count
    assert [int(one.kept(row).sum()) for row in range(2)] == [total - int(0.99 * total), round(0.01 * total)]


def test_a_share_is_rounded_to_the_nearest_count():
    """Of Circle's 20,904 parameters, worked out by hand, above and below a half."""
    assert network(CIRCLE).layout.count == 2 * 100 + 2 * 100 * 100 + 100 * 4 + 304
    shares = {0.17: 3_554, 0.1: 2_090, 0.05: 1_045, 0.03: 627, 0.01: 209, 0.002: 42}  # 3,553.68, ..., 627.12, ..., 41.8
    assert {share: count(network(CIRCLE), share, False) for share in shares} == shares


def test_released_cuts_ties_and_regrows():
    """As released all that tie at the threshold go, and what was pruned can come back; neither happens here."""
    arms = [Arm(ToShare("grasp_init", 0.5, released=released), network=CIRCLE) for released in (True, False)]
    one = Rounds(*arms)
    one.start[:, one.layout.weights[1]] = 0  # a dead layer: most scores are zero
    one.prune(1, one.start)
    kept = [int(one.kept(row).sum()) for row in range(2)]
    assert kept[0] < 0.4 * one.layout.count and kept[1] == kept_count(arms[1])
    regrown = []
    for released in (True, False):
        one = Rounds(multishot(CIRCLE, "snip", 0.1, released=released))
        before, back = one.kept().clone(), 0
        for round in range(1, 5):
            one.prune(round, one.train(f"round {round}", 1))
            back += int((one.kept() & ~before).sum())
            before = one.kept().clone()
        regrown.append(back)
    assert regrown[0] > 0 and regrown[1] == 0


@pytest.fixture
def made(monkeypatch):
    """The parametrisations of scores that searches make."""
    made, sound = [], action_parts.TopK
    monkeypatch.setattr(
        action_parts, "TopK", lambda *arguments, **more: made.append(sound(*arguments, **more)) or made[-1]
    )
    return made


class TestEdgePopup:
    def test_parameters_stay_and_counts_hold(self, made):
        """Parameters never move; every layer's weights and biases keep their share, plain and annealed alike."""
        arms = [scores_sought(CIRCLE, 0.3), scores_sought(CIRCLE, 0.3, annealed=True), scores_sought(CIRCLE, 0.1)]
        searches = [one_search(arm) for arm in arms]
        masks = [mask for _, mask in found_by(*searches)]
        assert torch.equal(made[0]._frozen, Population(searches).planted_block())
        layout = searches[0].setting.architecture.layout
        for arm, mask in zip(arms, masks):
            share = count(network(CIRCLE), arm.action.share, False) / layout.count
            for part in (*layout.weights, *layout.biases):
                assert int(mask[part].sum()) == (round_of(share, part) or int(part in layout.weights))
        assert not torch.equal(masks[0], masks[1])

    def test_annealing_falls_epoch_by_epoch(self, monkeypatch):
        """The share is that to the power of epoch over epochs."""
        seen, sound = [], action_parts.TopK.keep
        monkeypatch.setattr(
            action_parts.TopK, "keep", lambda self, shares: (seen.append(list(shares)), sound(self, shares))[1]
        )
        found_by(*(one_search(scores_sought(CIRCLE, 0.25, annealed=annealed)) for annealed in (True, False)))
        final = count(network(CIRCLE), 0.25, False) / network(CIRCLE).layout.count
        assert seen[1:] == [[final ** (1 / 2), final], [final, final]]

    def test_released_biases_never_learn(self, made):
        """Scores that start at zero stay there, since |s| has no slope there; here they start otherwise, and learn."""
        for released in (True, False):
            found_by(one_search(scores_sought(CIRCLE, 0.3, released=released)))
        layout = network(CIRCLE).layout
        biases = slice(layout.biases[0].start, layout.count)
        assert (made[0].trained[:, biases] == 0).all() and (made[1].trained[:, biases] != 0).all()

    def test_released_softmax_makes_relu_constant(self):
        """A softmax over one output is one, whatever the mask; a linear output learns."""
        outcome = [found_by(one_search(scores_sought(RELU, 0.5, released=way)))[0][0] for way in (True, False)]
        constant = float((1 - dataset("relu", 0).test.labels).square().mean())
        assert outcome[0]["strong_raw"] == pytest.approx(constant, rel=1e-5)
        assert outcome[1]["strong"] < 0.1 * outcome[0]["strong_raw"]


@pytest.mark.parametrize("loss", LOSSES)
def test_slopes_equal_autograd(loss):
    """Every loss's slope in the outputs, with the released code's softmax and without, for three networks at once."""
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
    layout = network(CIRCLE).layout
    mask = layout.trainable(None).bool()
    weights = [layout.parts(mask)[layer.name] for layer in network(CIRCLE).layers]
    for weight in weights:
        weight.fill_(False)
        weight[1, 1] = True
    kept = kept_parts(layout, mask)
    assert kept["connected"] and kept["weights_kept"] == [1, 1, 1, 1]
    weights[2][1, 1], weights[2][2, 1] = False, True
    assert not kept_parts(layout, mask)["connected"]
    weights[2].fill_(False)
    assert kept_parts(layout, mask) == {
        "weights_kept": [1, 1, 0, 1],
        "biases_kept": [100, 100, 100, 4],
        "connected": False,
    }


def checked(arm):
    """Check the parts of an arm's experiment, as is done when its key is made."""
    setting = replace(SCALES["tiny"].settings[CIRCLE]["planted"], network=arm.network)
    for part in parts(experiment(setting, arm, 0, 0)):
        part.check()


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
        (singleshot(CIRCLE, "snip", "planted"), "a share of 'planted'; write a number"),
        (singleshot(CIRCLE, "snip", float("nan")), "a share of nan"),
        (singleshot(CIRCLE, "snip", 0.1, rounds=2.5), "2.5 rounds"),
        *(
            (Arm(mask, action=Evaluate(), network="lenet-300-100"), "only one-shot masks are evaluated untrained")
            for mask in (Dense(), Iterative("large_final"), From(chain("large_final")))
        ),
    ],
)
def test_searches_that_make_no_sense_are_refused(arm, says):
    """With one message, before anything is trained."""
    with pytest.raises(LotteryError, match=re.escape(says)):
        checked(arm)


def test_arms_that_make_no_sense_cannot_be_made():
    """Noise that is no share, annealing of what is not top-k, released random scores."""
    with pytest.raises(ValueError, match="noise -1"):
        multishot(CIRCLE, "snip", 0.1, noise=-1.0)
    with pytest.raises(ValueError, match="only top-k masks"):
        LearnMask(annealed=True)
    with pytest.raises(ValueError, match="tied"):
        multishot(CIRCLE, "random", 0.1, released=True)


def test_kinds_are_not_mixed():
    """One shot and ten rounds, or two networks, in one population would be nonsense, and are refused."""
    for other in (multishot(CIRCLE, "snip", 0.1), singleshot(RELU, "snip", 0.1), scores_sought(CIRCLE, 0.1)):
        with pytest.raises(LotteryError, match="one population"):
            found_by(one_search(singleshot(CIRCLE, "snip", 0.1)), one_search(other))


def test_chance_knows_the_layers():
    """Expected recall is that of as many random weights of every layer; whole layers are no guess at their tickets."""
    one, share = Rounds(whole(CIRCLE)), []
    places = one.population.planted_places()
    one.masks[:, one.layout.weights[1]] = one.masks[:, one.layout.weights[2]] = False
    rates = overlap(one.layout, one.masks, places)[0]
    assert rates["recall"] == rates["chance"] == pytest.approx((4 + 80) / 108)
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        one.masks[:, : one.layout.count] = torch.rand(one.layout.count, generator=generator) < 0.3
        rates = overlap(one.layout, one.masks, places)[0]
        share.append(rates["recall"] - rates["chance"])
    assert abs(sum(share) / len(share)) < 4 * np.std(share) / len(share) ** 0.5


def test_what_is_planted_is_part_of_the_name():
    """The target's builder, the losses and the criterion are in the science that a search is named by."""
    popped = {function.__name__ for function in science(one_search(scores_sought(CIRCLE, 0.5, released=True)))}
    assert {"circle", "cross_entropy", "after_softmax", "TopK"} <= popped and "snip_final" not in popped
    pruned = {function.__name__ for function in science(one_search(multishot(HELIX, "snip", 0.1)))}
    assert {"helix", "squared_error", "snip_final", "Saliency", "SearchMask"} <= pruned
    assert not {"TopK", "circle", "after_softmax"} & pruned


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
    """Every field of an arm, the seed and the precision are in the name; searches of one length share a batch."""
    fingerprint, arm = dataset("circle", 0).fingerprint, multishot(CIRCLE, "snip", 0.1)
    changes = ({"criterion": "random"}, {"share": None}, {"rounds": 9}, {"epochs": 4}, {"scope": "layer"})
    others = [replace(arm, mask=replace(arm.mask, **change)) for change in (*changes, {"released": True})]
    others += [replace(arm, noise=0.0), replace(arm, action=singleshot(CIRCLE, "snip", 0.1, weak=False).action)]
    names = {key(one_search(one), fingerprint, "float32") for one in [arm, *others]}
    names |= {key(one_search(arm, 1), fingerprint, "float32"), key(one_search(arm), fingerprint, "tf32")}
    assert len(names) == len(others) + 3
    assert parents(one_search(arm)) == ()
    alike = replace(arm, mask=replace(arm.mask, criterion="grasp_final", share=None), noise=0.1)
    longer = replace(arm, mask=replace(arm.mask, rounds=9))
    assert batch_key(one_search(arm)) == batch_key(one_search(alike, 5)) != batch_key(one_search(longer))
    popped = [one_search(scores_sought(CIRCLE, 0.5, released=released)) for released in (True, False)]
    assert batch_key(popped[0]) != batch_key(popped[1])
    settings = SCALES["tiny"].settings[CIRCLE]
    scored = Arm(action=LearnMask(TOP, share=0.5, biases=True))
    lengths = [experiment(settings["planted"], one, 0, 0).steps for one in (arm, whole(CIRCLE), scored)]
    assert lengths == [281 * 60, 2810, 2810]


def test_loss_of_each_task():
    """Cross-entropy for classes, squared errors for values."""
    assert [network(name).loss for name in (CIRCLE, RELU, HELIX)] == [CROSS_ENTROPY, SQUARED_ERROR, SQUARED_ERROR]
