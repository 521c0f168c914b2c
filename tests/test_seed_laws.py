"""Seeds are draws of their own: the suite's law holds, and turns with each way in which they would not be."""

import pytest

from lottery.data import made_tasks
from lottery.experiments import population, seed_laws
from lottery.models import initialisers
from lottery.planting import planted_networks, planting
from lottery.training import data_order, fit
from tests.mutations import mutated

LENET, CIRCLE = ("lenet-300-100", "mnist"), ("planted-circle-5", "circle")
INPUTS = '"task", task, part, "inputs"'
MUTATIONS = {
    "one start": (initialisers.initial_weights, "stream(seed, ", "stream(0, ", LENET, "other start"),
    "a start for two seeds": (
        initialisers.initial_weights, "stream(seed, ", "stream(seed // 2, ", LENET, "other start",
    ),
    "one planted network": (planting.hosts, "stream(seed, ", "stream(0, ", CIRCLE, "other start"),
    "one data set": (made_tasks.draw, f"stream(seed, {INPUTS}", f"stream(0, {INPUTS}", CIRCLE, "other data"),
    "one order": (population.Population.replica, "(experiment.seed, ", "(0, ", LENET, "other order"),
    "one order drawn": (data_order.DataOrder.__init__, "stream(*order)", "stream(0, *order[1:])", LENET, "other order"),
    "one order trained on": (fit.fit, "[replica.order for", "[replicas[0].order for", LENET, "other order"),
    "an order by its place": (
        data_order.DataOrder.__init__, "stream(*order)", "stream(distinct.index(order), *order)",
        LENET, "the same alone",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh():
    """Forget what was drawn by sound source before, and by a mutation's after."""
    for cache in (planted_networks.planting, made_tasks.dataset):
        cache.cache_clear()
    yield
    for cache in (planted_networks.planting, made_tasks.dataset):
        cache.cache_clear()


@pytest.mark.parametrize("case", [LENET, CIRCLE])
def test_the_law_holds(case):
    """Of weights, of orders and, where a seed has data of its own, of these."""
    assert all(seed_laws.own_draws(*case).values())


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_law_notices(name):
    """What seeds share is named, and whether one depends on the others."""
    function, old, new, case, broken = MUTATIONS[name]
    with mutated(function, old, new):
        assert not seed_laws.own_draws(*case)[broken]
