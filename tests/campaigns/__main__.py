"""Attack the suite from outside, campaign by campaign, and print what survived, was lost, was wrong or hung.

    python -m tests.campaigns [--short] [--seed 0] [NAME ...]

Exit status 0: nothing was lost, wrong or hung.
"""

import argparse
import sys
import time

from tabulate import tabulate

from tests.campaigns import commands, criteria, entries, expected_files, kills
from tests.campaigns.tally import COLUMNS

CAMPAIGNS = {  # what runs them, how often, and how often in short
    "kills": (kills.run, 60, 1),
    "entries": (entries.run, 1000, 100),
    "commands": (commands.run, 200, 4),
    "expected": (expected_files.run, 500, 40),
    "criteria": (criteria.run, 100, 4),
}


def main() -> int:
    """Run the campaigns and print their table."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(CAMPAIGNS)} (default: all)")
    parser.add_argument("--short", action="store_true", help="a few of each, as continuous integration does")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn (default: 0)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(CAMPAIGNS):
        parser.error(f"there is no campaign {', '.join(sorted(unknown))}; there are {', '.join(CAMPAIGNS)}")
    tallies = []
    for name in options.names or CAMPAIGNS:
        run, whole, few = CAMPAIGNS[name]
        started = time.monotonic()
        tallies.append(run(few if options.short else whole, options.seed))
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        print("\n".join(tallies[-1].stories), file=sys.stderr, flush=True)
    print(tabulate([tally.row for tally in tallies], COLUMNS, "github"))
    return int(any(tally.lost or tally.wrong or tally.hung for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
