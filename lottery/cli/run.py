"""Running the claims from any folder: those of the checkout one stands in, else those that came with the package."""

import os
from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from lottery.claims.claims_folders import BENCHMARKS, holds_claims
from lottery.plugin import options

PACKAGE = Path(__file__).resolve().parents[1]
# The plugin, also where the package is on the path but not installed. `_named` has imported all plugins: their asserts
# are not rewritten, and pytest need not say so.
PLUGIN = ["-p", "lottery.plugin.hooks", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]


def claims_folder() -> Path:
    """Return the folder of claims to run: `benchmarks` of the current folder, if it has claims, else the package's.

    In a wheel that is `lottery/benchmarks`; an editable installation leaves it beside the package.
    """
    own, inside, beside = Path(BENCHMARKS), PACKAGE / BENCHMARKS, PACKAGE.parent / BENCHMARKS
    return next((folder for folder in (own, inside) if holds_claims(folder)), beside)


def _parsed(given: Sequence[str]) -> Namespace | None:
    """Return pytest's arguments as pytest reads them, None where it cannot.

    Pytest's own parser tells files, folders and tests from what belongs to an option, of any plugin there is.
    """
    import pytest
    from _pytest.config import get_config

    config = get_config(list(given))
    config.pluginmanager.load_setuptools_entrypoints("pytest11")
    options.add(config._parser)
    try:
        return config._parser.parse_known_args(list(given))
    except pytest.UsageError:
        return None  # pytest will say so itself


def arguments(given: Sequence[str]) -> list[str]:
    """Return pytest's arguments: those given, and the folder of claims unless they name a file or a folder of claims.

    The word `benchmarks` names that folder, also where there is none of this name; so --claims adds to it.
    For the package's claims pytest is told to leave the package alone: settings of a project around it do not count,
    test ids are those of a checkout, and the cache (`--lf`) lies in the current folder.
    """
    parsed, folder = _parsed(given), claims_folder()
    named = parsed.file_or_dir if parsed else []
    if BENCHMARKS in named and folder != Path(BENCHMARKS):
        given = _without(given, BENCHMARKS, named)
    elif (parsed and parsed.lottery_claims) or any(holds_claims(Path(name.partition("::")[0])) for name in named):
        return [*PLUGIN, *given]
    if not folder.is_absolute():
        return [*PLUGIN, str(folder), *given]
    where = ["-c", os.devnull, f"--rootdir={folder.parent}", "-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"]
    return [*PLUGIN, *where, str(folder), *given]


def _without(given: Sequence[str], name: str, named: Sequence[str]) -> list[str]:
    """Return pytest's arguments without a file or folder among the `named`; an option's value of this name stays."""
    others = [*named]
    others.remove(name)
    for place, word in enumerate(given):
        rest = [*given[:place], *given[place + 1 :]]
        if word == name and (parsed := _parsed(rest)) and parsed.file_or_dir == others:
            return rest
    return list(given)


HELP = """usage: lottery run [OPTION ...] [FILE ...]

Run the claims, train what is missing for them, judge each, and show the answer. Everything trained is kept.

{options}

of pytest and pytest-xdist, among others:
  -n auto               one worker for each GPU, else for each core; -n0: this process alone
  -k EXPRESSION         claims with these words in their names, such as -k "zhou and signs", or by number, as Z19;
                        words are parts of names, so that Z1 selects Z10 to Z19, too
  -x, --lf, --co, -v    stop at the first failure; run what failed last; list; a line for each claim
  --strict              inconclusive verdicts fail, too
  --junitxml=FILE       results for other tools

criteria of installed packages: {installed}

exit status: 0 as expected; 1 a verdict is other than expected, or nothing was decided; 2 interrupted;
  3 an internal error; 4 something outside is wrong, and a message says what; 5 no claim was selected

example: lottery run -n auto --scale reduced -k "frankle and not conv"
"""


def help_text() -> str:
    """Return the help of `lottery run`: the suite's own options, and of pytest's those that claims are run with."""
    from lottery.masks.installed_criteria import told as told_of_installed

    lines = []
    for name, attributes in options.OPTIONS.items():
        if attributes["help"] == SUPPRESS:
            continue
        label = f"  --{name} {attributes.get('metavar', '')}".rstrip()
        told = [" " * 24 + line for line in wrap(attributes["help"], 76)]
        if len(label) < 23:
            told[0] = label.ljust(24) + told[0].lstrip()
        else:
            told.insert(0, label)
        lines += told
    return HELP.format(options="\n".join(lines), installed=told_of_installed())


PLAN_HELP = """usage: lottery plan [OPTION ...] [FILE ...]

Say what a run with the same arguments would train, claim by claim, the cheapest first: what each takes alone, what it
adds to those above it, when it would be done, and where a --budget would end. Nothing is trained but to measure, once,
how fast that goes on this machine; what real runs took is remembered, too. Data sets that are missing are downloaded,
as for a run, since results are named by what is in them. Claims whose data cannot be had come last, with the reason,
and are in no total.

It takes the arguments of `lottery run`, such as --scale, -k, --criterion, --claims, --budget, --store, --device.

exit status: 0 done; 1 a claim states nothing that can be asked; 2 interrupted; 4 something outside is wrong, and a
  message says what; 5 no claim was selected

example: lottery plan --scale reduced -k signs --budget 2h
"""


def plan(given: Sequence[str]) -> int:
    """Plan the claims and return pytest's exit status."""
    if {"-h", "--help"} & set(given):
        print(PLAN_HELP)
        return 0
    return run(["--plan", "-n0", "-q", *given])


def run(given: Sequence[str]) -> int:
    """Run the claims and return pytest's exit status."""
    if {"-h", "--help"} & set(given):
        print(help_text())
        return 0
    import pytest

    from lottery.plugin.command_output import CommandOutput

    return int(pytest.main(arguments(given), plugins=[CommandOutput(given)]))
