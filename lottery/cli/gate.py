"""`lottery gate`: how often the exit status cries wolf over unchanged code, and what it catches, by simulation.

A run of unchanged code is drawn from the committed baseline: the effects of each claim around a mean that is as
uncertain as the baseline leaves it, in the shape that its seeds have, and shares of seeds by what was counted. Verdicts
and exit status are those of a real run in which no network failed and no run was too short.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from lottery.claims import entries
from lottery.claims.baselines import Row, committed
from lottery.claims.entries import Entry, Question
from lottery.claims.exit_status import counting, guarded
from lottery.claims.expectation import ANY
from lottery.claims.history import asked_of
from lottery.claims.judging import deviates
from lottery.claims.results import outcome
from lottery.claims.statistics import (
    ALPHA,
    REFUTED,
    REPRODUCED,
    Decision,
    Region,
    decide_all,
    decide_mean,
    decide_proportion,
    is_control,
    positive,
)
from lottery.core.errors import LotteryError
from lottery.core.rng import stream

LOSS = 0.05  # relative, of accuracies
ACCURACY = 95.0  # per cent: what a loss is relative to in a difference of accuracies
STEP = 1e-6  # a floor under the spread of seeds that all agree
HEADERS = ("injected", "kind", "claims", "verdict turns", "fails: Holm", "fails: gate", "never: Holm", "never: gate")
LOST, FLIPPED = "accuracies fall by 5 %", "a share of seeds flips"


@dataclass(frozen=True)
class Part:
    """A mean or a share of a claim: its name, where it should lie, how many seeds it has, and its baseline."""

    name: str
    region: Region
    n: int
    before: Row

    @property
    def share(self) -> bool:
        """Whether it is a share of seeds, and no mean."""
        return self.before.kind == "proportion"

    @property
    def control(self) -> bool:
        """Whether it is a control, which cannot refute the claim."""
        return is_control(self.name)

    def drawn(self, generator: np.random.Generator) -> np.ndarray:
        """Return the effects of a run of unchanged code."""
        effects = np.array([effect for effect in self.before.effects if effect is not None])
        if self.share:  # a truth between the counts that the baseline leaves possible
            counted = sum(map(positive, effects))
            truth = generator.beta(counted + 0.5, len(effects) - counted + 0.5)
            return np.where(generator.random(self.n) < truth, 1.0, -1.0)
        wide = sqrt(len(effects) / max(len(effects) - 1, 1))  # residuals around their own mean are too small by this
        truth = effects.mean() + wide * (generator.choice(effects, len(effects)).mean() - effects.mean())
        return truth + wide * (generator.choice(effects, self.n) - effects.mean())

    def lost(self, effects: np.ndarray, unit: str) -> np.ndarray:
        """Return the effects after a loss: of an accuracy itself, or against the claim of a difference of two."""
        if unit == "%":
            return effects * (1 - LOSS)
        return effects + (LOSS * ACCURACY if self.region.low == -inf else -LOSS * ACCURACY)

    def decided(self, effects: np.ndarray) -> Decision:
        """Return the decision on the effects, by the rules of a run."""
        if self.share:
            return _decided_share(sum(map(positive, effects)), len(effects), self.region)
        return decide_mean([float(effect) for effect in effects], self.region, STEP)


@cache
def _decided_share(counted: int, n: int, region: Region) -> Decision:
    return decide_proportion(counted, n, region)


@dataclass(frozen=True)
class Claim:
    """A claim of a scale with its baseline."""

    entry: Entry
    expected: str
    rows: Sequence[Row]
    parts: Sequence[Part]

    @property
    def steady(self) -> bool:
        """Whether the baseline decided it as expected: what such a claim loses should be seen."""
        return self.rows[0].verdict == self.expected and self.expected in (REPRODUCED, REFUTED)

    def result(self, effects: Sequence[np.ndarray]) -> dict[str, Any]:
        """Return the result of a run with these effects of its parts."""
        decisions = [part.decided(one) for part, one in zip(self.parts, effects)]
        whole = self.entry.kind == "conjunction"
        shown = [
            {"name": part.name, **outcome(decision, part.region, part.before.kind, self.entry.unit), "effects": one}
            for part, decision, one in zip(self.parts, decisions, effects)
        ]
        about = {"id": self.entry.id, "kind": self.entry.kind, "expected_verdict": self.expected}
        if whole:
            named = {part.name: decision for part, decision in zip(self.parts, decisions)}
            return {**about, **outcome(decide_all(named), None, self.entry.kind, ""), "effects": [], "parts": shown}
        return {**shown[0], **about, "parts": []}


def claims_of(folder: Path, scale: str) -> list[Claim]:
    """Return the claims of a folder `expected` at a scale whose question is the one that its baseline answers."""
    files = sorted(folder.glob("*.toml"))
    stated = {id: entry for file in files for id, entry in entries.read(file).items()}
    claims = []
    for id, rows in committed(files, scale).items():
        entry = stated.get(id)
        question = entry and entry.question(scale)
        if entry and question and rows[0].question == asked_of(entry, scale):
            claims += _claim(entry, question, rows)
    return claims


def _claim(entry: Entry, question: Question, rows: Sequence[Row]) -> list[Claim]:
    """Return the claim, or nothing if chance has no part in it, or if seeds of its baseline failed.

    Those are set apart and leave a mean with a smaller n, or they brought no number.
    """
    expected = (question.expected or entry.expected).verdict
    regions = question.parts or ({"": question.region} if question.region else {})
    measured = rows[1:] if question.parts else rows
    named = {row.part: row for row in measured if row.n == len(row.effects) > 1 and None not in row.effects}
    if expected == ANY or entry.kind == "exact" or not regions or named.keys() != regions.keys():
        return []
    parts = [Part(name, regions[name], question.seeds, row) for name, row in named.items()]
    return [Claim(entry, expected, rows, parts)]


@dataclass
class Tally:
    """How often something was tried, how often it turned the verdict, and how often each rule failed the run."""

    tried: int = 0
    turned: int = 0
    before: int = 0
    now: int = 0


class Simulation:
    """Runs of unchanged code, and the same with one claim broken."""

    def __init__(self, claims: Sequence[Claim], scale: str):
        self.claims = claims
        self.generator = np.random.default_rng(stream(0, "gate", scale).initial_seed())
        still = [claim.result([np.array(part.before.effects, float) for part in claim.parts]) for claim in claims]
        self.known = {claim.entry.id: claim.rows for claim in claims}
        self.safe = guarded(still, self.known)
        self.wolf = Tally()
        self.caught: dict[tuple[str, str], dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))

    def run(self) -> None:
        """Draw one run of unchanged code, look at its exit status, then break its claims one by one."""
        effects = [[part.drawn(self.generator) for part in claim.parts] for claim in self.claims]
        results = [claim.result(one) for claim, one in zip(self.claims, effects)]
        self._count(self.wolf, results, None)
        for index, claim in enumerate(self.claims):
            if not claim.steady:
                continue
            for injected, broken in self._broken(claim, effects[index]).items():
                result = claim.result(broken)
                changed = [*results[:index], result, *results[index + 1 :]]
                self._count(self.caught[injected, kind_of(claim)][claim.entry.id], changed, result)

    def _count(self, tally: Tally, results: Sequence[Mapping], broken: Mapping | None) -> None:
        """Count what both rules say about a run, or about its broken claim."""
        before, now = counting(results, (), {}, ALPHA), counting(results, self.safe, self.known)
        tally.tried += 1
        tally.turned += any(map(deviates, results)) if broken is None else deviates(broken)
        tally.before += bool(before) if broken is None else broken["id"] in before
        tally.now += bool(now) if broken is None else broken["id"] in now

    def _broken(self, claim: Claim, effects: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        """Return a claim's effects after each break that concerns it: a loss of its accuracies, one share flipped.

        Its controls stay as they are: what they do decides nothing.
        """
        broken, stated = {}, [index for index, part in enumerate(claim.parts) if not part.control]
        shares = [index for index in stated if claim.parts[index].share]
        if claim.entry.unit in ("%", "pp") and len(shares) < len(stated) and claim.expected == REPRODUCED:
            broken[LOST] = [
                one if part.share or part.control else part.lost(one, claim.entry.unit)
                for part, one in zip(claim.parts, effects)
            ]
        if shares:
            flipped = [shares[int(self.generator.integers(len(shares)))]]
            if claim.expected == REFUTED:  # all that refutes it must go for it to be reproduced
                flipped = [index for index in shares if claim.parts[index].before.verdict != REPRODUCED]
            broken[FLIPPED] = [-one if index in flipped else one for index, one in enumerate(effects)]
        return broken


def kind_of(claim: Claim) -> str:
    """Return a claim's kind, of conjunctions with what they are made of."""
    if claim.entry.kind != "conjunction":
        return claim.entry.kind
    return "conjunction with shares" if any(part.share for part in claim.parts) else "conjunction of means"


def gate(folder: Path, scale: str, runs: int) -> str:
    """Return a table of what the gate catches at a scale, and above it how often it cries wolf."""
    claims = claims_of(folder, scale)
    if not claims:
        raise LotteryError(f"{folder / 'baselines' / scale} has no baseline for any question that is asked today")
    simulation = Simulation(claims, scale)
    for _ in range(runs):
        simulation.run()
    wolf = simulation.wolf
    lines = [
        f"scale {scale}: {len(claims)} claims with a baseline, {len(simulation.safe)} of them guarded; {runs} runs",
        f"unchanged code turns a verdict in {wolf.turned / runs:.1%} of the runs and fails {wolf.now / runs:.1%}",
        f"(with Holm's procedure over all claims instead it fails {wolf.before / runs:.1%})",
    ]
    return "\n".join([*lines, "", tabulate(rows_of(simulation), HEADERS, disable_numparse=True)])


def rows_of(simulation: Simulation) -> list[list[str]]:
    """Return the table's rows: of each break and kind how many were caught, and how many claims it never failed."""
    rows = []
    for (injected, kind), tallies in sorted(simulation.caught.items()):
        tried = sum(tally.tried for tally in tallies.values())
        shares = [
            sum(getattr(tally, rule) for tally in tallies.values()) / tried for rule in ("turned", "before", "now")
        ]
        never = [sum(not getattr(tally, rule) for tally in tallies.values()) for rule in ("before", "now")]
        rows.append([injected, kind, str(len(tallies)), *(f"{share:.0%}" for share in shares), *map(str, never)])
    return rows
