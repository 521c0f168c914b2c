"""Words for the shell of each system, and a pipe that somebody closed, as Windows has them too."""

import errno
import shlex

import pytest

from lottery.cli import main
from lottery.core import shell
from lottery.core.shell import nobody_reads, quote


@pytest.mark.parametrize(
    ("word", "posix", "windows"),
    [
        ("plain", "plain", "plain"),
        ("zhou and signs", "'zhou and signs'", '"zhou and signs"'),
        ("signs[lenet]", "'signs[lenet]'", '"signs[lenet]"'),
        (r"D:\my runs\new", r"'D:\my runs\new'", r'"D:\my runs\new"'),
        ("my runs\\", "'my runs\\'", '"my runs\\\\"'),
        ('say "it"', "'say \"it\"'", r'"say \"it\""'),
        ("", "''", '""'),
    ],
)
def test_quoting(word, posix, windows, monkeypatch):
    """As a POSIX shell takes it, and in double quotes on Windows, whose programs split their own command lines."""
    monkeypatch.setattr(shell, "on_windows", lambda: False)
    assert quote(word) == posix and shlex.split(posix) == [word]
    monkeypatch.setattr(shell, "on_windows", lambda: True)
    assert quote(word) == windows


def test_a_closed_pipe(monkeypatch, capfd):
    """Windows calls it an invalid argument, of no file; anything else is an error as ever."""
    invalid, of_file = OSError(errno.EINVAL, "Invalid argument"), OSError(errno.EINVAL, "Invalid argument", "a<b")
    monkeypatch.setattr(shell, "on_windows", lambda: False)
    assert nobody_reads(BrokenPipeError()) and not nobody_reads(invalid)
    monkeypatch.setattr(shell, "on_windows", lambda: True)
    assert nobody_reads(invalid) and not nobody_reads(of_file) and not nobody_reads(ValueError())

    def closed(options):
        raise invalid

    assert main._status(main.argparse.Namespace(run=closed, command="store")) == main.BROKEN_PIPE
    assert capfd.readouterr() == ("", "")
