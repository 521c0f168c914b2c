"""The state of users' criteria: what a file makes of itself when it is imported counts, wherever the file puts it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lottery.masks import own_criteria
from tests.own_criteria_helpers import W_FINAL, scored

SIGN = "float(os.environ['SIGN'])"
K = f"import os\nK = {SIGN}\n"
CASES = {
    "class": {"mine": f"import os\nclass C:\n    K = {SIGN}\ndef score(w_final):\n    return C.K * w_final\n"},
    "class of a helper": {
        "mine": "from beside import C\ndef score(w_final):\n    return C().of(w_final)\n",
        "beside": f"import os\nclass C:\n    K = {SIGN}\n    def of(self, w):\n        return self.K * w\n",
    },
    "base": {
        "mine": "from beside import B\nclass C(B):\n    pass\ndef score(w_final):\n    return C.K * w_final\n",
        "beside": f"import os\nclass B:\n    K = {SIGN}\n",
    },
    "class of a class": {
        "mine": f"import os\nclass M(type):\n    K = {SIGN}\nclass C(metaclass=M):\n    pass\n"
        "def score(w_final):\n    return C.K * w_final\n"
    },
    "class method": {
        "mine": "import os\ndef make(sign):\n    class C:\n        @classmethod\n"
        "        def __class_getitem__(cls, w):\n            return sign * w\n    return C\n"
        f"C = make({SIGN})\ndef score(w_final):\n    return C[w_final]\n"
    },
    "enum": {
        "mine": f"import enum, os\nclass C(enum.Enum):\n    K = {SIGN}\n"
        "def score(w_final):\n    return C.K.value * w_final\n"
    },
    "dataclass": {
        "mine": f"import os\nfrom dataclasses import dataclass\n@dataclass\nclass C:\n    k: float = {SIGN}\n"
        "def score(w_final):\n    return C().k * w_final\n"
    },
    "named tuple": {
        "mine": f"import os\nfrom typing import NamedTuple\nclass C(NamedTuple):\n    k: float = {SIGN}\n"
        "def score(w_final):\n    return C().k * w_final\n"
    },
    "function of two": {
        "mine": "import os\nif os.environ['SIGN'] == '1':\n    def g(w):\n        return w\nelse:\n    def g(w):\n"
        "        return -w\ndef score(w_final):\n    return g(w_final)\n"
    },
    "method of two": {
        "mine": "import os\nclass C:\n    if os.environ['SIGN'] == '1':\n        def f(w):\n            return w\n"
        "    else:\n        def f(w):\n            return -w\ndef score(w_final):\n    return C.f(w_final)\n"
    },
    "constants in another order": {
        "mine": "import os\nif os.environ['SIGN'] == '1':\n    def g(w):\n        return w * 3 - w * 2\nelse:\n"
        "    def g(w):\n        return w * 2 - w * 3\ndef score(w_final):\n    return g(w_final)\n"
    },
    "one name in two modules": {
        "mine": "from beside import of\nK = 1.0\ndef score(w_final):\n    return K * of(w_final)\n",
        "beside": f"{K}def of(w):\n    return K * w\n",
    },
    "module of a package": {
        "mine": "import package.inner.deep\ndef score(w_final):\n    return package.inner.deep.K * w_final\n",
        "package/__init__": "",
        "package/inner/__init__": "",
        "package/inner/deep": K,
    },
    "module by another name": {
        "mine": "import package as other\ndef score(w_final):\n    return other.name.K * w_final\n",
        "package/__init__": "from . import deep as name\n",
        "package/deep": K,
    },
    "imported when called": {
        "mine": "def score(w_final):\n    from package.deep import K\n    return K * w_final\n",
        "package/__init__": "",
        "package/deep": K,
    },
    "imported from beside when called": {
        "mine": "from package.of import of\ndef score(w_final):\n    return of(w_final)\n",
        "package/__init__": "",
        "package/of": "def of(w):\n    from . import deep as other\n    return other.K * w\n",
        "package/deep": K,
    },
    "folder without a file": {
        "mine": "import folder.deep\ndef score(w_final):\n    return folder.deep.K * w_final\n",
        "folder/deep": K,
    },
}


@pytest.mark.parametrize("files", CASES.values(), ids=CASES)
def test_what_a_file_made_of_itself_counts(load_own, monkeypatch, files):
    """One source that scores in two ways has two keys, the same each time."""
    keys = []
    for sign in ("1", "-1", "1"):
        monkeypatch.setenv("SIGN", sign)
        keys.append(load_own(**files))
        for _ in range(2):
            assert scored() == (float(sign) * W_FINAL[0]).tolist()
    assert keys[0] == keys[2] != keys[1]


def test_folders_without_a_file_are_told_apart(load_own):
    """Two files have folders of one name, without `__init__.py`, and each gets its own, whichever scores first."""
    of = "import folder.deep\ndef score(w_final):\n    return folder.deep.of(w_final)\n"
    for name, sign in (("a", ""), ("b", "-")):
        load_own(name=name, folder=name, mine=of, **{"folder/deep": f"def of(w):\n    return {sign}w\n"})
    for _ in range(2):
        assert scored("a") == W_FINAL[0].tolist() and scored("b") == (-W_FINAL[0]).tolist()
    assert not {"folder", "folder.deep"} & set(sys.modules)


RICH = """
import abc, ctypes, enum, functools
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
LETTERS = frozenset("abcdefgh")
SETS = {LETTERS, frozenset("ijkl"), frozenset("mnop"), frozenset("qrst")}

class Mode(enum.Flag):
    ONE, TWO, FOUR, EIGHT = 1, 2, 4, 8

    @classmethod
    def _missing_(cls, value):
        return super()._missing_(value)

Kind = enum.Enum("Kind", "A B C D")
MODES, KINDS = {Mode.ONE, Mode.TWO, Mode.FOUR, Mode.EIGHT}, {Kind.A, Kind.B, Kind.C, Kind.D}
MIXED = {"a": {Mode.TWO, "b", ("c", LETTERS), len, abc.ABC}, "d": frozenset({Mode.TWO, LETTERS})}

class Base(abc.ABC):
    @abc.abstractmethod
    def of(self, w): ...

class Asked(Protocol):
    def of(self, w): ...

class Both(Base, Asked, Generic[T]):
    def of(self, w):
        return w * self.one

    @functools.cached_property
    def one(self):
        return Pair().first

class Pair(NamedTuple):
    first: float = 1.0

class Slots:
    __slots__ = ("kept",)

class Layout(ctypes.Structure):
    _fields_ = [("first", ctypes.c_int)]

def score(w_final):
    Slots(), Layout(), Mode.ONE | Mode.FOUR, SETS, MODES, MIXED, KINDS, Kind.C
    isinstance(3, Base)
    return Both().of(w_final) if "a" in {"a", "b", "c", "d"} else LETTERS
"""
TELL = """
import sys
from lottery.masks import own_criteria
own_criteria.load(f"mine={sys.argv[1]}:score")
print(own_criteria.FINGERPRINTS["mine"])
"""


def test_sets_and_classes_have_one_key_in_every_process(load_own, tmp_path):
    """No order of hashes counts, and nothing that Python notes in a class when it is used."""
    load_own(mine=RICH)
    assert scored() == scored() == W_FINAL[0].tolist()
    for seed in "123":
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(own_criteria.__file__).parents[2])}
        command = [sys.executable, "-c", TELL, str(tmp_path / "mine.py")]
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        assert told == own_criteria.FINGERPRINTS["mine"] + "\n"


ASIDE = """
from typing import TYPE_CHECKING
import typing
if __name__ == "__main__":
    import aside
if TYPE_CHECKING:
    from aside import Kind
elif typing.TYPE_CHECKING:
    import aside
else:
    import beside
def score(w_final):
    return beside.of(w_final)
"""


def test_what_only_a_script_or_a_checker_imports_is_not_run(load_own, tmp_path):
    """It is not imported and does not count; what stands under `else` does."""
    beside = "def of(w):\n    return w\n"
    first = load_own(mine=ASIDE, beside=beside, aside="open(__file__ + '.ran', 'w')\n")
    assert scored() == W_FINAL[0].tolist() and not (tmp_path / "aside.py.ran").exists()
    assert load_own(mine=ASIDE, aside="1 / 0\n") == first != load_own(mine=ASIDE, beside=f"{beside}# edited\n")


@pytest.mark.parametrize(
    "error", ["raise SystemExit('no')", "import pytest; pytest.skip('no')", "1 / 0", "import no", "("]
)
def test_a_possible_import_that_fails_is_no_error(load_own, error):
    """A function that need not import what cannot be imported is not refused; an edit of that renames its results."""
    score = "def score(w_final):\n    if w_final is None:\n        import beside\n    return w_final\n"
    keys = [load_own(mine=score, beside=f"{error}{edit}\n") for edit in ("", "  # edited", "")]
    assert scored() == W_FINAL[0].tolist() and keys[0] == keys[2] != keys[1]
