"""`lottery check-gpu` without a GPU: its checks on the processor, what they must notice, and what the command says."""

import dataclasses
import functools
import json
import subprocess
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lottery.cli import check_gpu, gpu_checks
from lottery.cli.gpu_checks import CHECKS, Seen, company, environment, masks, precision, processor, repeated, speed
from lottery.cli.main import main
from lottery.core import devices
from lottery.training.counted_masks import CountedUniforms
from lottery.training.optimiser import Descent

BRIEF = {
    **{name: CHECKS[name] for name in CHECKS if name != "speed"},
    "speed": functools.partial(speed, counts=(1, 2), steps=4),
}


@pytest.mark.parametrize("name", BRIEF)
def test_a_processor_passes(name):
    """Every check that does not ask for a GPU's memory, in words and in numbers that JSON holds."""
    seen = BRIEF[name]("cpu")
    assert seen.ok and seen.text
    json.dumps(dataclasses.asdict(seen), allow_nan=False)


class TestWhatIsWrongIsSeen:
    """Each check notices what it is for."""

    def test_a_card_that_does_not_work(self, monkeypatch):
        monkeypatch.setattr(gpu_checks, "trouble", lambda device: "it is busy")
        assert environment("cuda:0") == Seen("it is busy", False)

    def test_products_in_tf32(self, monkeypatch):
        sound = torch.Tensor.__matmul__

        def rounded(left, right):
            return sound(left, right) * (1 + 1e-3 * (left.dtype == torch.float32))

        monkeypatch.setattr(torch.Tensor, "__matmul__", rounded)
        seen = precision("cpu")
        assert not seen.ok and seen.numbers["product"] > 1e-4 > seen.numbers["convolution"]

    def drifting(self, monkeypatch, by):
        """Let every training move a little differently from the one before."""
        sound, count = Descent.step, iter(range(10**6))

        def step(self):
            sound(self)
            self._block.add_(by * (next(count) % 7))

        monkeypatch.setattr(Descent, "step", step)

    def test_trainings_that_differ(self, monkeypatch):
        self.drifting(monkeypatch, 1e-2)
        for check in (processor, company, repeated):
            assert not check("cpu").ok, check

    def test_last_bits_are_rounding_but_not_the_same(self, monkeypatch):
        self.drifting(monkeypatch, 1e-7)
        assert company("cpu").ok and not repeated("cpu").ok

    def test_frozen_weights_that_move(self, monkeypatch):
        sound = Descent.__init__
        monkeypatch.setattr(Descent, "__init__", lambda self, b, g, t, *rest: sound(self, b, g, None, *rest))
        assert not processor("cpu").ok and "frozen weights have moved" in processor("cpu").text

    def test_other_random_numbers(self, monkeypatch):
        sound, made = CountedUniforms.__init__, []

        def init(self, *arguments):
            sound(self, *arguments)
            made.append(self)
            self._keys += len(made)

        monkeypatch.setattr(CountedUniforms, "__init__", init)
        assert not masks("cpu").ok and "other than on the processor" in masks("cpu").text


class TestPlugin:
    """Whole runs, of which the results are read."""

    @pytest.fixture
    def runs(self, monkeypatch):
        """A function that decides what runs come to, one after the other."""

        def decide(*estimates, device="cuda:0 (some)", status=0, says=""):
            left, commands = list(estimates), []

            def run(command, **_):
                commands.append(command)
                folder = Path(next(one for one in command if one.startswith("--results=")).partition("=")[2])
                (folder / "latest").mkdir(parents=True)
                claims = [{"id": check_gpu.CLAIM, "estimate": left.pop(0)}]
                report = {"environment": {"device": device}, "claims": claims}
                if status in (0, 1):
                    (folder / "latest" / "results.json").write_text(json.dumps(report))
                return SimpleNamespace(returncode=status, stdout=says, stderr="")

            monkeypatch.setattr(subprocess, "run", run)
            return commands

        return decide

    def test_by_one_worker_and_by_three(self, runs):
        commands = runs(4.5, 4.75)
        seen = check_gpu.plugin("cuda:0")
        assert seen.ok and "+4.50 to +4.75 pp" in seen.text and set(seen.numbers) == {"1 worker", "3 workers"}
        assert ["-n1" in commands[0], "-n3" in commands[1]] == [True, True]
        assert all("--device=cuda:0" in command for command in commands)

    def test_runs_that_differ_fail(self, runs):
        runs(4.5, 6.0)
        assert not check_gpu.plugin("cuda:0").ok

    @pytest.mark.parametrize(
        "how, message",
        [
            ({"device": "cpu (some)"}, "it ran on cpu"),
            (
                {"status": 4, "says": "x\nERROR: --device cuda:0: it cannot be used"},
                "ERROR: --device cuda:0: it cannot",
            ),
            ({"status": 3}, "the run ended with status 3"),
        ],
    )
    def test_what_went_wrong_is_told(self, runs, how, message):
        runs(4.5, 4.5, **how)
        (found,) = check_gpu.run_checks("cuda:0", {"plugin": check_gpu.plugin})
        assert not found["ok"] and message in found["text"]


@pytest.fixture
def gpu(monkeypatch):
    """A machine with GPUs, as far as the command asks, and checks that are quickly done."""
    for module in (check_gpu, devices):
        monkeypatch.setattr(module, "cards", lambda: (["cuda:0", "cuda:1"], ""))
    monkeypatch.setattr(check_gpu, "set_precision", lambda precision: None)
    monkeypatch.setattr(torch.cuda, "device", lambda card: nullcontext())
    monkeypatch.setattr(check_gpu, "CHECKS", {"environment": lambda device: Seen(f"fine on {device}")})
    monkeypatch.setattr(check_gpu, "plugin", lambda device: Seen("as good", True, {"1 worker": 2.5}))


@pytest.mark.parametrize("argument, card", [([], "cuda:0"), (["--device=cuda:1"], "cuda:1")])
def test_a_line_each_and_json(gpu, capsys, argument, card):
    """Exit status 0; what follows the lines can be pasted and read back."""
    assert main(["check-gpu", *argument]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"ok     environment           fine on {card} (") and lines[1].startswith(
        "ok     plugin"
    )
    block = json.loads("\n".join(lines[2:]))
    assert block["device"] == card and [one["check"] for one in block["checks"]] == ["environment", "plugin"]
    assert block["checks"][1]["numbers"] == {"1 worker": 2.5} and block["torch"] == torch.__version__


def test_one_failure_is_exit_status_1(gpu, capsys, monkeypatch):
    """The others are done all the same; an exception is a failure that says what was raised."""

    def broken(device):
        raise RuntimeError("CUDA error: odd\nand more")

    monkeypatch.setattr(check_gpu, "CHECKS", {"broken": broken})
    assert main(["check-gpu"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAILED broken                RuntimeError: CUDA error: odd (")
    assert lines[1].startswith("ok     plugin")


def test_without_a_gpu(capsys, monkeypatch):
    """One message with the reason, exit status 1."""
    monkeypatch.setattr(check_gpu, "cards", lambda: ([], "the driver is too old"))
    assert main(["check-gpu"]) == 1
    said = capsys.readouterr()
    assert said.err == "ERROR: there is no GPU that torch can use: the driver is too old\n" and not said.out


@pytest.mark.parametrize("device", ["cpu", "mps", "cuda:7", "abacus"])
def test_what_is_no_gpu_is_a_matter_of_usage(gpu, capsys, device):
    """Exit status 2."""
    assert main(["check-gpu", f"--device={device}"]) == 2
    assert capsys.readouterr().err.startswith(f"ERROR: --device {device}: ")
