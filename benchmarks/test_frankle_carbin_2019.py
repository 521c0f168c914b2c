"""Frankle & Carbin 2019: The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural Networks (arXiv 1803.03635)."""

from lottery.arms import DENSE, branch, chain
from lottery.claims import claim, effect, exact, proportion
from lottery.networks import CONVOLUTION, SHORTCUT, network
from lottery.quantities import accuracy, early_stop, mean

LENET = "lenet-300-100"
TICKET, REINIT = chain("large_final"), branch("large_final", "reinit")


@claim(LENET)
def test_tickets_stop_earlier(question):
    """Down to about 21% of the weights, tickets reach their minimum validation loss before the dense network does."""
    return effect(mean(early_stop(TICKET, n) - early_stop(DENSE, 0) for n in question.rounds))


@claim(LENET)
def test_early_stop_38_percent_earlier(question):
    """With 21% of the weights the minimum validation loss comes 38% earlier."""
    return effect(mean(early_stop(TICKET, n) - early_stop(DENSE, 0) for n in question.rounds))


@claim(LENET)
def test_ticket_is_more_accurate_than_reinit(question):
    """With 21% of the weights the ticket is half a point more accurate at early stop than its random reinitialisation."""
    return effect(mean(accuracy(TICKET, n) - accuracy(REINIT, n) for n in question.rounds))


@claim(LENET)
def test_ticket_is_faster_than_reinit(question):
    """With 21% of the weights the ticket reaches its minimum validation loss 2.51 times as fast as its random reinitialisation."""
    return effect(mean(early_stop(REINIT, n) - early_stop(TICKET, n) for n in question.rounds))


@claim(LENET)
def test_most_tickets_beat_their_reinit(question):
    """Structure alone does not explain a ticket: trial by trial, it is more accurate than its own random reinitialisation."""
    return proportion(mean(accuracy(TICKET, n) - accuracy(REINIT, n) for n in question.rounds))


def as_printed(value, printed):
    """Return `printed` if the value rounds or cuts off to it (the paper does both), else the value."""
    digits = len(printed.partition(".")[2])
    cut = int(value * 10**digits) / 10**digits
    return printed if printed in (f"{value:.{digits}f}", f"{cut:.{digits}f}") else f"{value:.2f}"


@claim(
    cases={
        "lenet-300-100": ("lenet-300-100", 1e3, "266", None),
        "conv-2": ("conv-2", 1e6, "4.3", "0.038"),
        "conv-4": ("conv-4", 1e6, "2.4", "0.260"),
        "conv-6": ("conv-6", 1e6, "1.7", "1.1"),
        "resnet-18": ("resnet-18", 1e3, "271", "270"),
        "vgg-19": ("vgg-19", 1e6, "20.0", None),
    }
)
def test_weight_counts(question, name, unit, printed_all, printed_convolutions):
    """The described networks have as many weights as the paper prints, in all and in convolutions."""
    one = network(name)
    counts = {"all": (one.weights, printed_all), "convolutions": (one.weights_of(CONVOLUTION, SHORTCUT), printed_convolutions)}
    printed = {part: text for part, (_, text) in counts.items() if text}
    return exact({part: as_printed(counts[part][0] / unit, text) for part, text in printed.items()}, printed)


@claim(
    cases={
        "lenet-300-100": ("lenet-300-100", {3: "51.3", 7: "21.1", 9: "13.5", 12: "7.0", 15: "3.6", 16: "2.9", 18: "1.9"}),
        "conv-2": ("conv-2", {6: "26.5", 11: "8.8", 14: "4.6", 16: "3"}),
        "conv-4": ("conv-4", {11: "11.1", 12: "9.2", 13: "7.6", 15: "5.4"}),
        "conv-6": ("conv-6", {7: "26.4", 10: "15.1", 12: "10.5"}),
        "resnet-18": ("resnet-18", {4: "41.7", 6: "27.1", 7: "21.9", 10: "11.8"}),
        "vgg-19": ("vgg-19", {12: "6.9", 15: "3.5", 19: "1.5"}),
    }
)
def test_pruning_ladder(question, name, printed):
    """The described rates per round leave the shares of weights that the paper prints."""
    return exact({round: as_printed(network(name).weights_remaining(round), text) for round, text in printed.items()}, printed)
