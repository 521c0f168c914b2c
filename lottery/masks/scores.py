"""Scoring: a criterion's scores of a whole network, part by part, with all that it asks for."""

from collections.abc import Callable, Mapping

from torch import Tensor

from lottery.core.rng import stream
from lottery.masks import criteria
from lottery.masks.saliency import Saliency

Parts = Mapping[str, Tensor]


def scores(
    name: str, seed: int, round: int, masks: Parts, start: Parts, final: Parts, saliency: Callable[[Parts], Saliency]
) -> dict[str, Tensor]:
    """Return the scores of every part in `masks` by the criterion `name`, at the end of a round.

    `start` and `final` are all parameters before and after its training, `saliency` makes derivatives of either.
    """
    moments: dict[str, Saliency] = {}

    def asked(argument: str) -> Parts:
        what, _, moment = argument.partition("_")
        if moment not in moments:
            moments[moment] = saliency(start if moment == "init" else final)
        return getattr(moments[moment], what)

    derivatives = {
        argument: asked(argument) for argument in criteria.DERIVATIVES if criteria.CRITERIA.asks(name, argument)
    }
    return {
        part: criteria.score(
            name,
            w_init=_alone(start[part]),
            w_final=_alone(final[part]),
            mask=_alone(mask),
            generator=stream(seed, "criterion", round, part),
            **{argument: _alone(values[part]) for argument, values in derivatives.items()},
        )[0]
        for part, mask in masks.items()
    }


def _alone(values: Tensor) -> Tensor:
    """Return a part of one replica as (1, *shape), contiguous, so that a criterion may flatten it by a view."""
    return values.contiguous().unsqueeze(0)
