"""HTML: whatever a text holds, it is shown and does nothing."""

import json
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from lottery.report.markup import Markup, element, embedded, joined

NASTY = st.text(st.sampled_from("<>&\"'/! -=scriptSCRIPT\u2028\u2029é"), max_size=40)


class Read(HTMLParser):
    """What a browser makes of a piece of HTML."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text = [], {}, ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes |= dict(attributes)

    def handle_data(self, data):
        self.text += data


@given(NASTY, NASTY)
def test_texts_stay_texts(inside, attribute):
    """In an element and in an attribute, as they were given; nothing else begins."""
    read = Read(element("p", inside, "·", Markup("<b>"), title=attribute))
    assert read.tags == ["p", "b"] and read.text == f"{inside}·" and read.attributes == {"title": attribute}


@given(st.recursive(NASTY, lambda inside: st.lists(inside) | st.dictionaries(NASTY, inside), max_leaves=6))
def test_data_stay_data(value):
    """JSON in a script is what it was, and has no sign that could end the script or begin one."""
    told = embedded(value)
    assert json.loads(told) == value and not set("<>&\u2028\u2029") & set(told)


def test_attributes():
    """None and False are left out, True has no value, a hyphen is written as `_`."""
    assert element("td", "x", class_="n", data_label="a", hidden=True, id=None, open=False) == (
        '<td class="n" data-label="a" hidden>x</td>'
    )
    assert element("input", type="search") == '<input type="search">' and joined(["<", Markup("<br>")]) == "&lt;<br>"
