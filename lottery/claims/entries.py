"""`expected/`: what the papers claim, and what counts as agreeing with it. One file a paper, one `[[claim]]` an entry.

An entry is committed before the claim is first measured; docs/add_claim.md has its fields.
"""

import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import ErrorDetails

from lottery.claims.coverage import LeftOut, Number, check_coverage
from lottery.claims.decidable import undecidable_mean, undecidable_share
from lottery.claims.expectation import CONTROL, REPRODUCTION, Change, Expected
from lottery.claims.fields import (
    ANY_RESULT,
    DISTINCT,
    EVERY,
    NUMBER,
    Bounds,
    Iteration,
    Round,
    Share,
    Table,
    Text,
    one_of,
)
from lottery.core.errors import LotteryError
from lottery.core.paths import from_here
from lottery.experiments.scales import DATASETS, SCALES, TRAININGS
from lottery.models.architectures import ARCHITECTURES

EVERY_SCALE = "every"
Dataset = Annotated[str, one_of(DATASETS)]


class Needs(Table):
    """What a claim speaks of: a data set, a network, and how much of the paper's training."""

    dataset: Annotated[str, one_of((*DATASETS, EVERY))]
    network: Annotated[str, one_of((*ARCHITECTURES, EVERY))]
    training: Annotated[str, one_of(TRAININGS)]

    @model_validator(mode="after")
    def _whole(self) -> "Needs":
        if (self.dataset == EVERY) != (self.network == EVERY):
            raise ValueError(f"a network of the user's own, {EVERY!r}, comes with its data set, {EVERY!r}")
        return self

    @property
    def of(self) -> str:
        """The network and the task, as `[numbers]` names them."""
        return f"{self.network} on {self.dataset}"


class Published(Table):
    """What the paper says, with where the number is known from."""

    value: Annotated[object, NUMBER]
    unit: str
    provenance: Text


class Question(Table):
    """How a claim is asked at one scale: at which rounds, of how many seeds, and where the answer should lie."""

    region: Bounds | None = None
    parts: dict[str, Bounds] = {}
    reason: str = ""  # why the region is what it is
    rounds: Annotated[tuple[Round, ...], *DISTINCT] = ()
    shares: Annotated[tuple[Share, ...], *DISTINCT] = ()  # of parameters that searches keep; None: the planted ticket's
    tasks: Annotated[tuple[Dataset, ...], *DISTINCT] = ()  # the paper's data sets, where several are spoken of
    iterations: Annotated[tuple[Iteration, ...], *DISTINCT] = ()  # at which a learning curve is looked at
    level: Annotated[float, Field(ge=0, le=100)] = 0.0  # validation accuracy in per cent for a learning curve to reach
    seeds: Annotated[int, Field(ge=0, le=1000)] = 0
    margin: Annotated[float, Field(gt=0)] | None = None  # within which users' criteria count as equal to `large_final`
    training: Annotated[str, one_of(TRAININGS)] = ""  # where the scale cannot afford the one that the claim needs
    analogue: str = ""  # why the claim's direction should survive other data or a shorter config
    skip: str = ""  # why the claim is not asked
    expected: Expected | None = None  # at this scale, if it is another verdict than the entry's

    @model_validator(mode="after")
    def _whole(self) -> "Question":
        if self.skip and (more := self.model_fields_set - {"skip"}):
            raise ValueError(f"a skipped scale has no other fields; unknown field {min(more)!r}")
        if not self.skip and not self.reason.strip():
            raise ValueError("the field 'reason' is missing")
        return self

    def wrong(self, kind: str) -> str:
        """Return what is wrong with the question for a claim of this kind, or an empty string."""
        if self.skip:
            return ""
        if (kind == "conjunction") != bool(self.parts):
            return "a conjunction states the regions of its parts in `parts`, any other kind one `region`"
        if kind in ("effect", "proportion") and self.region is None:
            return "the field 'region' is missing"
        if kind == "proportion" and self.region and self.region.low <= 0 and self.region.high >= 1:
            return f"region = {[self.region.low, self.region.high]} {ANY_RESULT}"
        if kind == "proportion" and self.region:
            return undecidable_share(self.region, self.seeds)
        return undecidable_mean(self.seeds) if kind != "exact" else ""


class Stated(Table):
    """One `[[claim]]` of a file."""

    id: Text
    number: Text
    kind: Literal["effect", "proportion", "conjunction", "exact"]
    statement: Text
    source: Text
    metric: str
    unit: str
    needs: Needs | None = None
    published: Published | None = None
    scales: Annotated[dict[Annotated[str, one_of((*SCALES, EVERY_SCALE))], Question], Field(min_length=1)]
    expected: Expected = REPRODUCTION
    changed: tuple[Change, ...] = Field((), strict=False)
    negates: str = ""
    headline: str = ""  # of one of the paper's main claims, in a few words
    doubt: str = ""  # why what the paper says, or how the number of it is known, is not certain

    @model_validator(mode="after")
    def _whole(self) -> "Stated":
        if self.needs is None and self.kind != "exact":
            raise ValueError("the field 'needs' is missing; it names dataset, network and training")
        for scale, question in self.scales.items():
            if wrong := question.wrong(self.kind):
                raise ValueError(f"scales.{scale}: {wrong}")
        if bool(self.negates) != (self.expected.basis == CONTROL):
            raise ValueError(f"the basis {CONTROL!r} and `negates`, the claim that is negated, go together")
        return self


class Entry(Stated):
    """One claim as `expected/` states it, with its file and the paper's title."""

    file: str
    title: str
    letter: str
    numbers: int  # of claims that the paper makes, 0 where that is not listed

    def asked_at(self) -> list[str]:
        """Return the scales at which the claim is asked."""
        return [name for name in SCALES if (question := self.question(name)) is not None and not question.skip]

    @property
    def paper(self) -> str:
        """The part of the id before the first dot, such as `zhou2019`."""
        return self.id.partition(".")[0]

    def changes(self, scale: str) -> list[Change]:
        """Return how what is asked at this scale was changed after it had been measured."""
        return [change for change in self.changed if scale in change.was]

    def question(self, scale: str) -> Question | None:
        """Return how the claim is asked at this scale, or None if the entry does not say."""
        return self.scales.get(scale) or self.scales.get(EVERY_SCALE)


class File(Table):
    """A file of `expected/`: a title, the numbers of the paper's claims, and an entry or a reason for each."""

    title: Text
    letter: Annotated[str, Field(pattern=r"^[A-Z!+*]?$")] = ""  # which stands before its claims' numbers
    numbers: dict[str, Number] | None = None
    left_out: tuple[LeftOut, ...] = Field((), strict=False)
    retired: dict[str, Text] = {}  # claims that were measured and are asked no longer, with date, reason and verdict
    claim: list[Stated] = []

    @model_validator(mode="after")
    def _whole(self, info: ValidationInfo) -> "File":
        if info.context == IN_PART:
            return self
        for clash in _clashes([claim.id for claim in self.claim], self.retired).values():
            raise ValueError(clash)
        if self.numbers is not None:
            asked = [(claim.number, claim.needs.of if claim.needs else None) for claim in self.claim]
            check_coverage(self.numbers, self.left_out, asked)
        return self


IN_PART = "in part"  # the context of a file some of whose claims are left out, so that its numbers are not all there


def _clashes(ids: Sequence[str], retired: Collection[str]) -> dict[str, str]:
    """Return what is wrong with the ids that are there twice, or there and retired."""
    wrong = {id: f"claim {id!r} is there and retired" for id in ids if id in retired}
    return wrong | {id: f"claim {id!r} is there twice; give each its own id" for id in ids if ids.count(id) > 1}


class Contents(NamedTuple):
    """What files of entries have: an entry for each claim, and what is wrong with some of them or with a file."""

    entries: dict[str, Entry]  # by claim id; of one that is wrong, what can be read of it
    wrong: dict[str, str]  # by claim id: why the claim cannot be asked
    faults: tuple[str, ...]  # what is wrong with the files themselves; the claims can be asked all the same


def read(path: Path) -> dict[str, Entry]:
    """Return the entries of one file by claim id; raise with file, claim and field for all that is wrong in it."""
    return _entries(path, read_file(path))


def read_file(path: Path) -> File:
    """Return one file of `expected/`; raise with file, claim and field for all that is wrong in it."""
    content = _content(path)
    try:
        return File.model_validate(content)
    except ValidationError as errors:
        shown = from_here(path)
        raise LotteryError("\n".join(_complaint(str(shown), content, error) for error in errors.errors())) from None


def read_in_part(path: Path) -> Contents:
    """Return what one file has, a claim whose entry is wrong apart from the others; raise if it is no TOML at all."""
    content = _content(path)
    try:
        return Contents(_entries(path, File.model_validate(content)), {}, ())
    except ValidationError as errors:
        return _in_part(path, content, errors.errors())


def unreadable(id: str, path: Path, table: object = None, like: File | Entry | None = None) -> Entry:
    """Return an entry of a claim that has none or a wrong one: with what can be read of it, to be shown."""
    texts = table if isinstance(table, dict) else {}
    told = {name: texts[name] for name in TEXTS if isinstance(texts.get(name), str)}
    about = {"title": like.title, "letter": like.letter} if like else {"title": path.stem, "letter": ""}
    lacking: dict[str, Any] = dict.fromkeys(TEXTS, "") | {"number": "-", "needs": None, "scales": {}, "numbers": 0}
    lacking |= {"id": id, "kind": "effect", "file": str(from_here(path))}
    return Entry.model_construct(**(lacking | told | about))


TEXTS = ("number", "statement", "source", "metric", "unit")


def _entries(path: Path, file: File) -> dict[str, Entry]:
    of_file: dict[str, Any] = {"file": str(from_here(path)), "title": file.title, "letter": file.letter}
    return {claim.id: Entry(**dict(claim), **of_file, numbers=len(file.numbers or ())) for claim in file.claim}


def _in_part(path: Path, content: dict[str, Any], errors: Sequence[ErrorDetails]) -> Contents:
    """Return what a file has in which these errors were found."""
    shown, tables = str(from_here(path)), content.get("claim")
    ids = {place: str(table["id"]) for place, table in enumerate(tables if isinstance(tables, list) else ())
           if isinstance(table, dict) and "id" in table}  # fmt: skip
    clashes = _clashes([*ids.values()], retired if isinstance(retired := content.get("retired"), dict) else {})
    wrong: dict[str, list[str]] = {id: [f"{shown}: {told}"] for id, told in clashes.items()}
    faults, spoilt = [], {"claim"}  # fields of the file that are left out
    for error in errors:
        told = _complaint(shown, content, error)
        where, *within = error["loc"] or ("",)
        if where == "claim" and within and within[0] in ids:
            wrong.setdefault(ids[int(within[0])], []).append(told)
        elif where or not clashes:  # else it is what `_clashes` told
            faults.append(told)
            spoilt.add(str(where))
    kept = {name: content[name] for name in File.model_fields if name in content and name not in spoilt}
    good = [tables[place] for place, id in ids.items() if id not in wrong]  # type: ignore[index]  # a list, then
    file = File.model_validate({"title": path.stem} | kept | {"claim": good}, context=IN_PART)
    lost = {id: unreadable(id, path, tables[place], file) for place, id in ids.items() if id in wrong}  # type: ignore[index]
    return Contents(
        _entries(path, file) | lost,
        {id: _in_one(f"{shown}, claim {id!r}", told) for id, told in wrong.items()},
        tuple(faults),
    )


def _in_one(whose: str, complaints: Sequence[str]) -> str:
    """Return complaints about one claim as one, without saying again whose they are."""
    return "; ".join([complaints[0], *(told.removeprefix(whose).lstrip(":, ") for told in complaints[1:])])


def _content(path: Path) -> dict[str, Any]:
    """Return the content of a file; raise where it is none of TOML."""
    shown = from_here(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LotteryError(
            f"{shown} does not exist; every benchmarks/test_<paper>.py needs its expected/<paper>.toml"
        ) from None
    except OSError as error:
        raise LotteryError(f"{shown} cannot be read ({error.strerror})") from None
    except ValueError as error:  # of TOML, or of UTF-8
        raise LotteryError(f"{shown} is not valid TOML: {error}") from None


COMPLAINTS = {
    "missing": "the field {name!r} is missing",
    "extra_forbidden": "unknown field {name!r}",
    "dict_type": "{name} should be a table",
    "model_type": "{name} should be a table",
    "list_type": "{name} should be a list of sections [[{name}]], with double brackets",
    "tuple_type": "{name} should be a list of sections [[{name}]], with double brackets",
}


def _complaint(shown: str, content: dict, error: ErrorDetails) -> str:
    """Return an error of the schema as `<file>, claim '<id>', <where>: <what is wrong>`."""
    loc, wrong = [part for part in error["loc"] if part != "[key]"], error["msg"].removeprefix("Value error, ")
    if loc[:1] == ["claim"] and len(loc) > 1:
        table, loc = content["claim"][loc[1]], loc[2:]
        shown += f", claim {table.get('id', 'without an id') if isinstance(table, dict) else table!r}"
    if error["type"] == "value_error" and isinstance(error["input"], dict):
        *where, told = map(str, [*loc, wrong])  # of a table as a whole
    else:
        *where, name = map(str, loc or ["it"])
        if loc and isinstance(loc[-1], int):
            *where, name = *where[:-1], f"{where[-1]}[{name}]"
        told = COMPLAINTS.get(error["type"], "{name} = {value!r:.80} {wrong}")
        told = told.format(name=name, value=error["input"], wrong=wrong[max(0, wrong.find("should")) :])
    return f"{', '.join([shown, '.'.join(where)] if where else [shown])}: {told}"
