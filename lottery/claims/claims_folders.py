"""Folders of claims: `test_<paper>.py` in `benchmarks/`, and `<paper>.toml` in `expected/` beside that folder.

Such a pair of folders lies in a checkout, in the wheel, and wherever users keep claims of their own. The tests may also
lie right beside `expected/`.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from lottery.core.errors import LotteryError
from lottery.core.paths import user_path

BENCHMARKS, EXPECTED = "benchmarks", "expected"


def expected_file(benchmark: Path) -> Path:
    """Return the file of entries that belongs to a benchmark file: benchmarks/test_x.py has expected/x.toml."""
    name = f"{benchmark.stem.removeprefix('test_')}.toml"
    beside = benchmark.parent / EXPECTED / name
    return beside if beside.is_file() else benchmark.parent.parent / EXPECTED / name


def paper_of(file: Path) -> str:
    """Return the paper that a benchmark file or a file of entries is of, as ids begin: zhou_2019 gives zhou2019."""
    return re.sub(r"_(?=\d)", "", file.stem.removeprefix("test_"))


def holds_claims(path: Path) -> bool:
    """Return whether a benchmark file has its file of entries, or a folder has such a file."""
    files = path.resolve().glob("test_*.py") if path.is_dir() else [path.resolve()]
    return any(file.suffix == ".py" and expected_file(file).is_file() for file in files)


def benchmarks_of(folder: Path) -> Path:
    """Return the folder of a folder of claims' tests, itself or `benchmarks` in it; raise where there is none."""
    folder = user_path(folder).resolve()
    if not folder.is_dir():
        raise LotteryError(f"there is no folder {folder}")
    places = [place for place in (folder / BENCHMARKS, folder) if list(place.glob("test_*.py"))]
    for place in places:
        if holds_claims(place):
            return place
    begin = f"lottery new-claim mine_2026 NAME NETWORK --claims {folder} begins one"
    if not places:
        raise LotteryError(f"{folder} has no claims: there is no test_<paper>.py, nor one in {BENCHMARKS}/; {begin}")
    first = min(places[0].glob("test_*.py"))
    lacking = f"{first.relative_to(folder)} has no {EXPECTED}/{expected_file(first).name}"
    raise LotteryError(f"{folder} has no claims: {lacking}, where its entries would be; write it, or {begin}")


def check_apart(files: Iterable[Path]) -> None:
    """Raise where two test files state claims of one paper, whose ids and tables could not be told apart."""
    by_paper: dict[str, Path] = {}
    for file in sorted(map(Path.resolve, files)):
        other = by_paper.setdefault(paper_of(file), file)
        if other != file:
            raise LotteryError(
                f"{other} and {file} both state claims of {paper_of(file)}; rename one of them, and its file of entries"
            )
