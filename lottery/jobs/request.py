"""What a job is told, and what it tells, as files beside the store: keys and facts of the command line, no objects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lottery.core.errors import LotteryError
from lottery.core.paths import write_whole


@dataclass(frozen=True)
class Request:
    """The keys of what a job computes, the claims that ask for it, and how to come to the same plan again.

    `arguments` are pytest's, in the folder and with the variables of the environment that the run had.
    """

    keys: Sequence[str]
    claims: Sequence[str]
    arguments: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    device: str

    def write(self, file: Path) -> None:
        """Keep the request in a file."""
        write_whole(file, json.dumps(asdict(self)))


def read(file: Path) -> Request:
    """Return a request; raise if the file is none."""
    try:
        return Request(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise LotteryError(f"{file} is no request of a job ({error}); jobs are made by lottery run --engine") from None


def answer_file(request: Path) -> Path:
    """Return where a job says what became of its request."""
    return request.with_suffix(".answer")


def write_answer(request: Path, failed: Mapping[str, str]) -> None:
    """Say that a job is at its end, and by key why it could not compute something."""
    write_whole(answer_file(request), json.dumps(dict(failed)))


def read_answer(request: Path) -> dict[str, str] | None:
    """Return why a job could not compute something, by key; None where it did not come to its end."""
    try:
        found = json.loads(answer_file(request).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {str(key): str(why) for key, why in found.items()} if isinstance(found, dict) else None
