"""Quantities of masks: what they make of counts by pair and layer, against definitions and the library."""

from math import isnan, log, nan

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lottery.claims import mask_quantities as quantities
from lottery.claims.quantities import Quantity, Term, correlation, ratio
from lottery.core.rng import stream
from lottery.experiments.arms import DENSE
from lottery.experiments.named_arms import chain, compared, in_agreement, surveyed
from lottery.masks.nulls import hypergeometric
from lottery.masks.similarity import jaccard, overlap
from lottery.masks.surveys import survey
from lottery.models.layers import HIDDEN, Layer

ARM = compared(chain("large_final"), chain("random"), chain("movement"))
COUNTS = {"a": [6, 8, 10, 20], "b": [10, 30, 40, 100], "total": [16, 38, 50, 120]}


def of(quantity, measured):
    """Return a quantity's number where every network has these measurements."""
    return quantity.of(lambda arm, round: measured)


def pair(counts=COUNTS):
    """Return measurements of one pair of masks."""
    return {"pairs": {"0, 1": counts}}


class TestPairs:
    def test_by_definition(self):
        """Similarity, distance, overlap and intersection, in total and in a layer."""
        assert of(quantities.jaccard(ARM, 2, (0, 1)), pair()) == 16 / 72
        assert of(quantities.distance(ARM, 2, (0, 1), "a"), pair()) == 0.5
        assert of(quantities.overlap(ARM, 2, (0, 1)), pair()) == 16 / 38
        assert of(quantities.intersection(ARM, 2, (0, 1), "b"), pair()) == 0.1

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
    def test_as_the_library(self, places):
        """On any two masks, empty ones too."""
        first, second = (torch.tensor(column) for column in zip(*places))
        total = [int((first & second).sum()), int(first.sum()), int(second.sum()), len(places)]
        measured = pair({"total": total})
        assert of(quantities.jaccard(ARM, 1, (0, 1)), measured) == jaccard(first, second)
        assert of(quantities.overlap(ARM, 1, (0, 1)), measured) == overlap(first, second)

    def test_chance_of_one_layer_is_hypergeometric(self):
        """The mean of the similarity over scipy's law of what two masks share."""
        law, counts = hypergeometric(8, 10, 20), {"a": [6, 8, 10, 20], "total": [6, 8, 10, 20]}
        expected = sum(law.pmf(both) * both / (18 - both) for both in range(9))
        assert quantities.chance(counts, by_layer=True) == pytest.approx(expected)
        assert of(quantities.above_chance(ARM, 1, (0, 1)), pair(counts)) == pytest.approx(0.5 - expected)

    def test_random_masks_are_at_chance(self):
        """By simulation: masks that are random in each layer have an excess around zero within layers, not anywhere."""
        sizes, draws, within, anywhere = (60, 400), stream(0, "random masks"), [], []
        for _ in range(200):
            masks = [
                [torch.rand(size, generator=draws) < share for size, share in zip(sizes, (0.9, 0.1))] for _ in "ab"
            ]
            counts = {
                str(n): [int((a & b).sum()), int(a.sum()), int(b.sum()), len(a)] for n, (a, b) in enumerate(zip(*masks))
            }
            counts["total"] = [sum(column) for column in zip(*counts.values())]
            within.append(of(quantities.above_chance(ARM, 1, (0, 1)), pair(counts)))
            anywhere.append(of(quantities.above_chance(ARM, 1, (0, 1), by_layer=False), pair(counts)))
        mean, error = torch.tensor(within).mean().item(), torch.tensor(within).std().item() / len(within) ** 0.5
        assert abs(mean) < 4 * error and min(anywhere) > 0.1

    def test_lift(self):
        """The log of shared weights over expected ones, within layers or anywhere; none where nothing is shared."""
        assert of(quantities.lift(ARM, 1, (0, 1)), pair()) == pytest.approx(log(16 / (8 * 10 / 20 + 30 * 40 / 100)))
        assert of(quantities.lift(ARM, 1, (0, 1), by_layer=False), pair()) == pytest.approx(log(16 / (38 * 50 / 120)))
        assert isnan(of(quantities.lift(ARM, 1, (0, 1)), pair({"a": [0, 1, 1, 9], "total": [0, 1, 1, 9]})))

    def test_names_tell_pairs_apart(self):
        """Each quantity's term is named by arm, round, pair, layer and null."""
        names = [
            of.terms[0].name
            for of in (
                quantities.jaccard(ARM, 1, (0, 1)),
                quantities.jaccard(ARM, 2, (0, 1)),
                quantities.jaccard(ARM, 1, (0, 2)),
                quantities.jaccard(ARM, 1, (0, 1), "a"),
                quantities.above_chance(ARM, 1, (0, 1)),
                quantities.above_chance(ARM, 1, (0, 1), by_layer=False),
            )
        ]
        assert len(set(names)) == len(names)


class TestCommon:
    MEASURED = {"common": {"total": [50, 20, 10, 20]}}  # of three masks

    def test_shares(self):
        """Of the weights that all keep, that at least two do, and at least one."""
        assert of(quantities.kept_by_all(ARM, 2), self.MEASURED) == 0.2
        assert of(quantities.kept_by(ARM, 2, 2), self.MEASURED) == pytest.approx(0.3)
        assert of(quantities.kept_by(ARM, 2, 1), self.MEASURED) == 0.5

    def test_lift_of_what_all_keep(self):
        """Over the product of the densities in each layer; nan where nothing is common, or nothing kept."""
        arm = compared(*map(chain, ("large_final", "random", "small_final")))
        pairs = {"0, 1": {"a": [0, 5, 4, 10], "b": [0, 20, 10, 40]}, "0, 2": {"a": [0, 5, 8, 10], "b": [0, 20, 30, 40]}}
        measured = {"pairs": pairs, "common": {"a": [1, 4, 2, 3], "b": [4, 8, 24, 4], "total": [5, 12, 26, 7]}}
        expected = 10 * 0.5 * 0.4 * 0.8 + 40 * 0.5 * 0.25 * 0.75
        assert of(quantities.common_lift(arm, 2), measured) == pytest.approx(log(7 / expected))
        none = {"pairs": pairs, "common": {"a": [5, 3, 2, 0], "b": [8, 8, 24, 0], "total": [13, 11, 26, 0]}}
        assert isnan(of(quantities.common_lift(arm, 2), none))


class TestSurveys:
    LAYERS = {
        "first": {"weights": 10, "kept": 9, "effective": 9, "deviation": 1.1},
        "second": {"weights": 100, "kept": 40, "effective": 30, "deviation": 1.3},
        "third": {"weights": 50, "kept": 30, "effective": 30, "deviation": 1.2},
    }

    def test_layers(self):
        """Density, of all or one; a measurement of one; what reaches no output."""
        arm, measured = surveyed(chain("large_final")), {"survey": self.LAYERS}
        assert of(quantities.density(arm, 3), measured) == 79 / 160
        assert of(quantities.density(arm, 3, 0), measured) == 0.9
        assert of(quantities.surveyed_in(arm, 3, -1, "deviation"), measured) == 1.2
        assert of(quantities.disconnected(arm, 3), measured) == pytest.approx(10 / 79)
        assert of(quantities.by_size(arm, 3), measured) == -1
        assert of(quantities.largest_stays_largest(arm, 3), measured) == pytest.approx(10 / 160)

    def test_interpolated(self):
        """Where a chain has as many weights as another mask: a round's own number, else a cubic's in the logarithm."""
        arm, other = surveyed(chain("large_final")), surveyed(chain("random"))
        rounds = {1: 80, 2: 40, 3: 25, 4: 20, 5: 20}
        cubic = lambda kept: log(kept) ** 3 - 2 * log(kept) ** 2  # noqa: E731
        for wanted, expected in (
            (80, cubic(80)),
            (40, cubic(40)),
            (31, cubic(31)),
            (20, cubic(20)),
            (81, nan),
            (19, nan),
        ):

            def read(asked, round, wanted=wanted):
                kept, deviation = (wanted, 0.0) if asked == other else (rounds[round], cubic(rounds[round]))
                return {"survey": {"first": {"kept": kept, "deviation": deviation}}}

            found = quantities.surveyed_at(arm, [1, 2, 3, 4, 5], 0, "deviation", other, 2).of(read)
            assert found == pytest.approx(expected, nan_ok=True)

    @given(st.integers(2, 40), st.integers(0, 10_000))
    def test_survey(self, kept, seed):
        """Of a random mask over symmetric weights: its counts, units that it leaves empty, mean and deviation."""
        draws = stream(seed, "survey")
        layer, weights = Layer("l", (8, 5), HIDDEN, "0"), 2 * torch.rand(8, 5, generator=draws) - 1
        mask = (torch.rand(40, generator=draws).argsort() < kept).view(8, 5)
        found, values = survey(layer, mask, weights), weights[mask].double()
        assert found["kept"] == kept and found["weights"] == 40 and (found["inputs"], found["outputs"]) == (8, 5)
        assert found["empty_inputs"] == int((~mask.any(1)).sum())
        assert found["mean"] == pytest.approx((values.mean() / values.std()).item())

    def test_valley(self):
        """Below one where values around zero are missing, above one where they alone are left, nan without peaks."""
        layer, weights = Layer("l", (100, 10), HIDDEN, "0"), torch.linspace(-1, 1, 1000).view(100, 10)
        two_peaks, one_peak = (survey(layer, mask, weights) for mask in (weights.abs() > 0.3, weights.abs() < 0.62))
        assert two_peaks["valley"] == 0 and two_peaks["kurtosis"] < 0 and one_peak["valley"] > 1
        assert isnan(survey(layer, weights.abs() < 0.5, weights)["valley"])

    def test_too_few(self):
        """One weight has no deviation; it is counted."""
        mask = torch.zeros(2, 2, dtype=torch.bool)
        mask[0, 0] = True
        found = survey(Layer("l", (2, 2), HIDDEN, "0"), mask, torch.ones(2, 2))
        assert found["kept"] == 1 and isnan(found["deviation"])


class TestAgreement:
    ARMS = in_agreement(chain("large_final"), chain("random"))

    def test_kappa(self):
        """Networks that err independently agree by chance; the same answers agree fully."""
        by_chance = 0.9 * 0.8 + 0.1 * 0.2 / 9
        measured = {"agreement": {"0, 1": [by_chance, 0.9, 0.8]}, "vote": 0.92, "accuracies": [0.9, 0.8]}
        assert of(quantities.kappa(self.ARMS, 1, (0, 1)), measured) == pytest.approx(0)
        assert of(quantities.agreed(self.ARMS, 1, (0, 1)), measured) == by_chance
        assert of(quantities.vote_gain(self.ARMS, 1), measured) == pytest.approx(2)
        read = {"images": 50}
        assert quantities.agreed(self.ARMS, 1, (0, 1)).resolution(lambda *_: read) == 0.02
        assert quantities.vote_gain(self.ARMS, 1).resolution(lambda *_: read) == 2
        same = {"agreement": {"0, 1": [1.0, 0.9, 0.9]}}
        assert of(quantities.kappa(self.ARMS, 1, (0, 1)), same) == 1


def given_values(values):
    """Return a quantity of fixed numbers, one for each."""
    return [
        Quantity(
            (Term((DENSE, 0), str(place), lambda measured, value=value: value, lambda measured: 1.0),), lambda v: v[0]
        )
        for place, value in enumerate(values)
    ]


class TestOverRounds:
    def test_logarithmic(self):
        """A logarithm is explained fully, and better than a line explains it; a line is not."""
        rounds = [1, 2, 4, 8, 16]
        curve, line = given_values(map(log, rounds)), given_values(rounds)
        assert of(quantities.logarithmic(rounds, curve), {}) == pytest.approx(1)
        assert of(quantities.logarithmic(rounds, curve, beyond_linear=True), {}) > 0.1
        assert of(quantities.logarithmic(rounds, line, beyond_linear=True), {}) < -0.1
        falling = given_values(-log(round) for round in rounds)
        assert of(quantities.logarithmic(rounds, falling), {}) == pytest.approx(-1)
        assert isnan(of(quantities.logarithmic(rounds, given_values([1.0] * 5)), {}))

    def test_correlation_and_ratio(self):
        """Spearman's of two lists, nan where one is constant; a log ratio, nan where one is not positive."""
        up, down, flat = given_values([1, 2, 3]), given_values([9, 4, 1]), given_values([1, 1, 1])
        assert of(correlation(up, down), {}) == pytest.approx(-1)
        assert isnan(of(correlation(up, flat), {}))
        assert of(ratio(*given_values([2.0, 1.0])), {}) == pytest.approx(log(2))
        assert isnan(of(ratio(*given_values([0.0, 1.0])), {}))


def test_a_constant_density_has_no_order():
    """Where all layers keep the same share, size says nothing."""
    layers = {name: {"weights": size, "kept": size // 2} for name, size in (("a", 10), ("b", 100))}
    assert isnan(of(quantities.by_size(surveyed(chain("random")), 1), {"survey": layers}))
