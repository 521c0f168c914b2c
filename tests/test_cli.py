"""The `lottery` command."""

import gzip
import io
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from lottery.cli.main import _parser, main
from lottery.core.errors import LotteryError
from lottery.models import architectures
from lottery.store.store import Record, Store
from tests.small_networks import SMALL_NETWORKS
from tests.test_store import ENTRY

COMMANDS = next(action for action in _parser()._actions if action.dest == "command").choices  # of `lottery`
KEYS = [f"{index:032x}" for index in range(3)]


@pytest.fixture
def store(tmp_path):
    one = Store(tmp_path / "store")
    for index, key in enumerate(KEYS):
        one.write(key, Record(ENTRY.measurements, ENTRY.arrays, {"what": f"lenet-96-48, dense, round 0, seed {index}"}))
    return one


def test_store_moves_as_one_file(store, tmp_path, capsys):
    """What is exported here is imported there, once."""
    assert main(["store", "export", str(tmp_path / "all.tar"), "--store", str(store.folder)]) == 0
    for expected in ("3 entries of {} are new in", "0 entries of {} are new in"):
        assert main(["store", "import", str(tmp_path / "all.tar"), "--store", str(tmp_path / "other")]) == 0
        assert expected.format(tmp_path / "all.tar") in capsys.readouterr().out
    assert Store(tmp_path / "other").read(KEYS[1]).measurements == ENTRY.measurements


def test_store_tells_what_it_holds(store, capsys):
    """Size, and a line per arm and round."""
    assert main(["store", "list", "--store", str(store.folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "lenet-96-48, dense, round 0, 3 seeds" and lines[1].startswith("3 entries, 0.0 MB in")


@pytest.mark.parametrize("harm", ["missing", "no archive", "foreign", "damaged"])
def test_bad_files_are_one_message(store, tmp_path, capsys, harm):
    """A file that is absent, no tar, not an export, or damaged; nothing damaged enters the store."""
    file = tmp_path / "in.tar"
    if harm == "no archive":
        file.write_text("hello")
    elif harm in ("foreign", "damaged"):
        inside = tmp_path / "notes.txt" if harm == "foreign" else tmp_path / f"{KEYS[0]}.npz"
        inside.write_bytes(b"x" * 100)
        with tarfile.open(file, "w") as archive:
            archive.add(inside, inside.name)
    assert main(["store", "import", str(file), "--store", str(tmp_path / "other")]) == 2
    assert capsys.readouterr().err.startswith("ERROR: ")
    assert not Store(tmp_path / "other").sizes()


def exported(store, tmp_path):
    file = tmp_path / "all.tar"
    assert main(["store", "export", str(file), "--store", str(store.folder)]) == 0
    return file


@pytest.mark.parametrize(
    "harm",
    ["damaged", "another's key", "a link", "a folder", "outside", "twice", "cut short", "cut at a member", "packed"],
)
def test_a_bad_member_keeps_all_others_out(store, tmp_path, capsys, harm):
    """All of a file is checked before anything of it is taken, and the message says so."""
    file = exported(store, tmp_path)
    sound = [(store.folder / "entries" / key[:2] / f"{key}.npz").read_bytes() for key in KEYS]
    if harm in ("damaged", "another's key", "a link", "a folder", "outside", "twice"):
        with tarfile.open(file, "a") as archive:
            names = {"outside": f"../{KEYS[0]}.npz", "twice": f"{KEYS[0]}.npz"}
            member = tarfile.TarInfo(names.get(harm, f"{9:032x}.npz"))
            member.type = {"a link": tarfile.SYMTYPE, "a folder": tarfile.DIRTYPE}.get(harm, tarfile.REGTYPE)
            member.linkname = "/dev/zero" if harm == "a link" else ""
            content = sound[0][:-9] if harm == "damaged" else sound[0] if member.type == tarfile.REGTYPE else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    elif harm.startswith("cut"):
        whole = file.read_bytes()
        file.write_bytes(whole[: whole.index(b"ustar", 600) - 257 if harm == "cut at a member" else len(whole) // 2])
    else:
        file.write_bytes(gzip.compress(file.read_bytes()))
    assert main(["store", "import", str(file), "--store", str(tmp_path / "other")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("ERROR: ") and "nothing was imported" in said and "Traceback" not in said
    assert not Store(tmp_path / "other").sizes()


def test_a_sound_entry_replaces_a_damaged_one(store, tmp_path, capsys):
    """And a sound one stays as it is."""
    file, other = exported(store, tmp_path), Store(tmp_path / "other")
    assert main(["store", "import", str(file), "--store", str(other.folder)]) == 0
    (other.folder / "entries" / KEYS[1][:2] / f"{KEYS[1]}.npz").write_bytes(b"damaged")
    assert main(["store", "import", str(file), "--store", str(other.folder)]) == 0
    assert "1 entries of" in capsys.readouterr().out.splitlines()[-1]
    assert other.read(KEYS[1]).measurements == ENTRY.measurements


@pytest.mark.parametrize("where", ["/dev/null", "folder", "link"])
def test_export_replaces_regular_files_alone(store, tmp_path, capsys, where):
    """Neither a device node nor a folder nor a link."""
    target = Path(where) if where.startswith("/") else tmp_path / where
    if where == "folder":
        target.mkdir()
    elif where == "link":
        target.symlink_to(tmp_path / "elsewhere")
    before = target.lstat().st_mode
    assert main(["store", "export", str(target), "--store", str(store.folder)]) == 2
    assert "is not a regular file" in capsys.readouterr().err and target.lstat().st_mode == before
    assert sorted(file.name for file in tmp_path.iterdir() if file.name.startswith(".")) == []


def test_prune_says_what_is_gone(store, capsys):
    """And only that is."""
    with pytest.warns(UserWarning):
        store.set_aside(KEYS[0], "it was odd")
    assert main(["store", "prune", "--store", str(store.folder)]) == 0
    assert capsys.readouterr().out.startswith("1 entries that had been set aside, 0 unfinished files and 0 locks")
    assert store.keys() == set(KEYS[1:]) and not list((store.folder / "corrupt").iterdir())


def test_export_needs_a_file(capsys):
    """The usage says so."""
    with pytest.raises(SystemExit):
        main(["store", "export"])
    assert "store export needs a file" in capsys.readouterr().err


def test_bench_prints_ratios(capsys, monkeypatch):
    """A line per network, the plain loop and the hardware's rate beside the engine; how fast is no test's business."""
    from lottery.cli import bench, convolutions_bench, masks_bench, scheduling_bench

    monkeypatch.setattr(bench, "masks", lambda: masks_bench.masks(((30, 20),), ((40, 30),)))
    monkeypatch.setattr(bench, "CASES", (("tiny", "lenet-300-100", 2),))
    small = SMALL_NETWORKS["pairs"]
    monkeypatch.setitem(architectures.ARCHITECTURES, "pairs", small)
    cases = (convolutions_bench.Case("pairs", 2, 5, 2), convolutions_bench.Case("pairs", 1, 5, 2, "sgd", 0.1, 0.9))
    monkeypatch.setattr(convolutions_bench, "CASES", cases)
    monkeypatch.setattr(scheduling_bench, "SEEDS", 1)
    monkeypatch.setattr(scheduling_bench, "TURNS", 9)
    assert main(["bench"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("scheduling: 5,004 experiments planned in ")
    perceptron, convolutional = (next(line.split() for line in lines if name in line) for name in ("96-48", "pairs"))
    assert "one thread, torch" in lines[0]
    assert perceptron[:2] == ["lenet-96-48", "2"] and len(perceptron) == 10
    assert convolutional[:2] == ["pairs", "2"] and len(convolutional) == 8
    assert any("all pairs of 100 masks" in line for line in lines) and "torch.kthvalue" in lines[-1]


@pytest.mark.parametrize(
    "device, message",
    [
        ("abacus", "--device abacus: write cpu, cuda or cuda:N"),
        ("mps", "--device mps: write cpu, cuda or cuda:N; of GPUs only NVIDIA's are supported"),
        ("cuda:9", "--device cuda:9: torch sees cuda:0"),
        ("cuda:0", "--device cuda:0: it cannot be used (it is busy)"),
    ],
)
def test_bench_checks_its_device(capsys, monkeypatch, device, message):
    """One message, before anything is measured."""
    from lottery.core import devices

    monkeypatch.setattr(devices, "cards", lambda: (["cuda:0"], ""))
    monkeypatch.setattr(devices, "trouble", lambda device: "it is busy")
    assert main(["bench", f"--device={device}"]) == 2
    assert capsys.readouterr().err.startswith(f"ERROR: {message}")


class TestExitStatus:
    """What scripts can use, of commands that run no claims; docs/command_line.md lists it."""

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_help_with_an_example(self, capsys, command):
        """Its own, and not pytest's."""
        try:
            status = main([command, "--help"])
        except SystemExit as end:
            status = end.code
        told = capsys.readouterr().out
        assert status == 0 and f"example: lottery {command}" in told and f"usage: lottery {command}" in told
        assert len(told.splitlines()) < 80

    @pytest.mark.parametrize("words", [["nonsense"], ["show", "--nonsense"], ["explain"], ["store", "burn"]])
    def test_wrong_arguments_are_one_message(self, capsys, words):
        """After the usage, and nothing is done."""
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == 2 and capsys.readouterr().err.count("error:") == 1

    @pytest.mark.parametrize(
        "raised, status, told",
        [
            (LotteryError("it is not there"), 2, "ERROR: it is not there"),
            (OSError("no space"), 2, "ERROR: no space"),
            (KeyboardInterrupt(), 2, "interrupted"),
            (ZeroDivisionError("by zero"), 3, "please report it"),
        ],
    )
    def test_what_went_wrong(self, capsys, monkeypatch, raised, status, told):
        """A fault of the suite's own is told from what `compare` and `replay` find."""
        monkeypatch.setattr("lottery.cli.show.show", lambda *given: (_ for _ in ()).throw(raised))
        assert main(["show"]) == status and told in capsys.readouterr().err

    def test_nothing_is_like_that(self, capsys, monkeypatch):
        """As of a run that selects no claim."""
        monkeypatch.setattr("lottery.cli.show.show", lambda *given: "")
        assert main(["show", "-k", "nothing"]) == 5 and "no claim of this run" in capsys.readouterr().out


class TestRun:
    """`lottery run` and `lottery plan`: which claims, and what pytest is told."""

    @pytest.fixture
    def told(self, monkeypatch, tmp_path):
        """A function that gives the command arguments in an empty folder and returns pytest's."""
        taken = []
        monkeypatch.setattr(
            pytest, "main", lambda arguments, plugins: taken.append(arguments) or pytest.ExitCode.TESTS_FAILED
        )
        monkeypatch.chdir(tmp_path)
        return lambda *arguments: (main(list(arguments)), *taken.pop())

    def claims(self, folder):
        """Lay out a file of claims with its entries."""
        for name in ("benchmarks/test_mini_2020.py", "expected/mini_2020.toml"):
            (folder / name).parent.mkdir(parents=True)
            (folder / name).write_text("")

    def test_the_packages_claims(self, told, tmp_path):
        """From an empty folder: the package's claims, as a checkout would name them; status and cache stay here."""
        status, *arguments = told("run", "-k", "signs", "--scale", "tiny")
        assert status == 1 and arguments[-4:] == ["-k", "signs", "--scale", "tiny"]
        folder = Path(next(argument for argument in arguments if argument.endswith("benchmarks")))
        assert (folder / "test_zhou_2019.py").exists() and f"--rootdir={folder.parent}" in arguments
        assert f"cache_dir={tmp_path / '.pytest_cache'}" in arguments

    def test_own_claims_come_first(self, told, tmp_path):
        """A folder benchmarks counts if it has claims; named files are all that runs."""
        (tmp_path / "benchmarks").mkdir()
        assert "benchmarks" not in told("run")
        (tmp_path / "benchmarks").rmdir()
        self.claims(tmp_path)
        assert told("run", "-n0")[-2:] == ("benchmarks", "-n0")
        assert told("plan")[-4:] == ("benchmarks", "--plan", "-n0", "-q")
        assert "benchmarks" not in told("run", "benchmarks/test_mini_2020.py::test_x")

    def test_which_arguments_are_claims(self, tmp_path):
        """Paths, test ids, and with --pyargs packages; not any folder that happens to be called benchmarks."""
        from lottery.plugin.options import claims_asked

        self.claims(tmp_path)
        (tmp_path / "else" / "benchmarks").mkdir(parents=True)
        for argument, pyargs, expected in [
            ("benchmarks", False, True),
            ("benchmarks/test_mini_2020.py::test_x[net]", False, True),
            (str(tmp_path / "benchmarks"), False, True),
            ("else/benchmarks", False, False),
            ("nowhere/benchmarks", False, False),
            ("lottery.plugin", True, False),
            ("no.such.package", True, False),
            (".", False, False),
        ]:
            invocation = SimpleNamespace(dir=tmp_path)
            config = SimpleNamespace(
                args=[argument], invocation_params=invocation, getoption=lambda name, default, pyargs=pyargs: pyargs
            )
            assert claims_asked(config) is expected, argument
