"""Which process of a run this is: its place among the workers, and what the others call it."""

from types import SimpleNamespace

import pytest

from lottery.plugin.process import Process


@pytest.mark.parametrize(
    "given, tx, told",
    [
        (None, None, (False, False, "main", 1)),
        (None, ["popen"], (False, True, "main", 1)),
        ({"workerid": "gw1", "workercount": 3}, None, (True, True, "gw1", 3)),
    ],
)
def test_the_three_roles(given, tx, told):
    """The only process, the controller, and a worker."""
    config = SimpleNamespace(option=SimpleNamespace(tx=tx), **({"workerinput": given} if given else {}))
    process = Process(config)
    assert (process.is_worker, process.distributed, process.name, process.workers) == told


def test_a_worker_that_replaces_another_has_its_place(tmp_path):
    """Whoever ends, by whatever, gives its place back; so its GPU is used again and no other by one more."""

    def begun():
        return Process(SimpleNamespace(workerinput={"lottery_folder": str(tmp_path / "run"), "workercount": 2}))

    first, second = begun(), begun()
    assert (first.place(), second.place()) == (0, 1)
    second._place.release()  # as the system does for a process that ends
    assert begun().place() == 1
