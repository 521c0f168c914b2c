"""Keys: an edit of the source gives new names to the results that it can change, and to no others."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import lottery
from lottery.experiments.action_parts import TrainAction
from lottery.experiments.arms import Arm, From
from lottery.experiments.experiment import experiment
from lottery.experiments.keys import science
from lottery.experiments.named_arms import chain, counted, dissected, untrained
from lottery.models.architectures import Architecture, RoundedArchitecture
from lottery.training.config import Config, Setting
from tests.conftest import SMALL

ROOT = Path(lottery.__file__).parents[1]
SETTING = Setting(SMALL, "digits", Config("adam", 1e-2, 20, 60, 20))
BEFORE_TRAINING = (
    r"(random|large_init|small_init|snip_init|grasp_init|synflow_init)"
    r"( one-shot(, \w+)?(, untrained)?| branch, counted)?"
)


@pytest.fixture(scope="module")
def every_key(tmp_path_factory):
    """A process that imports torch once, and knows the keys of one copy of the package after another."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")  # not this checkout, whose package would be imported
    errors = (elsewhere / "errors").open("w+")
    command = [sys.executable, "-P", ROOT / "tests" / "every_key.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors, "text": True}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(command, cwd=elsewhere, env=environment, **pipes) as process, errors:

        def of(folder):
            process.stdin.write(f"{folder}\n")
            process.stdin.flush()
            status = process.stdout.readline()
            assert status == "0\n", (elsewhere / "errors").read_text()
            return json.loads((folder / "keys.json").read_text())

        yield of
        process.stdin.close()


def keys(every_key, folder, *edits):
    """Return the keys of every arm of the benchmarks under a copy of the package with (file, old, new) put into it."""
    for name in ("lottery", "benchmarks", "expected"):
        shutil.copytree(ROOT / name, folder / name)
    for file, old, new in edits:
        path = folder / "lottery" / file
        source = path.read_text()
        assert source.count(old) == 1, f"{file} has {source.count(old)} times {old!r}"
        path.write_text(source.replace(old, new))
    return every_key(folder)


@pytest.fixture(scope="module")
def unedited(every_key, tmp_path_factory):
    """The keys of every arm as the package is."""
    return keys(every_key, tmp_path_factory.mktemp("unedited"))


EDITS = {
    "a criterion": (
        "masks/criteria.py",
        "return (w_final - w_init).abs()",
        "return (w_init - w_final).abs()",
        r"lenet-96-48: movement( one-shot, untrained)?",
    ),
    "a treatment, which another one calls": (
        "masks/kept_values.py",
        "kept = w_start[mask]",
        "kept = w_start[mask].clone()",
        r"lenet-96-48: large_final, reshuffle(_initial_sign)?",
    ),
    "an action on pruned weights": (
        "masks/pruned_values.py",
        "return shrank | was_zero",
        "return was_zero | shrank",
        r"lenet-96-48: large_final, pruned at variant_2",
    ),
    "how one-shot masks come about": (
        "experiments/mask_parts.py",
        "ranked, round) for round in rounds]",
        "ranked, round + 0) for round in rounds]",
        r"(lenet-96-48|conv-2-miniature): \w+ one-shot(, .*)?",
    ),
    "what the dense network leaves": (
        "experiments/mask_parts.py",
        'return Record({}, {"final": final.numpy()}',
        'return Record({}, {"final": final.numpy().copy()}',
        rf"(lenet-96-48[\w-]*|conv-2-miniature): (?!{BEFORE_TRAINING}$).*|planted-\w+-5: dense.*",
    ),
    "a start": (
        "experiments/start_parts.py",
        "(record,) = sources.values()",
        "[record] = sources.values()",
        r"lenet-96-48: large_final, continued( branch)?",
    ),
    "an action": (
        "experiments/action_parts.py",
        "return (self.experiment.dense,)",
        "return tuple([self.experiment.dense])",
        r"lenet-96-48: large_final branch, dissected",
    ),
    "what is counted": (
        "masks/connections.py",
        "return midway - min(few, many)",
        "return midway - min(many, few)",
        r"lenet-96-48: \w+ branch, counted",
    ),
    "a learned mask": (
        "training/learned_masks.py",
        "((2 * drawn - 1) / inputs**0.5)",
        "((drawn * 2 - 1) / inputs**0.5)",
        r".*: dense, learned top-k mask, .*",
    ),
    "the model": (
        "models/perceptrons.py",
        "error = LOSSES[loss](outputs, ",
        "error = 1 * LOSSES[loss](outputs, ",
        r"(?!conv-).*",
    ),
    "derivatives": (
        "masks/saliency.py",
        "return values * self.masks[part] if",
        "return self.masks[part] * values if",
        r".*: (snip|grasp|synflow)_(init|final).*",
    ),
    "a consensus": (
        "masks/consensus.py",
        "return votes(masks) >= least",
        "return least <= votes(masks)",
        r"lenet-conv-miniature: .*4 of 4 large_final masks.*",
    ),
    "a null model": (
        "masks/nulls.py",
        "return [uniform([mask], generator)[0] for mask in masks]",
        "return [uniform((mask,), generator)[0] for mask in masks]",
        r"lenet-conv-miniature: .* null of .*",
    ),
}


def of_one_task(name):
    """Return whether an arm is neither made of several tasks' or criteria's masks, nor of their network."""
    return not name.startswith("lenet-conv") and "compared: " not in name


@pytest.mark.parametrize("file, old, new, arms", EDITS.values(), ids=EDITS)
def test_an_edit_renames_what_it_can_change(every_key, unedited, tmp_path, file, old, new, arms):
    """Every key of the arms that use the line is new, and all others stay."""
    edited = keys(every_key, tmp_path, (file, old, new))
    assert edited.keys() == unedited.keys()
    unedited = {name: of for name, of in unedited.items() if of_one_task(name) or "lenet-conv" in arms}
    expected = {arm for arm in unedited if re.fullmatch(arms, arm)}
    assert expected and {arm for arm in unedited if edited[arm] != unedited[arm]} == expected
    assert not any(set(edited[arm]) & set(unedited[arm]) for arm in expected)


def test_words_rename_nothing(every_key, unedited, tmp_path):
    """Messages, docstrings and comments can be written anew, in parts, criteria, models and the engine."""
    edits = [
        ("masks/criteria.py", "|w_f - w_i|: keep what has moved.", "Keep what has moved: |w_f - w_i|."),
        ("masks/criteria.py", "{wanted}, a number", "{wanted}, which is a number"),
        ("experiments/search_part.py", "  # what is pruned has not moved", "  # pruned parameters stay where they are"),
        (
            "experiments/search_part.py",
            "one for each of the {layers} layers, and",
            "one for each of {layers} layers and",
        ),
        ("experiments/start_parts.py", '"""Return the trained parameters."""', '"""Return parameters as trained."""'),
        ("models/perceptrons.py", "  # ReLU's slope", "  # the slope of ReLU"),
        ("training/fit.py", '"""Return what became of each replica, in', '"""Return each replica\'s outcome, in'),
    ]
    assert keys(every_key, tmp_path, *edits) == unedited


def test_masks_of_another_arm_cover_all_that_it_does():
    """A branch lists its chain's criterion, treatment and action on pruned weights, and the dense network's parts."""
    arms = {"constant": chain("large_final", "constant"), "variant_2": chain("large_final", pruned="variant_2")}
    for name, arm in arms.items():
        found = {function.__name__ for function in science(experiment(SETTING, Arm(From(arm)), 2, 0))}
        assert {name, "large_final", "IterativeMask", "ResetStart", "DenseMask", "TrainAction"} <= found


def test_what_rests_on_training_covers_the_training():
    """An arm that looks at trained weights lists what trained them, and one that prunes before training does not."""
    for arm, rests in (
        (untrained("large_final"), True),
        (dissected("large_final"), True),
        (untrained("random"), False),
        (counted("large_final"), True),
        (counted("random"), False),
    ):
        assert (TrainAction in science(experiment(SETTING, arm, 1, 0))) is rests


def test_a_network_lists_the_counts_that_it_is_pruned_by():
    """Its own where it rounds them to nearest, else those of all others."""
    for name, own, others in (
        ("lenet-conv", RoundedArchitecture, Architecture),
        ("resnet-18", Architecture, RoundedArchitecture),
    ):
        found = science(experiment(replace(SETTING, network=name), chain("large_final"), 1, 0))
        assert {own.kept, own.kept_in_all} <= set(found) and not {others.kept, others.kept_in_all} & set(found)
