"""A chart: a Vega-Lite specification without its data, the table that it shows, and what is said beside both."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lottery.report.charts import theme

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
TABLE = "table"  # name of the data in every specification
Row = Mapping[str, Any]


def slug(text: str) -> str:
    """Return a text as a part of a file's name: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


@dataclass(frozen=True)
class Chart:
    """One panel.

    name     of its file and of its place in the page: letters, digits and hyphens
    title    what it shows
    spec     Vega-Lite, colours being names of `theme`
    rows     what is drawn, with values of all columns
    columns  heading of each column that the table beside the chart has
    summary  what the chart shows, for those who do not see it
    hidden   columns that the chart needs and the table does not have
    lineage  where points come from, by what their rows have as `from` or, without it, as `series`: `origin` in words,
             `claims`, the rounds at which claims read it, by their ids, and `read`: False where these only train it
    """

    name: str
    title: str
    spec: Mapping[str, Any]
    rows: Sequence[Row]
    columns: Mapping[str, str]
    summary: str
    hidden: Sequence[str] = ()
    lineage: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def packed(self) -> dict[str, Any]:
        """Return the chart as the page carries it: the names of all columns once, and a list of values a row."""
        names = [*self.columns, *self.hidden]
        return {
            "name": self.name,
            "title": self.title,
            "spec": self.whole_spec(),
            "fields": names,
            "columns": list(self.columns.values()),
            "rows": [[row.get(name) for name in names] for row in self.rows],
        }

    def whole_spec(self) -> dict[str, Any]:
        """Return the specification without data."""
        return {"$schema": SCHEMA, "description": self.summary, "data": {"name": TABLE}, **self.spec}

    def standalone(self, width: int, title: Sequence[str], beside: Sequence[str] = ()) -> dict[str, Any]:
        """Return the specification of a picture so many pixels wide, with its data and the colours on white.

        `title` has the lines of its title, `beside` those below it.
        """
        data = {"name": TABLE, "values": [dict(row) for row in self.rows]}
        whole = {**self.whole_spec(), "data": data, "width": width, "config": theme.CONFIG}
        whole["title"] = {"text": list(title), "subtitle": list(beside)}
        drawn: dict[str, Any] = theme.on_white(whole)
        return drawn


@dataclass(frozen=True)
class Figure:
    """Panels that belong together: what of a paper they redraw, where it stands there, and what there is to say of it.

    `paper` is empty where the figure is of no paper, and `analogue` where it is not of smaller data or networks.
    """

    name: str
    title: str
    paper: str
    place: str  # such as "Fig. 5"
    caption: str
    panels: Sequence[Chart]
    analogue: str = ""
    layout: str = ""  # "one" where panels stand below each other
