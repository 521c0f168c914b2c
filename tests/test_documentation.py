"""The documentation does what it says: every code block runs, every command in a sentence exists, links lead somewhere.

A block's language says what becomes of it. ```python runs; a page's blocks share their names. One that begins with
`# mine.py` is that file, one that begins with `# in FILE` is added to a file of the suite. ```toml is read as the file
that it names, ```sh is run without training, ```text is output: that of the Python block above it, or a run's screen.
```{toctree} is the site's table of contents. A block that cannot be run says why beside its language: ```sh (not run:
needs a cluster).
"""

import __future__

import argparse
import configparser
import importlib
import io
import json
import os
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch
from _pytest.mark import KeywordMatcher
from _pytest.mark.expression import Expression

import tests.test_criteria as formulas
from lottery.claims import entries
from lottery.claims.claims_folders import benchmarks_of
from lottery.cli import main as command
from lottery.data.catalogue import DATASETS
from lottery.experiments import own_datasets, own_networks
from lottery.experiments.scales import SCALES
from lottery.masks import contract, own_criteria, own_treatments, replaced_criteria
from lottery.masks.criteria import CRITERIA
from lottery.masks.kept_values import TREATMENTS
from lottery.models.architectures import ARCHITECTURES
from lottery.plugin import options
from tests.documentation import ROOT, Block, Page, pages
from tests.result_helpers import result, whole

PAGES = {page.name: page for page in pages()}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OWN = {
    "criterion": own_criteria,
    "as": replaced_criteria,
    "treatment": own_treatments,
    "dataset": own_datasets,
    "network": own_networks,
}
SHORTER = {"rates": ["--runs=20"], "gate": ["--runs=1"]}  # what a command gets so that it takes a second
ONLY_PARSED = {"bench": "takes minutes", "check-gpu": "takes minutes, and a GPU"}
RUNS = ("results", "results/2026-11-29-123005-tiny", "results/2026-11-30-123005-tiny")
OWN_FILE = """
from torch import nn
def score(w_final):
    return w_final.abs()
def start(w_init):
    return w_init
def frozen(newly):
    return newly
def network():
    return nn.Sequential(nn.Linear(64, 10))
network.dataset = "digits"
"""
LANGUAGES = ("python", "toml", "sh", "text", "{toctree}")
WORDS = r"[a-z][\w-]*"


class Recorder:
    """Keeps the tests that pytest collects."""

    items: Sequence[pytest.Item] = ()

    def pytest_collection_finish(self, session):
        self.items = session.items


COLLECTED: list[pytest.Item] = []  # the claims, those of the recipes included, once they are needed


@pytest.fixture
def claims(tmp_path_factory):
    """A function that returns the claims as pytest collects them, with those that pages add."""

    def collect():
        if not COLLECTED:
            COLLECTED.extend(collected(tmp_path_factory.mktemp("checkout")))
        return COLLECTED

    return collect


def collected(checkout: Path) -> list[pytest.Item]:
    """Lay out the claims of the suite and of the pages in a folder, and return what pytest collects there."""
    for folder in ("benchmarks", "expected"):
        shutil.copytree(ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("baselines", "__pycache__"))
    for block in (block for page in PAGES.values() for block in page.blocks):
        if (place := place_of(block)) and place[1].parts[0] in ("benchmarks", "expected"):
            with (checkout / place[1]).open("a", encoding="utf-8") as file:
                file.write("\n\n" + block.text)
    (checkout / "own.py").write_text(OWN_FILE)
    own = [f"--criterion=collected={checkout}/own.py:score", f"--network=collected={checkout}/own.py:network"]
    own += [f"--treatment=collected_{name}={checkout}/own.py:{name}" for name in ("start", "frozen")]
    where = ["-c", os.devnull, f"--rootdir={checkout}", "-p", "no:cacheprovider", "-p", "lottery.plugin.hooks", "-n0"]
    imported = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == "benchmarks"}
    recorder = Recorder()
    with redirect_stdout(io.StringIO()) as out, patch.object(sys, "path", [*sys.path]):
        pytest.main([str(checkout / "benchmarks"), "--collect-only", *where, *own], plugins=[recorder])
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]
    sys.modules.update(imported)
    own_criteria.forget("collected"), own_networks.forget("collected")
    own_treatments.forget("collected_start"), own_treatments.forget("collected_frozen")
    assert recorder.items, out.getvalue()
    return recorder.items


def place_of(block: Block) -> tuple[str, Path] | None:
    """Return to which part of which file of the repository a block belongs, as its first line says; or None."""
    match = re.match(r"# in (?:(.+) of )?([\w/]+\.\w+)\n", block.text)
    return (match[1] or "", Path(match[2])) if match else None


class Reader:
    """Somebody who reads one page, in an empty folder, and does what its blocks say; raises where one is wrong."""

    def __init__(self, config: pytest.Config, claims):
        self.names: dict[str, object] = {"__name__": "__main__"}  # of the page's Python
        self.added: dict[str, object] = {}  # what blocks define within modules of the suite
        self.config, self.claims, self.printed = config, claims, ""

    def do(self, block: Block) -> None:
        if block.reason:
            return
        assert not block.remark, f"{block.remark!r} says nothing to the tests; write (not run: REASON)"
        assert block.language in LANGUAGES, f"nothing runs blocks of {block.language!r}"
        getattr(self, block.language.strip("{}"))(block)

    def python(self, block: Block) -> None:
        file = re.match(r"# (\w+\.py)\n", block.text)
        if place := place_of(block):
            self._add(block, *place)
        elif file:
            Path(file[1]).write_text(block.text, encoding="utf-8")
            exec(compile(block.text, str(block), "exec"), {"__name__": "own"})
        else:
            with redirect_stdout(io.StringIO()) as out:
                exec(compile(block.text, str(block), "exec"), self.names)
            self.printed = out.getvalue()

    def _add(self, block: Block, part: str, path: Path) -> None:
        """Execute a block within the module of its file, or put its entries into the collection that it names."""
        if path.parts[0] == "benchmarks":  # collected with all other claims
            wanted = re.findall(r"^def (test_\w+)", block.text, re.MULTILINE)
            assert wanted and set(wanted) <= {item.originalname for item in self.claims()}
            return
        assert (ROOT / path).is_file(), f"there is no {path}"
        module = importlib.import_module(".".join(path.with_suffix("").parts))
        names = dict(vars(module))
        if not part:
            flags = __future__.annotations.compiler_flag if "annotations" in names else 0
            exec(compile(block.text, str(block), "exec", flags, dont_inherit=True), names)
            self.added |= {name: value for name, value in names.items() if name not in vars(module)}
            return
        names |= self.added
        if part == "ARCHITECTURES":
            ARCHITECTURES.update({one.name: one for one in eval(f"[{block.text}]", names)})
        elif part == "test_formulas":
            for row in eval(f"[{block.text}]", names):
                formulas.test_formulas(*row)
        else:
            {"DATASETS": DATASETS, 'the settings of "tiny"': SCALES["tiny"].settings}[part].update(
                eval(f"{{{block.text}}}", names)
            )

    def toml(self, block: Block) -> None:
        """Read entries as the file that they belong to; the claims that they speak of are those of the benchmarks."""
        _, path = place_of(block) or ("", Path())
        assert path.parts[:1] == ("expected",), "the first line has to say which file of expected/ this belongs to"
        title = "" if re.search("^title", block.text, re.MULTILINE) else 'title = "A paper"\n'
        Path(path.name).write_text(title + block.text, encoding="utf-8")
        found = entries.read(Path(path.name))
        paper = re.sub(r"_(?=\d)", "", path.stem)
        stated = {f"{paper}.{item.name.removeprefix('test_')}" for item in self.claims()}
        assert found and set(found) <= stated

    def text(self, block: Block) -> None:
        if block.text.startswith("lottery "):
            check_screen(block.text)
        elif block.above and block.above.language == "python":
            check_output(self.printed, block.text)

    def toctree(self, block: Block) -> None:
        """Check that the site's table of contents names pages; `tox -e docs` finds those that it leaves out."""
        for entry in block.text.splitlines():
            page = re.sub(r".*<(.+)>$", r"\1", entry)  # a title may stand before it
            if entry and not entry.startswith(":"):
                assert (ROOT / block.page).parent.joinpath(f"{page}.md").is_file(), f"there is no page {page}"

    def sh(self, block: Block) -> None:
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words:
                end = words.index("&&") if "&&" in words else len(words)
                self.type(words[:end])
                words = words[end + 1 :]

    def type(self, words: list[str]) -> None:
        """Check a command; what would train or install is looked at and not done."""
        name, rest = words[0], words[1:]
        if name == "python" and rest[:1] == ["-m"]:
            name, rest = rest[1], rest[2:]
        if name == "lottery":
            self.lottery(rest)
        elif name == "pytest":
            self.pytest(rest)
        elif name == "pip":
            named = [extra for word in rest for extra in re.findall(r"\[([\w,]+)\]", word)]
            assert {*",".join(named).split(",")} - {""} <= {*PROJECT["project"]["optional-dependencies"]}, words
        elif name == "tox":
            tox = configparser.ConfigParser()
            tox.read(ROOT / "tox.ini", encoding="utf-8")
            named = [after for word, after in zip(rest, rest[1:]) if word == "-e"]
            assert all(f"testenv:{one}" in tox for one in named), f"tox.ini lacks one of {named}"
        elif name == "pre-commit":
            assert (ROOT / ".pre-commit-config.yaml").is_file()
        elif name.startswith("tests."):
            assert importlib.util.find_spec(name), f"there is no {name}"
        else:
            assert name in ("cd", "git", "export"), f"nothing checks {name!r}; write ```sh (not run: REASON)"

    def lottery(self, words: list[str]) -> None:
        name, rest = words[0], words[1:]
        if name in ("run", "plan"):
            self.pytest(["benchmarks", *rest])
        elif name in ONLY_PARSED:
            command._parser().parse_args(words)
        else:
            self._results()
            with redirect_stdout(io.StringIO()) as out:
                status = command.main([*words, *SHORTER.get(name, ())])
            assert status == 0, out.getvalue()

    def _results(self) -> None:
        """Lay down two runs of all claims."""
        if not Path("results").exists():
            verdicts = cycle(("reproduced", "refuted", "inconclusive", "skipped"))
            ids = (item.callspec.params["claim"].id for item in self.claims())
            report = whole(*(result(id, verdict=verdict) for id, verdict in zip(ids, verdicts)))
            for run in RUNS[1:]:
                Path(run).mkdir(parents=True)
                Path(run, "results.json").write_text(json.dumps(report), encoding="utf-8")
            Path("results/latest").symlink_to(Path(RUNS[2]).name)

    def pytest(self, words: list[str]) -> None:
        """Check every option, own files included, and that the claims or tests which are named exist."""
        given = self.config._parser.parse(words)  # as this run of pytest, which has the suite's plugin
        for path in given.file_or_dir:
            assert (ROOT / path).exists(), f"there is no {path}"
        config = SimpleNamespace(option=given, getoption=lambda name: getattr(given, name))
        options.budget(config), options.chosen_scale(config)
        assert given.lottery_precision in options.PRECISIONS
        baseline = given.lottery_baseline
        assert not baseline or (ROOT / baseline).exists() or baseline in RUNS, f"there is no {baseline}"
        for folder in given.lottery_claims:
            benchmarks_of(folder)
        loaded = [(module, module.load(own)) for name, module in OWN.items() for own in options.given(config, name)]
        for module, own in loaded:
            if module in (own_criteria, replaced_criteria):
                contract.check(own)
            module.forget(own)
        if given.keyword and "benchmarks" in given.file_or_dir:
            expression = Expression.compile(given.keyword)
            assert any(expression.evaluate(KeywordMatcher.from_item(item)) for item in self.claims()), "nothing is left"


def check_output(printed: str, promised: str) -> None:
    """Raise unless a block printed what stands below it; numbers as far as arithmetic differs."""
    numbers = r"\d+(?:\.\d+)?"
    assert re.split(numbers, printed.strip()) == re.split(numbers, promised.strip())
    for one, other in zip(re.findall(numbers, printed), re.findall(numbers, promised)):
        assert abs(float(one) - float(other)) <= 0.03 * max(1, float(other)), f"{one} was printed, not {other}"


def check_screen(text: str) -> None:
    """Raise unless a screen fits 100 columns, counts every test once, and names claims that there are."""
    assert max(map(len, text.splitlines())) <= 100
    answered, asked = map(int, re.search(r"(\d+) of (\d+) tests answered", text).groups())
    table = text[text.index("reproduced    refuted") :].split("\n\n")[0].splitlines()[1:]
    cells = [re.findall(r"(?<=\s)(?:\d+|-)(?=\s|$)", re.sub(r"\d+ of \d+$", "", line)[38:]) for line in table]
    counts = [[int(cell.replace("-", "0")) for cell in row] for row in cells]
    assert all(len(row) == 4 for row in counts)
    assert sum(sum(row[:3]) for row in counts) == answered and sum(map(sum, counts)) == asked
    main = text[text.index("MAIN CLAIMS") :].split("\n\n")[0].splitlines()[1:]
    headlines = [entry.headline for entry in every_entry() if entry.headline]
    for line in main:
        assert any(line[6:35].strip().rstrip("… ") in headline for headline in headlines), line


def every_entry() -> list[entries.Entry]:
    return [entry for path in sorted(ROOT.glob("expected/*.toml")) for entry in entries.read(path).values()]


@pytest.fixture
def reader(claims, tmp_path, monkeypatch, pytestconfig):
    """A function that returns a reader in an empty folder; what blocks add to the suite is taken out."""
    briefly = {
        name: {
            training: replace(setting, config=replace(setting.config, iterations=24, interval=12))
            for training, setting in trainings.items()
        }
        for name, trainings in SCALES["tiny"].settings.items()
        if name.startswith("planted-")
    }
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    with ExitStack() as stack:
        for registry in (CRITERIA, TREATMENTS, ARCHITECTURES, DATASETS, SCALES["tiny"].settings):
            stack.enter_context(patch.dict(registry))
        SCALES["tiny"].settings.update(briefly)
        stack.enter_context(patch.object(sys, "path", [*sys.path]))
        stack.enter_context(torch.random.fork_rng(devices=[]))
        yield lambda: Reader(pytestconfig, claims)


def run_all(reader: Reader, blocks: list[Block]) -> None:
    """Do what the blocks say, one after the other; fail with the line of the first that does not run."""
    for block in blocks:
        try:
            reader.do(block)
        except (Exception, SystemExit) as error:
            told = f"{type(error).__name__}: {error}".strip()
            pytest.fail(f"{block}: {told}", pytrace=False)


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if page.blocks])
def test_every_block_runs(name, reader):
    """In the order of the page; the message names the line of the first that does not."""
    run_all(reader(), PAGES[name].blocks)


WRONG = [
    ("python", "print(undefined)", "NameError: name 'undefined'"),
    ("python", "# in lottery/masks/criteria.py\n@criterion\ndef mine(w_lost):\n    return w_lost", "asks for w_lost"),
    ("python", '# in DATASETS of lottery/data/catalogue.py\n"new": undefined,', "NameError: name 'undefined'"),
    ("python", '# in test_formulas of tests/test_criteria.py\n("large_final", [1, 1, 1, 1]),', "AssertionError"),
    ("python", "# in benchmarks/test_zhou_2019.py\ndef test_nothing(question):\n    return", "AssertionError"),
    ("python (slow)", "1 + 1", "says nothing to the tests"),
    ("toml", '# in expected/zhou_2019.toml\n[[claim]]\nid = "a"', "the field 'number' is missing"),
    ("toml", "a = 1", "which file of expected/"),
    ("text", "lottery 0.1.0 · tiny\nAS EXPECTED  2 of 3 tests answered", "ValueError"),
    ("", "lottery --version", "nothing runs blocks of ''"),
    ("json", "{}", "nothing runs blocks of 'json'"),
    ("sh", "lottery run -k no_claim_is_called_so", "nothing is left"),
    ("sh", "lottery run --scael tiny", "unrecognized arguments: --scael"),
    ("sh", "lottery run --scale huge", "there is no scale 'huge'"),
    ("sh", "lottery run --budget 5", "--budget 5: write a number and its unit"),
    ("sh", "lottery run --criterion mine=there_is_no.py:score", "there is no file"),
    ("sh", "lottery shew", "SystemExit"),
    ("sh", "pip install lottery[everything]", "everything"),
    ("sh", "tox -e nowhere", "tox.ini lacks one of"),
    ("sh", "python -m pytest tests/test_nothing.py", "there is no tests/test_nothing.py"),
    ("sh", "make", "nothing checks 'make'"),
    ("{toctree}", ":hidden:\n\nnowhere", "there is no page nowhere"),
]


@pytest.mark.parametrize("language, text, message", WRONG)
def test_a_wrong_block_fails(language, text, message, reader, tmp_path):
    """In every language, with a message that names its line; and a reason spares it."""
    (tmp_path / "page.md").write_text(f"A page\n\n```{language}\n{text}\n```\n", encoding="utf-8")
    blocks = Page(tmp_path / "page.md", tmp_path).blocks
    with pytest.raises(pytest.fail.Exception, match=rf"(?s)^page\.md:3: .*{re.escape(message)}"):
        run_all(reader(), blocks)
    run_all(reader(), [replace(block, remark="(not run: an example of what is wrong)") for block in blocks])


def test_output_is_what_was_printed(reader, tmp_path):
    """Words are compared as they are, numbers up to a few per cent."""
    for said, right in (("a 0.51 b", True), ("a 0.6 b", False), ("a 0.5 c", False)):
        text = f"```python\nprint('a', 0.5, 'b')\n```\n\n```text\n{said}\n```\n"
        (tmp_path / "page.md").write_text(text, encoding="utf-8")
        one, blocks = reader(), Page(tmp_path / "page.md", tmp_path).blocks
        if right:
            run_all(one, blocks)
        else:
            with pytest.raises(pytest.fail.Exception, match=r"page\.md:5"):
                run_all(one, blocks)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    """To a file of the repository, and to a heading of it."""
    page = PAGES[name]
    for line, link in page.links:
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        place = (page.path.parent / path).resolve() if path else page.path
        assert place.exists(), f"{name}:{line}: {link} leads nowhere"
        assert not anchor or anchor in Page(place).anchors, f"{name}:{line}: {place.name} has no heading #{anchor}"


@pytest.mark.parametrize("name", PAGES)
def test_commands_in_sentences_exist(name, pytestconfig):
    """Every `lottery COMMAND` and every `--option` that a sentence or a table names."""
    known = known_options(pytestconfig)
    for line, span in PAGES[name].spans:
        if match := re.match(rf"lottery ({WORDS})", span):
            assert match[1] in commands(), f"{name}:{line}: there is no lottery {match[1]}"
        if re.match(r"(lottery|pytest|python -m (pytest|lottery)|tox) |--", span):
            for option in re.findall(r"(?<![\w-])--[a-z][\w-]+", span):
                assert option in known, f"{name}:{line}: there is no {option}"


def known_options(config: pytest.Config) -> set[str]:
    """Return the long options of pytest with the suite's plugin, every command, and what pages name besides."""
    pytests = getattr(config._parser, "optparser", None) or config._parser._getparser()
    parsers = [pytests, *commands().values()]
    found = {name for parser in parsers for action in parser._actions for name in action.option_strings}
    return found | {"--lf", "--offline", "--short", "--version"}


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the commands of `lottery` by name."""
    return next(action.choices for action in command._parser()._actions if isinstance(action.choices, dict))
