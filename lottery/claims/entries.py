"""`expected/`: what the papers claim, and what counts as agreeing with it. One file a paper, one `[[claim]]` an entry.

An entry is committed before the claim is first measured; see the README for its fields.
"""

import tomllib
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from lottery.claims.statistics import INCONCLUSIVE, REFUTED, REPRODUCED, Region
from lottery.core.errors import LotteryError
from lottery.experiments.scales import DATASETS, SCALES, TRAININGS
from lottery.models.architectures import ARCHITECTURES

KINDS = ("effect", "proportion", "conjunction", "exact")
EVERY_SCALE = "every"
PLANTED_SHARE = "planted"
ANY = "any"  # the expected verdict of what no paper speaks of
VERDICTS = (REPRODUCED, REFUTED, INCONCLUSIVE, ANY)


@dataclass(frozen=True)
class Needs:
    """What a claim speaks of: a data set, a network, and how much of the paper's training."""

    dataset: str
    network: str
    training: str


@dataclass(frozen=True)
class Published:
    """What the paper says, with where the number is known from."""

    value: object
    unit: str
    provenance: str


@dataclass(frozen=True)
class Question:
    """How a claim is asked at one scale: at which rounds, of how many seeds, and in which region the answer should lie."""

    region: Region | None = None
    parts: dict[str, Region] = field(default_factory=dict)
    reason: str = ""  # why the region is what it is
    rounds: tuple[int, ...] = ()
    shares: tuple[
        float | None, ...
    ] = ()  # of parameters that searches keep; None, in the file "planted": as many as the planted ticket has
    iterations: tuple[int, ...] = ()  # at which a learning curve is looked at
    level: float = 0.0  # validation accuracy in per cent that a learning curve is to reach
    seeds: int = 0
    training: str = ""  # under which training the scale asks, where it cannot afford the one that the claim needs
    analogue: str = ""  # why the claim's direction should survive other data or a shorter config
    skip: str = ""  # why the claim is not asked
    changed: str = ""  # when and why the region was changed after its first baseline
    expected_verdict: str = ""  # at this scale, if it is another than the entry's
    expected_because: str = ""


@dataclass(frozen=True)
class Entry:
    """One claim as `expected/` states it."""

    id: str
    number: str
    kind: str
    statement: str
    source: str
    metric: str
    unit: str
    needs: Needs | None
    published: Published | None
    questions: dict[str, Question]
    expected_verdict: str = REPRODUCED
    expected_because: str = ""
    negates: str = ""
    doubt: str = ""  # why what the paper says, or how the number of it is known, is not certain
    file: str = ""
    title: str = ""  # of the paper

    @property
    def paper(self) -> str:
        """The part of the id before the first dot, such as `zhou2019`."""
        return self.id.partition(".")[0]

    def question(self, scale: str) -> Question | None:
        """Return how the claim is asked at this scale, or None if the entry does not say."""
        return self.questions.get(scale) or self.questions.get(EVERY_SCALE)


def read(path: Path) -> dict[str, Entry]:
    """Return the entries of one file by claim id; raise with file, claim and field for anything that is wrong in it."""
    shown = f"expected/{path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LotteryError(
            f"{shown} does not exist; every file benchmarks/test_<paper>.py has its expected/<paper>.toml"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LotteryError(f"{shown} is not valid TOML: {error}") from None
    entries: dict[str, Entry] = {}
    title, tables = content.pop("title", None), content.pop("claim", [])
    if not isinstance(title, str):
        raise LotteryError(f"{shown}: the field 'title' is missing; it heads the paper's part of the table")
    numbers, left_out = content.pop("numbers", None), content.pop("left_out", {})
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise LotteryError(f"{shown}: every claim is a section [[claim]], with double brackets")
    for position, table in enumerate(tables):
        entry = _entry(_Table(table, f"{shown}, claim {table.get('id', f'number {position + 1}')!r}"), shown, title)
        if entry.id in entries:
            raise LotteryError(f"{shown}: claim {entry.id!r} is there twice; give each its own id")
        entries[entry.id] = entry
    if content:
        known = "a file is a title, [numbers], [left_out] and a list of [[claim]] sections"
        raise LotteryError(f"{shown}: unknown section {next(iter(content))!r}; {known}")
    if numbers is not None:
        _check_numbers(shown, numbers, left_out, {entry.number for entry in entries.values()})
    return entries


def _check_numbers(shown: str, numbers: dict, left_out: dict, stated: set[str]) -> None:
    """Raise unless every number of the paper's list has an entry or a reason to be left out, not both, and every entry a number of the list."""
    for number in sorted(stated - set(numbers)):
        raise LotteryError(f"{shown}: a claim has the number {number!r}, which [numbers] does not list")
    for number in sorted(set(left_out) - set(numbers)):
        raise LotteryError(f"{shown}: [left_out] has the number {number!r}, which [numbers] does not list")
    for number in numbers:
        if (number in stated) == (number in left_out):
            what = (
                "an entry, and stands in [left_out] as well"
                if number in stated
                else "no entry, and no reason for that in [left_out]"
            )
            raise LotteryError(f"{shown}: number {number!r} of the list has {what}")
    for name, text in [*numbers.items(), *left_out.items()]:
        if not isinstance(text, str) or not text.strip():
            raise LotteryError(f"{shown}: number {name!r} should be followed by a line of text, not {text!r}")


class _Table:
    """A TOML table that is taken apart field by field and complains about what is missing, wrong or left over."""

    def __init__(self, content: dict, where: str):
        self.content, self.where = dict(content), where

    def fail(self, complaint: str) -> LotteryError:
        return LotteryError(f"{self.where}: {complaint}")

    def take(self, name: str, kind: type | tuple[type, ...], default: object = ...) -> object:
        if name not in self.content:
            if default is ...:
                raise self.fail(f"the field {name!r} is missing")
            return default
        value = self.content.pop(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            kinds = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            raise self.fail(f"{name} = {value!r} should be of type {kinds}")
        return value

    def choose(self, name: str, choices: tuple[str, ...], default: object = ...) -> str:
        value = self.take(name, str, default)
        if value not in choices and value != default:
            raise self.fail(f"{name} = {value!r} is not one of {', '.join(choices)}")
        return value

    def table(self, name: str, content: dict) -> "_Table":
        return _Table(content, f"{self.where}, {name}")

    def done(self) -> None:
        if self.content:
            raise self.fail(f"unknown field {next(iter(self.content))!r}")


def _region(table: _Table, name: str, value: object, lowest: float = -inf, highest: float = inf) -> Region:
    ok = (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in value)
    )
    if not ok or not value[0] < value[1]:
        raise table.fail(f"{name} = {value!r} should be [low, high] with low < high; write inf or -inf for an open end")
    if value[0] <= lowest and value[1] >= highest:
        raise table.fail(f"{name} = {value!r} holds for any result; a claim must be able to fail")
    return Region(float(value[0]), float(value[1]))


def _questions(table: _Table, kind: str, scales: dict) -> dict[str, Question]:
    """Return how the claim is asked, by scale."""
    unknown = [name for name in scales if name not in (*SCALES, EVERY_SCALE)]
    if unknown or not scales:
        raise table.fail(
            f"scales should name some of {', '.join(SCALES)} or {EVERY_SCALE}, not {', '.join(unknown) or 'nothing'}"
        )
    for name, question in scales.items():
        if not isinstance(question, dict):
            raise table.fail(f"scales.{name} = {question!r} should be a section [claim.scales.{name}]")
    return {name: _question(table.table(f"scales.{name}", question), kind) for name, question in scales.items()}


def _question(table: _Table, kind: str) -> Question:
    skip = table.take("skip", str, "")
    if skip:
        table.done()
        return Question(skip=skip)
    parts = table.take("parts", dict, {})
    region = table.take("region", list, None)
    if kind == "conjunction" and not parts or kind != "conjunction" and parts:
        raise table.fail("a conjunction states the regions of its parts in `parts`, any other kind one `region`")
    if kind in ("effect", "proportion") and region is None:
        raise table.fail("the field 'region' is missing")
    rounds = table.take("rounds", list, [])
    if not all(isinstance(n, int) and n >= 0 for n in rounds):
        raise table.fail(f"rounds = {rounds!r} should be a list of round numbers")
    shares = table.take("shares", list, [])
    if not all(share == PLANTED_SHARE or (isinstance(share, float) and 0 < share < 1) for share in shares):
        raise table.fail(f"shares = {shares!r} should be a list of numbers between 0 and 1, or {PLANTED_SHARE!r}")
    iterations = table.take("iterations", list, [])
    if not all(isinstance(n, int) and n > 0 for n in iterations):
        raise table.fail(f"iterations = {iterations!r} should be a list of iterations")
    seeds = table.take("seeds", int, 0)
    if kind != "exact" and seeds < 1:
        raise table.fail(f"seeds = {seeds} should be the number of seeds, at least 1")
    question = Question(
        region=None if region is None else _region(table, "region", region, *((0, 1) if kind == "proportion" else ())),
        parts={name: _region(table, f"parts.{name}", value) for name, value in parts.items()},
        reason=table.take("reason", str),
        rounds=tuple(rounds),
        shares=tuple(None if share == PLANTED_SHARE else share for share in shares),
        iterations=tuple(iterations),
        level=float(table.take("level", (int, float), 0.0)),
        seeds=seeds,
        training=table.choose("training", TRAININGS, ""),
        analogue=table.take("analogue", str, ""),
        changed=table.take("changed", str, ""),
        expected_verdict=table.choose("expected_verdict", VERDICTS, ""),
        expected_because=table.take("expected_because", str, ""),
    )
    if bool(question.expected_verdict) != bool(question.expected_because):
        raise table.fail(
            "a verdict that is expected at this scale alone needs its reason: expected_verdict and expected_because go together"
        )
    table.done()
    return question


def _needs(table: _Table) -> Needs:
    dataset, architecture = table.choose("dataset", DATASETS), table.choose("network", tuple(ARCHITECTURES))
    needs = Needs(dataset, architecture, table.choose("training", TRAININGS))
    table.done()
    return needs


def _published(table: _Table) -> Published:
    published = Published(
        table.take("value", (int, float, str)), table.take("unit", str), table.take("provenance", str)
    )
    table.done()
    return published


def _entry(table: _Table, shown: str, title: str) -> Entry:
    kind = table.choose("kind", KINDS)
    needs, published = table.take("needs", dict, None), table.take("published", dict, None)
    scales = table.take("scales", dict)
    if needs is None and kind != "exact":
        raise table.fail("the field 'needs' is missing; it names dataset, network and training")
    entry = Entry(
        id=table.take("id", str),
        number=table.take("number", str),
        kind=kind,
        statement=table.take("statement", str),
        source=table.take("source", str),
        metric=table.take("metric", str),
        unit=table.take("unit", str),
        needs=None if needs is None else _needs(table.table("needs", needs)),
        published=None if published is None else _published(table.table("published", published)),
        questions=_questions(table, kind, scales),
        expected_verdict=table.choose("expected_verdict", VERDICTS, REPRODUCED),
        expected_because=table.take("expected_because", str, ""),
        negates=table.take("negates", str, ""),
        doubt=table.take("doubt", str, ""),
        file=shown,
        title=title,
    )
    if (entry.expected_verdict != REPRODUCED) != bool(entry.expected_because):
        raise table.fail(
            "a verdict other than reproduced is expected with a reason: expected_verdict and expected_because go together"
        )
    table.done()
    return entry
