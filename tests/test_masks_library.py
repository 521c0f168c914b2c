"""The library of masks for any module: what users of torch.nn.utils.prune asked for, wish by wish, and its example."""

import copy
import gc
import io
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils import prune as torch_prune

from lottery import masks as library
from lottery.core.errors import LotteryError
from lottery.masks import counting, files
from lottery.masks.library import NAMES

ROOT = Path(__file__).resolve().parents[1]
INPUTS = torch.randn(40, 6, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(40) % 3
pytestmark = pytest.mark.filterwarnings("ignore:nothing is left", "ignore:Initializing zero-element tensors")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def network(seed=0):
    module = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3))
    initialise(module, seed)
    return module


def initialise(module, seed=0):
    for place, values in enumerate(module.parameters()):
        nn.init.normal_(values, generator=generator(seed + place))


def step(module, optimiser):
    optimiser.zero_grad()
    nn.functional.cross_entropy(module(INPUTS), LABELS).backward()
    optimiser.step()


def train(module, kept, steps=5):
    optimiser = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9, weight_decay=0.01)
    with library.keep_pruned(optimiser, module, kept):
        for _ in range(steps):
            step(module, optimiser)


def pruned_are_zero(module, kept):
    return all((module.get_parameter(name)[~mask] == 0).all() for name, mask in kept.items())


def test_wish_1_a_pruned_model_can_be_copied():
    """By deepcopy and pickle, after training under masks too; the copy goes its own way."""
    module = network()
    kept = library.prune(module, keep=0.5)
    train(module, kept)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    for other in (copy.deepcopy(module), torch.load(file, weights_only=False)):
        assert torch.equal(other.eval()(INPUTS), copy.deepcopy(module).eval()(INPUTS))
        train(other.train(), kept)
        assert pruned_are_zero(other, kept) and not torch.equal(other[0].weight, module[0].weight)


def test_wish_2_survivors_are_rewound():
    """Round after round to the very values of the start, and pruned weights to zero."""
    module = network()
    initial, kept = library.snapshot(module), {}
    for _ in range(3):
        train(module, kept)
        kept = library.prune(module, keep=0.7, masks=kept)
        library.rewind(module, initial, kept)
        for name, mask in kept.items():
            assert torch.equal(module.get_parameter(name), initial[name] * mask)


def test_wish_3_the_state_dict_is_that_of_the_plain_module():
    """The same names in the same order, loaded by a module that was never pruned, strictly."""
    module = network()
    kept = library.prune(module, keep=0.5)
    library.apply(module, kept)
    train(module, kept)
    assert list(module.state_dict()) == list(network().state_dict())
    fresh = network(9)
    fresh.load_state_dict(module.state_dict())
    assert pruned_are_zero(fresh, kept) and torch.equal(fresh.eval()(INPUTS), module.eval()(INPUTS))


def test_wish_4_masks_are_saved_alone_and_applied_to_another_model(tmp_path):
    """As bool, an eighth of a byte a weight, with a hash; somebody else's too, of torch.nn.utils.prune among them."""
    module = network()
    kept = library.prune(module, keep=0.5)
    hashed = library.save(tmp_path / "masks", kept, source="test")
    found = library.load(tmp_path / "masks")
    assert hashed == library.digest(found) and all(mask.dtype == torch.bool for mask in found.values())
    fresh = network(9)
    library.apply(fresh, found)
    assert all(torch.equal(mask, kept[name]) for name, mask in library.from_zeros(fresh).items())
    theirs = network(9)
    for place in (0, 3, 5):
        torch_prune.l1_unstructured(theirs[place], "weight", 0.5)
    taken = library.from_torch(theirs)
    library.apply(fresh, taken)
    assert pruned_are_zero(fresh, taken) and list(taken) == list(kept)


def test_wish_5_nominal_and_effective_sparsity_are_both_told():
    """Of weights, and of the whole module; a unit that nothing leaves takes what enters it along."""
    module = network()
    kept = library.prune(module, keep=1.0)
    kept["3.weight"][:, 2] = False
    found = library.sparsity(kept, module, inputs=(6,))
    assert found["0.weight"] == {
        "kept": 48,
        "size": 48,
        "sparsity": 0,
        "effective": 42,
        "effective_sparsity": 1 - 42 / 48,
    }
    assert found["total"] == {"kept": 98, "size": 103, "sparsity": 1 - 98 / 103, "effective": 92,
                              "effective_sparsity": 1 - 92 / 103}  # fmt: skip
    size = sum(values.numel() for values in module.parameters())
    assert found["module"]["size"] == size and found["module"]["kept"] == size - 5
    assert found["module"]["effective"] == size - 11
    assert library.sparsity(kept)["total"] == {"kept": 98, "size": 103, "sparsity": 1 - 98 / 103}
    assert counting.sparsity({})["total"] == {"kept": 0, "size": 0, "sparsity": 0}


def tensors_alive():
    gc.collect()
    return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())


def test_wish_6_memory_does_not_grow_from_round_to_round():
    """After ten rounds there are as many tensors as after two, and the module has nothing that it had not."""
    module = network()
    initial, kept, alive = library.snapshot(module), {}, []
    for _ in range(10):
        train(module, kept, steps=2)
        module.zero_grad()
        kept = library.prune(module, keep=0.9, masks=kept)
        library.rewind(module, initial, kept)
        alive.append(tensors_alive())
    assert alive[-1] <= alive[1]
    assert len(list(module.parameters())) == len(list(network().parameters()))


def test_wish_7_large_models_are_pruned_without_joining_or_sorting(monkeypatch):
    """Nothing is concatenated, sorted, or given an index, which is what runs out of memory and of 32 bits."""
    module = network()
    expected = library.prune(module, keep=0.3)

    def refuse(*arguments, **named):
        raise AssertionError("layers are joined, sorted or indexed")

    for name in ("cat", "sort", "argsort", "topk", "kthvalue", "nonzero"):
        monkeypatch.setattr(torch, name, refuse)
    for name in ("sort", "argsort", "topk", "kthvalue"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    found = library.prune(module, keep=0.3)
    assert all(torch.equal(mask, expected[name]) for name, mask in found.items())


def test_wish_8_recurrent_networks_are_pruned():
    """Weights of an LSTM by name: what it computes changes, training goes on, and pruned weights stay zero."""
    module = nn.LSTM(3, 4, num_layers=2)
    initialise(module)
    inputs = torch.randn(5, 2, 3, generator=generator())
    names = [name for name, values in module.named_parameters() if values.dim() == 2]
    before, kept = module(inputs)[0], library.prune(module, keep=0.4, only=names)
    optimiser = torch.optim.Adam(module.parameters(), 0.1)
    with library.keep_pruned(optimiser, module, kept):
        pruned = module(inputs)[0]
        assert not torch.allclose(before, pruned)
        for _ in range(4):
            optimiser.zero_grad()
            module(inputs)[0].square().sum().backward()
            optimiser.step()
            assert pruned_are_zero(module, kept)
        assert not torch.allclose(pruned, module(inputs)[0])


def test_wish_9_nothing_is_hooked_and_other_parametrisations_compose():
    """A module under masks has no hooks; one with weight norm is pruned in what its weights are computed from."""
    module = network()
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    held = library.keep_pruned(optimiser, module, library.prune(module, keep=0.5))
    hooks = [getattr(part, of) for part in module.modules() for of in ("_forward_hooks", "_forward_pre_hooks")]
    assert not any(hooks) and not any(values._backward_hooks for values in module.parameters())
    held.remove()
    normed = nn.Sequential(parametrizations.weight_norm(nn.Linear(6, 8)), nn.ReLU(), nn.Linear(8, 3))
    initialise(normed)
    direction = "0.parametrizations.weight.original1"
    kept = library.prune(normed, keep=0.7, only=[direction, "2.weight"])
    assert kept[direction].any(1).all()  # weight norm has no direction for a unit without inputs
    train(normed, kept)
    assert pruned_are_zero(normed, kept) and (normed[0].weight[~kept[direction]] == 0).all()


def test_wish_10_empty_masks_and_layers_are_no_special_case():
    """No mask at all, a mask that keeps nothing, a layer without weights."""
    module = network()
    empty = {"3.weight": torch.zeros(5, 8, dtype=torch.bool)}
    train(module, {})
    train(module, empty)
    kept = library.prune(module, keep=0.5, masks=empty)
    assert not kept["3.weight"].any() and not module[3].weight.any()
    none = nn.ModuleDict({"none": nn.Linear(0, 3), "some": nn.Linear(3, 2)})
    kept = library.prune(none, keep=0.5)
    assert kept["none.weight"].shape == (3, 0) and library.sparsity(kept)["none.weight"]["sparsity"] == 0
    library.apply(none, kept)
    assert library.compare(kept, kept)["total"]["jaccard"] == 1


@pytest.mark.parametrize("decoupled", [False, True])
def test_wish_11_pruned_weights_do_not_revive(decoupled):
    """By gradients, by momentum from before the pruning, by weight decay; not after a rewind either."""
    module = network()
    kinds = {
        True: lambda of: torch.optim.AdamW(of, 0.05),
        False: lambda of: torch.optim.SGD(of, 0.1, 0.9, weight_decay=1),
    }
    optimiser = kinds[decoupled](module.parameters())
    for _ in range(3):
        step(module, optimiser)
    kept = library.prune(module, keep=0.3)
    with library.keep_pruned(optimiser, module, kept):
        for _ in range(20):
            step(module, optimiser)
            assert pruned_are_zero(module, kept)


def test_wish_12_criteria_are_functions():
    """Any of the suite's by name, or one of a user's that names what it looks at."""
    module = network()
    initial = library.snapshot(module)
    train(module, {})
    samples = (INPUTS, LABELS)
    by_name = library.prune(module, "snip_final", keep=0.5, samples=samples)
    own = library.prune(module, lambda w_final, gradient_final: (w_final * gradient_final).abs(), 0.5, samples=samples)
    assert all(torch.equal(mask, own[name]) for name, mask in by_name.items())
    moved = library.prune(module, "movement", keep=0.5, initial=initial)
    assert library.sparsity(moved)["total"]["kept"] == library.sparsity(own)["total"]["kept"] == 51


def test_wish_13_repeated_structured_pruning_counts_what_is_left():
    """Channels that are empty do not count; the axis is said, the outputs of the network stay, and rounding is told."""
    module, kept, left = network(), {}, []
    with pytest.warns(UserWarning, match="keeps its 2 units"):
        for _ in range(8):
            kept = library.prune(module, keep=0.8, masks=kept, scope="units", axis=0)
            left.append(int(kept["0.weight"].any(1).sum()))
    assert left == [6, 5, 4, 3, 2, 2, 2, 2] and "5.weight" not in kept
    with pytest.raises(LotteryError, match="say which axis="):
        library.prune(module, keep=0.8, scope="units")


def test_wish_14_masks_do_not_depend_on_what_was_drawn_before():
    """Ties come from a generator that is given, not from the global one, which training uses up."""
    module = network()
    found = []
    for drawn in (0, 5):
        torch.rand(drawn)
        found.append(library.prune(module, lambda w_final: w_final * 0, keep=0.5, generator=generator(3)))
    assert library.digest(found[0]) == library.digest(found[1])
    initial = library.snapshot(module)
    other = library.prune(module, "random", keep=0.5, initial=initial, generator=generator(4))
    assert library.digest(other) != library.digest(found[0])


def test_wish_15_shares_and_counts_are_told_apart():
    """0.5 is half of what is left, 5 is five, 1 is one, 1.0 is all."""
    module = network()
    once = library.prune(module, keep=0.5)
    kept = {keep: library.sparsity(library.prune(module, keep=keep, masks=once))["total"]["kept"] for keep in (0.5, 5)}
    assert library.sparsity(once)["total"]["kept"] == 51 and kept == {0.5: 25, 5: 5}
    assert library.digest(library.prune(module, keep=1.0, masks=once)) == library.digest(once)


def test_wish_16_masks_are_compared():
    """Similarity by layer and in total, nesting, k of N, chance; nested rounds as similar as they are large."""
    module = network()
    first = library.prune(module, keep=0.8)
    second = library.prune(module, keep=0.8, masks=first)
    total = library.compare(first, second)["total"]
    assert library.nested(second, first) and total["jaccard"] == total["second"] / total["first"]
    assert library.pairwise([first, second])[0, 1] == total["jaccard"]
    assert all(torch.equal(mask, second[name]) for name, mask in library.agreed([first, second], 2).items())
    counts = [(row["first"], row["second"], row["size"]) for name, row in library.compare(first, second).items()
              if name != "total"]  # fmt: skip
    assert total["jaccard"] > library.chance_jaccard(counts) and library.excess(total["both"], counts) > 2


def test_every_name_is_there():
    """Each is a documented function, imported when it is asked for; what is not there is said."""
    assert set(NAMES) <= set(dir(library)) and sorted(library.__all__) == sorted(NAMES)
    for name in NAMES:
        assert callable(getattr(library, name)) and getattr(library, name).__doc__
    with pytest.raises(AttributeError, match="lottery.masks has no 'iou'; it has prune"):
        library.iou  # noqa: B018  # asking is the test
    assert library.digest.__wrapped__ is files.digest and library.digest is library.digest


def test_the_document_names_everything():
    """Every name of the library is in its table, and no other."""
    rows = re.findall(r"^\| (`.*?`) \|", (ROOT / "docs" / "masks.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(NAMES)
