"""`lottery bench`: how fast the engine trains, against an ordinary loop and against the hardware, all in one run."""

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from tabulate import tabulate

from lottery.cli.convolutions_bench import convolutions
from lottery.cli.masks_bench import masks
from lottery.cli.scheduling_bench import scheduling
from lottery.core.devices import CPU, description, named, prepare, ready, wait
from lottery.core.machine import processor
from lottery.data.catalogue import noise
from lottery.data.datasets import Dataset
from lottery.experiments.computing import compute
from lottery.experiments.experiment import Experiment, experiment
from lottery.experiments.named_arms import singleshot
from lottery.experiments.population import Population
from lottery.experiments.scales import EARLY_STOP, PLANTED, SCALES
from lottery.models.architectures import is_planted, network
from lottery.models.cost import training_cost
from lottery.models.initialisers import initial_weights
from lottery.models.losses import mean_loss
from lottery.models.matmul import product
from lottery.models.model import model_of
from lottery.store.store import Record
from lottery.training.config import Config, Setting
from lottery.training.fit import Replica, fit, observers_for
from lottery.training.parametrisation import Identity

# scale, network, replicas on a processor
CASES = (("tiny", "lenet-300-100", 20), ("reduced", "lenet-300-100", 1), ("tiny", "planted-circle-5", 12))
GPU_REPLICAS = 512
COUNTS = {"digits": (400, 500, 897), "mnist": (55_000, 5_000, 10_000)}  # images for training, validation, test
PLANTED_COUNTS = (9_000, 0, 1_000)
HEADERS = ("network", "replicas", "engine\nus/step", "plain loop\nus/step", "ratio", "engine\nGFLOP/s",
           "best product\nGFLOP/s", "share", "engine\nGB/s", "copying\nGB/s")  # fmt: skip
COPIED = 2**26  # floats of the block that the memory's bandwidth is measured on: larger than any cache


def seconds(run: Callable[[], object], repeat: int = 3, warm: Callable[[], object] | None = None) -> float:
    """Return the shortest time that `run` took in `repeat` runs, after `warm`, by default a run of its own."""
    (warm or run)()
    times = []
    for _ in range(repeat):
        wait()
        started = time.perf_counter()
        run()
        wait()
        times.append(time.perf_counter() - started)
    return min(times)


def engine(setting: Setting, config: Config, data: Dataset, replicas: int) -> float:
    """Return the engine's seconds per network-step over a whole training, measurements included, or a whole search."""
    if is_planted(setting.network):
        arm = singleshot(setting.network, "snip", 0.1)
        searches = [experiment(setting, arm, 0, seed) for seed in range(replicas)]
        population = Population(searches, str(data.device))
        sources: dict[Experiment, dict[Experiment, Record]] = {one: {} for one in searches}
        return seconds(lambda: compute(population, sources), repeat=1) / searches[0].steps / replicas
    architecture = network(setting.network)
    layout, free = architecture.layout, architecture.layout.trainable(None)
    starts = [layout.join(initial_weights(architecture, seed)) for seed in range(replicas)]
    batch = [Replica(start, free, (seed, "data order", 0)) for seed, start in enumerate(starts)]
    model = model_of(architecture)

    def run(config: Config = config) -> None:
        fit(model, Identity, data, config, batch, observers_for(Identity))

    return seconds(run, repeat=1, warm=lambda: run(replace(config, iterations=20))) / config.iterations / replicas


def plain_loop(setting: Setting, config: Config, data: Dataset) -> float:
    """Return the seconds per step of one network in an ordinary loop: its module, autograd, fused Adam, index gathers.

    It looks at the validation loss, where there is one, as often as the engine does, and nothing else.
    """
    loss = network(setting.network).loss
    model = network(setting.network).build().to(data.device)
    optimiser = torch.optim.Adam(model.parameters(), config.learning_rate, fused=True)

    def run(iterations: int = config.iterations) -> None:
        for iteration in range(1, iterations + 1):
            index = torch.randint(0, len(data.train.images), (config.batch_size,), device=data.device)
            optimiser.zero_grad()
            mean_loss(loss, model(data.train.images[index]), data.train.labels[index]).backward()
            optimiser.step()
            if len(data.validation.images) and config.looks(iteration):
                with torch.no_grad():
                    mean_loss(loss, model(data.validation.images), data.validation.labels).item()

    return seconds(run, repeat=1, warm=lambda: run(20)) / config.iterations


def product_rate(setting: Setting, replicas: int, device: str) -> float:
    """Return the floating-point operations per second of the best library for the network's largest layer."""
    layer = max(network(setting.network).layers, key=lambda layer: layer.weights)
    rows, repeat = setting.config.batch_size, 200
    left = torch.rand(replicas, rows, layer.shape[0], device=device)
    right = torch.rand(replicas, *layer.shape, device=device)
    ways = (lambda: product(left, right), lambda: torch.bmm(left, right), lambda: left[0] @ right[0])
    counts = (replicas, replicas, 1)

    def repeated(way: Callable[[], object]) -> Callable[[], object]:
        return lambda: [way() for _ in range(repeat)]

    work = 2 * rows * layer.weights * repeat
    return max(work * count / seconds(repeated(way)) for way, count in zip(ways, counts))


def bandwidth(device: str) -> float:
    """Return the bytes per second, read and written, at which a large block is copied."""
    source = torch.ones(COPIED, device=device)
    target = torch.empty_like(source)
    return 2 * 4 * COPIED / seconds(lambda: target.copy_(source))


def state(setting: Setting) -> int:
    """Return the bytes of memory that a step of Adam has to move: weights and two moments, each read and written."""
    return 6 * 4 * network(setting.network).layout.size


def bench(device: str) -> str:
    """Return a table of speeds on this device, one thread on a processor, and above it what scheduling costs."""
    device = ready(named(device), by_name=True)  # which then is the one that is waited for
    set_back = prepare(device, "float32")
    try:
        return _tables(device)
    finally:
        set_back()


def _tables(device: str) -> str:
    rows, copying = [], bandwidth(device)
    for name, of_paper, replicas in CASES:
        replicas = replicas if device == CPU else GPU_REPLICAS
        setting = SCALES[name].setting(of_paper, EARLY_STOP) or SCALES[name].setting(of_paper, PLANTED)
        assert setting is not None, f"{of_paper} has no setting at the scale {name}"
        config, architecture = setting.config, network(setting.network)
        counts = COUNTS.get(setting.dataset, PLANTED_COUNTS)
        data = noise(architecture.input_shape, architecture.layers[-1].fan_out, counts, device)
        ours, loop = engine(setting, config, data, replicas), plain_loop(setting, config, data)
        best = product_rate(setting, replicas, device)
        rate = training_cost(network(setting.network), config.batch_size).operations / ours
        rows.append([setting.network, replicas, f"{ours * 1e6:.0f}", f"{loop * 1e6:.0f}", f"{loop / ours:.1f}x",
                     f"{rate / 1e9:.0f}", f"{best / 1e9:.0f}", f"{rate / best:.0%}",
                     f"{state(setting) / ours / 1e9:.1f}", f"{copying / 1e9:.1f}"])  # fmt: skip
    where = f"{processor()}, one thread" if device == CPU else description(device)
    title = f"{where}, torch {torch.__version__}; whole trainings, all measurements included"
    title += "; random pixels, of planted networks their own data"
    table = tabulate(rows, HEADERS, disable_numparse=True, stralign="right")
    return "\n".join([title, scheduling(), "", table, "", convolutions(device), "", "masks, on the processor", masks()])
