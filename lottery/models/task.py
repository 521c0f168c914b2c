"""Tasks: what a network is asked for, the loss it is trained on and the score it is judged by. No torch here."""

from dataclasses import dataclass

CROSS_ENTROPY, SQUARED_ERROR = "cross-entropy", "squared error"  # losses; `lottery/models/losses.py` has them


@dataclass(frozen=True)
class Task:
    """The loss of a network's outputs, and the score that the finished network is judged by."""

    loss: str
    score: str
    higher_is_better: bool
    unit: str = ""


CLASSIFICATION = Task(CROSS_ENTROPY, "accuracy", True, "%")
REGRESSION = Task(SQUARED_ERROR, "mean squared error", False)
