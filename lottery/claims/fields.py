"""Fields of `expected/`: how a text, a region or a share is written, and what is said of one that is not."""

from collections.abc import Callable, Collection
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from lottery.claims.statistics import Region

PLANTED_SHARE = "planted"
EVERY = "*"  # in an id and in `needs`: whatever the user gave
PLACEHOLDER = "FILL IN"  # with which begins what `lottery new-claim` leaves open
ANY_RESULT = "holds for any result; a claim must be able to fail"


def must(hold: Callable[[Any], object], wrong: str) -> AfterValidator:
    """Return a validator that refuses what does not hold, with these words."""

    def check(value: object) -> object:
        if not hold(value):
            raise ValueError(wrong)
        return value

    return AfterValidator(check)


def one_of(choices: Collection[str]) -> AfterValidator:
    """Return a validator of a choice."""
    return must(lambda value: value in choices, f"is not one of {', '.join(choices)}")


def _region(value: object) -> Region:
    match value:
        case [int() | float() as low, int() | float() as high] if low < high and bool not in map(type, value):
            return Region(float(low), float(high))
    raise ValueError("should be [low, high] with low < high; write inf or -inf for an open end")


def _share(value: object) -> float | None:
    if value == PLANTED_SHARE or (isinstance(value, float) and 0 < value < 1):
        return None if isinstance(value, str) else value
    raise ValueError(f"should be a number between 0 and 1, or {PLANTED_SHARE!r}")


Text = Annotated[str, must(str.strip, "should be a line of text")]
Bounds = Annotated[Region, BeforeValidator(_region), must(lambda region: region != Region(), ANY_RESULT)]
Share = Annotated[float | None, BeforeValidator(_share)]
Round = Annotated[int, Field(ge=0, le=100)]
Iteration = Annotated[int, Field(gt=0, le=1_000_000)]
DISTINCT = must(lambda values: len(set(values)) == len(values), "should hold nothing twice"), Field(strict=False)
NUMBER = must(lambda value: type(value) is str or (type(value) in (int, float) and isfinite(value)),
               "should be a finite number or a text")  # fmt: skip


class Table(BaseModel):
    """A table of the file: a field that is unknown, of another type or out of its bounds is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _filled_in(cls, value: object) -> object:
        if isinstance(value, str) and value.startswith(PLACEHOLDER):
            raise ValueError("is still to be filled in")
        return value
