"""The `lottery` command: what does not belong into a test run."""

import argparse
import io
import os
import shutil
import sys
import tarfile
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

from lottery import __version__
from lottery.claims.run_folders import ALL_RUNS, named
from lottery.core.errors import LotteryError
from lottery.core.paths import user_path
from lottery.core.shell import nobody_reads
from lottery.core.text import printable, show_in_any_encoding, shown_in

OUTSIDE, INTERNAL, NOTHING = 2, 3, 5  # exit statuses, as docs/command_line.md has them
SHOWING = ("show", "explain", "compare")  # commands that lay out what they print, and write nothing
BROKEN_PIPE = 128 + 13  # as of a program that the signal ended


def _bench(options: argparse.Namespace) -> None:
    from lottery.cli.bench import bench

    print(bench(options.device))


def _check_gpu(options: argparse.Namespace) -> int:
    from lottery.cli.check_gpu import check_gpu

    return check_gpu(options.device)


def _rates(options: argparse.Namespace) -> None:
    from lottery.cli.rates import RUNS, rates

    print(rates(options.runs or RUNS))


def _run(options: argparse.Namespace) -> int:
    from lottery.cli.run import run

    return run(options.arguments)


def _plan(options: argparse.Namespace) -> int:
    from lottery.cli.run import plan

    return plan(options.arguments)


def _list(options: argparse.Namespace) -> int:
    from lottery.cli.claims_list import claims_list

    text, found, wrong = claims_list(options.claims, options.words, options.scale, _width())
    print(text, flush=True)
    for told in wrong:
        print(f"ERROR: {told}", file=sys.stderr)
    return OUTSIDE if wrong else 0 if found else NOTHING


def _replay(options: argparse.Namespace) -> int:
    from lottery.cli.replay import replay

    store = user_path(options.store) if options.store else None
    text, status = replay(named(options.run_folder), options.claim, options.workers, store)
    print(text)
    return status


def _report(options: argparse.Namespace) -> None:
    from lottery.cli.report import report

    for file in report(named(options.run_folder), options.format, options.output and user_path(options.output)):
        print(file)


def _show(options: argparse.Namespace) -> int:
    from lottery.cli.show import FILTERS, show

    chosen = [name for name in FILTERS if getattr(options, name)]
    text = show(named(options.run_folder), chosen, options.words, options.table)
    print(text or "no claim of this run matches")
    return 0 if text else NOTHING


def _width() -> int:
    """Return the terminal's columns; where there is none a line may be as long as it is."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 120


def _explain(options: argparse.Namespace) -> None:
    from lottery.cli.show import explain

    print(explain(named(options.run_folder), options.claim))


def _compare(options: argparse.Namespace) -> int:
    from lottery.cli.compare import compare_runs

    after = options.after and named(options.after)
    text, status = compare_runs(named(options.before), after, options.markdown)
    print(text)
    return status


def _baseline(options: argparse.Namespace) -> None:
    from lottery.cli.baseline import baseline

    print(baseline(named(options.results), options.folder and user_path(options.folder), options.claims))


def _new_claim(options: argparse.Namespace) -> None:
    from lottery.cli.new_claim import new_claim

    print(new_claim(options.paper, options.name, options.network, options.claims))


def _gate(options: argparse.Namespace) -> None:
    from lottery.cli.gate import gate
    from lottery.cli.run import claims_folder
    from lottery.experiments.scales import scale

    scale(options.scale)  # raises where there is none
    print(gate(claims_folder().absolute().parent / "expected", options.scale, options.runs))


def _store(options: argparse.Namespace) -> None:
    from lottery.store.store import Store, store_folder

    store = Store(store_folder(options.store))
    if options.action == "export":
        count = store.export(user_path(options.file))
        print(f"{count} entries of {store.folder} were exported to {options.file}")
    elif options.action == "import":
        new, known = store.take(user_path(options.file))
        print(f"{new} entries of {options.file} are new in {store.folder}, {known} were there already")
    elif options.action == "prune":
        removed = store.prune()
        print(f"{removed.damaged} entries that had been set aside, {removed.unfinished} unfinished files and "
              f"{removed.locks} locks that nobody holds are gone from {store.folder}")  # fmt: skip
    else:
        sizes = store.sizes()
        kinds: Counter[str] = Counter()
        for key in sizes:
            record = store.read_or_set_aside(key)
            if record is not None:
                kinds[printable(str(record.made.get("what"))).rpartition(", seed")[0]] += 1
        if options.action == "list":
            for what, count in sorted(kinds.items()):
                print(f"{what}, {count} seeds")
        print(f"{len(sizes)} entries, {sum(sizes.values()) / 1e6:.1f} MB in {store.folder}")


Commands = Any  # what argparse adds subcommands to, which it does not name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lottery",
        description="The claims of the lottery-ticket literature as tests: lottery run -n auto gives each a verdict.",
        epilog="lottery COMMAND --help says more. In a checkout, pytest benchmarks -n auto is lottery run -n auto.",
    )
    parser.add_argument("--version", action="version", version=f"lottery {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_running(commands)
    _add_reading(commands)
    _add_measuring(commands)
    return parser


def _command(commands: Commands, name: str, run: Callable, about: str, example: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=about, description=f"{about}.", epilog=f"example: {example}")
    command.set_defaults(run=run)
    return command


def _add_running(commands: Commands) -> None:
    """Add what runs claims, or moves what runs have kept."""
    told = "run the claims in ./benchmarks, or else the package's; takes its own options and pytest's"
    commands.add_parser("run", help=told, add_help=False).set_defaults(run=_run)
    told = "show what a run would train and how long that takes here; same arguments as run"
    commands.add_parser("plan", help=told, add_help=False).set_defaults(run=_plan)
    about = "list the claims by letter and number, with the scales that ask each; nothing is run"
    listed = _command(commands, "list", _list, about, "lottery list --scale reduced -k sign")
    listed.add_argument(
        "-k", dest="words", metavar="TEXT", default="", help="only claims whose names or statements contain TEXT"
    )
    listed.add_argument("--scale", metavar="SCALE", default="", help="only claims that this scale asks")
    told = "list the claims of this folder instead; repeatable"
    listed.add_argument("--claims", metavar="DIR", action="append", default=[], help=told)
    about = "train one claim of a run again, and check that every number is the same; exit status 1 if one is not"
    replay = _command(commands, "replay", _replay, about, "lottery replay 'signs_recover_ticket[lenet-300-100]'")
    replay.add_argument("claim", metavar="CLAIM", help="its name or a part of it, or a number such as F12")
    told = "a run's folder, or the folder of all runs for the latest (default: results)"
    replay.add_argument("run_folder", metavar="RUN", nargs="?", default=ALL_RUNS, help=told)
    replay.add_argument(
        "-n",
        dest="workers",
        metavar="N",
        default="0",
        help="number of workers, or auto (default: 0, this process alone)",
    )
    told = "store what is trained here (default: an empty store, which is removed afterwards)"
    replay.add_argument("--store", metavar="DIR", help=told)
    about = "begin a claim: write its test and its entry, and say what to fill in"
    claim = _command(
        commands, "new-claim", _new_claim, about, "lottery new-claim mine_2026 signs_suffice lenet-300-100"
    )
    claim.add_argument("paper", metavar="PAPER", help="the file's name without test_, such as mine_2026")
    claim.add_argument("name", metavar="NAME", help="the claim's name, such as signs_suffice")
    claim.add_argument("network", metavar="NETWORK", help="the network that the claim is about, such as lenet-300-100")
    told = "a folder for claims of your own (default: the checkout's benchmarks and expected)"
    claim.add_argument("--claims", metavar="DIR", default="", help=told)
    about = "show what is in the store, move it as one file, or remove what is useless"
    store = _command(commands, "store", _store, about, "lottery store export all.tar")
    store.add_argument("action", choices=("size", "list", "export", "import", "prune"))
    store.add_argument("file", nargs="?", help="the file to export to or import from, such as store.tar")
    store.add_argument("--store", metavar="DIR", help="the store (default: LOTTERY_STORE, else the user's cache)")


def _add_reading(commands: Commands) -> None:
    """Add what reads the results of runs."""
    run = "a run's folder, or the folder of all runs for the latest (default: results)"
    about = "show a run's answer on one screen, or its claims with one verdict and the reasons"
    show = _command(commands, "show", _show, about, "lottery show --refuted")
    show.add_argument("run_folder", metavar="RUN", nargs="?", default=ALL_RUNS, help=run)
    for name in ("unexpected", "reproduced", "refuted", "inconclusive", "error", "skipped"):
        what = "ended in an error" if name == "error" else f"are {name}"
        show.add_argument(f"--{name}", action="store_true", help=f"list the claims that {what}, with the reason")
    told = "list the claims that no scale asks, with the reason"
    show.add_argument("--no-scale", action="store_true", help=told)
    show.add_argument("-k", dest="words", metavar="TEXT", default="", help="only claims whose names contain TEXT")
    show.add_argument("--table", action="store_true", help="show all claims in a table")
    about = "show one claim in full: source, region and reason, seeds, arms, p-values, how to run it again"
    explain = _command(commands, "explain", _explain, about, "lottery explain signs_recover_ticket")
    told = "its name or a part of it, or its letter and number, such as F12"
    explain.add_argument("claim", metavar="CLAIM", help=told)
    explain.add_argument("run_folder", metavar="RUN", nargs="?", default=ALL_RUNS, help=run)
    about = "show what moved between two runs, by claim; exit status 1 if by more than chance, 5 if none is comparable"
    compare = _command(commands, "compare", _compare, about, "lottery compare results/2026-11-29-120000-tiny results")
    told = "a run's folder or results.json, or a folder of tables such as expected/baselines/tiny"
    compare.add_argument("before", metavar="BEFORE", help=told)
    compare.add_argument("after", metavar="AFTER", nargs="?", help=run)
    compare.add_argument("--markdown", action="store_true", help="print a table for a comment on GitHub")
    about = "rewrite a run's page, its answer, all claims and its figures in one file, or draw the figures as pictures"
    report = _command(commands, "report", _report, about, "lottery report --format pdf --output figures")
    report.add_argument("run_folder", metavar="RUN", nargs="?", default=ALL_RUNS, help=run)
    told = "html: the page; svg, png, pdf: a file for each panel (default: html)"
    report.add_argument("--format", choices=("html", "svg", "png", "pdf"), default="html", help=told)
    told = "a file for the page, a folder for pictures (default: report.html or figures in the run's folder)"
    report.add_argument("--output", metavar="PATH", help=told)
    about = "store a run's claims in tables that --baseline reads"
    baseline = _command(commands, "baseline", _baseline, about, "lottery baseline results")
    told = "a run's folder or results.json; other claims keep their rows"
    baseline.add_argument("results", metavar="RESULTS", help=told)
    told = "default: expected/baselines/ and the run's scale"
    baseline.add_argument("folder", nargs="?", metavar="FOLDER", help=told)
    told = "a folder of claims: store only its claims, in its own tables"
    baseline.add_argument("--claims", metavar="DIR", default="", help=told)


def _add_measuring(commands: Commands) -> None:
    """Add what measures the suite itself: its speed, its GPU path, its statistics."""
    about = "measure the engine against a plain loop and the hardware"
    bench = _command(commands, "bench", _bench, about, "lottery bench --device cuda:0")
    bench.add_argument("--device", default="cpu", help="cpu or cuda:N (default: cpu)")
    about = "check that everything works on a GPU; takes minutes, downloads nothing"
    check = _command(commands, "check-gpu", _check_gpu, about, "lottery check-gpu")
    check.add_argument("--device", default="cuda", help="cuda or cuda:N (default: cuda, the first one)")
    about = "simulate how often verdicts on means are wrong, and how often they find an effect"
    rates = _command(commands, "rates", _rates, about, "lottery rates --runs 2000")
    rates.add_argument("--runs", type=int, help="simulated claims per cell of the tables (default: 20000)")
    about = "simulate how often unchanged code fails a run, and which breakages do"
    gate = _command(commands, "gate", _gate, about, "lottery gate --scale tiny")
    gate.add_argument("--scale", default="tiny", help="the baseline's scale: tiny, reduced or paper (default: tiny)")
    gate.add_argument("--runs", type=int, default=100, help="number of simulated runs (default: 100)")


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; what is wrong outside is one message and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever the terminal's encoding, a table is shown
            show_in_any_encoding(stream)
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    options.arguments = rest
    if not options.command:
        parser.print_help()
        return 0
    if rest and options.command not in ("run", "plan"):
        parser.error(f"unrecognised: {' '.join(rest)}; lottery {options.command} --help lists the options")
    if options.command == "store" and options.action in ("export", "import") and not options.file:
        parser.error(f"store {options.action} needs a file")
    return _status(options)


def _status(options: argparse.Namespace) -> int:
    """Return the exit status of a command, after saying in one message what is wrong."""
    try:
        with shown_in(sys.stdout.encoding if options.command in SHOWING else None):
            status = int(options.run(options) or 0)
        sys.stdout.flush()
        return status
    except (LotteryError, OSError, tarfile.TarError) as error:
        if nobody_reads(error):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return BROKEN_PIPE
        print(f"ERROR: {error}", file=sys.stderr)
        return OUTSIDE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return OUTSIDE
    except Exception:
        traceback.print_exc()
        print("ERROR: this is a fault of lottery itself; please report it with the lines above", file=sys.stderr)
        return INTERNAL
