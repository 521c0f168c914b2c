"""Print the keys of all experiments of all claims at the tiny scale, by network and arm, as JSON: for test_keys.py."""

import importlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import benchmarks
from lottery.claims.claim import Claim
from lottery.claims.entries import Entry
from lottery.claims.resolved import entries_of, resolve
from lottery.experiments.keys import key
from lottery.experiments.scales import SCALES


def claims() -> Iterator[tuple[Claim, Entry]]:
    """Yield the claims of all benchmarks, each with its entry."""
    for file in sorted(Path(benchmarks.__file__).parent.glob("test_*.py")):
        tests = vars(importlib.import_module(f"benchmarks.{file.stem}")).values()
        entries = entries_of({file}).entries
        for test in tests:
            for mark in getattr(test, "pytestmark", []):
                stated = [parameter.values[0] for parameter in mark.args[1]] if mark.args[0] == "claim" else []
                yield from ((claim, entries[claim.entry_id]) for claim in stated)


def main() -> None:
    found = defaultdict(set)
    for claim, entry in claims():
        for one in resolve(claim, entry, SCALES["tiny"]).experiments:
            found[f"{one.setting.network}: {one.arm.name}"].add(key(one, "of the data", "float32"))
    print(json.dumps({name: sorted(keys) for name, keys in found.items()}))


if __name__ == "__main__":
    main()
