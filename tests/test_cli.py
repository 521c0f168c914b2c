"""The `lottery` command."""

import tarfile

import pytest

from lottery.cli.main import main
from lottery.store.store import Record, Store
from tests.test_store import ENTRY

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


def test_export_needs_a_file(capsys):
    """The usage says so."""
    with pytest.raises(SystemExit):
        main(["store", "export"])
    assert "store export needs a file" in capsys.readouterr().err


def test_bench_prints_ratios(capsys, monkeypatch):
    """A line per network, the plain loop and the hardware's rate beside the engine; how fast is no test's business."""
    from lottery.cli import bench, scheduling_bench

    monkeypatch.setattr(bench, "CASES", (("tiny", "lenet-300-100", 2),))
    monkeypatch.setattr(scheduling_bench, "SEEDS", 1)
    monkeypatch.setattr(scheduling_bench, "TURNS", 9)
    assert main(["bench"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("scheduling: 5,004 experiments planned in ")
    assert (
        "one thread, torch" in lines[0]
        and lines[-1].split()[:2] == ["lenet-96-48", "2"]
        and len(lines[-1].split()) == 10
    )
