"""Planning: what a set of claims still needs, what that costs, and which claims to decide first when there is not time for all."""

from collections.abc import Hashable, Iterable, Mapping, Sequence

from lottery.experiments import Experiment
from lottery.networks import network


def arithmetic(one: Experiment) -> float:
    """Return the floating-point operations of an experiment's training steps: three products a layer, but for the first one's inputs."""
    weights = [layer.weights for layer in network(one.setting.network).layers]
    return 2.0 * one.setting.recipe.batch_size * (3 * sum(weights) - weights[0]) * one.steps


def cheapest_first(needs: Mapping[Hashable, Iterable[Experiment]], cost=arithmetic) -> list[tuple[Hashable, list[Experiment]]]:
    """Return the claims in the order in which the next one always costs least, each with what it needs beyond those before it.

    `needs` has, for each claim, the experiments that are still missing for it, their missing ancestors included. What several
    claims share is paid by the first; of equally cheap claims the one that comes first in `needs` is first.
    """
    open_needs, order = {claim: set(missing) for claim, missing in needs.items()}, []
    while open_needs:
        claim = min(open_needs, key=lambda claim: sum(map(cost, open_needs[claim])))
        paid = open_needs.pop(claim)
        order.append((claim, sorted(paid, key=repr)))
        for others in open_needs.values():
            others -= paid
    return order


def turns(order: Sequence[tuple[Hashable, list[Experiment]]]) -> dict[Experiment, int]:
    """Return for each experiment the place of the first claim that needs it."""
    return {one: place for place, (_, paid) in enumerate(order) for one in paid}
