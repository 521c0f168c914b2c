"""Quantities of networks for images: whose measurements they read, and what they make of them."""

from math import log
from pathlib import Path

import pytest

from lottery.claims.entries import read
from lottery.claims.image_quantities import (
    accuracy,
    best_rung,
    gap,
    matching,
    moved,
    moved_either_way,
    own_round,
    weights_remaining,
)
from lottery.claims.statistics import Region, decide_mean
from lottery.experiments.arms import DENSE, chain, dissected, learned, untrained
from lottery.experiments.scales import SCALES

EXPECTED = Path(__file__).parents[1] / "expected"
TICKET, SIGNED, UNSIGNED = chain("large_final"), chain("large_final", "constant_initial_sign"), chain("random")


class TestMatching:
    """Of two arms that match, against a control that loses."""

    @staticmethod
    def verdicts(signed, unsigned, ticket=98.0):
        """Return which parts hold of arms with these accuracies, seeds differing by a hundredth of a point."""
        parts = matching(SIGNED, TICKET, UNSIGNED, (n for n in (4, 8)))
        means = {SIGNED: signed, TICKET: ticket, UNSIGNED: unsigned}

        def of(quantity, seed):
            return quantity.of(lambda arm, round: {"test_accuracy_early_stop": means[arm] + 0.01 * (seed % 2)})

        values = {name: [of(quantity, seed) + 0.01 * seed for seed in range(5)] for name, quantity in parts.items()}
        return {name: decide_mean(of_seeds, Region(0)).verdict for name, of_seeds in values.items()}

    @pytest.mark.parametrize(
        "signed, unsigned, not_worse, not_better, control_loses",
        [
            (98.0, 97.0, "reproduced", "reproduced", "reproduced"),
            (97.8, 97.0, "reproduced", "reproduced", "reproduced"),
            (97.6, 97.0, "refuted", "reproduced", "reproduced"),
            (98.4, 97.0, "reproduced", "refuted", "reproduced"),
            (97.0, 97.0, "refuted", "reproduced", "reproduced"),  # the control itself lies outside its margin
            (97.8, 99.0, "refuted", "refuted", "refuted"),  # where the control wins nothing matches
        ],
    )
    def test_within_a_quarter_of_what_the_control_loses(self, signed, unsigned, not_worse, not_better, control_loses):
        """Less than a quarter of the control's loss is a match; more is none, and so is any where it does not lose."""
        assert self.verdicts(signed, unsigned) == {
            "not_worse": not_worse,
            "not_better": not_better,
            "control_loses": control_loses,
        }

    def test_every_part_needs_its_networks(self):
        """Margins are taken in the same rounds, and the dense network has none."""
        parts = matching(TICKET, DENSE, UNSIGNED, [8, 12])
        everything = {(TICKET, 8), (TICKET, 12), (DENSE, 0), (UNSIGNED, 8), (UNSIGNED, 12)}
        assert parts["not_worse"].cells == parts["not_better"].cells == everything
        assert parts["control_loses"].cells == everything - {(TICKET, 8), (TICKET, 12)}


class TestOwnRound:
    """What a round's training did to what the round then prunes."""

    MEASURED = {
        (dissected("large_final"), 1): {"anatomy": {"dense1": {"closer": 0.1}, "dense2": {"closer": 0.2}}},
        (TICKET, 1): {"pruning": {"dense1": {"closer": 0.3}, "dense2": {"closer": 0.4}}},
        (TICKET, 2): {"pruning": {"dense1": {"closer": 0.5}, "dense2": {"closer": 0.6}}},
    }

    @pytest.mark.parametrize("round, values", [(1, [0.1, 0.2]), (2, [0.3, 0.4]), (3, [0.5, 0.6])])
    def test_round_n_is_pruned_by_the_training_before_it(self, round, values):
        """The dense training before the first round, then that of round n - 1, layer by layer."""
        found = [own_round("large_final", round, layer, "closer") for layer in (0, 1)]
        assert [one.of(lambda arm, n: self.MEASURED[arm, n]) for one in found] == values
        assert {cell for one in found for cell in one.cells} == {
            (dissected("large_final"), 1) if round == 1 else (TICKET, round - 1)
        }


class TestMoved:
    """What training did to how many weights a learned mask keeps."""

    @pytest.mark.parametrize("logit, start", [(0.0, 50.0), (log(3), 75.0), (-log(3), 25.0)])
    def test_before_any_training_nothing_has_moved(self, logit, start):
        """The start is the logit's chance in per cent; what is added to it is what moved."""
        arm = learned(logit=logit)

        def read(share):
            return lambda *cell: {"weights_remaining": share}

        assert weights_remaining(arm).of(read(start)) == start
        assert moved(arm).of(read(start)) == pytest.approx(0)
        assert moved(arm).of(read(start - 3)) == pytest.approx(-3)
        assert moved_either_way(arm).of(read(start - 3)) == pytest.approx(3)


class TestNames:
    """What networks are called in results."""

    def test_the_dense_network_has_no_round(self):
        """However often a mean over rounds asks for it; a chain has its rounds, a heuristic mask its rungs."""
        names = {term.name for term in gap(TICKET, DENSE, [7, 8]).terms}
        assert names == {
            "large_final, round 7, test accuracy at early_stop",
            "large_final, round 8, test accuracy at early_stop",
            "dense, test accuracy at early_stop",
        }
        assert accuracy(learned(), 0, "end").terms[0].name.startswith("dense, learned Bernoulli mask, supermask, test")
        rungs = [term.name for term in best_rung(untrained("random")).terms]
        assert len(set(rungs)) == 25 and "round 24" in rungs[-1]


@pytest.mark.parametrize("scale", SCALES)
def test_no_match_without_a_control(scale):
    """In the claims of Zhou et al. a band around zero, or a match, stands beside a control that must lie outside."""
    asked = [(entry.id, entry.question(scale)) for entry in read(EXPECTED / "zhou_2019.toml").values()]
    for id, question in asked:
        assert question.region is None or question.region.low != -question.region.high, id
        bands = [region for region in question.parts.values() if region.low == -region.high]
        disjoint = [region for region in question.parts.values() for band in bands if region.high <= band.low]
        assert len(disjoint) >= len(bands), id
        if any(part.endswith("not_worse") for part in question.parts):
            assert any(part.endswith("loses") for part in question.parts), id
