"""Files of `expected/`, mutated at random: each can be asked, or one message says what is wrong about it."""

import random
import re
import tempfile
from pathlib import Path

from lottery.claims import entries
from lottery.core.errors import LotteryError
from tests.campaigns.tally import Hung, Tally, within

ROOT = Path(__file__).resolve().parents[2]
VALUES = ("[1]", '["1"]', "inf", "-inf", "nan", "1e999", "99999999999999999999", "-1", '""', "true", "{}", "[[1]]",
          "2026-13-45", '"\\u0000"', '"\\u202e"', "[0, 1, 2]", '{ verdict = 1 }', "0x10", "[" * 300 + "]" * 300,
          '"' + "x" * 100_000 + '"', "[" + "1," * 20_000 + "]", "1_000_000", "9" * 5_000, '"planted"')  # fmt: skip
HEADS = ("[[left_out]]", "[numbers]", "[[claim]]", "[claim.scales.tiny]", "[claim]", "[[numbers]]", "title = 1",
         "[retired]", "[[claim.changed]]", "[claim.needs]", "[x.y]")  # fmt: skip


def mutated(text: str, chance: random.Random) -> tuple[str, str]:
    """Return a file's text with one thing changed, and what that was."""
    lines = text.split("\n")
    at = chance.choice([number for number, line in enumerate(lines) if line.strip()])
    how = chance.choice(("value", "value", "value", "name", "drop", "repeat", "head", "swap", "character", "cut"))
    if how == "value" and "=" in lines[at]:
        lines[at] = lines[at].partition("=")[0] + "= " + chance.choice(VALUES)
    elif how == "name" and "=" in lines[at]:
        lines[at] = (
            chance.choice(("seed", "regoin", "parts", "expected", "of", '"a b"')) + " =" + lines[at].partition("=")[2]
        )
    elif how == "drop":
        del lines[at]
    elif how == "repeat":
        lines.insert(at, lines[at])
    elif how == "head":
        lines.insert(at, chance.choice(HEADS))
    elif how == "swap":
        other = chance.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif how == "cut":
        lines = [*lines[:at], lines[at][: chance.randrange(len(lines[at]) + 1)]]
    else:
        place = chance.randrange(len(lines[at]))
        lines[at] = lines[at][:place] + chance.choice("\x00\x1b\"'[]{}=,\n#9\u2028é") + lines[at][place + 1 :]
    return "\n".join(lines), f"{how} at line {at + 1}"


def _asked(path: Path, benchmark: Path) -> None:
    """Read a file and resolve all of its claims at every scale, as a run does before anything is trained."""
    from lottery.claims.claim import differences
    from lottery.claims.resolved import resolve
    from lottery.experiments.scales import SCALES
    from tests.campaigns.stated import claims_of

    found = entries.read(path)
    lacking, strangers = differences(benchmark, found)
    for told in [*lacking.values(), *strangers]:
        raise LotteryError(told)
    for claim in claims_of(benchmark):
        for scale in SCALES.values():
            assert resolve(claim, found[claim.entry_id], scale).claim is claim


def run(count: int, seed: int) -> Tally:
    """Return what so many mutated files did."""
    from tests.campaigns.stated import import_benchmarks

    stated = sorted(import_benchmarks())
    tally, chance = Tally("mutated files of expected/"), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            benchmark = chance.choice(stated)
            original = ROOT / "expected" / f"{benchmark.stem.removeprefix('test_')}.toml"
            text, what = mutated(original.read_text(encoding="utf-8"), chance)
            path = Path(folder) / original.name
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            tally.tried += 1
            story = f"{original.name}, {what}, number {number}"
            try:
                with within(30):
                    _asked(path, benchmark)
            except LotteryError as error:
                if not str(error).strip() or re.search(r"Traceback|object at 0x", str(error)):
                    tally.note("wrong", f"{story}: {error}")
            except Hung:
                tally.note("hung", story)
            except BaseException as error:  # an exit, too
                tally.note("wrong", f"{story}: {type(error).__name__}: {error!s:.200}")
    return tally
