"""`lottery new-claim`: what it writes is refused until it is filled in, and it harms nothing that is there."""

import importlib.util
import re
from pathlib import Path

import pytest

from lottery.claims import entries
from lottery.claims.claim import differences
from lottery.claims.fields import PLACEHOLDER
from lottery.claims.resolved import resolve
from lottery.cli import main
from lottery.cli.new_claim import IMPORTS
from lottery.core.errors import LotteryError
from lottery.experiments.scales import SCALES
from tests.test_claims_folders import lay_out

FILLED = {"region": "[0, inf]"}  # all else is text


@pytest.fixture
def new_claim(tmp_path, monkeypatch, capsys):
    """A function that runs the command in an empty folder, and returns its exit status and what it said."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        status = main.main(["new-claim", *words])
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def fill_in(file: Path) -> None:
    """Write something for every placeholder of a file of entries."""
    text = re.sub(rf'^(\w+) = "{PLACEHOLDER}.*"', lambda found: f"{found[1]} = {FILLED.get(found[1], repr('text'))}",
                  file.read_text(), flags=re.MULTILINE)  # fmt: skip
    file.write_text(text)


def claims_of(file: Path) -> list:
    """Return the claims that a test file states."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    return [parameter.values[0] for test in tests for parameter in test.pytestmark[0].args[1]]


@pytest.mark.parametrize("network, scale, kept", [("lenet-300-100", "tiny", 8), ("conv-4", "reduced", 8)])
def test_a_new_claim_is_whole_but_for_what_it_says(new_claim, network, scale, kept):
    """Its test and entry are the same claim; filled in, it is asked at the scale that the next command names."""
    status, told = new_claim("mine_2026", "signs_suffice", network, "--claims", "mine")
    assert status == 0 and f"lottery run -n auto --claims mine --scale {scale} -k signs_suffice" in told
    test, file = Path("mine/benchmarks/test_mine_2026.py"), Path("mine/expected/mine_2026.toml")
    for place in re.findall(r"(?m)^(mine/\S+), line (\d+):", told):
        assert "signs_suffice" in Path(place[0]).read_text().splitlines()[int(place[1]) - 1]
    (claim,) = claims_of(test)
    found = entries.read_in_part(file)
    assert differences(test.resolve(), found.entries) == ({}, [])
    for name in ("statement", "source", "region", "reason"):
        assert re.search(rf"{name} = '{PLACEHOLDER}[^;]*' is still to be filled in", found.wrong[claim.id]), name
    refused = resolve(claim, found.entries[claim.id], SCALES[scale], found.wrong[claim.id])
    assert refused.error and not refused.experiments
    fill_in(file)
    asked = resolve(claim, entries.read(file)[claim.id], SCALES[scale])
    assert not asked.error and not asked.skip and {one.round for one in asked.experiments} == {4, kept}


def test_more_claims_join_those_that_are_there(new_claim):
    """What is lacking is imported, whatever a file imports already; either layout of a folder is kept."""
    folder = lay_out(Path("flat"), "flat_2026", flat=True)
    for name in ("one", "two"):
        assert new_claim("flat_2026", name, "conv-2", "--claims=flat")[0] == 0
    assert sorted(file.name for file in folder.iterdir()) == ["expected", "test_flat_2026.py"]
    fill_in(folder / "expected" / "flat_2026.toml")
    found = entries.read(folder / "expected" / "flat_2026.toml")
    assert [entry.number for entry in found.values()] == ["1", "2", "3"]
    assert {claim.id for claim in claims_of(folder / "test_flat_2026.py")} == set(found)
    source = (folder / "test_flat_2026.py").read_text()
    imported = [name for names in IMPORTS.values() for name in names]
    assert all(len(re.findall(rf"import .*\b{name}\b", source)) == 1 for name in imported)


def test_a_checkout_is_where_new_claims_go(new_claim):
    """Where one stands in it."""
    lay_out(Path(), "some_2026")
    assert new_claim("some_2026", "more", "conv-2")[0] == 0
    assert "def test_more(" in Path("benchmarks/test_some_2026.py").read_text()


@pytest.mark.parametrize(
    "words, message",
    [
        (
            ["flat_2026", "other", "lenet-300-100"],
            "line 6: there is a test_other already; add the network to its @claim",
        ),
        (["flat_2026", "stated", "conv-2"], "has an entry for 'flat2026.stated[conv-2]' already"),
        (["broken_2026", "new", "conv-2"], "test_broken_2026.py, line 1: '(' was never closed; fix it before"),
        (["spoilt_2026", "new", "conv-2"], "expected/spoilt_2026.toml is not valid TOML"),
        (["flat_2026", "new", "lenet"], "NETWORK 'lenet': new claims can be about tickets of lenet-300"),
        (["flat_2026", "New", "conv-2"], "NAME 'New': write small letters, digits and _"),
        (["../flat", "new", "conv-2"], "PAPER '../flat': write small letters, digits and _"),
        (["flat_2026", "new", "conv-2", "--claims=file"], "--claims file: file is not a folder"),
        (["flat_2026", "new", "conv-2", "--claims="], "there are no claims in the current folder; name a folder"),
    ],
)
def test_what_cannot_be_begun_is_one_message(new_claim, words, message):
    """And nothing is written."""
    folder = lay_out(Path("flat"), "flat_2026", flat=True)
    Path("file").touch()
    (folder / "test_broken_2026.py").write_text("claim(")
    (folder / "test_spoilt_2026.py").write_text("")
    (folder / "expected" / "spoilt_2026.toml").write_text("title =")
    with (folder / "expected" / "flat_2026.toml").open("a") as file:
        file.write('\n[[claim]]\nid = "flat2026.stated[conv-2]"\n')
    before = {file: file.read_bytes() for file in Path().rglob("*.*") if file.is_file()}
    status, told = new_claim(*words, *([] if "--claims" in words[-1] else ["--claims=flat"]))
    assert status == 2 and message in told and told.count("ERROR: ") == 1
    assert {file: file.read_bytes() for file in Path().rglob("*.*") if file.is_file()} == before


def test_a_placeholder_is_refused_wherever_it_stands(tmp_path):
    """In the file's title, too."""
    (tmp_path / "a_2026.toml").write_text(f'title = "{PLACEHOLDER}"\n')
    with pytest.raises(LotteryError, match="a_2026.toml: title = 'FILL IN' is still to be filled in"):
        entries.read(tmp_path / "a_2026.toml")
