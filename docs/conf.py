"""Sphinx configuration. The build needs no network, so that it works anywhere the tests do."""

from importlib import import_module
from importlib.metadata import version as distribution_version
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

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
    # Type variables and private base classes have no page, nor has what private modules keep to themselves.
    (r"py:.*", r"(durable_sdk|pytest_durable)\..*\.([A-Z]|[A-Z]_(co|contra)|_[A-Za-z]+)"),
    (r"py:class", r"durable_sdk\._.*"),
    # Protocols of one method, whose only use is in the signature that names them.
    (r"py:class", r"durable_sdk\.concurrency\.completion\.Criteria|durable_sdk\.logger\.LoggedExecution"),
]

html_theme = "furo"
html_title = f"pytest-durable {release}"


def setup(app: Sphinx) -> None:
    """Connect what is below."""
    app.connect("missing-reference", link_to_public_name)


def link_to_public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link a class to where users import it: annotations name the module that defines it."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith(("durable_sdk.", "pytest_durable.")):
        return None
    wanted = imported(target)
    if wanted is None:
        return None
    domain: Any = env.get_domain("py")
    name = target.rsplit(".", 1)[1]
    for documented in domain.objects:
        if documented.endswith(f".{name}") and imported(documented) is wanted:
            found: nodes.reference | None = domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", documented, node, content
            )
            return found
    return None


def imported(path: str) -> object:
    """Return the object at a dotted path of a module and a name in it, None if there is none."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name, None)
    except ImportError:
        return None


# Types in signatures of the reference that have no entry of their own there.
nitpick_ignore = [
    *globals().get("nitpick_ignore", []),
    ("py:class", "pytest_durable.faults.base.Fault"),
    ("py:class", "pytest_durable.plan.Plan"),
    ("py:class", "pytest_durable.simulator.choices.Choice"),
    ("py:class", "pytest_durable.simulator.execution.SimulatedExecution"),
    ("py:class", "pytest_durable.simulator.ledger.effect.Source"),
    ("py:class", "pytest_durable.simulator.runner.Target"),
    ("py:class", "pytest_durable.simulator.simulator.Simulator"),
    ("py:class", "pytest_durable.simulator.functions.Functions"),
    ("py:class", "pytest_durable.simulator.injector.Injector"),
    ("py:class", "pytest_durable.simulator.scripts.book.ScriptBook"),
    ("py:class", "pytest_durable.endpoint.mocking.MockDurable"),
]
