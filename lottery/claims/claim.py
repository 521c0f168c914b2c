"""Claims: a paper's sentence as a test. A benchmark file holds a decorated function a claim; see docs/add_claim.md.

    @claim("lenet-300-100")
    def test_large_final_beats_random(question):
        ticket, chance = chain("large_final"), chain("random")
        return effect(mean(accuracy(ticket, n) - accuracy(chance, n) for n in question.rounds))

The function says what the claim speaks of; what counts as agreeing stands in `expected/`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from lottery.claims.claims_folders import expected_file, paper_of
from lottery.claims.decidable import undecidable_share
from lottery.claims.entries import Entry, Question
from lottery.claims.fields import EVERY
from lottery.claims.quantities import Quantity
from lottery.claims.statistics import is_control
from lottery.core.errors import LotteryError, told
from lottery.core.paths import from_here
from lottery.experiments.arms import Arm
from lottery.models.architectures import ARCHITECTURES


@dataclass(frozen=True)
class _OfOne:
    quantity: Quantity

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        return (self.quantity,)


class Effect(_OfOne):
    """A number per seed, whose mean should lie in the region."""

    kind = "effect"


class Proportion(_OfOne):
    """A number per seed; the share of seeds in which it is above zero should lie in the region."""

    kind = "proportion"


@dataclass(frozen=True)
class Conjunction:
    """Several effects and proportions by name, each with a region of its own.

    What stands `beside` them is reported and not judged.
    """

    parts: tuple[tuple[str, Effect | Proportion], ...]
    beside: tuple[tuple[str, Quantity], ...] = ()
    kind = "conjunction"

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        return (*(part.quantity for _, part in self.parts), *(quantity for _, quantity in self.beside))


@dataclass(frozen=True)
class Exact:
    """What was computed, and what the paper prints: they should be equal. Nothing is trained."""

    computed: Callable[[], object]
    printed: object
    kind = "exact"
    quantities = ()


# Criteria, and treatments of kept and of pruned weights, beside which users' own stand in the scoreboard, compared with
# the first of them.
CRITERION, KEPT, FROZEN = "criterion", "kept", "pruned"
REFERENCES = {
    CRITERION: ("large_final", "magnitude_increase", "random"),
    KEPT: ("rewind", "constant_initial_sign", "reinit"),
    FROZEN: ("zero", "variant_1", "init"),
}
Statement = Effect | Proportion | Conjunction | Exact


def effect(quantity: Quantity) -> Effect:
    """Return the statement that the mean of a quantity over seeds lies in the region."""
    return Effect(quantity)


def proportion(quantity: Quantity) -> Proportion:
    """Return the statement that the share of seeds with a positive quantity lies in the region."""
    return Proportion(quantity)


def conjunction(beside: Mapping[str, Quantity] | None = None, **parts: Quantity | Proportion) -> Conjunction:
    """Return the statement that every named quantity's mean, and every named proportion's share, lies in its region.

    Nothing is decided unless each part named `control_...` is reproduced, and none of these can refute the claim. Means
    of what stands `beside` are reported with their intervals. Where a margin is no region but computed, a `difference`
    beside the parts (or `..._difference`) says by how much that is better which is said to match: the verdict tells if
    it is worse for certain, or, with a part named `not_better`, lower or higher.
    """
    stated = {name: part if isinstance(part, Proportion) else Effect(part) for name, part in parts.items()}
    return Conjunction(tuple(stated.items()), tuple((beside or {}).items()))


def exact(compute: Callable[[], object], printed: object) -> Exact:
    """Return the statement that what a function computes equals what the paper prints."""
    return Exact(compute, printed)


class BrokenClaim(LotteryError):
    """A claim's own function or arms make no sense. The claim fails, and no other does."""


@dataclass(frozen=True)
class Claim:
    """A test of a paper's claim; `variant`, a network or a user's own thing, stands in its id's brackets.

    `references` make the same statement of others than the user's own criterion or treatment, by their names.
    """

    id: str
    entry_id: str  # under which `expected/` has it; the id, except for what is a user's own
    variant: str
    network: str
    file: Path  # the benchmark file
    build: Callable[[Question], Statement]
    line: int = 0  # of that function in the file
    subject: str = ""  # the user's own criterion or treatment that it is asked of, if it is
    contest: str = ""  # that it is in: a name in REFERENCES
    option: str = ""  # "criterion", "treatment" or "network", where it is asked of what the user gave with that option
    references: Mapping[str, Callable[[Question], Statement]] = field(default_factory=dict, compare=False)

    def state(self, entry: Entry, question: Question) -> Statement:
        """Return the claim's statement at a scale, checked against the kind and the parts that its entry declares.

        Raise `BrokenClaim` where its function makes none, or another one, which concerns this claim alone.
        """
        where = f"{entry.file}, claim {entry.id!r}"
        statement = self._built(self.build, question)
        if statement.kind != entry.kind:
            raise BrokenClaim(f"{where}: kind is {entry.kind!r}, but its test states {statement.kind!r}")
        if isinstance(statement, Conjunction) and set(dict(statement.parts)) != set(question.parts):
            stated, regions = ", ".join(dict(statement.parts)), ", ".join(question.parts)
            raise BrokenClaim(f"{where}: its test states the parts {stated}, its regions are for {regions}")
        if isinstance(statement, Conjunction):
            refuting = sum(not is_control(name) for name, _ in statement.parts)
            shares = [name for name, part in statement.parts if isinstance(part, Proportion)]
            for name in shares:
                if wrong := undecidable_share(
                    question.parts[name], question.seeds, 1 if is_control(name) else refuting
                ):
                    raise BrokenClaim(f"{where}, part {name!r}: {wrong}")
        return statement

    def state_of_references(self, question: Question) -> dict[str, Statement]:
        """Return the same statement of every reference; raise `BrokenClaim` where its function makes none."""
        return {name: self._built(build, question) for name, build in self.references.items()}

    def _built(self, build: Callable[[Question], Statement], question: Question) -> Statement:
        try:
            return _stated(build(question))
        except KeyboardInterrupt:
            raise
        except BrokenClaim as error:
            raise BrokenClaim(f"{self.id}: {error}") from error
        except BaseException as error:  # whatever a claim's function does, an exit or a skipped test too
            raise BrokenClaim(f"{self.id}: its test raised {told(error)}") from error


def _stated(returned: object) -> Statement:
    """Return what a claim's function returned; raise `BrokenClaim` unless it states something of arms and rounds."""
    if not isinstance(returned, Statement):
        kinds = "an effect, a proportion, a conjunction or an exact claim"
        raise BrokenClaim(f"its test returned {type(returned).__name__}, and not {kinds}")
    quantities: Sequence[object] = returned.quantities
    for quantity in quantities:
        if not isinstance(quantity, Quantity):
            raise BrokenClaim(f"its test states something of a {type(quantity).__name__}, and not of a quantity")
        for cell in quantity.cells:
            if not _is_cell(cell):
                raise BrokenClaim(f"its test states something of {cell!r:.100}, and not of an arm and a round")
    return returned


def _is_cell(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Arm) and isinstance(value[1], int)


def stated_in(benchmark: Path) -> set[str]:
    """Return the ids of the entries that the tests of a benchmark file state."""
    return {entry_id for ids in STATED[benchmark].values() for entry_id in ids}


def differences(benchmark: Path, ids: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Return how the tests of a benchmark file differ from the ids of its entries in `expected/`.

    That is, by id, what to say of each claim without an entry, and of entries that no test states.
    """
    stated = stated_in(benchmark)
    shown, test = from_here(expected_file(benchmark)), from_here(benchmark)
    lacking = {
        id: f"{shown} has no entry for {id!r}, which {test} states; write it before it is measured"
        for id in sorted(stated - set(ids))
    }
    strangers = [f"{shown} has an entry for the unknown claim {id!r}: {test} states no such claim"
                 for id in sorted(set(ids) - stated)]  # fmt: skip
    return lacking, strangers


STATED: dict[Path, dict[str, list[str]]] = {}  # benchmark file -> test -> the ids of the entries that it states


def claim(*networks: str, cases: Mapping[str, tuple] | None = None) -> Callable[[Callable], Callable]:
    """Return a decorator that makes a function the test of one claim per network.

    The function is named `test_<claim>` and gets the `Question` of the scale. `cases` maps what stands in the id's
    brackets, a network's name or one with more after a dash, to tuples of arguments, which it gets as well.
    """
    variants = dict.fromkeys(networks, ()) | dict(cases or {})

    def decorate(build: Callable) -> Callable:
        if not variants:
            raise LotteryError(f'{build.__name__} names no network and no cases; write @claim("lenet-300-100")')
        claims = [_claim(build, variant, _network_of(variant), arguments) for variant, arguments in variants.items()]
        if build.__name__ in build.__globals__:  # another test of this name, which pytest will not see
            claims = [replace(claim, build=_asked_twice(build)) for claim in claims]
        STATED.setdefault(claims[0].file, {})[build.__name__] = [claim.entry_id for claim in claims]
        parameters = [pytest.param(claim, id=claim.variant) for claim in claims]
        return pytest.mark.parametrize("claim", parameters)(_test(build))

    return decorate


def claim_per_criterion(network: str) -> Callable[[Callable], Callable]:
    """Return a decorator that makes a function one claim for each criterion that is given with --criterion.

    The function gets the `Question` of the scale and the criterion's name, and returns an effect. It is asked of the
    `REFERENCES` as well, and what it says of a criterion is compared with what it says of the first of these.
    """
    return lambda build: _per_option(build, ("criterion",), lambda name: (name, network, (name,)), CRITERION)


def claim_per_kept_treatment(network: str) -> Callable[[Callable], Callable]:
    """Return such a decorator for each treatment of kept weights that is given with --treatment."""
    return lambda build: _per_option(build, ("treatment",), lambda name: (name, network, (name,)), KEPT)


def claim_per_pruned_treatment(network: str) -> Callable[[Callable], Callable]:
    """Return such a decorator for each treatment of pruned weights that is given with --treatment."""
    return lambda build: _per_option(build, ("treatment",), lambda name: (name, network, (name,)), FROZEN)


def claim_per_criterion_and_network(build: Callable) -> Callable:
    """Return a function as one claim for each criterion given with --criterion on each network given with --network."""
    options = "criterion", "network"
    return _per_option(build, options, lambda name, network: (f"{name}-{network}", network, (name,)), CRITERION)


def claim_per_network(build: Callable) -> Callable:
    """Return a function as one claim for each network that is given with --network; it gets the scale's `Question`."""
    return _per_option(build, ("network",), lambda network: (network, network, ()))


def _per_option(
    build: Callable, options: tuple[str, ...], of: Callable[..., tuple[str, str, tuple]], contest: str = ""
) -> Callable:
    """Return the test of a claim for each name given with an option, or each combination of names of several.

    `of` has its variant, its network and further arguments, of which the first is what is in a `contest`.
    """
    entry = _claim(build, EVERY, EVERY, ()).entry_id
    STATED.setdefault(_file(build), {})[build.__name__] = [entry]
    test = _test(build)

    def claim_of(*names: str) -> Claim | None:  # None: what is named is not in this contest
        if contest in (KEPT, FROZEN) and not _treats(names[0], contest):
            return None
        variant, network, arguments = of(*names)
        others = [name for name in REFERENCES.get(contest, ()) if name not in names]
        references = {name: partial(_with, build, (name, *arguments[1:])) for name in others}
        stated = _claim(build, variant, network, arguments, entry, options[0])
        return replace(stated, subject=names[0] if contest else "", contest=contest, references=references)

    test.claim_of, test.options = claim_of, options  # type: ignore[attr-defined]
    return test


def _treats(name: str, weights: str) -> bool:
    """Return whether a treatment is one of these weights."""
    from lottery.masks.own_treatments import weights_of

    return weights_of(name) == weights


def _with(build: Callable, arguments: tuple, question: Question) -> Statement:
    return build(question, *arguments)


def _network_of(variant: str) -> str:
    """Return the network that a variant is or begins with; where it names none, as an exact claim may, the variant."""
    if variant in ARCHITECTURES:
        return variant
    named = [name for name in ARCHITECTURES if variant.startswith(f"{name}-")]
    return max(named, key=len, default=variant)


def _file(build: Callable) -> Path:
    return Path(build.__code__.co_filename).resolve()


def _claim(
    build: Callable, variant: str, network: str, arguments: tuple, entry_id: str = "", option: str = ""
) -> Claim:
    id = f"{paper_of(_file(build))}.{build.__name__.removeprefix('test_')}[{variant}]"
    return Claim(
        id,
        entry_id or id,
        variant,
        network,
        _file(build),
        lambda question: build(question, *arguments),
        build.__code__.co_firstlineno,
        option=option,
    )


def _asked_twice(build: Callable) -> Callable[[Question], Statement]:
    def state(question: Question) -> Statement:
        name, line = build.__name__, build.__code__.co_firstlineno
        raise BrokenClaim(f"there are two tests {name} in {_file(build).name}, this one at line {line}; rename one")

    return state


def _test(build: Callable) -> Callable:
    def test(claim: Claim, judge: Callable[[Claim], None]) -> None:
        judge(claim)

    test.__name__ = test.__qualname__ = build.__name__
    test.__doc__, test.__module__ = build.__doc__, build.__module__
    return test
