"""The folder that processes of a run share: whole files or none, and nothing stays of runs that were killed."""

import os

from lottery.plugin.shared_folder import OWNER, PREFIX, SharedFolder, _acquired, _clean


def test_whole_or_not_at_all(tmp_path):
    """What cannot be read back is counted, and nothing else is lost."""
    shared = SharedFolder(str(tmp_path / "run"))
    shared.leave("kind", "a", [1])
    (shared.place("kind") / "b.json").write_text('{"cut')
    assert shared.found("kind") == [[1]] and shared.unreadable == 1


def test_folders_of_dead_runs_go(tmp_path):
    """Those whose owners live stay, and so does what nobody ever owned, for a day."""
    names = ("dead", "alive", "new", "old")
    dead, alive, new, old = (tmp_path / f"{PREFIX}{name}" for name in names)
    for folder in (dead, alive, new, old):
        folder.mkdir()
    held = _acquired(alive / OWNER)
    _acquired(dead / OWNER).release()
    (dead / OWNER).touch()
    for folder in (dead, alive, old):
        os.utime(folder, (0, 0))
    _clean(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([alive, new]) and held
