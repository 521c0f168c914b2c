"""The checkout: its commit, and whether files differ from that."""

import subprocess

import pytest

from lottery.core import checkout

EDITED = " M lottery/training/fit.py\n"


@pytest.mark.parametrize("said, files", [("", []), (EDITED, ["lottery/training/fit.py"])])
def test_the_commit_says_whether_files_differ(tmp_path, monkeypatch, said, files):
    """By a plus; without git there is no commit."""

    def run(words, **options):
        return subprocess.CompletedProcess(words, 0, "0123456789ab\n" if "rev-parse" in words else said)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    assert checkout.commit() == "" and checkout.edited() == []
    (tmp_path / ".git").mkdir()
    assert checkout.commit() == "0123456789ab" + "+" * bool(files) and checkout.edited("lottery") == files
