"""Judging: from the measurements of a claim's experiments to its decision, and what a verdict means for the run."""

from collections.abc import Callable, Mapping

from lottery.claims.claim import Conjunction, Effect, Exact, Proportion
from lottery.claims.expectation import ANY
from lottery.claims.quantities import Measurements, Quantity, Read
from lottery.claims.resolved import ResolvedClaim
from lottery.claims.results import outcome, plain
from lottery.claims.statistics import (
    INCONCLUSIVE,
    REFUTED,
    REPRODUCED,
    SKIPPED,
    Decision,
    Region,
    decide_all,
    decide_exact,
    decide_mean,
    decide_proportion,
    unfit,
)

CENSORED_SHARE = 0.1  # a claim about early stop with a larger share of censored seeds is not decided


class Judge:
    """Decides one claim; `measured` returns the measurements of an experiment."""

    def __init__(self, claim: ResolvedClaim, measured: Callable[[object], Measurements]):
        self.claim, self.measured = claim, measured

    def decide(self) -> tuple[Decision, dict[str, object]]:
        """Return the decision on a claim whose experiments are all there, with its effects, parts and arms."""
        statement, question = self.claim.statement, self.claim.question
        if isinstance(statement, Exact):
            computed = statement.computed()
            agree = computed == statement.printed
            reason = "" if agree else f"computed {plain(computed)}, printed {plain(statement.printed)}"
            return decide_exact(agree), {"reason": reason, "effects": []}
        assert statement is not None, f"{self.claim.claim.id} is not asked at this scale"
        arms = {name: arm for quantity in statement.quantities for name, arm in self._arms(quantity).items()}
        if isinstance(statement, Conjunction):
            decisions, parts = [], []
            for name, part in statement.parts:
                decision, effects = self._decide_part(part, question.parts[name])
                decisions.append(decision)
                parts.append({"name": name} | outcome(decision, question.parts[name]) | {"effects": plain(effects)})
            return decide_all(decisions), {"parts": parts, "effects": [], "arms": arms}
        assert question.region is not None  # `entries.read` sees to it
        decision, effects = self._decide_part(statement, question.region)
        return decision, {"effects": plain(effects), "arms": arms}

    def _decide_part(self, statement: Effect | Proportion, region: Region) -> tuple[Decision, list[float]]:
        """Return the decision on a mean or on a share of seeds, with every seed's number."""
        decide = self._decide_share if isinstance(statement, Proportion) else self._decide_mean
        return decide(statement.quantity, region)

    def _decide_share(self, quantity: Quantity, region: Region) -> tuple[Decision, list[float]]:
        effects = self._effects(quantity)
        reason = unfit(effects) or self._censored(quantity)
        if reason:
            return Decision(INCONCLUSIVE, n=len(effects), reason=reason), effects
        return decide_proportion(sum(value > 0 for value in effects), len(effects), region), effects

    def _decide_mean(self, quantity: Quantity, region: Region) -> tuple[Decision, list[float]]:
        effects = self._effects(quantity)
        decision = decide_mean(effects, region, quantity.resolution(self._reader(0)))
        censored = self._censored(quantity)
        if censored and not unfit(effects):
            decision = Decision(INCONCLUSIVE, decision.estimate, decision.interval, decision.n, reason=censored)
        return decision, effects

    def _reader(self, seed: int) -> Read:
        return lambda arm, round: self.measured(self.claim.experiment(arm, round, seed))

    def _effects(self, quantity: Quantity) -> list[float]:
        return [quantity.of(self._reader(seed)) for seed in self.claim.seeds]

    def _arms(self, quantity: Quantity) -> dict[str, dict[str, object]]:
        arms = {}
        for term in quantity.terms:
            values = [term.value(self._reader(seed)(*term.cell)) for seed in self.claim.seeds]
            arms[term.name] = {"mean": plain(sum(values) / len(values)), "values": plain(values)}
        return arms

    def _censored(self, quantity: Quantity) -> str:
        """Return why a claim about early stop cannot be decided, or an empty string."""
        seeds = self.claim.seeds
        censored = sum(quantity.censored(self._reader(seed)) for seed in seeds)
        if censored <= CENSORED_SHARE * len(seeds):
            return ""
        return f"training too short: the minimum of {censored} of {len(seeds)} seeds lies in the last tenth of the run"


def deviates(result: Mapping) -> bool:
    """Return whether the verdict is decided and not the one that is expected."""
    return result["verdict"] in (REPRODUCED, REFUTED) and result["expected_verdict"] not in (result["verdict"], ANY)


def fails(result: Mapping, counts: bool = True) -> bool:
    """Return whether a claim's test fails: it broke, it deviates and that counts, or it is a control not refuted."""
    unrefuted = result["negative_control"] and result["verdict"] not in (REFUTED, SKIPPED)
    return bool(result["error"] or (deviates(result) and counts) or unrefuted)
