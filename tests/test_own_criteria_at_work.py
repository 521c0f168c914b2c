"""Users' criteria at work: whatever their code does stays with them, and ends as one message with their name."""

import random
import sys
import warnings
from types import ModuleType

import numpy as np
import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.masks import criteria, own_criteria
from lottery.masks.scores import scores
from lottery.masks.surroundings import SETTINGS
from tests.own_criteria_helpers import MASK, OFFERED, W_FINAL, W_INIT, scored


@pytest.mark.parametrize("argument", ["w_init", "w_final", "mask", *criteria.DERIVATIVES])
@pytest.mark.parametrize("work", ["{0}.zero_()\n    return w_final.abs()", "return {0}.zero_().float()"])
def test_working_in_place_harms_nothing(load_own, argument, work):
    """Whichever argument a criterion overwrites, the caller's stays as it was."""
    asked = ", ".join(("w_init", "w_final", "mask", *criteria.DERIVATIVES))
    load_own(mine=f"def score({asked}):\n    {work.format(argument)}\n")
    offered = {"w_init": W_INIT.clone(), "w_final": W_FINAL.clone(), "mask": MASK.clone()}
    offered |= {name: of.clone() for name, of in OFFERED.items()}
    kept = {name: of.clone() for name, of in offered.items()}
    scored(**offered)
    assert all(torch.equal(offered[name], kept[name]) for name in offered)


def test_scores_that_share_memory_are_copied(load_own):
    """A criterion that returns one buffer for all layers scores each of them all the same."""
    load_own(mine="def score(w_final):\n    return w_final\n")
    buffer = torch.zeros(1, 4)
    criteria.CRITERIA["mine"] = lambda w_final: buffer.copy_(w_final)
    parts = {"one": W_FINAL[0], "two": 2 * W_FINAL[0]}
    masks = dict.fromkeys(parts, MASK[0])
    found = scores("mine", 0, 0, masks, parts, parts, lambda parameters: None)
    assert all(torch.equal(found[name], parts[name]) for name in parts)


@pytest.mark.parametrize(
    "source, message",
    [
        ("return w_final.to(torch.complex64)", "returned a tensor of torch.complex64"),
        ("return w_final.to_sparse()", "returned a tensor of torch.float32, torch.sparse_coo"),
        ("return w_final.to_sparse_csr()", "returned a tensor of torch.float32, torch.sparse_csr"),
        ("return torch.quantize_per_tensor(w_final, 0.1, 0, torch.qint8)", "returned a quantised tensor"),
        ("return torch.nested.nested_tensor([w_final[0]])", "returned a tensor of torch.float32"),
        ("return w_final.to('meta')", "returned a tensor on meta"),
        ("return w_final.numpy()", "returned ndarray"),
        ("return [1, 2, 3, 4]", "returned list"),
        ("import sys; sys.exit(3)", "raised .*SystemExit: 3"),
        ("import pytest; pytest.skip('not today')", "raised .*Skipped: not today"),
        ("import pytest; pytest.fail('never')", "raised .*Failed: never"),
        ("import pytest; pytest.xfail('perhaps')", "raised .*XFailed: perhaps"),
        ("import pytest; pytest.exit('enough')", "raised .*Exit: enough"),
        ("raise GeneratorExit", "raised .*GeneratorExit"),
        ("return score(w_final)", "raised .*RecursionError"),
        ("raise ValueError('first\\nsecond')", "raised .*ValueError: first$"),
        (
            "class Odd(Exception):\n        def __str__(self):\n            raise ValueError\n    raise Odd",
            "raised .*Odd$",
        ),
        ("raise KeyError", "raised .*KeyError$"),
        ("import nowhere_to_be_found", "raised .*ModuleNotFoundError"),
        ("globals()['K'] = 2\n    return w_final", "changed the global K while it ran"),
        ("TABLE.append(1)\n    return w_final", "changed the global TABLE while it ran"),
        ("score.calls = 1\n    return w_final", "changed the attribute calls in score while it ran"),
        ("Counter.n += 1\n    return w_final", "changed the attribute n in Counter while it ran"),
    ],
)
def test_what_goes_wrong_is_one_message(load_own, source, message):
    """Whatever a criterion raises, returns or changes ends as one error of the suite that names it."""
    load_own(
        mine=f"import torch\nK, TABLE = 1, []\nclass Counter:\n    n = 0\ndef score(w_final):\n    K\n    {source}\n"
    )
    with pytest.raises(LotteryError, match=f"^criterion 'mine' ({message})"):
        scored()


def test_an_interrupt_is_an_interrupt(load_own):
    """Ctrl-C still ends the run."""
    load_own(mine="def score(w_final):\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        scored()


@pytest.mark.parametrize(
    "source",
    ["w_final > 0", "w_final.int()", "w_final.to(torch.float16)", "w_final.clone().requires_grad_()",
     "torch.nn.Parameter(w_final)", "w_final * float('inf')", "w_final.expand(1, 4).t().t()",
     "w_final.to(torch.uint16)",     "w_final.to(torch.float8_e5m2)"],
)  # fmt: skip
def test_any_real_scores_rank(load_own, source):
    """Bool, integer, half and infinite scores are scores, and come back as plain dense floats without a graph."""
    load_own(mine=f"import torch\ndef score(w_final):\n    return {source}\n")
    found = criteria.score("mine", w_init=W_INIT, w_final=W_FINAL.abs(), mask=MASK, generator=None)
    assert type(found) is torch.Tensor and found.is_floating_point() and not found.requires_grad
    assert len(found.argsort(stable=True).tolist()[0]) == 4


CHANGES = {
    "grad mode": "torch.set_grad_enabled(not torch.is_grad_enabled())",
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "default device": "torch.set_default_device('meta')",
    "deterministic": "torch.use_deterministic_algorithms(True, warn_only=True)",
    "threads": "torch.set_num_threads(torch.get_num_threads() + 1)",
    "precision of products": "torch.set_float32_matmul_precision('medium')",
    "anomalies": "torch.autograd.set_detect_anomaly(True)",
    "denormals": "torch.set_flush_denormal(True)",
    "cuDNN": "torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark",
    "environment": "os.environ['LEFT'] = 'here'; os.environ.pop('PATH')",
    "folder": "os.chdir('/')",
    "recursion": "sys.setrecursionlimit(5000)",
    "printing": "sys.stdout = None",
    "numpy's errors": "numpy.seterr(all='raise')",
}
IMPORTS = "import os, random, sys, warnings, numpy, torch\n"


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("when", ["imported", "called"])
def test_settings_are_put_back(load_own, name, when):
    """What a criterion changes in the process, imported or called, is as it was before; so after an error."""
    read, put = SETTINGS[name]
    before, path = read(), list(sys.path)
    late = f"    {CHANGES[name]}\n    sys.path.append('here')\n    1 / 0\n"
    early = f"{CHANGES[name]}\nsys.path.append('here')\n"
    try:
        load_own(mine=f"{IMPORTS}{early if when == 'imported' else ''}def score(w_final):\n{late}")
        with pytest.raises(LotteryError):
            scored()
        assert read() == before and sys.path == path
    finally:
        put(before)


REPLACED = {
    "torch.abs": "torch.abs = lambda x: -x",
    "torch.Tensor.abs": "torch.Tensor.abs = torch.Tensor.neg",
    "torch.nn.functional.relu": "torch.nn.functional.relu = torch.sigmoid",
    "torch.neg": "del torch.neg",
    "torch.extra": "torch.extra = 1",
    "torch.add": "torch.add = functools.wraps(torch.add)(lambda *values: torch.sub(*values))",
    "numpy.abs": "numpy.abs = numpy.negative",
}


@pytest.mark.parametrize("name", REPLACED)
@pytest.mark.parametrize("when", ["imported", "called", "and fails"])
def test_libraries_stay_as_they_are(load_own, name, when):
    """What a criterion replaces in a library that all use is put back, and the criterion refused with its name."""
    before = {library: dict(vars(library)) for library in (torch, torch.Tensor, torch.nn.functional, np)}
    late = f"    {REPLACED[name]}\n    {'1 / 0' if when == 'and fails' else 'return w_final'}\n"
    late, early = ("    return w_final\n", f"{REPLACED[name]}\n") if when == "imported" else (late, "")
    said = "ZeroDivisionError" if when == "and fails" else f"replaced {name}, which all others use as well"
    with pytest.raises(LotteryError, match=f"mine.* {said}"):
        load_own(mine=f"{IMPORTS}import functools\n{early}def score(w_final):\n{late}")
        scored()
    for library, names in before.items():
        now = vars(library)
        assert all(now[name] is names[name] for name in names)
        assert all(isinstance(now[name], ModuleType) for name in now.keys() - names.keys())  # such come when first used


OPTIMISES = """
import torch

def score(w_final):
    torch.abs = torch.no_grad()(torch.abs)
    torch.set_default_dtype(torch.float64)
    with torch.enable_grad():
        weights = torch.nn.Parameter(w_final)
        (weights**2).sum().backward()
        torch.optim.SGD([weights], 0.5).step()
    return weights
"""


def test_what_libraries_do_to_themselves_is_no_fault(load_own):
    """Torch wraps a function of its own when it first optimises, and changes one with the default dtype."""
    before = torch.abs
    load_own(mine=OPTIMISES)
    assert scored() == [0, 0, 0, 0] and torch.abs is before


def test_global_random_numbers_are_the_replicas_own(load_own):
    """Drawn without a generator, they do not depend on what else was drawn, and change nothing that is drawn later."""
    draw = "torch.rand(1) + numpy.random.rand() + random.random() + 0 * w_final"
    load_own(mine=f"{IMPORTS}torch.manual_seed(7)\ndef score(w_final):\n    return {draw}\n")
    states = [torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()]
    first = scored(generator=stream(1, "a"))
    assert torch.equal(states[0], torch.get_rng_state()) and states[1] == np.random.get_state()[1].tolist()
    assert states[2] == random.getstate()
    torch.rand(3), np.random.rand(), random.random()
    assert scored(generator=stream(1, "a")) == first != scored(generator=stream(2, "a"))


def test_warnings_are_as_the_user_asks(load_own):
    """A warning is one, unless it is to be an error: then it is the criterion's; its own filters are not kept."""
    score = "def score(w_final):\n    warnings.warn('odd')\n    return w_final\n"
    load_own(mine=f"{IMPORTS}warnings.simplefilter('ignore')\n{score}")
    with pytest.warns(UserWarning, match="odd"):
        scored()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LotteryError, match="criterion 'mine' raised .*: UserWarning: odd"):
            scored()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "cp1252"])
def test_sources_in_other_encodings(load_own, encoding):
    """A source that says how it is encoded is read so, as is a helper beside it."""
    cookie = "" if encoding == "utf-8-sig" else f"# -*- coding: {encoding} -*-\n"
    source = f"{cookie}NAME = 'é'\nfrom beside import of\ndef score(w_final):\n    return of(w_final)\n".encode(
        encoding
    )
    beside = f"{cookie}NAME = 'ü'\ndef of(w):\n    return w * len(NAME)\n".encode(encoding)
    load_own(mine=source, beside=beside)
    assert scored() == W_FINAL[0].tolist()


@pytest.mark.parametrize(
    "source, message",
    [
        (b"NAME = '\xe9'\n", "raised SyntaxError"),
        (b"\x00\x01", "raised (SyntaxError|ValueError)"),
        (b"import pytest\npytest.skip('no', allow_module_level=True)\n", "raised .*Skipped: no"),
        (b"import pytest\npytest.importorskip('nowhere_to_be_found')\n", "raised .*Skipped"),
        (b"raise GeneratorExit\n", "raised .*GeneratorExit"),
        (b"from . import beside\n", "raised .*ImportError"),
    ],
)
def test_files_that_cannot_be_imported_are_one_message(load_own, source, message):
    """Whatever an import raises is said with the option."""
    with pytest.raises(LotteryError, match=f"^--criterion mine=.*mine.py:score: importing .*mine.py {message}"):
        load_own(mine=source)


def test_a_file_that_cannot_be_read(load_own, tmp_path, monkeypatch):
    """No permission, or a folder in its place, is one message."""
    from pathlib import Path

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch, pytest.raises(LotteryError, match="raised .*PermissionError"):
        (tmp_path / "mine.py").write_text("")
        patch.setattr(Path, "read_bytes", refuse)
        own_criteria.load(f"mine={tmp_path / 'mine.py'}:score")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(LotteryError, match="there is no file"):
        own_criteria.load(f"mine={tmp_path / 'folder.py'}:score")


def test_a_module_that_is_imported_late_and_was_not_named_is_refused(load_own, tmp_path):
    """What no import statement names cannot be known when keys are made."""
    (tmp_path / "beside.py").write_text("K = 1\n")
    late = "importlib.import_module('bes' + 'ide')"
    load_own(mine=f"import importlib\ndef score(w_final):\n    {late}\n    return w_final\n")
    with pytest.raises(LotteryError, match="criterion 'mine' imported beside while it ran"):
        scored()
