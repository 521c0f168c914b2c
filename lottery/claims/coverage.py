"""Coverage: which claims a paper makes, of which networks and tasks, and why some are not asked."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from lottery.claims.fields import DISTINCT, Table, Text


class Said(Table):
    """One number of a paper's list: what it says, and `of` which networks and tasks, such as "conv-2 on cifar10"."""

    says: Text
    of: Annotated[tuple[Text, ...], *DISTINCT] = ()


def _said(value: object) -> object:
    return {"says": value} if isinstance(value, str) else value


Number = Annotated[Said, BeforeValidator(_said)]


class LeftOut(Table):
    """What is not asked: of these numbers all, or only of some networks, or only a part of the words."""

    numbers: Annotated[tuple[Text, ...], Field(min_length=1), *DISTINCT]
    of: Annotated[tuple[Text, ...], *DISTINCT] = ()
    part: str = ""
    reason: Text

    @model_validator(mode="after")
    def _whole(self) -> "LeftOut":
        if self.of and self.part:
            raise ValueError("what is left out is some networks, `of`, or a `part` of the words; write two sections")
        return self


def check_coverage(
    numbers: Mapping[str, Said], left_out: Sequence[LeftOut], asked: Sequence[tuple[str, str | None]]
) -> None:
    """Raise unless every number has entries or a reason, and so has each network that it speaks of.

    `asked` are the number of every entry with its network and task, or None where nothing is trained.
    """
    gone_of = {number for out in left_out for number in out.numbers}
    for number in sorted(({number for number, _ in asked} | gone_of) - set(numbers)):
        where = "[[left_out]]" if number in gone_of else "a claim"
        raise ValueError(f"{where} has the number {number!r}, which [numbers] does not list")
    for number, said in numbers.items():
        entries = [of for its, of in asked if its == number]
        gone = [out for out in left_out if number in out.numbers]
        whole = any(not out.of and not out.part for out in gone)
        if any(out.part for out in gone) and not entries:
            raise ValueError(f"number {number!r} leaves a part out and has no entry for the rest")
        if said.of:
            _check_networks(number, said, {of for of in entries if of}, {of for out in gone for of in out.of}, whole)
        elif bool(entries) == whole:
            has = "has both" if whole else "has neither"
            raise ValueError(f"number {number!r} should have an entry, or a reason in [[left_out]]; it {has}")


def _check_networks(number: str, said: Said, entries: set[str], gone: set[str], whole: bool) -> None:
    for of in sorted(gone - set(said.of)):
        raise ValueError(f"[[left_out]] leaves number {number!r} out of {of!r}, of which it does not speak")
    for of in said.of:
        if (of in entries) == (whole or of in gone):
            has = "has both" if of in entries else "has neither"
            wanted = f"an entry for {of!r}, or a reason in [[left_out]]"
            raise ValueError(f"number {number!r} should have {wanted}; it {has}")
