"""The `lottery` command: what does not belong into a test run."""

import argparse
import io
import sys
import tarfile
from collections import Counter

from lottery.core.errors import LotteryError
from lottery.core.paths import user_path
from lottery.core.text import printable
from lottery.experiments.scales import SCALES


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
    from lottery.cli.run import run

    return run(["--plan", "-n0", "-q", *options.arguments])


def _curves(options: argparse.Namespace) -> None:
    from lottery.report.figures import draw

    for file in draw(user_path(options.results)):
        print(file)


def _show(options: argparse.Namespace) -> None:
    from lottery.cli.show import FILTERS, show

    chosen = [name for name in FILTERS if getattr(options, name)]
    print(show(user_path(options.run_folder), chosen, options.words, options.table))


def _explain(options: argparse.Namespace) -> None:
    from lottery.cli.show import explain

    print(explain(user_path(options.run_folder), options.claim))


def _compare(options: argparse.Namespace) -> int:
    from lottery.cli.compare import compare_runs

    text, drifted = compare_runs(user_path(options.before), user_path(options.after))
    print(text)
    return int(drifted)


def _baseline(options: argparse.Namespace) -> None:
    from lottery.cli.baseline import baseline

    print(baseline(user_path(options.results), options.folder and user_path(options.folder)))


def _gate(options: argparse.Namespace) -> None:
    from lottery.cli.gate import gate
    from lottery.cli.run import claims_folder

    print(gate(claims_folder().absolute().parent / "expected", options.scale, options.runs))


def _store(options: argparse.Namespace) -> None:
    from lottery.store.store import Store, store_folder

    store = Store(store_folder(options.store))
    if options.action == "export":
        count = store.export(user_path(options.file))
        print(f"{count} entries of {store.folder} are in {options.file}")
    elif options.action == "import":
        new, known = store.take(user_path(options.file))
        print(f"{new} entries of {options.file} are new in {store.folder}, {known} were there")
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lottery", description="The claims are tests: in a checkout, pytest benchmarks -n auto runs them as well."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    bench = commands.add_parser("bench", help="measure the engine against a plain loop and the hardware")
    bench.add_argument("--device", default="cpu", help="cpu or cuda:N (default: cpu)")
    bench.set_defaults(run=_bench)
    check = commands.add_parser(
        "check-gpu", help="check that everything works on a GPU; takes minutes, downloads nothing"
    )
    check.add_argument("--device", default="cuda", help="cuda or cuda:N (default: cuda, the first one)")
    check.set_defaults(run=_check_gpu)
    rates = commands.add_parser("rates", help="simulate how often verdicts on means are wrong, and what they find")
    rates.add_argument("--runs", type=int, help="simulated claims in every cell of the tables (default: 20000)")
    rates.set_defaults(run=_rates)
    told = (
        "run the claims of the folder benchmarks, else those of the package; takes pytest's arguments: -n auto, -k, ..."
    )
    commands.add_parser("run", help=told, add_help=False).set_defaults(run=_run)
    told = "what would be trained, and how long that takes here; takes the same arguments, such as --scale and -k"
    commands.add_parser("plan", help=told, add_help=False).set_defaults(run=_plan)
    told = "a run's folder, or that of all results for the latest (default: results)"
    show = commands.add_parser("show", help="what a run came to, on one screen, or its claims of one verdict")
    show.add_argument("run_folder", metavar="RUN", nargs="?", default="results", help=told)
    for name in ("unexpected", "reproduced", "refuted", "inconclusive", "skipped"):
        show.add_argument(f"--{name}", action="store_true", help=f"the claims that are {name}, with the reason")
    show.add_argument("-k", dest="words", metavar="TEXT", default="", help="claims with this in their names")
    show.add_argument("--table", action="store_true", help="all claims in a table")
    show.set_defaults(run=_show)
    explain = commands.add_parser("explain", help="one claim in full: source, region and reason, seeds, arms, p-values")
    explain.add_argument(
        "claim", metavar="CLAIM", help="its name or a part of it, or its letter and number, such as F12"
    )
    explain.add_argument("run_folder", metavar="RUN", nargs="?", default="results", help=told)
    explain.set_defaults(run=_explain)
    compare = commands.add_parser("compare", help="what moved from one run to another; status 1 if by more than chance")
    compare.add_argument("before", metavar="BEFORE", help="a run's folder or results.json")
    compare.add_argument("after", metavar="AFTER", nargs="?", default="results", help=told)
    compare.set_defaults(run=_compare)
    curves = commands.add_parser(
        "curves", help="draw the papers' figures, and masks, from a run's measurements, into its folder"
    )
    curves.add_argument(
        "results",
        nargs="?",
        default="results",
        help="a run's folder, or that of all results for the latest (default: results)",
    )
    curves.set_defaults(run=_curves)
    baseline = commands.add_parser("baseline", help="keep a run's claims in tables that --baseline reads")
    told = "a run's folder or results.json; other claims keep their rows"
    baseline.add_argument("results", metavar="RESULTS", help=told)
    baseline.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="default: expected/baselines/ and the run's scale"
    )
    baseline.set_defaults(run=_baseline)
    gate = commands.add_parser("gate", help="how often the exit status cries wolf, and what it catches, by simulation")
    gate.add_argument("--scale", default="tiny", choices=tuple(SCALES), help="of the baseline (default: tiny)")
    gate.add_argument("--runs", type=int, default=100, help="how many runs are simulated (default: 100)")
    gate.set_defaults(run=_gate)
    store = commands.add_parser("store", help="what is in the store; move it as one file; remove what is of no use")
    store.add_argument("action", choices=("size", "list", "export", "import", "prune"))
    store.add_argument("file", nargs="?", help="of export and import, such as store.tar")
    store.add_argument("--store", metavar="DIR", help="the store (default: LOTTERY_STORE, else the user's cache)")
    store.set_defaults(run=_store)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; what is wrong outside is one message and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever the terminal's encoding, a table is shown
            stream.reconfigure(errors="replace")
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    options.arguments = rest
    if rest and options.command not in ("run", "plan"):
        parser.error(f"unrecognised: {' '.join(rest)}")
    if options.command == "store" and options.action in ("export", "import") and not options.file:
        parser.error(f"store {options.action} needs a file")
    try:
        return int(options.run(options) or 0)
    except (LotteryError, OSError, tarfile.TarError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
