"""Keys of users' criteria: they hold what is run, all of it, and nothing of where it lies."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lottery.core.errors import LotteryError
from lottery.masks import criteria, own_criteria
from tests.own_criteria_helpers import USES, W_FINAL, scored

PAIRS = {
    "closures": "def make(sign):\n    def score(w_final):\n        return sign * w_final\n    return score\n"
    "one, two = make(1), make(-1)\n",
    "lambdas": "one, two = ((lambda k: lambda w_final: k * w_final)(sign) for sign in (1, -1))\n",
    "lambdas of one line": "one, two = lambda w_final: w_final, lambda w_final: -w_final\n",
    "defaults": "def make(sign):\n    def helper(w, sign=sign):\n        return sign * w\n"
    "    return lambda w_final: helper(w_final)\none, two = make(1), make(-1)\n",
    "defaults by keyword": "def make(sign):\n    def helper(w, *, sign=sign):\n        return sign * w\n"
    "    return lambda w_final: helper(w_final)\none, two = make(1), make(-1)\n",
    "wrappers": "import functools\ndef times(sign):\n    def around(function):\n        @functools.wraps(function)\n"
    "        def call(w_final):\n            return sign * function(w_final)\n        return call\n    return around\n"
    "def score(w_final):\n    return w_final\none, two = times(1)(score), times(-1)(score)\n",
    "partials": "import functools, operator\ndef make(sign):\n    part = functools.partial(operator.mul, sign)\n"
    "    return lambda w_final: part(w_final)\none, two = make(1), make(-1)\n",
    "objects": "class Sign:\n    def __init__(self, sign):\n        self.sign = sign\n    def __call__(self, w):\n"
    "        return self.sign * w\ndef make(sign):\n    return lambda w_final: sign(w_final)\n"
    "one, two = make(Sign(1)), make(Sign(-1))\n",
    "methods": "class Sign:\n    def __init__(self, sign):\n        self.sign = sign\n    def of(self, w):\n"
    "        return self.sign * w\ndef make(of):\n    return lambda w_final: of(w_final)\n"
    "one, two = make(Sign(1).of), make(Sign(-1).of)\n",
    "tensors": "import torch\ndef make(sign):\n    return lambda w_final: sign * w_final\n"
    "one, two = make(torch.tensor(1.0)), make(torch.tensor(-1.0))\n",
    "arrays": "import numpy\ndef make(sign):\n    return lambda w_final: w_final * float(sign[0])\n"
    "one, two = make(numpy.ones(1)), make(-numpy.ones(1))\n",
    "tables": "def make(table):\n    return lambda w_final: table['deep'][0]['sign'] * w_final\n"
    "one, two = make({'deep': [{'sign': 1}]}), make({'deep': [{'sign': -1}]})\n",
    "functions": "def plus(w):\n    return w\ndef minus(w):\n    return -w\ndef make(of):\n"
    "    return lambda w_final: of(w_final)\none, two = make(plus), make(minus)\n",
    "attributes": "def make(sign):\n    def score(w_final):\n        return of.sign * w_final\n"
    "    score.sign, of = sign, score\n    return score\none, two = make(1), make(-1)\n",
    "of this package": "from lottery.masks.criteria import large_final, small_final\ndef make(of):\n"
    "    return lambda w_final: of(w_final)\none, two = make(large_final), make(small_final)\n",
}


@pytest.mark.parametrize("source", PAIRS.values(), ids=PAIRS)
def test_functions_that_differ_have_keys_that_differ(load_own, source):
    """Two functions of one source that score differently never share results, and each keeps its own key."""
    first, one = load_own("one", mine=source), scored()
    second, two = load_own("two", mine=source), scored()
    assert one != two and first != second
    assert load_own("one", mine=source) == first and scored() == one


@pytest.mark.parametrize("value", ["2", "[1, {'a': 3.5}]", "{'b', 'a', 'c'}", "1j", "torch.ones(2)", "re.compile('a')"])
def test_what_the_environment_chose_counts(load_own, monkeypatch, value):
    """A global that the function reads counts by its value, even if the source is the same."""
    source = f"import os, re, torch\nK = {value} if os.environ['CHOSEN'] == 'a' else 7\n"
    source += "def helper(w):\n    K\n    return w\ndef score(w_final):\n    return helper(w_final)\n"
    keys = []
    for chosen in "aba":
        monkeypatch.setenv("CHOSEN", chosen)
        keys.append(load_own(mine=source))
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize(
    "value, kind",
    [
        ("open(__file__)", "TextIOWrapper"),
        ("(i for i in range(3))", "generator"),
        ("threading.Lock()", "lock"),
        ("{'deep': [threading.Lock()]}", "lock"),
        ("torch.ones(2).to_sparse()", "Tensor"),
    ],
)
@pytest.mark.parametrize("place", ["def make(k):\n    return lambda w_final: (k, w_final)[1]\nscore = make(K)\n",
                                   "def score(w_final):\n    K\n    return w_final\n"])  # fmt: skip
def test_what_no_key_can_hold_is_refused(load_own, value, kind, place):
    """One message says which value, what it is, and what to do."""
    with pytest.raises(LotteryError, match=rf"--criterion mine=.*(K|k in).* is a .*{kind}.*depend on numbers"):
        load_own(mine=f"import threading, torch\nK = {value}\n{place}")


@pytest.mark.parametrize(
    "source",
    ["import functools\ndef of(w_final, k):\n    return w_final\nscore = functools.partial(of, k=1)\n",
     "class Score:\n    def __call__(self, w_final):\n        return w_final\nscore = Score()\n",
     "import torch\nscore = torch.abs\n"],
    ids=["partial", "object", "built in"],
)  # fmt: skip
def test_callables_that_are_no_functions_are_refused(load_own, source):
    """The message says how to make a function of it."""
    with pytest.raises(LotteryError, match="no function 'score', written with def or lambda; put the call of it into"):
        load_own(mine=source)


LATE = "def score(w_final):\n    from beside import of\n    return of(w_final)\n"


@pytest.mark.parametrize("source", [USES, LATE, "import beside\ndef score(w_final):\n    return beside.of(w_final)\n"])
def test_a_shared_helper_counts_for_all_that_use_it(load_own, source):
    """Two files import one helper: an edit of it renames both, within the same second and at the same length, too."""
    keys = []
    for power in "12":
        beside = f"def of(w):\n    return w.abs() ** {power}\n"
        first = load_own(name="first", mine=source, beside=beside)
        second = load_own(name="second", mine="# another\n" + source, beside=beside)
        keys.append((first, second))
        assert scored("first") == scored("second") == [abs(w) ** int(power) for w in W_FINAL[0].tolist()]
    assert keys[0][0] != keys[1][0] and keys[0][1] != keys[1][1]
    assert "beside" not in sys.modules


@pytest.mark.parametrize("source", [USES, LATE])
def test_helpers_of_one_name_are_told_apart(load_own, source):
    """Each file gets what lies beside it, whatever was imported before, by whichever of them is called first."""
    for folder, sign in (("a", ""), ("b", "-")):
        load_own(name=folder, folder=folder, mine=source, beside=f"from deeper import of\nA = '{folder}'\n",
             deeper=f"def of(w):\n    return {sign}w\n")  # fmt: skip
    for _ in range(2):
        assert scored("a") == W_FINAL[0].tolist() and scored("b") == (-W_FINAL[0]).tolist()


def test_a_helper_is_one_module(load_own):
    """What a function imports when it is called is what its file imported, not another copy."""
    late = "import beside as late\n    return w_final * (late is beside)"
    load_own(mine=f"import beside\ndef score(w_final):\n    {late}\n", beside="")
    assert scored() == W_FINAL[0].tolist()


def test_what_helpers_import_counts(load_own):
    """Sources are followed to the end."""
    files = {"mine": USES, "beside": "from deeper import of\n"}
    keys = [load_own(**files, deeper=f"def of(w):\n    return w{more}\n") for more in ("", " * 2", "")]
    assert keys[0] == keys[2] != keys[1]


def test_a_helper_that_was_imported_by_somebody_else_counts(load_own, tmp_path, monkeypatch):
    """What is in `sys.modules` already is read all the same, and stays there for whoever put it there."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "beside.py").write_text("def of(w):\n    return w\n")
    import beside  # type: ignore[import-not-found]

    first = load_own(mine=USES, beside="def of(w):\n    return w\n")
    second = load_own(mine=USES, beside="def of(w):\n    return -w\n")
    assert first != second and scored() == (-W_FINAL[0]).tolist()
    assert sys.modules.pop("beside") is beside


def test_the_place_of_the_files_does_not_count(load_own):
    """The same sources in another folder keep their results."""
    assert load_own(folder="a", mine=USES, beside="of = abs\n") == load_own(folder="b", mine=USES, beside="of = abs\n")


def test_declared_files_count(load_own, tmp_path):
    """An edit of a declared file renames; one that is not there is one message; a helper can declare as well."""
    source = "LOTTERY_DEPENDS_ON = ['data.txt']\ndef score(w_final):\n    return w_final\n"
    keys = []
    for text in "aba":
        (tmp_path / "data.txt").write_text(text)
        keys.append((load_own(mine=source), load_own(mine=USES, beside=source + "of = score\n")))
    assert keys[0] == keys[2] and all(one != other for one, other in zip(keys[0], keys[1]))
    (tmp_path / "data.txt").unlink()
    with pytest.raises(LotteryError, match="LOTTERY_DEPENDS_ON in .*mine.py names 'data.txt', which cannot be read"):
        load_own(mine=source)
    with pytest.raises(LotteryError, match="LOTTERY_DEPENDS_ON in .*mine.py should be a list of files"):
        load_own(mine="LOTTERY_DEPENDS_ON = 'data.txt'\ndef score(w_final):\n    return w_final\n")


def test_versions_of_installed_packages_count(load_own, monkeypatch):
    """An installed package that the sources import counts by its version."""
    import importlib.metadata

    source = "def score(w_final):\n    import scipy\n    return w_final\n"
    before = load_own(mine=source)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "another")
    assert load_own(mine=source) != before


@pytest.mark.parametrize("source", ["from lottery.masks.criteria import percentile\ndef score(w_final, mask):\n"
                                    "    return percentile(w_final, mask)\n",
                                    "from lottery.masks import criteria\ndef score(w_final, mask):\n"
                                    "    return criteria.percentile(w_final, mask)\n",
                                    "def score(w_final, mask):\n    from lottery.masks.criteria import percentile\n"
                                    "    return percentile(w_final, mask)\n"])  # fmt: skip
def test_what_is_used_of_this_package_counts(load_own, monkeypatch, source):
    """An edit of a function of the suite that a criterion calls renames its results."""
    before = load_own(mine=source)

    def percentile(values, mask):
        return values * 2

    percentile.__module__ = "lottery.masks.criteria"
    monkeypatch.setattr(criteria, "percentile", percentile)
    assert load_own(mine=source) != before


def test_nothing_is_written_beside_the_sources(load_own, tmp_path):
    """No cache of bytecode is made, from which another run could read what no longer is the source."""
    load_own(mine=USES, beside="of = abs\n")
    with contextlib.suppress(FileNotFoundError):
        assert not os.listdir(tmp_path / "__pycache__")


RICH = """
import collections, dataclasses, enum, functools, logging, re
from pathlib import Path
import numpy, torch
from torch import nn
from lottery.masks.criteria import CRITERIA, percentile

class Mode(enum.Enum):
    ONE = 1

@dataclasses.dataclass
class Settings:
    power: float = 2.0
    mode: Mode = Mode.ONE
    names: set = dataclasses.field(default_factory=lambda: {"a", "b", "c", "d"})

    @property
    def twice(self):
        return 2 * self.power

    @classmethod
    def usual(cls):
        return cls()

LOG, NAMES, PATTERN, PLACE = logging.getLogger("mine"), Settings(), re.compile("a"), Path("here")
TABLE, PAIR = collections.defaultdict(list, a=[1]), collections.namedtuple("PAIR", "a b")(1, 2)
NET, RELU, ABS, DTYPE, DEVICE = nn.Linear(1, 1), torch.relu, numpy.abs, torch.float32, torch.device("cpu")

@functools.cache
def known(value):
    return value

@torch.no_grad()
def score(w_final, mask):
    LOG.debug("%s %s %s %s %s", PATTERN, PLACE, TABLE, PAIR, (DTYPE, DEVICE, ABS, CRITERIA))
    return RELU(percentile(w_final, mask)) ** NAMES.power * Settings.usual().twice * known(2) + NET(torch.ones(1)).sum()
"""
TELL = """
import sys
from lottery.masks import own_criteria
own_criteria.load(f"mine={sys.argv[1]}:score")
print(own_criteria.FINGERPRINTS["mine"])
"""


def test_the_key_is_the_same_in_every_process(load_own, tmp_path):
    """Whatever a function reads that can be told apart is, and no address, order of hashes or random number counts."""
    load_own(mine=RICH)
    scored(), scored()
    root = Path(own_criteria.__file__).parents[2]
    told = []
    for seed in "12":
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", TELL, str(tmp_path / "mine.py")]
        told.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert told[0] == told[1] == own_criteria.FINGERPRINTS["mine"] + "\n"
