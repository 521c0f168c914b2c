"""Counts: how many parameters a network has left after so many rounds, exact before anything is trained."""

from fractions import Fraction

from lottery.models.architectures import Architecture, network

TABLE_1 = ("lenet-conv", "alexnet-224", "vgg11-224", "resnet18-224")  # networks of Paganini & Forde's table
PRUNINGS = 20  # its rows


def parameters(architecture: Architecture) -> int:
    """Return the number of parameters: weights, biases, and scales and shifts of normalisation."""
    return sum(parameter.numel() for parameter in architecture.module.parameters())


def parameters_left(architecture: Architecture, rounds: int) -> int:
    """Return the number of parameters after so many rounds of pruning, with all that are never pruned.

    It is known beforehand, since a round removes a share of what is left: in each layer, or in all of them together.
    """
    if architecture.scope == "layer":
        return parameters(architecture) - architecture.weights + sum(architecture.kept(rounds))
    return parameters(architecture) - architecture.kept_in_all(0) + architecture.kept_in_all(rounds)


def as_printed(count: int) -> str:
    """Return a count in thousands as that table has it: cut off, and below ten thousand rounded to hundreds."""
    return str(count // 1000) if count >= 10_000 else f"{count / 1000:.1f}"


def sparsity(architecture: Architecture, rounds: int) -> Fraction:
    """Return the share of all parameters that so many rounds prune, biases and normalisation in the denominator.

    So Paganini & Forde 2020 count: their 35.9 % of Lenet after two prunings (appendix E) are 36.0 % of its weights.
    """
    return 1 - Fraction(parameters_left(architecture, rounds), parameters(architecture))


def table_1() -> dict[str, tuple[int, ...]]:
    """Return by network the parameters left after 1, 2, ... 20 prunings: `s` in Table 1 of Paganini & Forde 2020."""
    return {
        name: tuple(parameters_left(network(name), rounds) for rounds in range(1, PRUNINGS + 1)) for name in TABLE_1
    }
