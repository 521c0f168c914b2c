"""`lottery new-claim`: begin a claim, its test and its entry, in the checkout or in a folder of your own."""

import ast
import re
from pathlib import Path
from string import Template

from lottery.claims.claims_folders import BENCHMARKS, EXPECTED, benchmarks_of, expected_file, holds_claims, paper_of
from lottery.claims.entries import Needs, read_in_part
from lottery.claims.fields import PLACEHOLDER
from lottery.claims.resolved import lacks
from lottery.core.errors import LotteryError
from lottery.core.paths import user_path, write_whole
from lottery.experiments.scales import EARLY_STOP, SCALES
from lottery.models.architectures import is_planted

IMPORTS = {  # of what a test needs, by module
    "lottery.claims.claim": ("claim", "effect"),
    "lottery.claims.image_quantities": ("gap",),
    "lottery.experiments.named_arms": ("chain",),
}
TEST = Template('''
@claim("$network")
def test_$name(question):
    """$fill: the claim in a sentence."""
    return effect(gap(chain("large_final"), chain("random"), question.rounds))
''')
ENTRY = Template("""
[[claim]]
id = "$id"
number = "$number"
kind = "effect"
statement = "$fill: the claim in a sentence"
source = "$fill: section, figure or table"
metric = "test accuracy at early stop, large_final minus random, mean over rounds"
unit = "pp"
needs = { dataset = "$dataset", network = "$network", training = "early stop" }

[claim.scales.$scale]
rounds = [4, 8]
seeds = $seeds
region = "$fill: [low, high], inf for an open end"
reason = "$fill: why these values agree with the paper"
$analogue""")
ANALOGUE = 'analogue = "$fill: why its direction survives: it $lacking"\n'
SEEDS = {"tiny": 20, "reduced": 5, "paper": 10}


def new_claim(paper: str, name: str, network: str, claims: str = "") -> str:
    """Return, after writing a claim's test and entry, what was written and what to do next.

    Raise, with nothing written, where one of the two is there already, or cannot be added to what is there.
    """
    paper, name = paper.removeprefix("test_").removesuffix(".py"), name.removeprefix("test_")
    for what, word in (("PAPER", paper), ("NAME", name)):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", word):
            raise LotteryError(
                f"{what} {word!r}: write small letters, digits and _, such as mine_2026 or signs_suffice"
            )
    scale, dataset, lacking = _asked_of(network)
    test, entries = _files(paper, claims)
    id = f"{paper_of(test)}.{name}[{network}]"
    values = {"name": name, "network": network, "id": id, "dataset": dataset, "scale": scale, "lacking": lacking}
    values |= {"fill": PLACEHOLDER, "seeds": str(SEEDS[scale]), "number": str(_number(entries, id))}
    values["analogue"] = Template(ANALOGUE).substitute(values) if lacking else ""
    source = _with_test(test, name, TEST.substitute(values))
    listed = (
        entries.read_text(encoding="utf-8") if entries.is_file() else f'title = "{PLACEHOLDER}: authors, year, title"\n'
    )
    for file, text in ((test, source), (entries, listed.rstrip("\n") + "\n" + ENTRY.substitute(values))):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)
    option = f" --claims {claims}" if claims else ""
    return NEXT.format(test=_place(test, f"def test_{name}("), entry=_place(entries, f'id = "{id}"'), name=name,
                       id=id, fill=PLACEHOLDER, option=option, scale=scale)  # fmt: skip


NEXT = """{test}: the test of {id}
{entry}: its entry

1. Say in the test what is compared; until you do, it compares pruning by large_final with random pruning.
2. Fill in the entry where it says {fill}: what the paper says, which values agree with it (region) and why (reason).
   Do so before anything is measured. Until then the claim is refused, and nothing is trained for it.
3. lottery plan{option} --scale {scale} -k {name}     what it would train, and how long that takes
   lottery run -n auto{option} --scale {scale} -k {name}"""


def _asked_of(network: str) -> tuple[str, str, str]:
    """Return the smallest scale that trains a network until early stop, the paper's data set, and what it lacks."""
    trained = [name for name, trainings in SCALES["paper"].settings.items() if EARLY_STOP in trainings]
    known = [name for name in trained if not is_planted(name)]
    if network not in known:
        raise LotteryError(f"NETWORK {network!r}: new claims can be about tickets of {', '.join(known)}")
    dataset = SCALES["paper"].settings[network][EARLY_STOP].dataset
    needs = Needs(dataset=dataset, network=network, training=EARLY_STOP)
    scale, setting = next((one.name, of) for one in SCALES.values() if (of := one.setting(network, EARLY_STOP)))
    return scale, dataset, lacks(needs, EARLY_STOP, setting)


def _files(paper: str, claims: str) -> tuple[Path, Path]:
    """Return the test file of a paper and its file of entries, in a folder that need not be there yet."""
    folder = user_path(claims) if claims else Path()
    if not claims and not holds_claims(Path(BENCHMARKS)):
        raise LotteryError("there are no claims in the current folder; name a folder of your own with --claims DIR")
    if folder.exists() and not folder.is_dir():
        raise LotteryError(f"--claims {claims}: {folder} is not a folder")
    flat = folder.is_dir() and (holds_claims(folder) and benchmarks_of(folder) == folder.resolve())
    test = (folder if flat else folder / BENCHMARKS) / f"test_{paper}.py"
    return test, expected_file(test) if flat else folder / EXPECTED / f"{paper}.toml"


def _number(entries: Path, id: str) -> int:
    """Return the number of one more claim; raise if the file of entries has it, or cannot be read."""
    if not entries.is_file():
        return 1
    found = read_in_part(entries).entries
    if id in found:
        raise LotteryError(f"{entries} has an entry for {id!r} already; give the new claim another name")
    return len(found) + 1


def _with_test(file: Path, name: str, test: str) -> str:
    """Return the source of a test file with one more test and what that imports; raise if it has one of this name."""
    if not file.is_file():
        lines = [f"from {module} import {', '.join(names)}" for module, names in IMPORTS.items()]
        return (
            f'"""{PLACEHOLDER}: the paper whose claims these are, and its address."""\n\n'
            + "\n".join(lines)
            + "\n\n"
            + test
        )
    source = file.read_text(encoding="utf-8")
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise LotteryError(f"{file}, line {error.lineno}: {error.msg}; fix it before adding a claim") from None
    taken = {node.name: node.lineno for node in body if isinstance(node, ast.FunctionDef)}
    if f"test_{name}" in taken:
        told = f"{file}, line {taken[f'test_{name}']}: there is a test_{name} already"
        raise LotteryError(
            f"{told}; add the network to its @claim(...), and write an entry for it, or choose another name"
        )
    imports = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    bound = {alias.asname or alias.name for node in imports for alias in node.names}
    lacking = [f"from {module} import {', '.join(left)}" for module, names in IMPORTS.items()
               if (left := [one for one in names if one not in bound])]  # fmt: skip
    lines, after = source.splitlines(), imports[-1].end_lineno or 0 if imports else _docstring_ends(body)
    return "\n".join([*lines[:after], *lacking, *lines[after:]]).rstrip() + "\n\n" + test


def _docstring_ends(body: list[ast.stmt]) -> int:
    first = body[0] if body else None
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (first.end_lineno or 0) if first is not None and is_text else 0


def _place(file: Path, text: str) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    return f"{file}, line {next(number for number, line in enumerate(lines, 1) if line.startswith(text))}"
