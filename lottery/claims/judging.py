"""Judging: from the measurements of a claim's experiments to its decision, and what a verdict means for the run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isnan

from lottery.claims.claim import Conjunction, Effect, Exact, Proportion
from lottery.claims.expectation import ANY
from lottery.claims.failures import FEW, decide_apart
from lottery.claims.quantities import Measurements, Quantity, Read
from lottery.claims.resolved import ResolvedClaim
from lottery.claims.results import beside, in_words, outcome, plain
from lottery.claims.statistics import (
    ERROR,
    INCONCLUSIVE,
    REFUTED,
    REPRODUCED,
    SKIPPED,
    Decision,
    Region,
    aside_of_all,
    aside_of_match,
    decide_all,
    decide_exact,
    decide_mean,
    decide_proportion,
    is_bound_above,
    is_control,
    is_difference_of_match,
    positive,
    unfit,
)
from lottery.experiments.arms import Arm

ABOVE_ZERO = Region(low=0.0)  # of what is reported and not judged: failed seeds and others have to agree on the side
CENSORED_SHARE = 0.1  # with more censored seeds an early stop is taken for what it is, a lower bound


class Judge:
    """Decides one claim; `measured` returns the measurements of an experiment."""

    def __init__(self, claim: ResolvedClaim, measured: Callable[[object], Measurements]):
        self.claim, self.measured = claim, measured
        self._found: dict[tuple, Measurements] = {}  # by arm, round and seed: each is asked for many times

    def decide(self) -> tuple[Decision, dict[str, object]]:
        """Return the decision on a claim whose experiments are all there, with its effects, parts and arms."""
        statement, question = self.claim.statement, self.claim.question
        if isinstance(statement, Exact):
            computed = statement.computed()
            agree = computed == statement.printed
            reason = "" if agree else f"computed {in_words(computed)}, printed {in_words(statement.printed)}"
            return decide_exact(agree), {"reason": reason, "effects": []}
        assert statement is not None, f"{self.claim.claim.id} is not asked at this scale"
        arms = {name: arm for quantity in statement.quantities for name, arm in self._arms(quantity).items()}
        if isinstance(statement, Conjunction):
            return self._decide_parts(statement, question.parts, arms)
        assert question.region is not None  # `entries.read` sees to it
        decision, effects = self._decide_part(statement, question.region)
        return decision, {"effects": plain(effects), "arms": arms}

    def _decide_parts(
        self, statement: Conjunction, regions: Mapping[str, Region], arms: Mapping[str, object]
    ) -> tuple[Decision, dict[str, object]]:
        """Return the decision on a conjunction, with its parts and what stands beside them."""
        decided = {name: self._decide_part(part, regions[name]) for name, part in statement.parts}
        kinds, unit = {name: part.kind for name, part in statement.parts}, self.claim.entry.unit
        parts = [
            {"name": name} | outcome(decision, regions[name], kinds[name], unit) | {"effects": plain(effects)}
            for name, (decision, effects) in decided.items()
        ]
        decision = decide_all({name: part for name, (part, _) in decided.items()})
        failed = sorted({seed for part, _ in decided.values() for seed in part.failed})
        found: dict[str, object] = {"parts": parts, "effects": [], "arms": arms}
        means = {name: self._decide_part(Effect(quantity), ABOVE_ZERO) for name, quantity in statement.beside}
        found["beside"] = [
            {"name": name, "effects": plain(effects)} | beside(mean) for name, (mean, effects) in means.items()
        ]
        if decision.verdict == REPRODUCED:
            asides = [str(part["aside"]) for part in parts if not is_control(str(part["name"]))]
            both_sides = any(map(is_bound_above, regions))
            matches = [mean for name, (mean, _) in means.items() if is_difference_of_match(name)]
            found["aside"] = aside_of_all(asides + [aside_of_match(mean, both_sides) for mean in matches])
        return replace(decision, failed=tuple(failed)), found

    def mean(self, statement: Effect, region: Region) -> tuple[Decision, list[float]]:
        """Return the decision on a mean over this claim's seeds, of whatever effect, with every seed's number."""
        return self._decide_part(statement, region)

    def _decide_part(self, statement: Effect | Proportion, region: Region) -> tuple[Decision, list[float]]:
        """Return the decision on a mean or on a share of seeds, with every seed's number."""
        vain = self._vain(statement.quantity)
        if vain:
            return vain, self._effects(statement.quantity)
        decide = self._decide_share if isinstance(statement, Proportion) else self._decide_mean
        return decide(statement.quantity, region)

    def _vain(self, quantity: Quantity) -> Decision | None:
        """Return the decision where networks are compared of which none learned anything, in more than FEW seeds."""
        seeds = self.claim.seeds
        vain = sum(quantity.vain(self._reader(seed)) for seed in seeds)
        if vain <= FEW * len(seeds):
            return None
        reason = f"in {vain} of {len(seeds)} seeds none of the networks learned anything"
        return Decision(INCONCLUSIVE, n=len(seeds), reason=reason, failed=tuple(self._failed(quantity)), clouded=True)

    def _decide_share(self, quantity: Quantity, region: Region) -> tuple[Decision, list[float]]:
        effects, failed = self._effects(quantity), self._failed(quantity)
        decision = Decision(INCONCLUSIVE, n=len(effects), reason=self._unfit(quantity, self.claim.seeds))
        if not decision.reason:
            short = self._censored(quantity)
            bounds = self._bounds(quantity, self.claim.seeds) if short else (effects, effects)
            surely, perhaps = (sum(map(positive, side)) for side in bounds)
            decision = _told(decide_proportion(surely, len(effects), region, perhaps), short)
        return replace(decision, failed=tuple(failed)), effects

    def _decide_mean(self, quantity: Quantity, region: Region) -> tuple[Decision, list[float]]:
        """Return the decision on a mean: of seeds that are alike, and of what they are at least and at most."""
        resolution, failed = quantity.resolution(self._reader(0)), self._failed(quantity)
        short = self._censored(quantity)

        def decide(seeds: list[int]) -> Decision:
            reason = self._unfit(quantity, seeds)
            if reason:
                return Decision(INCONCLUSIVE, n=len(seeds), reason=reason)
            effects = [quantity.of(self._reader(seed)) for seed in seeds]
            low, high = self._bounds(quantity, seeds) if short else (effects, effects)
            return _told(decide_mean(effects, region, resolution, low, high), short)

        return decide_apart(self.claim.seeds, failed, region, decide), self._effects(quantity)

    def _reader(self, seed: int) -> Read:
        def read(arm: Arm, round: int) -> Measurements:
            cell = arm, round, seed
            if cell not in self._found:
                self._found[cell] = self.measured(self.claim.experiment(*cell))
            return self._found[cell]

        return read

    def _effects(self, quantity: Quantity) -> list[float]:
        return [quantity.of(self._reader(seed)) for seed in self.claim.seeds]

    def _failed(self, quantity: Quantity) -> list[int]:
        return [seed for seed in self.claim.seeds if quantity.failed(self._reader(seed))]

    def _arms(self, quantity: Quantity) -> dict[str, dict[str, object]]:
        arms = {}
        for term in quantity.terms:
            readers = {seed: self._reader(seed) for seed in self.claim.seeds}
            values = [term.value(read(*term.cell)) for read in readers.values()]
            arms[term.name] = {
                "mean": plain(sum(values) / len(values)),
                "values": plain(values),
                "failed": [seed for seed, read in readers.items() if term.failed(read)],
                "censored": [seed for seed, read in readers.items() if term.censored(read)],
            }
        return arms

    def _unfit(self, quantity: Quantity, seeds: Sequence[int]) -> str:
        """Return which seeds brought no number, and why, or an empty string."""
        missing = [seed for seed in seeds if isnan(quantity.of(self._reader(seed)))]
        alike = [seed for seed in missing if quantity.alike(self._reader(seed))]
        return unfit(alike, "equal values have no order") or unfit(missing, "training diverged")

    def _bounds(self, quantity: Quantity, seeds: Sequence[int]) -> tuple[list[float], list[float]]:
        """Return what the number of each seed is at least, and at most."""
        bounds = [quantity.bounds(self._reader(seed)) for seed in seeds]
        return [low for low, _ in bounds], [high for _, high in bounds]

    def _censored(self, quantity: Quantity) -> str:
        """Return what was too short for an early stop, where that is not rare, or an empty string."""
        seeds = self.claim.seeds
        censored = sum(quantity.censored(self._reader(seed)) for seed in seeds)
        if censored <= CENSORED_SHARE * len(seeds):
            return ""
        return f"training too short: the minimum of {censored} of {len(seeds)} seeds lies in the last tenth of the run"


def _told(decision: Decision, short: str) -> Decision:
    """Return the decision with its reason, if it was left open where runs were too `short`."""
    return replace(decision, reason=decision.reason or short) if decision.verdict == INCONCLUSIVE else decision


def deviates(result: Mapping) -> bool:
    """Return whether the verdict is decided and not the one that is expected."""
    return result["verdict"] in (REPRODUCED, REFUTED) and result["expected_verdict"] not in (result["verdict"], ANY)


def fails(result: Mapping, counts: bool = True) -> bool:
    """Return whether a claim's test fails: it broke, it deviates and that counts, or it is a control not refuted."""
    unrefuted = result["negative_control"] and result["verdict"] not in (REFUTED, SKIPPED)
    return bool(result["verdict"] == ERROR or (deviates(result) and counts) or unrefuted)
