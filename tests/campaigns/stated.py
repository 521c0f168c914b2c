"""The claims of this checkout's benchmarks, without collecting them as tests."""

import importlib
from functools import cache
from pathlib import Path

from lottery.claims.claim import Claim

ROOT = Path(__file__).resolve().parents[2]


@cache
def import_benchmarks() -> dict[Path, list[Claim]]:
    """Return the claims of every file of benchmarks that states any, but for those of users' own things."""
    found = {}
    for file in sorted((ROOT / "benchmarks").glob("test_*.py")):
        module = importlib.import_module(f"benchmarks.{file.stem}")
        claims = [
            parameter.values[0]
            for test in vars(module).values()
            for mark in getattr(test, "pytestmark", ())
            if mark.name == "parametrize"
            for parameter in mark.args[1]
        ]
        if claims:
            found[file] = claims
    return found


def claims_of(benchmark: Path) -> list[Claim]:
    """Return the claims that a file states."""
    return import_benchmarks().get(benchmark, [])
