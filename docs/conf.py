"""How Sphinx builds the documentation from the pages of the repository: `tox -e docs`.

The source folder is the repository itself, so that a link between two pages, to README.md or to a file leads to the
same place on the site as where the repository is browsed.
"""

import tomllib
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]

project = "lottery"
author = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["authors"][0]["name"]
release = (
    (ROOT / "lottery" / "__init__.py").read_text(encoding="utf-8").partition('__version__ = "')[2].partition('"')[0]
)

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"lottery {release}"
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"light_css_variables": {"code-font-size": "0.72rem"}}  # a screen of 100 columns fits


def setup(app: Sphinx) -> None:
    """Lead from the site's root to its first page, which lies in a folder as in the repository."""
    app.connect("build-finished", _lead_to_first_page)


def _lead_to_first_page(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        page = f'<!doctype html><title>{html_title}</title><meta http-equiv="refresh" content="0; url={root_doc}.html">'
        (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")
