"""The picture of an estimate that a page has: its interval on the region that agrees with the claim, as SVG."""

from collections.abc import Mapping

from lottery.claims.results import is_difference
from lottery.claims.statistics import REFUTED, REPRODUCED
from lottery.report.interval_bar import extent
from lottery.report.markup import Markup, element
from lottery.report.results_table import number, span
from lottery.report.screen import agreement

WIDTH, HEIGHT = 150, 18  # pixels
MIDDLE = HEIGHT / 2
CAP = 4  # half the height of an interval's ends


def interval_picture(outcome: Mapping, unit: str) -> Markup:
    """Return the picture of a claim's or a part's outcome, with its numbers in words for those who cannot see it.

    Nothing where there is no estimate or no region. A filled dot is reproduced, a cross refuted, a ring neither.
    """
    region, estimate, interval = outcome["region"], outcome["estimate"], outcome["interval"]
    if region is None or estimate is None:
        return Markup()
    zero = is_difference(unit)
    low, high = extent(region, estimate, interval, zero)

    def place(value: float | None, open_end: float) -> float:
        return open_end if value is None else round((value - low) / (high - low) * WIDTH, 1)

    left, right = place(region[0], 0), place(region[1], WIDTH)
    drawn = [element("rect", class_="region", x=left, y=1, width=round(right - left, 1), height=HEIGHT - 2)]
    if zero:
        drawn.append(_line("zero", place(0.0, 0), 0, place(0.0, 0), HEIGHT))
    if interval is not None:
        start, end = place(interval[0], 0), place(interval[1], WIDTH)
        drawn.append(_line("interval", start, MIDDLE, end, MIDDLE))
        ends_at = [at for at, value in ((start, interval[0]), (end, interval[1])) if value is not None]
        drawn += [_line("interval", at, MIDDLE - CAP, at, MIDDLE + CAP) for at in ends_at]
    drawn.append(_point(place(estimate, 0), outcome["verdict"]))
    told = f"{number(estimate, unit)}{f' {span(interval, unit)}' if interval else ''}, agrees {agreement(region, unit)}"
    view = f"0 0 {WIDTH} {HEIGHT}"
    return element(
        "svg", *drawn, class_="picture", viewBox=view, width=WIDTH, height=HEIGHT, role="img", aria_label=told
    )


def _line(what: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return element("line", class_=what, x1=x1, y1=y1, x2=x2, y2=y2)


def _point(x: float, verdict: str) -> Markup:
    if verdict == REFUTED:
        return element("path", class_="refuted", d=f"M{x - 4:.1f} {MIDDLE - 4}l8 8m0 -8l-8 8")
    return element("circle", class_="reproduced" if verdict == REPRODUCED else "open", cx=x, cy=MIDDLE, r=3.5)
