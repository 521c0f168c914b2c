"""Keys: what an edit of one part would train again, shown by editing a copy of the package; and nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Prints the keys of one experiment for every arm that the claims ask for at the tiny scale.
LIST = """
import importlib, json
from pathlib import Path
from lottery.claims.claim import STATED
from lottery.claims.resolved import entries_of, resolve
from lottery.experiments.keys import key
from lottery.experiments.scales import SCALES

keys = {}
for file in sorted(Path("benchmarks").glob("test_*.py")):
    module = importlib.import_module(f"benchmarks.{file.stem}")
    if file.stem == "test_own_criterion":
        continue
    entries = entries_of({benchmark for benchmark in STATED if benchmark.name == file.name})
    for name in vars(module):
        for mark in getattr(getattr(module, name), "pytestmark", []):
            for parameter in mark.args[1]:
                claim = parameter.values[0]
                for one in resolve(claim, entries[claim.entry_id], SCALES["tiny"]).experiments():
                    setting = one.setting
                    training = f"{setting.config.iterations} of {setting.config.optimiser}"
                    what = f"{setting.network}, {training}: {one.arm.name}"
                    if one.seed == 0:
                        keys.setdefault(what, key(one, "data", "float32"))
print(json.dumps(keys))
"""


def keys_in(folder: Path) -> dict[str, str]:
    """Return the keys that the package in a folder gives, by what they are of."""
    listed = subprocess.run([sys.executable, "-c", LIST], cwd=folder, capture_output=True, text=True)
    assert listed.returncode == 0, listed.stderr
    return json.loads(listed.stdout)


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the package, its claims and their entries."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("lottery", "benchmarks", "expected"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "baselines"))
    return folder


@pytest.fixture(scope="module")
def sound(copy) -> dict[str, str]:
    """The keys of the package as it is."""
    return keys_in(copy)


def scored_by_derivatives(what: str) -> bool:
    return any(name in what for name in ("snip", "grasp", "synflow"))


def pruned_by_searching(what: str) -> bool:
    return "planted-" in what and "kept" in what and "learned" not in what


# What is edited: a file, a piece of its text, another piece; and which arms are to be trained again.
EDITS = {
    "criterion": (
        "masks/criteria.py",
        "return (w_final - w_init).abs()",
        "return (w_init - w_final).abs()",
        lambda what: ": movement" in what,
    ),
    "treatment": (
        "masks/kept_values.py",
        "return scale(w_init) * random_signs(w_init, generator)",
        "return random_signs(w_init, generator) * scale(w_init)",
        lambda what: what.endswith(", constant"),
    ),
    "pruned values": (
        "masks/pruned_values.py",
        "return shrank | was_zero",
        "return was_zero | shrank",
        lambda what: "pruned at variant_2" in what,
    ),
    "mask": (
        "experiments/mask_parts.py",
        "ranked = chains.dense_ranks(self.experiment, self.by, final)\n",
        "ranked = list(chains.dense_ranks(self.experiment, self.by, final))\n",
        lambda what: "one-shot" in what,
    ),
    "start": (
        "experiments/start_parts.py",
        "(record,) = sources.values()",
        "record, *_ = sources.values()",
        lambda what: "continued" in what,
    ),
    "action": (
        "experiments/action_parts.py",
        "w_final = chains.weights_of(experiment, torch.from_numpy(",
        "w_final = chains.weights_of(experiment, 1 * torch.from_numpy(",
        lambda what: "dissected" in what,
    ),
    "learned mask": (
        "training/learned_masks.py",
        ".mul_(self.trained.sign())",
        ".mul_(torch.sign(self.trained))",
        lambda what: "top-k" in what,
    ),
    "search": (
        "experiments/search_part.py",
        "masks[:, : population.layout.count] = True",
        "masks[:, 0 : population.layout.count] = True",
        pruned_by_searching,
    ),
    "derivatives": ("masks/saliency.py", "TEMPERATURE = 200", "TEMPERATURE = 200.0", scored_by_derivatives),
    "model": (
        "models/perceptrons.py",
        "entered, last = [inputs],",
        "entered, last = list([inputs]),",
        lambda what: True,
    ),
    "words": (
        "experiments/search_part.py",
        "a search keeps at least ",
        "a search leaves at least ",
        lambda what: False,
    ),
}


@pytest.mark.parametrize("part", EDITS)
def test_an_edit_trains_again_what_uses_it_and_nothing_else(copy, sound, part):
    """Arms whose keys change are exactly those that use what was edited; messages and comments are not used."""
    name, old, new, uses = EDITS[part]
    file = copy / "lottery" / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    try:
        file.write_text(text.replace(old, new) + "\n# a remark\n", encoding="utf-8")
        edited = keys_in(copy)
    finally:
        file.write_text(text, encoding="utf-8")
    assert edited.keys() == sound.keys()
    again = {what for what in sound if edited[what] != sound[what]}
    assert again == {what for what in sound if uses(what)}
    assert again or part == "words"
