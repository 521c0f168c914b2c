"""`expected/published/points.toml`: numbers that the papers print, as points of the figures that are redrawn."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

import lottery
from lottery.claims.fields import Table, Text, one_of
from lottery.core.errors import LotteryError
from lottery.models.architectures import ARCHITECTURES

FILE = Path("published") / "points.toml"


class Point(Table):
    """A number, where it stands, and in which figure of which of the paper's networks."""

    quantity: Literal["gain", "speed", "bar", "share"]
    network: Annotated[str, one_of(ARCHITECTURES)]
    series: str = ""
    x: Annotated[float, Field(gt=0, le=100)] | None = None
    y: Annotated[float, Field(strict=False)]
    says: Text
    place: Text


@cache
def published_points() -> tuple[Point, ...]:
    """Return all points, from the folder of entries inside the package or, in a checkout, beside it."""
    package = Path(lottery.__file__).parent
    folders = (package / "expected", package.parent / "expected")
    file = next((folder / FILE for folder in folders if (folder / FILE).is_file()), folders[0] / FILE)
    return read(file)


def read(file: Path) -> tuple[Point, ...]:
    """Return a file's points; raise with what is wrong and where."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        return TypeAdapter(tuple[Point, ...]).validate_python(tuple(content.get("point", ())))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise LotteryError(f"{file} cannot be read: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(map(str, first["loc"]))
        raise LotteryError(f"{file}: point {where}: {first['msg']}") from None
