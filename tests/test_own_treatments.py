"""Treatments of users: what they get and may return, what names their results; a copy of ours does the same."""

import inspect
import re

import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.experiments import chain_masks
from lottery.experiments.arms import From, Reset
from lottery.experiments.experiment import experiment
from lottery.experiments.inputs import definitions
from lottery.experiments.keys import inputs, key, treatments_of
from lottery.experiments.named_arms import branch, chain, one_shot, ticket_from, untrained
from lottery.masks import kept_values, own_treatments, pruned_values
from lottery.masks.kept_values import TREATMENTS
from lottery.masks.own_treatments import FROZEN, KEPT
from lottery.masks.pruned_values import PRUNED
from tests.conftest import random_masks
from tests.own_criteria_helpers import SETTING

AFTER_ONE_ROUND = experiment(SETTING, chain("large_final"), 1, 3)


@pytest.fixture
def load_treatment(load_source):
    """A function that loads a treatment from source."""
    return lambda source, name="mine", function="start": load_source(own_treatments, source, name, function)


def drawing(registry):
    return {name for name in registry if registry.asks(name, "generator")}


def weights(seed):
    return [torch.randn(layer.shape, generator=torch.Generator().manual_seed(seed + place))
            for place, layer in enumerate(SETTING.architecture.layers)]  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(TREATMENTS) - drawing(TREATMENTS)))
def test_a_copy_of_our_treatment_starts_networks_alike(load_treatment, name):
    """Bit for bit, under whichever masks."""
    module = inspect.getsource(kept_values).replace("Registry(", "dict(").partition("TREATMENTS = treatment")[0]
    source = inspect.getsource(TREATMENTS[name]).replace("@treatment\n", "")
    load_treatment(module + inspect.getsource(kept_values.scale) + source, function=name)
    masks, previous = random_masks(SETTING.network, 1), weights(5)
    ours, own = (chain_masks.treated(AFTER_ONE_ROUND, Reset(of), 2, masks, previous) for of in (name, "mine"))
    assert all(torch.equal(one, other) for one, other in zip(ours, own))


@pytest.mark.parametrize("name", sorted(set(PRUNED) - drawing(PRUNED)))
def test_a_copy_of_our_action_freezes_alike(load_treatment, name):
    """Bit for bit, wherever weights went."""
    module = inspect.getsource(pruned_values).partition("ZERO =")[0]
    load_treatment(module + inspect.getsource(PRUNED[name]).replace("@action\n", ""), function=name)
    masks = random_masks(SETTING.network, 1, 0.7)
    following = [mask & other for mask, other in zip(masks, random_masks(SETTING.network, 2, 0.7))]
    start = [torch.where(mask, w, 0.0) for mask, w in zip(masks, weights(5))]
    ours, own = (
        chain_masks.zeroed(AFTER_ONE_ROUND, of, 2, following, masks, start, weights(9)) for of in (name, "mine")
    )
    assert all(torch.equal(one, other) for one, other in zip(ours, own))


@pytest.mark.parametrize(
    "source, weights",
    [
        ("def start(w_init):\n    return w_init.sign()\n", KEPT),
        ("def start(w_start, mask, generator):\n    return w_start\n", KEPT),
        ("def start(initialiser, generator):\n    return initialiser(generator)\n", KEPT),
        ("def start(mask):\n    return mask.double()\n", KEPT),
        ("def start(mask):\n    return ~mask\n", FROZEN),
        ("def start(newly, was_zero):\n    return newly | was_zero\n", FROZEN),
        ("start = lambda shrank: shrank\n", FROZEN),
    ],
)
def test_what_it_asks_for_or_returns_tells_of_which_weights_it_speaks(load_treatment, source, weights):
    """The register that it is in is the one that arms of that kind look it up in."""
    load_treatment(source)
    assert own_treatments.weights_of("mine") == weights
    assert ("mine" in TREATMENTS, "mine" in PRUNED) == (weights == KEPT, weights == FROZEN)
    own_treatments.forget("mine")
    assert "mine" not in TREATMENTS and "mine" not in PRUNED


def test_chance_is_each_replicas_own(load_treatment):
    """Drawn from its generator or globally, it depends on seed, round and layer, and on nothing drawn before."""
    for draw in ("torch.randn(w_init.shape, generator=generator)", "torch.randn(w_init.shape) + 0 * w_init"):
        asked = "w_init, generator" if "generator" in draw else "w_init"
        load_treatment(f"import torch\ndef start({asked}):\n    return {draw}\n")
        masks, seeds = chain_masks.no_masks(AFTER_ONE_ROUND), (0, 0, 1)
        ones = [experiment(SETTING, chain("large_final", "mine"), 1, seed) for seed in seeds]
        found = []
        for one in ones:
            torch.rand(3)
            found.append(chain_masks.treated(one, Reset("mine"), 1, masks, weights(0)))
        assert torch.equal(found[0][0], found[1][0]) and not torch.equal(found[0][0], found[2][0])


@pytest.mark.parametrize(
    "source, remarked",
    [
        ("def start(w_init):\n    return torch.randn_like(w_init)\n", True),
        ("def start(w_init):\n    return w_init + torch.from_numpy(np.random.random(w_init.shape))\n", True),
        ("def start(mask):\n    return torch.rand(mask.shape) < 0.5\n", True),
        ("def start(w_init, generator):\n    return torch.randn(w_init.shape, generator=generator)\n", False),
        ("def start(initialiser, generator):\n    return initialiser(generator)\n", False),
        ("def start(newly):\n    return newly\n", False),
    ],
)
def test_global_random_numbers_are_remarked(load_treatment, source, remarked):
    """And not refused, as of a criterion: of every seed, round and layer they are others, and the same again."""
    load_treatment(f"import numpy as np\nimport torch\n{source}")
    told = "treatment 'mine': it draws from global random numbers, .* ask for `generator`"
    found = own_treatments.remarks("mine")
    assert [bool(re.fullmatch(told, one)) for one in found] == [True] * remarked
    assert own_treatments.remarks("rewind") == []


@pytest.mark.parametrize(
    "source, message",
    [
        ("def start(w_final):\n    return w_final", "start asks for w_final; a treatment can ask for one of"),
        ("def start(w_init, power=2):\n    return w_init", "; set power above the function instead, as a global"),
        ("def start(*arguments):\n    return 1", "start takes *arguments, which does not"),
        ("start = 3", "start in "),
        ("def start(w_init, newly):\n    return newly", "start asks for w_init, newly; a treatment can ask"),
        ("def start(w_init):\n    return w_init > 0", "returned truth values, and asks for what"),
        ("def start(newly):\n    return newly.float()", "returned torch.float32; of pruned weights it must"),
        ("def start(w_init):\n    return w_init / 0", "returned values of kept weights that are not finite"),
        ("def start(w_init):\n    return w_init[0]", "for a layer of shape (12, 7); it must return a real"),
        ("def start(w_init):\n    return 3.0", "returned float for a layer of shape (12, 7)"),
        ("def start(w_init):\n    return w_init.to_sparse()", "returned a tensor of torch.float32, torch.sparse_coo"),
        ("def start(w_init):\n    return w_init.t()", "returned (7, 12) on cpu for a layer"),
        ("def start(w_init):\n    return w_init.zero_()", "changes `w_init` in place; take a copy first"),
        ("def start(w_init):\n    raise ValueError('no\\nmore')", "in start: ValueError: no "),
        ("def start(w_init):\n    import sys; sys.exit(2)", "in start: SystemExit: 2"),
        ("def start(w_init):\n    start.n = 1\n    return w_init", "changed the attribute n in start while it ran"),
        ("import itertools\nN = itertools.count()\ndef start(w_init):\n    return w_init + next(N)", "mine"),
        ("import os\ndef start(w_init):\n    return w_init + os.urandom(1)[0] / 7", "other values when"),
        ("def begin(w_init):\n    return w_init", "has no function 'start'"),
        ("def start(w_init:\n", "raised SyntaxError"),
    ],
)  # fmt: skip
def test_a_broken_contract_is_one_message_before_anything_is_trained(load_treatment, source, message):
    """With the option; and nothing is registered."""
    with pytest.raises(LotteryError, match=rf"(?s)^--treatment mine=.*mine.py:start: .*{re.escape(message)}"):
        load_treatment(source + "\n")
    assert "mine" not in TREATMENTS and "mine" not in PRUNED and "mine" not in own_treatments.FINGERPRINTS


@pytest.mark.parametrize("name", ["rewind", "variant_1"])
def test_our_names_are_taken(load_treatment, name):
    """Of either kind; and forgetting one of ours does nothing."""
    with pytest.raises(LotteryError, match=f"there is a treatment '{name}' already; give yours another name"):
        load_treatment("def start(w_init):\n    return w_init\n", name=name)
    own_treatments.forget(name)
    assert name in {*TREATMENTS, *PRUNED}


ARMS = {
    "def start(w_init):\n    return {} * w_init\n": [
        chain("large_final", "mine"),
        branch("large_final", "mine"),
        one_shot("large_final", "mine"),
        untrained("large_final", "mine"),
        ticket_from(chain("large_final", "mine")),
    ],
    "def start(newly):\n    return newly & bool({})\n": [
        chain("large_final", pruned="mine"),
        ticket_from(chain("large_final", pruned="mine")),
    ],
}


@pytest.mark.parametrize("source", ARMS)
def test_its_content_names_the_results_that_rest_on_it(load_treatment, source):
    """An edit renames them; what does not rest on it keeps its name."""

    def names(number):
        load_treatment(source.format(number))
        arms = [*ARMS[source], chain("large_final"), chain("large_final", "constant")]
        return [key(experiment(SETTING, arm, 1, 0), "of the data", "float32") for arm in arms]

    first, same, other = names(1), names(1), names(0)
    assert first == same and first[-2:] == other[-2:]
    assert all(one != another for one, another in zip(first[:-2], other))


def test_runs_that_are_compared_know_an_edit_of_it(load_treatment):
    """Its definition is another one, and no other is."""
    found = []
    for number in (1, 2):
        load_treatment(f"def start(w_init):\n    return {number} * w_init\n")
        one = experiment(SETTING, chain("large_final", "mine"), 1, 0)
        found.append(definitions([inputs(one, "of the data", "float32")]))
    different = {name for name, parts in found[0].items() if parts != found[1][name]}
    assert different == {"treatment mine"}


def test_arms_know_their_treatments():
    """Those of the arms that they rest on as well."""
    assert treatments_of(branch("large_final", "reinit")) == {"reinit", "rewind", "zero"}
    assert treatments_of(ticket_from(chain("random", pruned="init"))) == {"rewind", "zero", "init"}
    assert isinstance(ticket_from(chain("random")).mask, From)
