"""Paths: what is written is there whole or not at all, whoever else writes, and never through a planted link."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lottery.core import paths
from lottery.core.errors import LotteryError
from lottery.core.paths import beside, cache_folder, data_folder, user_path, write_folder, write_whole

FILES = {"results.json": "{}\n", "measurements.csv.gz": b"\x1f\x8b"}


def test_a_file_is_replaced_whole(tmp_path):
    """By as many writers as there are at once; nothing else stays."""
    file = tmp_path / "file"
    texts = [f"{number}\n" * 1000 for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda text: write_whole(file, text), texts))
    assert file.read_text() in texts and list(tmp_path.iterdir()) == [file]


def test_no_link_is_followed(tmp_path, monkeypatch):
    """Not even where somebody has guessed the temporary name; a link in the file's own place is replaced."""
    precious, file = tmp_path / "precious", tmp_path / "file"
    precious.write_text("precious")
    file.symlink_to(precious)
    write_whole(file, "new")
    assert precious.read_text() == "precious" and file.read_text() == "new" and not file.is_symlink()
    (tmp_path / "guessed").symlink_to(precious)
    monkeypatch.setattr(paths, "beside", lambda path: tmp_path / "guessed")
    with pytest.raises(FileExistsError):
        write_whole(file, "newer")
    assert precious.read_text() == "precious"
    assert len({beside(file) for _ in range(100)}) == 100


def test_a_folder_comes_whole_or_not_at_all(tmp_path, monkeypatch):
    """A disk that is full after the first file leaves nothing behind."""
    written = []

    def full(path, content):
        if written:
            raise OSError(28, "No space left on device")
        written.append(path)

    monkeypatch.setattr(paths, "write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        write_folder(tmp_path / "run", FILES)
    assert written and not list(tmp_path.iterdir())


def test_folders_of_one_name_do_not_meet(tmp_path):
    """Each writer has one of its own, whole, whatever the others write at the same moment."""
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: write_folder(tmp_path / "run", FILES), range(64)))
    assert len(set(made)) == 64 and sorted(made) == sorted(tmp_path.iterdir())
    assert all((folder / name).exists() for folder in made for name in FILES)


def test_home(monkeypatch, tmp_path):
    """A tilde is the user's home wherever a path is given; without a home one message says what to set."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOTTERY_DATA", "~/data")
    monkeypatch.setenv("XDG_CACHE_HOME", "~/cache")
    assert data_folder() == tmp_path / "data" and cache_folder() == tmp_path / "cache" / "lottery"
    assert user_path("~/x") == tmp_path / "x" and user_path("x~") == Path("x~")
    with pytest.raises(LotteryError, match="write the folder in full"):
        user_path("~nobody-of-this-name/x")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", staticmethod(lambda: (_ for _ in ()).throw(RuntimeError("none"))))
    with pytest.raises(LotteryError, match="set LOTTERY_STORE"):
        cache_folder()


@pytest.mark.skipif(os.name == "nt", reason="Windows itself does this")
def test_a_file_that_is_being_read_is_replaced_on_windows(tmp_path, monkeypatch):
    """The system refuses a few times; it is tried again."""
    refusals, replace = iter([True, True, False]), os.replace

    def busy(*names):
        if next(refusals):
            raise PermissionError("it is open")
        replace(*names)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(paths.os, "name", "nt")
    file = os.path.join(tmp_path, "file")
    with open(f"{file}.new", "w") as new:
        new.write("new")
    paths._replace(f"{file}.new", file)
    monkeypatch.undo()
    assert Path(file).read_text() == "new"
