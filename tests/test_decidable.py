"""What can never be decided is refused when it is read, with the number of seeds that it takes."""

import importlib
import re
from math import inf
from pathlib import Path

import pytest

from lottery.claims import entries
from lottery.claims.claim import STATED, Claim, conjunction, proportion
from lottery.claims.claims_folders import expected_file
from lottery.claims.decidable import COUNTS, deciding_counts, undecidable_mean, undecidable_share
from lottery.claims.image_quantities import accuracy
from lottery.claims.resolved import resolve
from lottery.claims.statistics import ALPHA, INCONCLUSIVE, REFUTED, REPRODUCED, Region, decide_mean, decide_proportion
from lottery.core.errors import LotteryError
from lottery.experiments.arms import DENSE
from lottery.experiments.scales import SCALES
from tests.test_entries import GOOD, read

REGIONS = [Region(0.5, 1.0), Region(0.0, 0.3), Region(0.2, 0.8), Region(0.9, inf), Region(-inf, 0.1)]
BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("n, parts", [(1, 1), (6, 2), (10, 1), (10, 5), (14, 4), (25, 3)])
def test_counts_are_those_of_the_decision(region, n, parts):
    """Every count, one by one, against the rule that a run uses; a part is refuted at ALPHA / parts."""
    reproduced, refuted = deciding_counts(region, n, parts)
    for k in range(n + 1):
        decision = decide_proportion(k, n, region)
        assert (k in reproduced) == (decision.verdict == REPRODUCED)
        assert (k in refuted) == (decision.verdict != REPRODUCED and decision.p_outside <= ALPHA / parts)


@pytest.mark.parametrize(
    "region, n, parts, message",
    [
        (Region(0.0, 0.3), 10, 1, "a share in [0.0, 0.3] is reproduced by 0 of 10 alone; it takes 14 seeds"),
        (Region(0.5, 1.0), 10, 5, "a share in [0.5, 1.0] is refuted by 0 of 10 alone; it takes 11 seeds"),
        (Region(0.5, 1.0), 4, 1, "a share in [0.5, 1.0] is reproduced by no count of 4; it takes 8 seeds"),
        (Region(0.0, 1.0), 10, 1, "is refuted by no count of 10; no number of seeds up to 1,000 would do"),
        (Region(0.5, 1.0), 10, 4, ""),
        (Region(0.0, 0.3), 14, 8, ""),
    ],
)
def test_what_hangs_on_one_count_is_refused(region, n, parts, message):
    """The verdict that cannot be had, by what alone it could be, and what it takes."""
    assert message in undecidable_share(region, n, parts) and bool(message) == bool(undecidable_share(region, n, parts))


@pytest.mark.parametrize("ends, outside", [
    ((1.2, inf), True), ((1.5, 2.0), True), ((-inf, -0.1), True), ((-2.0, -1.0), True),
    ((0.5, 1.2), False), ((0.5, inf), False), ((-0.1, 0.5), False), ((-inf, 0.5), False),
])  # fmt: skip
def test_a_region_outside_all_shares_is_refused(tmp_path, ends, outside):
    """No count would ever lie in it; one that reaches over an end of [0, 1] is as one that stops there."""
    assert ("lies outside all shares" in undecidable_share(Region(*ends), 20)) == outside
    assert (undecidable_share(Region(*ends), 20) == "") != outside
    text = GOOD.replace('"effect"', '"proportion"').replace("seeds = 5", "seeds = 20")
    text = text.replace("[0, inf]", str(list(ends)))
    if outside:
        with pytest.raises(LotteryError, match=r"scales\.tiny: \[.*\] lies outside all shares"):
            read(tmp_path, text)
    else:
        assert read(tmp_path, text)


@pytest.mark.parametrize("region", REGIONS[:3])
@pytest.mark.parametrize("parts", [1, 4])
def test_the_number_that_it_takes_is_the_smallest_that_passes(region, parts):
    """One seed fewer is refused as well, and the number itself is not."""
    needed = int(re.search(r"takes (\d+) seeds", undecidable_share(region, 3, parts))[1])
    assert undecidable_share(region, needed, parts) == "" != undecidable_share(region, needed - 1, parts)
    assert min(map(len, deciding_counts(region, needed, parts))) >= COUNTS


def test_a_mean_is_decided_from_two_seeds_on():
    """One is refused; of two there are data for each verdict."""
    assert undecidable_mean(1) and undecidable_mean(0) and not undecidable_mean(2)
    region = Region(0.0, 1.0)
    assert decide_mean([0.5], region).verdict == INCONCLUSIVE
    assert decide_mean([0.5, 0.501], region).verdict == REPRODUCED
    assert decide_mean([9.5, 9.501], region).verdict == REFUTED


@pytest.mark.parametrize(
    "kind, old, new, message",
    [
        ("proportion", "region = [0, inf]", "region = [0.5, 1]", "scales.tiny: a share in [0.5, 1.0] is reproduced by"),
        ("effect", "seeds = 5", "seeds = 1", "scales.tiny: seeds = 1 should be at least 2"),
        ("conjunction", "seeds = 5\nregion = [0, inf]", "seeds = 1\nparts = { a = [0, 1] }", "should be at least 2"),
    ],
)
def test_an_entry_is_refused_when_it_is_read(tmp_path, kind, old, new, message):
    """With file, claim and scale."""
    text = GOOD.replace('"effect"', f'"{kind}"').replace(old, new)
    with pytest.raises(LotteryError, match=re.escape(message)) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/some_2020.toml, claim 'some2020.claim[lenet-300-100]'")


def test_a_part_is_refused_where_its_test_states_a_share(tmp_path):
    """Only the test knows that a part is a share; its message names the part. A mean in its place is fine."""
    text = GOOD.replace('"effect"', '"conjunction"')
    text = text.replace("region = [0, inf]", "parts = { mean = [0, 0.3], share = [0, 0.3] }")
    entry = read(tmp_path, text.replace("seeds = 5", "seeds = 10"))["some2020.claim[lenet-300-100]"]
    quantity = accuracy(DENSE, 0)

    def stated(share):
        def build(question):
            return conjunction(mean=quantity, share=share)

        return Claim(entry.id, entry.id, "lenet-300-100", "lenet-300-100", Path("test_some_2020.py"), build)

    assert stated(quantity).state(entry, entry.question("tiny"))
    with pytest.raises(LotteryError, match=re.escape("part 'share': a share in [0.0, 0.3] is reproduced by 0 of 10")):
        stated(proportion(quantity)).state(entry, entry.question("tiny"))


def test_controls_do_not_share_the_level(tmp_path):
    """Of three shares 10 seeds can refute each at a third of ALPHA, of five not at a fifth: controls do not count."""
    names, region = ("a", "b", "c", "control_d", "control_e"), "[0.5, 1]"
    quantity = accuracy(DENSE, 0)

    def state(names):
        parts = ", ".join(f"{name} = {region}" for name in names)
        text = GOOD.replace('"effect"', '"conjunction"').replace("region = [0, inf]", f"parts = {{ {parts} }}")
        entry = read(tmp_path, text.replace("seeds = 5", "seeds = 10"))["some2020.claim[lenet-300-100]"]
        shares = {name: proportion(quantity) for name in names}
        file = Path("test_some_2020.py")
        stated = Claim(
            entry.id, entry.id, "lenet-300-100", "lenet-300-100", file, lambda question: conjunction(**shares)
        )
        return stated.state(entry, entry.question("tiny"))

    assert state(names)
    with pytest.raises(LotteryError, match=re.escape("part 'a': a share in [0.5, 1.0] is refuted by 0 of 10 alone")):
        state([name.removeprefix("control_") for name in names])


@pytest.mark.parametrize("name", [file.stem for file in sorted(BENCHMARKS.glob("test_*.py"))])
def test_all_entries_of_the_suite_can_be_decided(name):
    """At every scale, conjunctions included."""
    tests = vars(importlib.import_module(f"benchmarks.{name}")).values()
    marks = [mark for test in tests for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    claims = [parameter.values[0] for mark in marks for parameter in mark.args[1]]
    found = entries.read(expected_file(BENCHMARKS / f"{name}.py"))
    assert STATED and (claims or name.startswith("test_own_"))
    for claim in claims:
        for scale in SCALES.values():
            resolve(claim, found[claim.entry_id], scale)
