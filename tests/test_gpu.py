"""The engine on a GPU, where there is one: what `lottery check-gpu` checks there, but for whole runs."""

import pytest
import torch

from lottery.cli.gpu_checks import CHECKS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.mark.parametrize("name", CHECKS)
def test_on_the_first_gpu(name):
    """Each check finds things well, and says what it saw."""
    with torch.cuda.device("cuda:0"):
        seen = CHECKS[name]("cuda:0")
    assert seen.ok and seen.text, seen
