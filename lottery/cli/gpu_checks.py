"""What `lottery check-gpu` checks of the engine: functions of a device, most of which a processor passes as well."""

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lottery.core.devices import CPU, set_precision, trouble, wait
from lottery.core.rng import stream
from lottery.data.catalogue import load, noise
from lottery.experiments import all_parts  # noqa: F401  (what does the work of an arm registers itself)
from lottery.experiments.action_parts import LearnMaskAction
from lottery.experiments.arms import DENSE
from lottery.experiments.computing import compute
from lottery.experiments.experiment import experiment
from lottery.experiments.memory import USED, fitting, peak
from lottery.experiments.named_arms import edge_popup, learned, singleshot
from lottery.experiments.population import Population
from lottery.experiments.scales import PLANTED, SCALES
from lottery.models.architectures import network
from lottery.models.initialisers import initial_weights
from lottery.models.model import model_of
from lottery.training.config import Config, Setting
from lottery.training.counted_masks import CountedUniforms
from lottery.training.fit import Outcome, Replica, fit, observers_for
from lottery.training.learned_masks import Bernoulli, TopK
from lottery.training.parametrisation import Identity, Parametrisation
from lottery.training.step import one_by_one

SMALL, LARGE = "lenet-96-48", "lenet-300-100"
# Brief trainings: what differs in the last bits would grow by the step, to a fifth of all within a hundred.
ADAM = Config("adam", 1e-3, 20, 20, 10)
SGD = Config("sgd", 1e-2, 20, 20, 10, momentum=0.9, weight_decay=1e-4)
MASKS = dataclasses.replace(SGD, learning_rate=20.0, weight_decay=0.0)
EXACT = 1e-5  # of a float32 product, relative; TF32 errs by 1e-3
ROUNDING = 1e-2  # part of their length by which parameters of two trainings may differ that round differently
REPLICAS = (1, 100, 500)
CROWD = 2_000  # small networks that memory is made too small for


@dataclass(frozen=True)
class Seen:
    """What a check saw, in words and in numbers, and whether that is well."""

    text: str
    ok: bool = True
    numbers: dict[str, float] = field(default_factory=dict)


def _replicas(name: str, count: int, masked: bool = False) -> list[Replica]:
    architecture = network(name)
    made = []
    for seed in range(count):
        masks = [torch.rand(layer.shape, generator=stream(seed, "mask")) < 0.4 for layer in architecture.layers]
        start = architecture.layout.join(initial_weights(architecture, seed))
        made.append(Replica(start, architecture.layout.trainable(masks if masked else None), (seed, "data order", 0)))
    return made


def _trained(
    device: str,
    config: Config,
    replicas: Sequence[Replica],
    parametrise: Callable[[Tensor], Parametrisation] = Identity,
    name: str = SMALL,
) -> list[Outcome]:
    """Return what becomes of networks on the digits."""
    data = load("digits", device)
    return fit(model_of(network(name)), parametrise, data, config, replicas, observers_for(parametrise))


def _drawn(start: Tensor, rescaled: bool = False) -> Bernoulli:
    streams = [stream(seed, "supermask") for seed in range(len(start))]
    return Bernoulli(start, network(SMALL).layout, streams, rescaled=rescaled)


def _popped(start: Tensor, annealed: bool = False) -> TopK:
    streams, count = [stream(seed, "supermask") for seed in range(len(start))], len(start)
    return TopK(start, network(SMALL).layout, streams, [0.5] * count, annealed=[annealed] * count)


WAYS: dict[str, tuple[Config, Callable[[Tensor], Parametrisation]]] = {
    "adam": (ADAM, Identity),
    "sgd": (SGD, Identity),
    "drawn masks": (MASKS, _drawn),
    "rescaled masks": (MASKS, functools.partial(_drawn, rescaled=True)),
    "top-k": (SGD, _popped),
    "annealed top-k": (SGD, functools.partial(_popped, annealed=True)),
}


def _apart(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> float:
    """Return by which part of their length trained parameters differ at most; zero: bit for bit equal.

    Single ones say little: Adam moves a parameter of no consequence by the sign of a gradient that is mere rounding.
    """
    return max(
        ((a.final - b.final).norm() / b.final.norm()).item() if not torch.equal(a.final, b.final) else 0.0
        for a, b in zip(ours, theirs, strict=True)
    )


def _told(apart: dict[str, float]) -> str:
    """Return differences in words."""
    return ", ".join(f"{name} {'bit for bit' if not gap else f'to {gap:.0e}'}" for name, gap in apart.items())


def environment(device: str) -> Seen:
    """Tell of the card and of torch, after a small product there."""
    wrong = trouble(device)
    if device == CPU or wrong:
        return Seen(wrong or f"torch {torch.__version__} on the processor", not wrong)
    card = torch.cuda.get_device_properties(device)
    text = f"{card.name}, compute capability {card.major}.{card.minor}, {card.total_memory / 2**30:.1f} GiB; "
    return Seen(f"{text}torch {torch.__version__} with CUDA {torch.version.cuda}", True, {"memory": card.total_memory})


def precision(device: str) -> Seen:
    """Check that products and convolutions are computed in float32, not in TF32."""
    set_precision("float32")
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(256, 256, generator=generator, dtype=torch.float64) for _ in range(2))
    image, kernel = left[:64].view(1, 16, 32, 32), right[:9].reshape(16, 16, 3, 3)[:, :, :3, :3]
    errors = {}
    for name, run in {"product": lambda a, b, *_: a @ b, "convolution": lambda *all: torch.conv2d(*all[2:])}.items():
        exact = run(left, right, image, kernel)
        ours = run(*(one.float().to(device) for one in (left, right, image, kernel))).cpu().double()
        errors[name] = ((ours - exact).abs().max() / exact.abs().max()).item()
    text = ", ".join(f"{name} off by {error:.0e}" for name, error in errors.items())
    return Seen(text, max(errors.values()) < EXACT, errors)


def processor(device: str) -> Seen:
    """Check that trainings end as on the processor, to rounding, and that frozen weights stay, to the bit."""
    apart, frozen = {}, True
    for name in ("adam", "sgd"):
        replicas = _replicas(SMALL, 2, masked=True)
        here, there = (_trained(where, WAYS[name][0], replicas) for where in (CPU, device))
        apart[name] = _apart(there, here)
        still = [one.trainable == 0 for one in replicas]
        frozen &= all(torch.equal(a.final[of], b.start[of]) for a, b, of in zip(there, replicas, still))
    text = _told(apart) + ("" if frozen else "; frozen weights have moved")
    return Seen(text, frozen and max(apart.values()) < ROUNDING, apart)


def searches(device: str) -> Seen:
    """Check that a search for a planted ticket keeps the same places as on the processor."""
    setting = SCALES["tiny"].settings["planted-circle-5"][PLANTED]
    short = dataclasses.replace(setting, config=dataclasses.replace(setting.config, iterations=48, interval=12))
    one = experiment(short, singleshot("planted-circle-5", "snip", 0.5), 0, 0)
    found = [compute(Population([one], where), {one: {}})[one] for where in (CPU, device)]
    alike = float((found[0].arrays["mask"] == found[1].arrays["mask"]).mean())
    gap = abs(float(str(found[0].measurements["strong"])) - float(str(found[1].measurements["strong"])))
    text = f"{alike:.2%} of the mask alike, accuracy of the strong ticket {gap:.2f} points apart"
    return Seen(text, alike > 0.99 and gap < 1, {"alike": alike, "gap": gap})


def captured(device: str) -> Seen:
    """Check that captured steps are those taken one by one, for all that is trained."""
    apart = {}
    for name, (config, parametrise) in WAYS.items():
        ours = _trained(device, config, _replicas(SMALL, 3), parametrise)
        with one_by_one():
            apart[name] = _apart(ours, _trained(device, config, _replicas(SMALL, 3), parametrise))
    return Seen(_told(apart), max(apart.values()) < ROUNDING, apart)


def repeated(device: str) -> Seen:
    """Check that the same batch gives the same bits again."""
    apart = {}
    for name, (config, parametrise) in WAYS.items():
        first, second = (_trained(device, config, _replicas(SMALL, 3), parametrise) for _ in range(2))
        apart[name] = _apart(first, second)
    return Seen(_told(apart), not any(apart.values()), apart)


def company(device: str) -> Seen:
    """Compare a network alone with itself among others: to rounding, since only a processor promises the same bits."""
    apart = {}
    for name in ("adam", "sgd", "drawn masks"):
        config, parametrise = WAYS[name]
        together, alone = (_trained(device, config, _replicas(SMALL, count), parametrise) for count in (5, 1))
        apart[name] = _apart(together[:1], alone)
    return Seen(_told(apart), max(apart.values()) < ROUNDING, apart)


def masks(device: str) -> Seen:
    """Check that random numbers by a counter have the same bits on every device, and that masks learn with them."""
    rows = []
    for where in (CPU, device):
        uniforms = CountedUniforms([stream(seed, "check") for seed in range(3)], 10_001, torch.device(where))
        row = torch.empty(3, 10_001, device=where)
        for _ in range(3):
            uniforms.fill(row)
        rows.append(row.cpu())
    equal, longer = torch.equal(*rows), dataclasses.replace(MASKS, iterations=300, interval=100)
    outcomes = _trained(device, longer, _replicas(SMALL, 2), _drawn)
    accuracies = [float(str(one.measurements["test_accuracy_end"])) for one in outcomes]
    text = f"numbers {'as' if equal else 'other than'} on the processor, learned masks {min(accuracies):.0f} % right"
    return Seen(text, equal and min(accuracies) > 50, {"accuracy": min(accuracies)})


def memory(device: str) -> Seen:
    """Check that the estimate of a training's memory covers what it takes."""
    if device == CPU:
        return Seen("not measured on a processor")
    shares, count, data = {}, 100, noise((784,), 10, (2_000, 1_000, 1_000), device)
    for name, arm in {"adam": DENSE, "drawn masks": learned(), "top-k": edge_popup(0.5)}.items():
        one = experiment(Setting(LARGE, "mnist", Config("adam", 1e-3, 60, 8, 4)), arm, 0, 0)
        population = Population([one] * count, device)
        parametrise = Identity if arm == DENSE else LearnMaskAction.parametrisation(population)
        replicas, before = _replicas(LARGE, count, masked=True), torch.cuda.memory_allocated()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        fit(population.model, parametrise, data, one.setting.config, replicas, observers_for(parametrise))
        shares[name] = (torch.cuda.max_memory_reserved() - before) / (count * peak(one))
    text = ", ".join(f"{name} took {share:.0%} of the estimate" for name, share in shares.items())
    return Seen(text, max(shares.values()) <= 1 / USED, shares)


def halving(device: str) -> Seen:
    """Check that halves of a batch are computed where memory is too small for it, with results for all."""
    setting = Setting(SMALL, "digits", Config("adam", 1e-2, 20, 20, 10))
    crowd = [experiment(setting, DENSE, 0, seed) for seed in range(20 if device == CPU else CROWD)]
    population = Population(crowd, device)
    if device == CPU:
        return Seen(f"not tried on a processor, {len(compute(population, {one: {} for one in crowd}))} computed")
    torch.cuda.empty_cache()
    before, whole = torch.cuda.memory_stats().get("num_ooms", 0), torch.cuda.get_device_properties(device).total_memory
    limit = torch.cuda.memory_reserved() + peak(crowd[0]) * CROWD // 2
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit / whole))
    try:
        records = compute(population, {one: {} for one in crowd})
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    times = torch.cuda.memory_stats().get("num_ooms", 0) - before
    text = f"memory was full {times} times, {len(records)} of {CROWD} networks computed"
    return Seen(text, times > 0 and len(records) == CROWD, {"times": times})


def speed(device: str, counts: Sequence[int] = REPLICAS, steps: int = 400) -> Seen:
    """Measure microseconds a network and step, of LeNet-300-100 on 60 random images with Adam."""
    data, took = noise((784,), 10, (6_000, 500, 500), device), {}
    one = experiment(Setting(LARGE, "mnist", Config("adam", 1e-3, 60, steps, steps)), DENSE, 0, 0)
    most = max(counts) if device == CPU else fitting(one, device, 1)
    for count in [count for count in counts if count <= most]:
        replicas = _replicas(LARGE, count)

        def seconds(iterations: int, replicas: Sequence[Replica] = replicas) -> float:
            wait()
            started = time.perf_counter()
            config = Config("adam", 1e-3, 60, iterations, iterations)
            fit(model_of(network(LARGE)), Identity, data, config, replicas)
            wait()
            return time.perf_counter() - started

        seconds(8)
        took[f"R = {count}"] = 1e6 * (seconds(8 + steps) - seconds(8)) / steps / count
    told = [f"{name}: {micro:.2f} us" for name, micro in took.items()]
    told += [f"R = {count} does not fit" for count in counts if count > most]
    return Seen(", ".join(told), True, took)


CHECKS: dict[str, Callable[[str], Seen]] = {
    "environment": environment,
    "precision": precision,
    "as on the processor": processor,
    "searches": searches,
    "captured steps": captured,
    "twice the same": repeated,
    "alone and in company": company,
    "masks": masks,
    "memory": memory,
    "halving": halving,
    "speed": speed,
}
