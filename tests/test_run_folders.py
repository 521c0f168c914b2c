"""Folders of runs: which run a path means, with and without links."""

import json
from pathlib import Path

import pytest

from lottery.claims.run_folders import LATEST, MEASUREMENTS, RESULTS, holds_runs, name_of, named, run_folder
from lottery.core.errors import LotteryError


def made(folder, name=RESULTS, text="{}"):
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    return folder


def test_a_run_is_itself(tmp_path):
    """By its results, or by its measurements alone."""
    run, measured = made(tmp_path / "run"), made(tmp_path / "measured", MEASUREMENTS)
    assert run_folder(run) == run and run_folder(measured) == measured and holds_runs(run)


def test_a_folder_of_runs_means_the_latest(tmp_path):
    """Where its link leads; without one, as on systems that have none, the last by its time."""
    first, last = made(tmp_path / "2026-11-29-100000-tiny"), made(tmp_path / "2026-11-29-120000-tiny")
    assert run_folder(tmp_path) == last and holds_runs(tmp_path)
    (tmp_path / LATEST).symlink_to(first.name)
    assert run_folder(tmp_path).resolve() == first


def test_a_latest_that_is_no_link_is_a_run_like_others(tmp_path):
    """As in a copy of a folder of runs: it may be old, or the only one. What a run was called is no time."""
    old = json.dumps({"started": "2026-11-29T10:00:00+00:00", "scale": "tiny"})
    latest = made(tmp_path / LATEST, text=old)
    made(tmp_path / "what is this")
    assert run_folder(tmp_path) == latest
    last = made(tmp_path / "2026-11-30-120000-tiny")
    made(tmp_path / "2026-11-30-130000-tiny-interrupted")
    assert run_folder(tmp_path) == last
    assert name_of("2026-11-29T10:00:00+00:00", "tiny", whole=False).endswith("-tiny-interrupted")


@pytest.mark.parametrize("there", [True, False])
def test_nothing_there_is_one_message(tmp_path, there):
    """An empty folder, or none."""
    folder = tmp_path if there else tmp_path / "nowhere"
    assert not holds_runs(folder)
    with pytest.raises(LotteryError, match="has no results: lottery run makes some"):
        run_folder(folder)


def test_the_bare_name_of_a_run_means_that_in_results(tmp_path, monkeypatch):
    """As `lottery show latest`; a folder of that name here comes first, and what is nowhere stays as it was written."""
    monkeypatch.chdir(tmp_path)
    run = made(tmp_path / "results" / "mine")
    (tmp_path / "results" / "latest").symlink_to("mine")
    assert named("mine") == Path("results", "mine")
    assert named("latest") == Path("results", "latest") and named("nowhere") == Path("nowhere")
    assert named("results") == Path("results") and named(str(tmp_path)) == tmp_path
    (tmp_path / "results" / "latest").unlink()
    run.rename(tmp_path / "results" / "latest")  # no link: it may be another run's
    assert named("latest") == Path("results")
    made(tmp_path / "latest")
    assert named("latest") == Path("latest")
