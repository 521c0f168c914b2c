"""`expected/`: what the papers claim, and what counts as agreeing with it. One file a paper, one `[[claim]]` an entry.

An entry is committed before the claim is first measured; docs/add_claim.md has its fields.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
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
    training: Annotated[str, one_of(TRAININGS)] = ""  # where the scale cannot afford the one that the claim needs
    analogue: str = ""  # why the claim's direction should survive other data or a shorter config
    skip: str = ""  # why the claim is not asked
    expected: Expected | None = None  # at this scale, if it is another verdict than the entry's

    @model_validator(mode="after")
    def _whole(self) -> "Question":
        if self.skip and (more := self.model_fields_set - {"skip"}):
            raise ValueError(f"a scale that is skipped is asked nothing; unknown field {min(more)!r}")
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
    def _whole(self) -> "File":
        ids = [claim.id for claim in self.claim]
        for id in ids:
            if ids.count(id) > 1:
                raise ValueError(f"claim {id!r} is there twice; give each its own id")
            if id in self.retired:
                raise ValueError(f"claim {id!r} is there and retired")
        if self.numbers is not None:
            asked = [(claim.number, claim.needs.of if claim.needs else None) for claim in self.claim]
            check_coverage(self.numbers, self.left_out, asked)
        return self


def read(path: Path) -> dict[str, Entry]:
    """Return the entries of one file by claim id; raise with file, claim and field for all that is wrong in it."""
    file = read_file(path)
    of_file: dict[str, Any] = {"file": f"expected/{path.name}", "title": file.title, "letter": file.letter}
    return {claim.id: Entry(**dict(claim), **of_file, numbers=len(file.numbers or ())) for claim in file.claim}


def read_file(path: Path) -> File:
    """Return one file of `expected/`; raise with file, claim and field for all that is wrong in it."""
    shown = f"expected/{path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return File.model_validate(content)
    except FileNotFoundError:
        raise LotteryError(
            f"{shown} does not exist; benchmarks/test_<paper>.py has its expected/<paper>.toml"
        ) from None
    except OSError as error:
        raise LotteryError(f"{shown} cannot be read ({error.strerror})") from None
    except ValidationError as errors:
        raise LotteryError("\n".join(_complaint(shown, content, error) for error in errors.errors())) from None
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
    """Return an error of the schema as `expected/<file>, claim '<id>', <where>: <what is wrong>`."""
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
