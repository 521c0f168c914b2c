"""Grounds: a claim names what it rests on as `measurements.csv.gz` does, whatever its terms are called."""

from types import SimpleNamespace

from lottery.claims.claim import Effect
from lottery.claims.grounds import grounds
from lottery.claims.image_quantities import accuracy
from lottery.claims.quantities import mean
from lottery.claims.resolved import ResolvedClaim
from lottery.experiments.arms import DENSE
from lottery.experiments.experiment import experiment
from lottery.experiments.measurements import TRAINED_ON, recipe
from lottery.experiments.named_arms import chain, continued, learned, of_network, on, ticket_from, under, untrained
from lottery.experiments.scales import EARLY_STOP, SCALES, SGD, SUPERMASK

SCALE = SCALES["tiny"]
NARROW = "lenet-300-100-narrow"


def of(*terms):
    """Return the grounds of a claim about these arms at these rounds, by arm and network."""
    needs = SimpleNamespace(network="lenet-300-100", training=EARLY_STOP, dataset="mnist")
    entry, question = SimpleNamespace(needs=needs), SimpleNamespace(training="", seeds=3)
    statement = Effect(mean(accuracy(arm, round) for arm, round in terms))
    setting = SCALE.setting("lenet-300-100", EARLY_STOP)
    return grounds(ResolvedClaim(SimpleNamespace(id="a"), entry, question, setting, SCALE, statement))


def trained_by(setting, arm=DENSE):
    """Return the columns that the file has of networks trained so."""
    return dict(zip(TRAINED_ON, recipe(experiment(setting, arm, 0, 0))))


def test_arms_are_named_as_in_the_file():
    """What an arm's name says of its training, network or data set stands in columns of their own."""
    ticket = chain("large_final")
    found = of((ticket, 3), (ticket, 1), (under(SGD, ticket), 2), (of_network(NARROW, ticket), 2), (learned(), 0))
    found += of((on("digits-turned", ticket), 5), (untrained("large_final"), 7), (untrained("large_final"), 9))
    read = {(one["arm"], *(one[name] for name in TRAINED_ON)): one["rounds"] for one in found if one["read"]}
    own = SCALE.setting("lenet-300-100", EARLY_STOP)
    settings = [own, SCALE.setting("lenet-300-100", SGD), SCALE.setting(NARROW, EARLY_STOP)]
    wanted = {("large_final", *trained_by(setting).values()): [2] for setting in settings}
    wanted["large_final", *trained_by(own).values()] = [1, 3]
    wanted["large_final", *trained_by(own.on("digits-turned")).values()] = [5]
    masks = trained_by(SCALE.setting("lenet-300-100", SUPERMASK), learned())
    wanted["dense, learned Bernoulli mask", *masks.values()] = [0]
    wanted["large_final one-shot, untrained", *trained_by(own, untrained("large_final")).values()] = [7, 9]
    assert read == wanted


def test_no_round_is_the_dense_network():
    """Before the first round there is nothing else, whichever arm a claim names."""
    found = of((chain("random"), 0), (chain("random"), 2))
    assert {(one["arm"], *one["rounds"]) for one in found if one["read"]} == {("dense", 0), ("random", 2)}


def test_what_only_masks_come_from_is_told_apart():
    """A chain whose masks others train under is trained and not read; what is read stands there once."""
    found = of((ticket_from(continued("large_final")), 2), (DENSE, 0))
    assert {(one["arm"], one["read"]) for one in found} == {
        ("large_final, continued branch", True), ("dense", True), ("large_final, continued", False)}  # fmt: skip
