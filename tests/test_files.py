"""Files: what a run leaves behind."""

import gzip
import json
import os
from pathlib import Path

import pytest

from lottery.claims.run_folders import LATEST, run_folder
from lottery.experiments import measurements
from lottery.experiments.scales import SCALES
from lottery.report import files
from tests.result_helpers import result, whole


def test_files(tmp_path):
    """results.json is strict JSON, results.md a table for a pull request, measurements.csv.gz tidy."""
    measured = "arm,seed\r\ndense,0\r\n"
    folder = files.write(tmp_path / "deep" / "results", whole(result()), measured, ["a note"], SCALES["tiny"])
    assert folder.parent == tmp_path / "deep" / "results" and folder.name.endswith("-tiny")
    assert json.loads((folder / "results.json").read_text())["claims"][0]["estimate"] == 85.55
    assert "AS EXPECTED  1 of 1 tests answered" in (folder / "results.md").read_text()
    assert (
        "| claim" in (folder / "results.md").read_text()
        and "1 claim measured: 1 reproduced" in (folder / "results.md").read_text()
        and "- a note" in (folder / "results.md").read_text()
    )
    assert gzip.decompress((folder / "measurements.csv.gz").read_bytes()) == measured.encode()
    assert (folder / "results.md").read_text().endswith(f"\nscale tiny: {SCALES['tiny'].more}\n")
    assert sorted(file.name for file in folder.iterdir()) == ["measurements.csv.gz", "results.json", "results.md"]


class TestTheLinkToTheLatestRun:
    """It leads to the run, or there is none; nothing hidden is left behind."""

    @pytest.fixture
    def write(self, tmp_path):
        """A function that writes another run, and returns its folder and what else lies beside it."""

        def written():
            folder = files.write(tmp_path, whole(result()), "", [], SCALES["tiny"])
            return folder, {file.name for file in tmp_path.iterdir() if not file.name.startswith("2026")}

        return written

    def test_it_moves_on(self, write, tmp_path):
        """From run to run."""
        for _ in range(2):
            folder, others = write()
            assert (tmp_path / LATEST).resolve() == folder and others == {LATEST}

    @pytest.mark.parametrize("refused", ["symlink_to", "replace"])
    def test_a_refusal_leaves_no_link_to_an_older_run(self, write, tmp_path, monkeypatch, refused):
        """As of Windows without the privilege, or where a link to a folder is in the place."""

        def refuse(*given, **named):
            raise PermissionError

        replace = os.replace
        write()
        if refused == "replace":
            monkeypatch.setattr(
                "os.replace", lambda one, other: (refuse if Path(one).is_symlink() else replace)(one, other)
            )
        else:
            monkeypatch.setattr(Path, "symlink_to", refuse)
        folder, others = write()
        assert run_folder(tmp_path).resolve() == folder
        assert others == ({LATEST} if refused == "replace" else set())

    def test_a_folder_of_that_name_stays(self, write, tmp_path):
        """It is somebody's, as in a copy of a folder of runs, and no run hides behind it."""
        first, _ = write()
        (tmp_path / LATEST).unlink()
        first.rename(tmp_path / LATEST)
        made = json.loads((tmp_path / LATEST / "results.json").read_text())
        (tmp_path / LATEST / "results.json").write_text(json.dumps(made | {"started": "2026-11-29T11:00:00+00:00"}))
        folder, others = write()
        assert others == {LATEST} and (tmp_path / LATEST / "results.json").is_file()
        assert run_folder(tmp_path) == folder


def test_a_page_that_cannot_be_made_fails_no_run(tmp_path):
    """What was wrong comes back in one line; a page that can be made is there, and nothing is said."""
    measured = measurements.table([])
    assert files.write_page(tmp_path, whole(result()), measured, []) == ""
    assert "<!DOCTYPE html>" in (tmp_path / "report.html").read_text()
    (tmp_path / "report.html").unlink()
    told = files.write_page(tmp_path, whole({"id": "of another version"}), measured, [])
    assert told.startswith("report.html was not written (KeyError") and not list(tmp_path.iterdir())


def test_scales_are_nothing_to_networks_of_users():
    """They train alike at every scale, so that no other one has better answers."""
    report = whole(result())
    alone = report | {"claims": [], "networks": report["claims"]}
    assert "scale tiny" in files.markdown(report | {"networks": report["claims"]}, [], SCALES["tiny"])
    assert "scale tiny: " not in files.markdown(alone, [], SCALES["tiny"])
