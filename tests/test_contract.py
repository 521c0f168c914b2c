"""The contract of criteria: what breaks it is one message, what may be meant a remark, and the papers' own keep it."""

import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.masks import contract, criteria

SOUND = "return w_final.abs()"
HEAD = "import time, torch\nBEGAN = []\n"


def told(load_own, body, asked="w_final"):
    """Return the remarks on a criterion with this body."""
    load_own(mine=f"{HEAD}def score({asked}):\n    {body}\n")
    return contract.check("mine")


@pytest.mark.parametrize("name", list(criteria.CRITERIA))
def test_the_suites_own_keep_it(name):
    """Without a remark, but that percentiles of a layer are those of all networks in it."""
    assert not [told for told in contract.check(name) if "several networks" not in told]


BREAKS = {
    "w_final.abs().sum()": "returned () for a layer of shape",
    "w_final.abs().flatten(1)": "returned (1, 84) for a layer of shape",
    "w_final.abs().squeeze(0)": "returned (12, 7) for a layer of shape",
    "[0.0]": "returned list",
    "w_final * float('nan')": "returned NaN",
    "w_final.to('meta')": "returned a tensor on meta",
    "w_final.abs_()": "changes `w_final` in place, which is not its own; take a copy first, w_final = w_final.clone()",
    "mask.logical_not_() * w_final": "changes `mask` in place",
    "w_final * time.perf_counter()": "scores the same",
    "(w_final - w_final.mean()).abs()": "looks at pruned weights",
    "w_final.abs() * (w_final.flatten().sum() > 0) - w_final": "looks at pruned weights",
    "BEGAN.append(1) or w_final": "changed the global BEGAN while it ran",
    "1 / 0": "in score: ZeroDivisionError",
    "w_final.abs() @ w_final.abs().mT": "returned",
}


@pytest.mark.parametrize("value", BREAKS)
def test_what_breaks_it_is_refused(load_own, value):
    """With the criterion's name, what it did, and that nothing was trained."""
    with pytest.raises(LotteryError) as error:
        told(load_own, f"return {value}", "w_final, mask")
    assert str(error.value).startswith("criterion 'mine' ") and BREAKS[value] in str(error.value)
    assert "before anything was trained" in str(error.value) and "\n" not in str(error.value)


KEEPS = {
    "w_final.abs()": [],
    "(w_final - w_final[mask].mean()).abs()": ["several networks"],
    "w_final": ["the other sign"],
    "torch.where(w_final.abs() > 0.5, w_final.abs(), -w_final.abs())": ["1,024 times"],
    "w_final.abs() * torch.arange(w_final.numel()).view_as(w_final)": ["where a weight lies", "several networks"],
    "w_final.abs() + torch.rand(w_final.shape)": ["1,024 times", "global random numbers"],
    "w_final.abs() + torch.rand(w_final.shape, generator=generator)": ["1,024 times"],
    "torch.where(w_final.abs() > 1, torch.inf, w_final.abs())": ["1,024 times", "infinite"],
    "w_final.abs().half()": ["fewer bits"],
    "w_final.abs() / torch.where(w_init.abs() == 1, torch.nan, 1.0)": ["all weights start at one size"],
    "w_final.abs().double()": [],
    "(w_final.abs() > 0.5)": ["1,024 times", "fewer bits"],
    "(100 * w_final.abs()).short()": ["1,024 times", "fewer bits"],
    "(1e5 * w_final.abs()).int()": [],
}


@pytest.mark.parametrize("value", KEEPS)
def test_what_may_be_meant_is_remarked(load_own, value):
    """Each in a line that names the criterion; what is free of all that has none."""
    asked = ", ".join(name for name in ("w_init", "w_final", "mask", "generator") if name in value)
    remarks = told(load_own, f"return {value}", asked)
    assert all(any(words in remark for remark in remarks) for words in KEEPS[value]), remarks
    if "torch.rand(w_final.shape)" not in value:  # whose ranks are chance under every change
        assert len(remarks) == len(KEEPS[value]), remarks
    assert all(remark.startswith("criterion 'mine': ") for remark in remarks)


@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("of", ["w_init", "w_final"])
def test_what_looks_at_one_weight_alone_is_remarked(load_own, of, place):
    """It takes both of its ways meanwhile: neither that weight nor those that take its place are all of one sign."""
    value = f"w_final.abs() if {of}.flatten()[{place}] > 0 else -w_final.abs()"
    remarks = told(load_own, f"return {value}", "w_init, w_final")
    for words in ("when all have the other sign", "where a weight lies"):
        assert any(words in remark for remark in remarks), remarks


def test_nothing_of_the_process_is_left_changed(load_own):
    """Global random numbers go on as if nothing had been checked."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    told(load_own, "return w_final.abs() + torch.rand(w_final.shape)")
    assert torch.equal(before, torch.get_rng_state())
