"""Quantities of masks: how similar several are, beside chance, what one keeps of each layer, what gets to an output.

`compared(...)` and `surveyed(...)` of `lottery/experiments/named_arms.py` make the arms that these are read from.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import copysign, log, nan, prod
from typing import TYPE_CHECKING

from lottery.claims.quantities import Measurements, Number, Quantity, Term, fold, single
from lottery.experiments.arms import Arm

if TYPE_CHECKING:
    from lottery.masks.similarity import Counts as LibraryCounts

TOTAL = "total"
FINE = 1e-6  # the step of shares and similarities: below it is noise of rounding
Counts = Sequence[int]  # of weights: kept by both masks, by the first, by the second, and how many there are
Pair = tuple[int, int] | str  # the places of two masks in a comparison, or what an alignment calls two


def _read(arm: Arm, round: int, name: str, value: Number, step: float = FINE) -> Quantity:
    where = f"{arm.name}, round {round}"
    return single(Term((arm, round), f"{where}, {name}", value, lambda measured: step))


def of_pair(
    arm: Arm, round: int, pair: Pair, name: str, value: Callable[[Counts], float], layer: str = TOTAL
) -> Quantity:
    """Return a number made of the counts of two of the masks that an arm compares, in a layer or in total."""
    return _of_layers(arm, round, pair, f"{name} in {layer}", lambda layers: value(layers[layer]))


def _of_layers(arm: Arm, round: int, pair: Pair, name: str, value: Callable[[Mapping[str, Counts]], float]) -> Quantity:
    """Return a number made of the counts of two compared masks in every layer and in total."""
    key = _key(pair)
    return _read(arm, round, f"{name} of {key}", lambda measured: value(measured["pairs"][key]))


def _key(pair: Pair) -> str:
    """Return what measurements call two masks, or two networks."""
    return pair if isinstance(pair, str) else f"{pair[0]}, {pair[1]}"


def similarity(counts: Counts) -> float:
    """Return the Jaccard similarity of two masks with these counts: 1 where neither keeps a weight."""
    return _of_library(counts).jaccard


def _of_library(counts: Counts) -> "LibraryCounts":
    """Return counts as the library of masks has them; it needs torch, which whoever states a claim does not."""
    from lottery.masks.similarity import Counts as LibraryCounts

    return LibraryCounts(*counts)


def jaccard(arm: Arm, round: int, pair: Pair, layer: str = TOTAL) -> Quantity:
    """Return the Jaccard similarity of two masks: weights that both keep, over weights that either keeps."""
    return of_pair(arm, round, pair, "similarity", similarity, layer)


def distance(arm: Arm, round: int, pair: Pair, layer: str = TOTAL) -> Quantity:
    """Return the Jaccard distance of two masks, 1 minus their similarity (Paganini & Forde 2020, section 4.1)."""
    return of_pair(arm, round, pair, "distance", lambda counts: 1 - similarity(counts), layer)


def overlap(arm: Arm, round: int, pair: Pair, layer: str = TOTAL) -> Quantity:
    """Return the share of the smaller mask's weights that the other one keeps as well."""
    return of_pair(arm, round, pair, "overlap", lambda counts: _of_library(counts).overlap, layer)


def intersection(arm: Arm, round: int, pair: Pair, layer: str = TOTAL) -> Quantity:
    """Return the share of all weights that both masks keep."""
    return of_pair(arm, round, pair, "intersection", lambda counts: counts[0] / counts[3], layer)


def above_chance(arm: Arm, round: int, pair: Pair, by_layer: bool = True) -> Quantity:
    """Return by how much two masks' similarity exceeds what is expected of masks that are random within each layer.

    Without `by_layer` it is that of masks that are random in all layers together: small layers, which stay dense
    whatever the task, then count as agreement.
    """

    def value(layers: Mapping[str, Counts]) -> float:
        return similarity(layers[TOTAL]) - chance(layers, by_layer)

    return _of_layers(arm, round, pair, f"similarity above chance {_where(by_layer)}", value)


def lift(arm: Arm, round: int, pair: Pair, by_layer: bool = True) -> Quantity:
    """Return the logarithm of the weights that two masks share over those that random masks are expected to share."""

    def value(layers: Mapping[str, Counts]) -> float:
        expected = sum(first * second / size for _, first, second, size in _layers(layers, by_layer))
        both = layers[TOTAL][0]
        return log(both / expected) if both and expected else nan

    return _of_layers(arm, round, pair, f"log of shared weights over chance {_where(by_layer)}", value)


def expected_by_chance(arm: Arm, round: int, pair: Pair, by_layer: bool = True) -> Quantity:
    """Return the expected similarity of random masks of as many weights, within each layer or anywhere."""
    name = f"similarity by chance {_where(by_layer)}"
    return _of_layers(arm, round, pair, name, lambda layers: chance(layers, by_layer))


def _where(by_layer: bool) -> str:
    return "within layers" if by_layer else "anywhere"


def chance(counts: Mapping[str, Counts], by_layer: bool) -> float:
    """Return the expected similarity of independent masks with these counts, within each layer or anywhere."""
    return _chance(tuple((first, second, size) for _, first, second, size in _layers(counts, by_layer)))


@cache
def _chance(layers: tuple[tuple[int, int, int], ...]) -> float:
    """Return it by counts: a verdict reads a number several times, and claims share masks."""
    from lottery.masks.nulls import chance_jaccard

    return chance_jaccard(layers)


def _layers(counts: Mapping[str, Counts], by_layer: bool) -> list[Counts]:
    return [of for name, of in counts.items() if (name != TOTAL) == by_layer]


def kept_by_all(arm: Arm, round: int, layer: str = TOTAL) -> Quantity:
    """Return the share of the weights that all of the masks keep which an arm compares."""
    return kept_by(arm, round, None, layer)


def kept_by(arm: Arm, round: int, least: int | None, layer: str = TOTAL) -> Quantity:
    """Return the share of the weights that at least so many of the compared masks keep; None: all of them."""

    def value(measured: Measurements) -> float:
        numbers = measured["common"][layer]
        return sum(numbers[-1 if least is None else least :]) / sum(numbers)

    return _read(arm, round, f"share kept by {least or 'all'} of {len(arm.action.arms)} masks in {layer}", value)  # type: ignore[attr-defined]


def common_lift(arm: Arm, round: int) -> Quantity:
    """Return the logarithm of the weights that all compared masks keep over those that random ones would.

    Random masks keep as many weights in each layer. Heads of different shapes have nothing in common to count.
    """

    def value(measured: Measurements) -> float:
        places = range(len(arm.action.arms))  # type: ignore[attr-defined]
        common = {layer: numbers for layer, numbers in measured["common"].items() if layer != TOTAL}
        pairs = measured["pairs"]
        kept = {layer: [_of_one(pairs, place, layer) for place in places] for layer in common}
        expected = sum(sum(common[layer]) * prod(n / sum(common[layer]) for n in kept[layer]) for layer in common)
        both = sum(numbers[-1] for numbers in common.values())
        return log(both / expected) if both and expected else nan

    return _read(arm, round, "log of weights that all masks keep over chance within layers", value)


def _of_one(pairs: Mapping[str, Mapping[str, Counts]], place: int, layer: str) -> int:
    """Return how many weights of a layer one of the compared masks keeps: as a pair that it is part of says."""
    return pairs[_key((0, place))][layer][2] if place else pairs[_key((0, 1))][layer][1]


def _surveyed(arm: Arm, round: int, name: str, value: Callable[[Mapping[str, Mapping]], float]) -> Quantity:
    return _read(arm, round, name, lambda measured: value(measured["survey"]))


def surveyed_in(arm: Arm, round: int, layer: int, name: str) -> Quantity:
    """Return a measurement of a surveyed mask in one layer, -1 for the last; see `lottery.masks.surveys`."""
    return _surveyed(arm, round, f"{name} in layer {layer}", lambda layers: list(layers.values())[layer][name])


def surveyed_at(arm: Arm, rounds: Sequence[int], layer: int, name: str, other: Arm, round: int) -> Quantity:
    """Return a measurement of a layer where a chain has as many weights in it as another surveyed mask has.

    It is interpolated between rounds, by a cubic spline in the logarithm of the count: a line would be off by as much
    as a mask's initial weights differ from another's. It is nan where all rounds keep more, or all keep fewer.
    """
    counts = [surveyed_in(arm, n, layer, "kept") for n in rounds]
    measured = [surveyed_in(arm, n, layer, name) for n in rounds]
    wanted = surveyed_in(other, round, layer, "kept")

    def of(values: list[float]) -> float:
        from scipy.interpolate import CubicSpline

        *pairs, count = values
        by_count = sorted({log(kept): found for kept, found in zip(pairs, pairs[len(rounds) :]) if kept}.items())
        if len(by_count) < 2 or not count or not by_count[0][0] <= log(count) <= by_count[-1][0]:
            return nan
        return float(CubicSpline(*zip(*by_count))(log(count)))

    return fold([*counts, *measured, wanted], of, monotone=False)


def density(arm: Arm, round: int, layer: int | None = None) -> Quantity:
    """Return the share of the weights that a surveyed mask keeps, in one layer or in all."""

    def value(layers: Mapping[str, Mapping]) -> float:
        found = list(layers.values()) if layer is None else [list(layers.values())[layer]]
        return sum(of["kept"] for of in found) / sum(of["weights"] for of in found)

    return _surveyed(arm, round, f"density {'in all' if layer is None else f'in layer {layer}'}", value)


def by_size(arm: Arm, round: int) -> Quantity:
    """Return Spearman's correlation of the layers' sizes with the shares of their weights that a mask keeps."""

    def value(layers: Mapping[str, Mapping]) -> float:
        from scipy.stats import spearmanr

        sizes, shares = zip(*((of["weights"], of["kept"] / of["weights"]) for of in layers.values()))
        return nan if len(set(shares)) == 1 else float(spearmanr(sizes, shares).statistic)

    return _surveyed(arm, round, "correlation of size and density over layers", value)


def largest_stays_largest(arm: Arm, round: int) -> Quantity:
    """Return by how many weights, as a share of all, the largest layer's exceed those of any other under a mask."""

    def value(layers: Mapping[str, Mapping]) -> float:
        largest = max(layers.values(), key=lambda of: of["weights"])
        others = max(of["kept"] for of in layers.values() if of is not largest)
        return (largest["kept"] - others) / sum(of["weights"] for of in layers.values())

    return _surveyed(arm, round, "weights of the largest layer above those of any other", value)


def disconnected(arm: Arm, round: int) -> Quantity:
    """Return the share of a surveyed mask's weights that cannot reach an output."""

    def value(layers: Mapping[str, Mapping]) -> float:
        kept = sum(of["kept"] for of in layers.values())
        return 1 - sum(of["effective"] for of in layers.values()) / kept if kept else nan

    return _surveyed(arm, round, "share of the kept weights that reach no output", value)


def agreed(arm: Arm, round: int, pair: tuple[int, int]) -> Quantity:
    """Return the share of test images for which two networks predict the same class."""
    name = f"agreement of {pair[0]} and {pair[1]}"
    return _counting_images(arm, round, name, lambda measured: _agreement(measured, pair)[0])


def kappa(arm: Arm, round: int, pair: tuple[int, int], classes: int = 10) -> Quantity:
    """Return two networks' agreement above that of independent errors, as a share of what is left to agree on.

    Networks with accuracies a and b that err independently agree in a share ab + (1 - a)(1 - b) / (classes - 1).
    """

    def value(measured: Measurements) -> float:
        same, first, second = _agreement(measured, pair)
        by_chance = first * second + (1 - first) * (1 - second) / (classes - 1)
        return (same - by_chance) / (1 - by_chance) if by_chance < 1 else nan

    return _read(arm, round, f"agreement of {pair[0]} and {pair[1]} above that of independent errors", value)


def _agreement(measured: Measurements, pair: tuple[int, int]) -> Sequence[float]:
    return measured["agreement"][_key(pair)]


def vote_gain(arm: Arm, round: int) -> Quantity:
    """Return by how many points the vote of several networks is more accurate than the best of them."""

    def value(measured: Measurements) -> float:
        return 100 * (measured["vote"] - max(measured["accuracies"]))

    return _counting_images(arm, round, "accuracy of the vote above the best", value, percent=True)


def _counting_images(arm: Arm, round: int, name: str, value: Number, percent: bool = False) -> Quantity:
    """Return a share of the test images, or so many per cent of them, which moves by an image at least."""

    def step(measured: Measurements) -> float:
        return (100 if percent else 1) / measured["images"]

    return single(Term((arm, round), f"{arm.name}, round {round}, {name}", value, step))


def logarithmic(rounds: Sequence[int], quantities: Sequence[Quantity], beyond_linear: bool = False) -> Quantity:
    """Return which share of the spread of a seed's values over rounds a line in the logarithm of the round explains.

    It is negative where the values fall. With `beyond_linear` that of a line in the round itself is subtracted.
    """

    def of(values: list[float]) -> float:
        if len(set(values)) == 1:
            return nan  # nothing to explain
        explained = _explained([log(round) for round in rounds], values)
        return explained - (_explained(list(rounds), values) if beyond_linear else 0.0)

    return fold(quantities, of, monotone=False)


def _explained(places: Sequence[float], values: Sequence[float]) -> float:
    from statistics import correlation as pearson

    found = pearson(places, values)
    return copysign(found**2, found)
