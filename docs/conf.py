"""Sphinx configuration. The build needs no network, so that it works anywhere the tests do."""

from importlib.metadata import version as distribution_version

project = "pytest-durable"
author = "The pytest-durable contributors"
project_copyright = "The pytest-durable contributors"
release = distribution_version("pytest-durable")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinxcontrib.mermaid",
]

source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
# A plain ```mermaid fence is drawn here as it is by code hosting sites.
myst_fence_as_directive = ["mermaid"]

# The diagram's text goes into the page and the reader's browser draws it: the other formats need
# a program that pip cannot install.
mermaid_output_format = "raw"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"

nitpicky = True
# References into our own packages must resolve. The others would need the inventories of other
# projects' documentation, that is, a network.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!durable_sdk|pytest_durable).*"),
    # Type variables and private base classes have no page.
    (r"py:class", r"(durable_sdk|pytest_durable)\..*\.([A-Z]|_[A-Za-z]+)"),
]

html_theme = "furo"
html_title = f"pytest-durable {release}"
