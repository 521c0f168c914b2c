"""Files: what a run leaves behind."""

import gzip
import json

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
        and "1 claims measured: 1 reproduced" in (folder / "results.md").read_text()
        and "- a note" in (folder / "results.md").read_text()
    )
    assert gzip.decompress((folder / "measurements.csv.gz").read_bytes()) == measured.encode()
    assert (folder / "results.md").read_text().endswith(f"\nscale tiny: {SCALES['tiny'].more}\n")
    assert sorted(file.name for file in folder.iterdir()) == ["measurements.csv.gz", "results.json", "results.md"]


def test_a_page_that_cannot_be_made_fails_no_run(tmp_path):
    """What was wrong comes back in one line; a page that can be made is there, and nothing is said."""
    measured = measurements.table([])
    assert files.write_page(tmp_path, whole(result()), measured, [], 0) == ""
    assert "<!DOCTYPE html>" in (tmp_path / "report.html").read_text()
    (tmp_path / "report.html").unlink()
    told = files.write_page(tmp_path, whole({"id": "of another version"}), measured, [], 0)
    assert told.startswith("report.html was not written (KeyError") and not list(tmp_path.iterdir())


def test_scales_are_nothing_to_networks_of_users():
    """They train alike at every scale, so that no other one has better answers."""
    report = whole(result())
    alone = report | {"claims": [], "networks": report["claims"]}
    assert "scale tiny" in files.markdown(report | {"networks": report["claims"]}, [], SCALES["tiny"])
    assert "scale tiny: " not in files.markdown(alone, [], SCALES["tiny"])
