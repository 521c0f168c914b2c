"""Why a file of claims cannot be imported: in one line, with the file and the line where it is wrong."""

import pytest

from lottery.plugin.collection import why_not_imported


@pytest.mark.parametrize(
    "source, told",
    [
        ("a = 1\nb = (\n", "line 2: SyntaxError: '(' was never closed"),
        ("\n\n1 / 0\n", "line 3: ZeroDivisionError: division by zero"),
        ("import lottery.nowhere\n", "line 1: ModuleNotFoundError: No module named 'lottery.nowhere'"),
    ],
)
def test_the_file_and_the_line(tmp_path, monkeypatch, source, told):
    """By a path from here, also where pytest has wrapped what was raised."""
    file = tmp_path / "test_mine.py"
    file.write_text(source)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception) as raised:
        exec(compile(source, file, "exec"), {})
    wrapped = ImportError("pytest's own words")
    wrapped.__cause__ = raised.value
    for error in (raised.value, wrapped):
        found = why_not_imported(file, error)
        assert found == f"test_mine.py, {told}; test_mine.py cannot be imported, and none of its claims is asked"
