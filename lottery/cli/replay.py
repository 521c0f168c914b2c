"""`lottery replay`: train a claim of a run anew, as that run asked it, and see whether every number comes out again."""

import tempfile
from argparse import ArgumentError, ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lottery.claims.baselines import read_run
from lottery.claims.changes import around
from lottery.claims.results import all_results
from lottery.claims.statistics import SKIPPED
from lottery.cli.run import run
from lottery.cli.show import the_claim
from lottery.core.errors import LotteryError
from lottery.plugin.options import NO_BASELINE, OPTIONS
from lottery.report.explanation import selection
from lottery.report.results_table import ours

# Options that say where a run computes and keeps things, how it ends and what it shows; all others are what is asked.
BESIDE = ("scale", "results", "store", "baseline", "baseline-exact", "update-expected", "budget", "table", "plan",
          "engine", "slurm", "jobs", "logs", "request", "passing")  # fmt: skip
DONE = (0, 1)  # exit statuses of a run that came to its end
SHOWN = 5  # numbers that are shown of those that differ
MEASURED = ("data_fingerprint", "effects", "estimate", "interval", "parts", "beside", "arms", "levels", "verdict")


def replay(folder: Path, name: str, workers: str, store: Path | None) -> tuple[str, int]:
    """Return what came of running a claim of a run again, and the exit status: 0 if every number is the same.

    It is trained anew, in an empty store that is gone afterwards unless there is a `store` to keep it in, by as many
    `workers` as pytest's -n says. Raise where the run has no such claim, or several.
    """
    report = read_run(folder)
    before = the_claim(report, name, folder)
    if before["verdict"] == SKIPPED:
        raise LotteryError(f"{before['id']} was not asked in that run: {before['reason']}")
    with tempfile.TemporaryDirectory(prefix="lottery-replay-") as made:
        results = Path(made) / "results"
        status = run([
            *asked(report["command"]),
            *("-n", workers, "-q", "--no-header", "-k", selection(before)),
            *("--scale", report["scale"], "--baseline", NO_BASELINE),
            *("--store", str(store or Path(made) / "store"), "--results", str(results), "--passing"),
        ])  # fmt: skip
        if status not in DONE or not results.is_dir():
            raise LotteryError(f"it could not be run again, as said above; exit status {status}")
        again = read_run(results)
    after = next((result for result in all_results(again) if result["id"] == before["id"]), None)
    if after is None:
        raise LotteryError(f"{before['id']} is no longer among the claims")
    return verdict(before, after, list(around(report, again)))


def asked(command: Sequence[str]) -> list[str]:
    """Return of a run's arguments those that say what is asked: criteria, networks, data, folders, device, precision.

    The scale is not among them, since a variable of the environment may have set it.
    """
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for option, attributes in OPTIONS.items():
        parser.add_argument(f"--{option}", f"--lottery-{option}", **_parsed(attributes))
    try:
        found = vars(parser.parse_known_args(list(command))[0])
    except ArgumentError as error:
        raise LotteryError(f"the run's command line cannot be read: {error}") from None
    words = []
    for option in OPTIONS:
        value = found[option.replace("-", "_")]
        if option not in BESIDE and value not in (None, False, []):
            given = value if isinstance(value, list) else [value]
            words += [f"--{option}" if one is True else f"--{option}={one}" for one in given]
    return words


def _parsed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return an option's attributes without its default: only what was given counts."""
    return {name: value for name, value in attributes.items() if name != "default"}


def verdict(before: Mapping, after: Mapping, different: Sequence[str]) -> tuple[str, int]:
    """Return in words whether a claim measured the same in two runs, and 0 if it did, else 1.

    `different` says what was different around the two.
    """
    told = f"{before['id']}: {before['verdict']}" + (f", {ours(before)}" if ours(before) else "")
    found = [(where, was, now) for name in MEASURED for where, was, now in _differences(name, before, after)]
    numbers = sum(1 for name in MEASURED for _ in _leaves(before.get(name)))
    if not found:
        return f"{told}\nthe same to the last bit: all {numbers} numbers", 0
    lines = [told, f"NOT THE SAME: {len(found)} of {numbers} numbers differ"]
    lines += [f"  {where}: {was!r} before, {now!r} now" for where, was, now in found[:SHOWN]]
    lines += [f"  and {len(found) - SHOWN} more"] * (len(found) > SHOWN)
    if after["verdict"] != before["verdict"]:
        lines.append(f"the verdict is now {after['verdict']}: {ours(after)}")
    lines += [f"different around it: {one}" for one in different]
    return "\n".join(lines), 1


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, (Mapping, list)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(part)
    else:
        yield value


def _differences(name: str, before: Mapping, after: Mapping) -> Iterator[tuple[str, object, object]]:
    """Yield where a field of two results differs, with what it was and what it is, down to single numbers."""
    yield from _apart(name, before.get(name), after.get(name))


def _apart(where: str, was: object, now: object) -> Iterator[tuple[str, object, object]]:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys([*was, *now]):
            yield from _apart(f"{where}, {name}", was.get(name), now.get(name))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, pair in enumerate(zip(was, now)):
            yield from _apart(f"{where}[{index}]", *pair)
    elif was != now:
        yield where, was, now
