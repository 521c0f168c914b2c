"""Arguments of the library of masks: whatever is given in an argument's place, there is an answer or one message."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from lottery import masks as library
from lottery.core.errors import LotteryError, SuiteWarning
from lottery.masks.arguments import told
from lottery.masks.library import NAMES


def made():
    """Return what functions of the library can be called with, by the names of their parameters."""
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    masks = {"0.weight": torch.ones(4, 3, dtype=torch.bool), "2.weight": torch.eye(2, 4, dtype=torch.bool)}
    return module, optimiser, masks


def calls(folder):
    """Return the arguments of one good call of every function."""
    module, optimiser, masks = made()
    layers, weights = list(masks.values()), [module[0].weight, module[2].weight]
    layer, generator, file = masks["0.weight"], torch.Generator(), folder / "some.masks"
    library.save(file, masks)
    return {
        "prune": (module, "large_final", 0.5),
        "prunable": (module, ["0"], ["2.weight"]),
        "snapshot": (module,),
        "apply": (module, masks),
        "rewind": (module, library.snapshot(module), masks),
        "keep_pruned": (optimiser, module, masks),
        "from_torch": (module,),
        "from_zeros": (module,),
        "sparsity": (masks, module, (3,)),
        "effective_masks": (module, masks, (3,)),
        "compare": (masks, masks),
        "nested": (masks, masks),
        "pairwise": ([masks, masks],),
        "agreed": ([masks, masks], 2),
        "k_of_n": ([layer, layer], 2),
        "uniform": (layers, generator),
        "layerwise": (layers, generator),
        "initial_magnitude": (layers, weights, True, generator),
        "hypergeometric": (3, 4, 12),
        "chance_jaccard": ([(3, 4, 12)],),
        "excess": (2, [(3, 4, 12)]),
        "align": (weights, weights),
        "permuted": (weights, [torch.arange(4)]),
        "save": (file, masks),
        "load": (file,),
        "notes": (file,),
        "digest": (masks,),
        **dict.fromkeys(("jaccard", "distance", "overlap", "hamming"), (layer, layer)),
        **dict.fromkeys(("votes", "union", "intersection"), ([layer, layer],)),
    }


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_argument_ends_in_anything_but_an_answer_or_one_message(name, tmp_path, monkeypatch):
    """Any other thing in the place of each argument of a good call."""
    monkeypatch.chdir(tmp_path)  # a path may be written to
    good = calls(tmp_path)[name]
    getattr(library, name)(*good)
    module, optimiser, masks = made()
    mask = masks["0.weight"]
    plain = ["large_final", b"bytes", 3, -1, 0.5, float("nan"), None, [], {}, (1, 2), [1, "two"], [(5, 4, 3)], object()]
    tensors = [mask, mask.float(), torch.tensor(1.0), [mask], [mask.float()], (mask, mask[:1]), torch.Generator()]
    dicts = [masks, [masks], {"0.weight": 3}, {"0.weight": mask.float()}, {"a": masks}]
    function = getattr(library, name)
    for place, _ in enumerate(good):
        for other in [*plain, *tensors, *dicts, module, [module], optimiser]:
            try:
                function(*good[:place], other, *good[place + 1 :])
            except LotteryError as error:
                assert str(error)


def test_what_is_swapped_or_of_another_shape_is_told():
    """The message has the call, which argument it is, what that is and what it should be."""
    module, _, masks = made()
    wrong = [
        (
            lambda: library.sparsity(module, masks),
            r"sparsity\(masks, module, .*masks is of type Sequential, and should",
        ),
        (lambda: library.effective_masks(masks, module, (3,)), "module is of type dict, and should be a module"),
        (lambda: library.pairwise({"a": masks}), "networks is of type dict, and should be a list, each a dict from"),
        (
            lambda: library.align(module, module),
            r"align\(first, second\): first is of type Sequential, .* a list, each a",
        ),
        (lambda: library.align([3], [3]), r"first\[0\] is of type int, and should be a tensor"),
        (
            lambda: library.sparsity(masks, module, 3),
            "inputs is of type int, and should be a tuple, each a whole number",
        ),
        (lambda: library.chance_jaccard([(1, 2)]), r"counts\[0\] is of type tuple, and should be a tuple of 3"),
        (lambda: library.chance_jaccard([(5, 4, 3)]), "masks of 5 and of 4 weights do not fit into a layer of 3"),
    ]
    for call, words in wrong:
        with pytest.raises(LotteryError, match=words):
            call()


def test_lists_of_different_lengths_are_told_with_the_call():
    """What a function raises a ValueError for, such as zip."""
    pair = told(lambda first, second: [*zip(first, second, strict=True)], "pair")
    with pytest.raises(LotteryError, match=r"^lottery.masks.pair\(first, second\): ValueError: zip"):
        pair([1], [])


def test_everything_else_about_a_call_is_as_without_that():
    """Iterators are lists, counts may be numpy's, functions can be pickled, too few arguments are Python's to tell."""
    _, _, masks = made()
    layers = list(masks.values())
    assert torch.equal(library.votes(mask for mask in [layers[0]] * 2), library.votes([layers[0]] * 2))
    assert library.hypergeometric(*np.array([3, 4, 12])).mean() == 1
    assert pickle.loads(pickle.dumps(library.jaccard)) is library.jaccard
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'second'"):
        library.jaccard(layers[0])


def test_a_warning_leads_to_the_line_that_pruned():
    """Not to the library."""
    module, _, _ = made()
    with pytest.warns(SuiteWarning, match="nothing is left of 2.weight") as caught:
        library.prune(module, lambda w_final: w_final * 0 + w_final.numel(), keep=3)
    with pytest.warns(SuiteWarning, match="keeps its 2 units") as others:
        library.prune(module, keep=0.9, scope="units", axis=0, only=["2"])
    assert {warning.filename for warning in [*caught, *others]} == {__file__}
