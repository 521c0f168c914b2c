"""Pruning of modules: the masks of torch.nn.utils.prune, exact counts, every criterion, and what is refused."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune as torch_prune

from lottery.core.errors import LotteryError, SuiteWarning
from lottery.masks import criteria, module_scores
from lottery.masks.counting import sparsity
from lottery.masks.module_scores import Scores, forward_of
from lottery.masks.module_weights import prunable
from lottery.masks.pruning import prune
from lottery.masks.saliency import Saliency
from lottery.masks.similarity import nested
from lottery.masks.starts import snapshot

pytestmark = pytest.mark.filterwarnings("ignore::lottery.core.errors.SuiteWarning")

SAMPLES = (torch.randn(6, 1, 6, 6, generator=torch.Generator().manual_seed(5)), torch.tensor([0, 1, 2, 0, 1, 2]))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def lenet():
    """Return the LeNet of Paganini & Forde 2020, appendix H.1, as they initialise it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            *(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
        )


def small(seed=0, dtype=torch.float32):
    """Return a network of a convolution, a normalisation and two linear layers, for images of six by six."""
    module = nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5), nn.Linear(5, 3))
    )
    for place, values in enumerate(module.parameters()):
        nn.init.normal_(values, generator=generator(seed + place))
    return module.to(dtype)


def trained(module, seed=50):
    """Return what the module started from, after its weights have moved."""
    initial = snapshot(module)
    with torch.no_grad():
        for place, values in enumerate(module.parameters()):
            values += torch.randn(values.shape, generator=generator(seed + place)).to(values)
    return initial


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_global_masks_equal_torch_prune(dtype):
    """Round after round, all layers ranked together; in half precision, where many are tied, the counts and the cut."""
    module, other = small(dtype=dtype), small(dtype=dtype)
    parts = [(other[place], "weight") for place in (0, 4, 5)]
    masks = None
    for _ in range(6):
        masks = prune(module, keep=0.8, masks=masks)
        torch_prune.global_unstructured(parts, torch_prune.L1Unstructured, amount=0.2)
        theirs = {f"{place}.weight": other[place].weight_mask.bool() for place in (0, 4, 5)}
        assert list(masks) == list(theirs)
        kept, gone = (torch.cat([values[mask == which].abs() for values, mask in zip(
            prunable(module).values(), masks.values())]) for which in (True, False))  # fmt: skip
        assert sum(int(mask.sum()) for mask in theirs.values()) == len(kept) and kept.min() >= gone.max()
        if dtype in (torch.float32, torch.float64):
            assert all(torch.equal(masks[name], theirs[name]) for name in masks)


@pytest.mark.parametrize("rounds", [1, 5])
def test_layerwise_masks_equal_torch_prune(rounds):
    """Each layer by itself, with torch's rounding."""
    module, masks = small(), None
    for _ in range(rounds):
        masks = prune(module, keep=0.8, masks=masks, scope="layer")
    for name, mask in masks.items():
        layer = small()[int(name[0])]
        for _ in range(rounds):
            torch_prune.l1_unstructured(layer, "weight", amount=0.2)
        assert torch.equal(mask, layer.weight_mask.bool())


@pytest.mark.parametrize("norm", [1, 2, float("inf"), float("-inf")])
def test_structured_masks_equal_torch_prune(norm):
    """Units of every layer's inputs by the norm of their weights, round after round."""
    module, masks = small(), None
    layers = {f"{place}.weight": small()[place] for place in (0, 4, 5)}
    for _ in range(4):
        with pytest.warns(SuiteWarning, match="0.weight keeps its 1 units"):  # the image has one channel
            masks = prune(module, keep=0.8, masks=masks, scope="units", axis=1, norm=norm)
        for name, layer in layers.items():
            torch_prune.ln_structured(layer, "weight", amount=0.2, n=norm, dim=1)
            assert torch.equal(masks[name], layer.weight_mask.bool())


def test_counts_of_the_paper():
    """Table 1 of Paganini & Forde 2020: LeNet's parameters left after each of twenty prunings, biases included."""
    module, masks, found = lenet(), None, []
    for _ in range(20):
        masks = prune(module, keep=0.8, masks=masks)
        found.append(sparsity(masks, module)["module"]["kept"])
    table = [48.1, 38.5, 30.8, 24.7, 19.8, 15.9, 12.7, 10.2, 8.3, 6.7, 5.4, 4.3, 3.5, 2.9, 2.3, 1.9, 1.6, 1.3, 1.1, 0.9]
    assert sparsity(masks, module)["module"]["size"] == 60_074
    assert all(abs(kept / 1000 - paper) < 0.11 for kept, paper in zip(found, table))
    left, exact = 59_838, []
    for _ in range(20):
        left -= round(0.2 * left)
        exact.append(left + 236)
    assert found == exact and found[:3] == [48_106, 38_532, 30_873]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["global", "layer"]), st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_rounds_are_nested_and_exact(seed, scope, first, second):
    """A share is one of what is left; nothing that was pruned returns; the module stays as it is."""
    module = small(seed)
    before = snapshot(module)
    masks = prune(module, keep=first, scope=scope)
    later = prune(module, keep=second, masks=masks, scope=scope)
    assert nested(later, masks) and all(torch.equal(before[name], of) for name, of in module.state_dict().items())
    groups = [list(masks)] if scope == "global" else [[name] for name in masks]
    for group in groups:
        sizes = [sum(int(of[name].sum()) for name in group) for of in (prune(module, keep=1.0), masks, later)]
        for share, (left, after) in zip((first, second), zip(sizes, sizes[1:])):
            assert after == max(1, left - round((1 - Fraction(str(share))) * left))


@pytest.mark.parametrize("scope, kept", [("global", 7), ("layer", 21)])
def test_whole_numbers_are_counts(scope, kept):
    """Seven weights of all, or of each layer; one is one, and 1.0 is all."""
    assert sparsity(prune(small(), keep=7, scope=scope))["total"]["kept"] == kept
    assert sparsity(prune(small(), keep=1))["total"]["kept"] == 1
    assert sparsity(prune(small(), keep=1.0))["total"]["sparsity"] == 0


def test_units_are_counted_in_each_layer():
    """Two outputs of every layer but the last, whose outputs are the network's own; of that too where it is named."""
    masks = prune(small(), keep=2, scope="units", axis=0)
    assert [int(mask.flatten(1).any(1).sum()) for mask in masks.values()] == [2, 2] and "5.weight" not in masks
    named = prune(small(), keep=2, scope="units", axis=0, only=["4", "5"], masks=masks)
    assert [int(mask.flatten(1).any(1).sum()) for mask in named.values()] == [2, 2, 2]
    assert torch.equal(named["0.weight"], masks["0.weight"])


@pytest.mark.parametrize("name", sorted(criteria.CRITERIA))
def test_every_criterion_of_the_suite(name):
    """Their masks are those of their scores, worked out by hand from weights before and after and from slopes."""
    module = small()
    initial = trained(module)
    masks = prune(module, keep=0.5)
    found = prune(module, name, keep=0.5, masks=masks, initial=initial, samples=SAMPLES)
    parameters = {"init": {key: of for key, of in initial.items() if key in dict(module.named_parameters())}}
    parameters["final"] = {key: of.detach() for key, of in module.named_parameters()}
    scores = []
    for key, mask in masks.items():
        offered = {"w_init": parameters["init"][key], "w_final": parameters["final"][key], "mask": mask}
        for argument in criteria.DERIVATIVES:
            what, _, moment = argument.partition("_")
            if criteria.CRITERIA.asks(name, argument):
                of = Saliency(forward_of(module), parameters[moment], masks, *SAMPLES, "cross-entropy")
                offered[argument] = getattr(of, what)[key]
        asked = {key: of.unsqueeze(0) for key, of in offered.items() if criteria.CRITERIA.asks(name, key)}
        scores.append(criteria.CRITERIA.call(name, **asked)[0][mask].double())
    kept = torch.cat([found[key][mask] for key, mask in masks.items()])
    values = torch.cat(scores)
    assert kept.sum() == len(values) - round(len(values) / 2) and values[kept].min() >= values[~kept].max()


def test_slopes_are_those_of_autograd():
    """SNIP's score of a plain backward pass, batches normalised by their own statistics."""
    module = small()
    loss = nn.functional.cross_entropy(module.double()(SAMPLES[0].double()), SAMPLES[1])
    loss.backward()
    expected = {name: (of * of.grad).abs() for name, of in module.named_parameters() if of.dim() > 1}
    masks = prune(small(), "snip_final", keep=0.3, samples=SAMPLES)
    cut = min(expected[name][mask].min() for name, mask in masks.items() if mask.any())
    assert all((expected[name][~mask] <= cut + 1e-12).all() for name, mask in masks.items())


def test_a_criterion_of_ones_own():
    """A function with a criterion's arguments; what it does to them changes nothing."""

    def least_moved(w_init, w_final, mask):
        scores = -(w_final.clone() - w_init).abs()
        for argument in (w_init, w_final, mask):
            argument.zero_()
        return scores

    module = small()
    initial = trained(module)
    before, state = {name: of.clone() for name, of in initial.items()}, snapshot(module)
    masks = prune(module, keep=0.9)
    found = prune(module, least_moved, keep=0.5, masks=masks, initial=initial)
    moved = {name: (state[name] - before[name]).abs() for name in masks}
    kept, gone = (
        torch.cat([moved[name][masks[name] & (of == which)] for name, of in found.items()]) for which in (1, 0)
    )
    assert kept.max() <= gone.min()
    assert all(torch.equal(initial[name], of) for name, of in before.items())
    assert all(torch.equal(module.state_dict()[name], of) for name, of in state.items())
    negative = prune(module, lambda w_init, w_final: -(w_final - w_init).abs(), keep=0.5, masks=masks, initial=initial)
    assert all(torch.equal(negative[name], found[name]) for name in found)


def test_ties_are_drawn_from_the_generator_given():
    """The same stream gives the same masks, others give others; global random numbers are neither drawn nor asked."""
    module = small()
    tied = [prune(module, lambda w_final: w_final * 0, keep=0.5, generator=generator(seed)) for seed in (1, 1, 2)]
    assert all(torch.equal(tied[0][name], tied[1][name]) for name in tied[0]) and not nested(tied[0], tied[2])
    before = torch.get_rng_state()
    first = prune(module, lambda w_final: w_final * 0, keep=0.5)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(3)
    assert nested(first, prune(module, lambda w_final: w_final * 0, keep=0.5))


def test_layers_are_chosen_by_name():
    """By parameter or by module, for and against; shared weights once; masks of others are returned as they are."""
    module = small()
    assert list(prune(module, only=["0", "5.weight"])) == ["0.weight", "5.weight"]
    assert list(prune(module, except_=["4"])) == ["0.weight", "5.weight"]
    assert list(prune(module, only=["0.weight", "1.bias"])) == ["0.weight", "1.bias"]
    assert list(prune(nn.Linear(3, 2))) == ["weight"]
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    assert list(prune(tied)) == ["0.weight"]
    nets = nn.ModuleDict({"body": module, "body2": nn.Linear(2, 2)})
    assert list(prune(nets, only=["body2"])) == ["body2.weight"]
    old = {"4.weight": torch.zeros(5, 64, dtype=torch.bool)}
    found = prune(module, keep=0.5, masks=old, except_=["4"])
    assert torch.equal(found["4.weight"], old["4.weight"]) and len(found) == 3


def test_a_layer_without_weights_left_stays_empty():
    """Pruning goes on in the others; one that loses its last weights is warned of."""
    masks = prune(small(), keep=1.0) | {"5.weight": torch.zeros(3, 5, dtype=torch.bool)}
    for scope in ("global", "layer"):
        found = prune(small(), keep=0.5, masks=masks, scope=scope)
        assert not found["5.weight"].any() and found["4.weight"].any()
    units = prune(small(), keep=0.5, masks=masks, scope="units", axis=0, only=["4", "5"])
    assert not units["5.weight"].any()
    with pytest.warns(SuiteWarning, match="nothing is left of 0.weight"):
        prune(small(), lambda w_final: torch.full_like(w_final, w_final.numel()), keep=300)


def test_rounding_that_sticks_is_warned_of():
    """A fifth of two units is none; a count, and a share of 1.0, are what they say."""
    module = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 2))
    with pytest.warns(SuiteWarning, match="0.weight keeps its 2 units: a share of 0.8 of them removes none"):
        prune(module, keep=0.8, scope="units", axis=0)
    for keep in (1.0, 2, 0.5):
        prune(module, keep=keep, scope="units", axis=0)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"keep": 0.0}, "keep=0.0 is a share, and lies above 0"),
        ({"keep": 1.5}, "keep=1.5 is a share"),
        ({"keep": 0}, "keep=0 is a count"),
        ({"keep": 10**6}, "keep=1000000 is a count, and there are 371 weights of 0.weight"),
        ({"keep": True}, "keep=True is neither a share"),
        ({"keep": "0.8"}, "keep='0.8' is neither"),
        ({"keep": float("nan")}, "keep=nan is a share"),
        ({"scope": "channel"}, "there is no scope 'channel'; the scopes are global, layer, units"),
        ({"scope": "units"}, "say which axis="),
        ({"scope": "units", "axis": 7}, "have no axis 7"),
        ({"criterion": "largest"}, "there is no criterion 'largest'"),
        ({"criterion": 3}, "a criterion is a name or a function, not int"),
        ({"criterion": lambda weights: weights}, "asks for weights; a criterion can ask for w_init, w_final"),
        (
            {"criterion": lambda w_final: w_final[0]},
            r"returned a tensor \(4, 1, 3, 3\) .* for a weight \(1, 4, 1, 3, 3\)",
        ),
        ({"criterion": lambda w_final: 3}, "returned <class 'int'>"),
        ({"criterion": lambda w_final: 1 / 0}, "raised ZeroDivisionError"),
        ({"criterion": lambda w_final: w_final / 0 * 0}, "NaN"),
        ({"criterion": lambda w_final: w_final / 0 * 0, "scope": "units", "axis": 1}, "NaN"),
        ({"criterion": "movement"}, r"the initial weights are needed; give initial=snapshot\(module\)"),
        ({"criterion": "snip_final"}, "asks for gradient_final; give samples="),
        ({"criterion": "snip_final", "samples": SAMPLES, "loss": "hinge"}, "there is no loss 'hinge'"),
        ({"criterion": "snip_final", "samples": SAMPLES[::-1]}, "gradient_final could not be taken on the samples"),
        ({"criterion": "movement", "initial": {}}, "initial has no '0.weight'"),
        ({"only": ["9"]}, "there is nothing to prune under '9'; the parameters are 0.weight"),
        ({"only": ["0"], "except_": ["0.weight"]}, "there is nothing to prune"),
        ({"only": "0"}, "lists of names"),
        ({"masks": {"0": torch.ones(2).bool()}}, "the module has no parameter '0'"),
        ({"masks": {"0.weight": torch.ones(4, 1, 3, 3)}}, "convert it with mask.bool"),
    ],
)
def test_what_cannot_be_pruned_is_one_message(arguments, message):
    """Shares, counts, scopes, criteria, names and masks that are none."""
    with pytest.raises(LotteryError, match=message):
        prune(small(), **arguments)


@pytest.mark.parametrize(
    "module, arguments, message",
    [
        (nn.BatchNorm1d(3), {}, "there is nothing to prune"),
        (nn.Linear(2, 2), {"scope": "units", "axis": 0}, "units of weight are the outputs of the module"),
        (
            nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)),
            {},
            "weight is not a parameter but computed from others",
        ),
        (torch_prune.identity(nn.Linear(2, 2), "weight"), {}, "by torch.nn.utils.prune"),
    ],
)
def test_modules_that_cannot_be_pruned_are_one_message(module, arguments, message):
    """No layer, outputs alone, and weights that something else computes."""
    with pytest.raises(LotteryError, match=message):
        prune(module, **arguments)


def test_initial_weights_have_to_be_a_copy():
    """What `state_dict` gives is the module's own memory, which training changed; another network has other shapes."""
    module = small()
    with pytest.raises(LotteryError, match="initial has the module's own '0.weight', which training changed"):
        prune(module, "movement", initial=module.state_dict())
    with pytest.raises(LotteryError, match=r"'0.weight' has shape \(1,\), and now \(4, 1, 3, 3\)"):
        prune(module, "movement", initial={"0.weight": torch.ones(1)})


def test_the_forward_pass_is_that_of_the_module():
    """In float64, with the batch's own statistics, without dropout; the module is left as it was."""
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    state = snapshot(module)
    inputs = torch.randn(7, 3, generator=generator()).double()
    outputs = forward_of(module)({name: of.double() for name, of in module.named_parameters()}, inputs)
    plain = nn.functional.batch_norm(nn.functional.linear(inputs, *(of.double() for of in module[0].parameters())),
                                     None, None, training=True)  # fmt: skip
    assert torch.allclose(outputs, plain) and module.training
    module[1].running_mean += 3
    alone = forward_of(module)({name: of.double() for name, of in module.named_parameters()}, inputs[:1])
    assert torch.allclose(alone, module[0].double()(inputs[:1]) / (1 + module[1].eps) ** 0.5)
    module.float()
    state["1.running_mean"] += 3
    assert all(torch.equal(state[name], of) for name, of in module.state_dict().items())


def test_slopes_are_taken_once(monkeypatch):
    """For all layers together, however often they are asked for."""
    taken = []
    monkeypatch.setattr(module_scores, "forward_of", lambda module: taken.append(module) or forward_of(module))
    scores = Scores(small(), "snip_final", prune(small()), None, SAMPLES, "cross-entropy", generator())
    first = scores.of("0.weight")
    assert scores.of("4.weight").shape == (5, 64) and torch.equal(first, scores.of("0.weight")) and len(taken) == 1
