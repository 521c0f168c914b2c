"""`lottery bench`: how fast the engine trains, against an ordinary loop and against the hardware, all in one run."""

import time
from collections.abc import Callable

import torch
from tabulate import tabulate
from torch import nn

from lottery.datasets import Dataset, Part
from lottery.networks import network
from lottery.options import processor
from lottery.perceptrons import Layout, initial_weights
from lottery.products import product
from lottery.recipes import Recipe, Setting
from lottery.scales import EARLY_STOP, SCALES
from lottery.training import Replica, train

CASES = (("tiny", 20, 600), ("reduced", 1, 1_000))  # scale, replicas, iterations
HEADERS = ("network", "replicas", "engine\nus/step", "plain loop\nus/step", "ratio", "engine\nGFLOP/s", "best product\nGFLOP/s", "share")


def seconds(run: Callable[[], object], repeat: int = 3) -> float:
    """Return the shortest time that `run` took in `repeat` runs after one to warm up."""
    run()
    times = []
    for _ in range(repeat):
        _wait()
        started = time.perf_counter()
        run()
        _wait()
        times.append(time.perf_counter() - started)
    return min(times)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def pixels(setting: Setting, device: str) -> Dataset:
    """Return images without meaning, of the size of the setting's data: speed does not hang on what is in them."""
    generator = torch.Generator().manual_seed(0)
    inputs, outputs = network(setting.network).layers[0].shape[0], network(setting.network).layers[-1].shape[1]

    def part(count: int) -> Part:
        labels = torch.randint(0, outputs, (count,), generator=generator)
        return Part(torch.rand(count, inputs, generator=generator).to(device), labels.to(device))

    train_images, validation, test = (400, 500, 897) if setting.dataset == "digits" else (10_000, 5_000, 10_000)
    return Dataset("random", part(train_images), part(validation), part(test), "random")


def engine(setting: Setting, recipe: Recipe, data: Dataset, replicas: int) -> float:
    """Return the engine's seconds per network-step, its evaluations included."""
    layout = Layout(network(setting.network))
    batch = [
        Replica(layout.join(initial_weights(network(setting.network), seed)), layout.trainable(None), (seed, "data order", 0))
        for seed in range(replicas)
    ]
    return seconds(lambda: train(setting.network, data, recipe, batch)) / recipe.iterations / replicas


def plain_loop(setting: Setting, recipe: Recipe, data: Dataset) -> float:
    """Return the seconds per step of one network in an ordinary loop: nn.Sequential, autograd, fused Adam, index gathers.

    It looks at the validation loss as often as the engine does, and nothing else.
    """
    modules: list[nn.Module] = []
    for layer in network(setting.network).layers:
        modules += [nn.Linear(*layer.shape), nn.ReLU()]
    model = nn.Sequential(*modules[:-1]).to(data.device)
    optimiser = torch.optim.Adam(model.parameters(), recipe.learning_rate, fused=True)

    def run() -> None:
        for iteration in range(1, recipe.iterations + 1):
            index = torch.randint(0, len(data.train.images), (recipe.batch_size,), device=data.device)
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(data.train.images[index]), data.train.labels[index]).backward()
            optimiser.step()
            if recipe.looks(iteration):
                with torch.no_grad():
                    nn.functional.cross_entropy(model(data.validation.images), data.validation.labels).item()

    return seconds(run, repeat=2) / recipe.iterations


def arithmetic(setting: Setting) -> float:
    """Return the floating-point operations that a training step needs: three products a layer, the first layer's inputs needing no gradient."""
    weights = [layer.weights for layer in network(setting.network).layers]
    return 2 * setting.recipe.batch_size * (3 * sum(weights) - weights[0])


def product_rate(setting: Setting, replicas: int, device: str) -> float:
    """Return the floating-point operations per second of the best library for the network's largest layer."""
    layer = max(network(setting.network).layers, key=lambda layer: layer.weights)
    rows, repeat = setting.recipe.batch_size, 200
    left = torch.rand(replicas, rows, layer.shape[0], device=device)
    right = torch.rand(replicas, *layer.shape, device=device)
    ways = (lambda: product(left, right), lambda: torch.bmm(left, right), lambda: left[0] @ right[0])
    counts = (replicas, replicas, 1)
    return max(
        2 * rows * layer.weights * count * repeat / seconds(lambda way=way: [way() for _ in range(repeat)]) for way, count in zip(ways, counts)
    )


def bench(device: str) -> str:
    """Return a table of speeds on this device, one thread on a processor."""
    if device == "cpu":
        torch.set_num_threads(1)
    rows = []
    for name, replicas, iterations in CASES:
        setting = SCALES[name].setting("lenet-300-100", EARLY_STOP)
        recipe = Recipe("adam", setting.recipe.learning_rate, setting.recipe.batch_size, iterations, setting.recipe.interval)
        data = pixels(setting, device)
        ours, loop, best = engine(setting, recipe, data, replicas), plain_loop(setting, recipe, data), product_rate(setting, replicas, device)
        rate = arithmetic(setting) / ours
        rows.append([setting.network, replicas, f"{ours * 1e6:.0f}", f"{loop * 1e6:.0f}", f"{loop / ours:.1f}x",
                     f"{rate / 1e9:.0f}", f"{best / 1e9:.0f}", f"{rate / best:.0%}"])  # fmt: skip
    where = f"{processor()}, one thread" if device == "cpu" else torch.cuda.get_device_name(device)
    title = f"{where}, torch {torch.__version__}; evaluations included; random pixels"
    return "\n".join([title, "", tabulate(rows, HEADERS, disable_numparse=True, stralign="right")])
