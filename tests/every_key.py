"""The keys of all experiments of all claims at the tiny scale, under copies of the package: for test_keys.py.

Standard input has the folder of a copy on each line. The keys go into its file `keys.json`, by network and arm, and
then the copy's exit status to standard output. Each copy has a process of its own, which has torch from this one.
"""

import importlib
import json
import os
import sys
import traceback
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy  # noqa: F401
import scipy.special  # noqa: F401
import torch  # noqa: F401


def claims() -> Iterator[tuple]:
    """Yield the claims of all benchmarks, each with its entry."""
    import benchmarks
    from lottery.claims.resolved import entries_of

    for file in sorted(Path(benchmarks.__file__).parent.glob("test_*.py")):
        tests = vars(importlib.import_module(f"benchmarks.{file.stem}")).values()
        entries = entries_of({file}).entries
        for test in tests:
            for mark in getattr(test, "pytestmark", []):
                stated = [parameter.values[0] for parameter in mark.args[1]] if mark.args[0] == "claim" else []
                yield from ((claim, entries[claim.entry_id]) for claim in stated)


def keys() -> dict[str, list[str]]:
    """Return the keys of all experiments by network and arm."""
    from lottery.claims.resolved import resolve
    from lottery.experiments.keys import key
    from lottery.experiments.scales import SCALES

    found = defaultdict(set)
    for claim, entry in claims():
        for one in resolve(claim, entry, SCALES["tiny"]).experiments:
            found[f"{one.setting.network}: {one.arm.name}"].add(key(one, "of the data", "float32"))
    return {name: sorted(of) for name, of in found.items()}


def main() -> None:
    """Answer line by line."""
    sys.path = [place for place in sys.path if place != os.getcwd()]
    for line in sys.stdin:
        folder = line.rstrip("\n")
        child = os.fork()
        if not child:
            sys.path.insert(0, folder)
            try:
                Path(folder, "keys.json").write_text(json.dumps(keys()))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
