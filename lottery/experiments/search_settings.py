"""What a search for a planted ticket is asked to do: its network and target, its length, how many parameters it keeps, all checked."""

import functools

from lottery.core.errors import LotteryError
from lottery.experiments.arms import EDGE_POPUP, Seek
from lottery.experiments.scales import EPOCH, EPOCHS
from lottery.masks import criteria
from lottery.models.architectures import network
from lottery.models.layout import Layout
from lottery.planting.planted_networks import target_of, task_of
from lottery.training.config import Config

SCOPES = ("global", "layer")


@functools.cache
def check(arm: Seek) -> None:
    """Raise if a search makes no sense, with what is wrong about it."""
    task_of(arm.network)
    pruned = arm.method not in ("", EDGE_POPUP)
    wrong = {
        f"scope {arm.scope!r} is not one of {', '.join(SCOPES)}": arm.scope not in SCOPES,
        f"{arm.rounds} rounds; there must be one at least": not isinstance(arm.rounds, int) or arm.rounds < 1,
        f"{arm.epochs} epochs before a round": not isinstance(arm.epochs, int) or arm.epochs < 0,
        f"a share of {arm.share!r}; write a number up to 1, or None for as many as planted": not _share(arm.share),
        f"noise {arm.noise} is not between 0 and 1": arm.noise is not None and not 0 <= arm.noise < 1,
        "the whole network has no share to keep": not arm.method and arm.share != 1.0,
        "edge-popup cuts layer by layer always": arm.method == EDGE_POPUP and arm.scope != "global",
        "only edge-popup can be annealed": arm.annealed and arm.method != EDGE_POPUP,
        "edge-popup has one round, and nothing is trained after it": arm.method == EDGE_POPUP
        and (arm.rounds, arm.epochs, arm.weak) != (1, 0, False),
        f"{arm.method} scores what training has changed; train before the rounds, as multishot does": (
            pruned and criteria.needs_training(arm.method) and not arm.epochs
        ),
    }
    for what, is_wrong in wrong.items():
        if is_wrong:
            raise LotteryError(f"a search in {arm.network}: {what}")
    layout = Layout(network(arm.network))
    share = count(arm) / layout.biases[-1].stop
    if arm.scope == "layer":
        for layer in network(arm.network).layers:
            if number(share, layer.weights) == 0:
                what = f"a share of {share:.2g} leaves none of the {layer.weights} weights of {layer.name}"
                raise LotteryError(f"a search in {arm.network}: {what}; keep more, or rank all layers together")


def config_of(arm: Seek) -> Config:
    """Return how a search trains, all rounds together."""
    steps = EPOCH * (EPOCHS * (arm.weak or arm.method == EDGE_POPUP) + arm.epochs * arm.rounds)
    if arm.method == EDGE_POPUP:
        return Config("sgd", 0.1, 32, steps, EPOCH, momentum=0.9, weight_decay=5e-4)
    return Config("adam", 1e-3, 32, steps, EPOCH)


def together(arm: Seek) -> tuple:
    """Return what searches must have in common to be made together: the network, and when they train how."""
    return (
        arm.network,
        arm.rounds,
        arm.epochs,
        arm.weak,
        (arm.method == EDGE_POPUP, arm.method == EDGE_POPUP and arm.released),
    )


def count(arm: Seek) -> int:
    """Return how many parameters a search keeps; raise where they cannot make a path through all layers."""
    architecture = network(arm.network)
    layout = Layout(architecture)
    parameters, target = layout.biases[-1].stop, target_of(arm.network)
    if arm.share is not None:
        kept = round(arm.share * parameters)
    elif arm.released:
        kept = parameters - int((1 - target.size / architecture.weights) * parameters)
    else:
        kept = target.size + sum(int((bias != 0).sum()) for bias in target.biases)
    if not len(architecture.layers) <= kept <= parameters:
        share = "what is planted" if arm.share is None else f"a share of {arm.share:g}"
        raise LotteryError(
            f"a search in {arm.network}: {share} is {kept} of {parameters} parameters; a search keeps at least one for each "
            f"of the {len(architecture.layers)} layers, and at most all"
        )
    return kept


def number(share: float, size: int) -> int:
    """Return how many of so many a share is."""
    return round(share * size)


def _share(share: object) -> bool:
    return share is None or isinstance(share, (int, float)) and 0 < share <= 1
