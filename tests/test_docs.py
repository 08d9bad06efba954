"""The documentation is executed: every fenced block of README.md and docs/ is covered by a rule.

python      A first line such as ``# my_function.py`` names the module that the block becomes; a block without
            one is appended to ``test_page.py``. All blocks of a page make up one project, and at the end the
            page's modules are imported and its tests are run.
console     ``pytest`` commands run in that project, with the blocks above them, and must pass. Commands that
            would change the machine or take minutes (make, pip install, a script, export) are not run: what
            they name has to exist.
sh          For a shell beside a server. Not run: commands of the AWS CLI and of ours have to exist.
text        After a ``pytest`` command, or after a block that is expected to fail: output that must appear.
            A line ``[...]`` stands for any number of lines.
json, yaml  Parsed.
ini, toml   Parsed. Settings of pytest hold for the rest of the page; those of pytest-asyncio load it, too.
mermaid     Must begin with a kind of diagram. Sphinx's own directives are checked by ``make docs``.

Before a python block, ``<!-- fails -->`` says that each test in it fails, and
``<!-- written for AWS's packages -->`` that it imports those: their names are replaced, and nothing else.
Anything else has no rule and is an error.
"""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml
from botocore import xform_name
from zygote import Zygote

from pytest_durable.endpoint.server.command import parser as serve_parser
from pytest_durable.endpoint.wire.service_model import lambda_model
from pytest_durable.markers import DurableMark
from pytest_durable.simulator.service.limits import Limits

ROOT = Path(__file__).resolve().parent.parent
CONSTANTS = ROOT / ".hypothesis" / "constants"
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

# A block begins with at least three backticks, or colons for a directive, and ends with as many.
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|:{3,}) *(?P<info>[^`\n]*)$")
FILE_NAME = re.compile(r"# (?P<name>[a-z_]+\.py)")
LINK = re.compile(r"\]\((?!https?://|#)(?P<path>[^)#\s]+)[^)\s]*\)")
FAILS = "<!-- fails -->"
FOR_AWS = "<!-- written for AWS's packages -->"
ANY_LINES = "[...]"
PAGE_MODULE = "test_page.py"

# Other plugins that are installed would write lines of their own, and take time to load. Where CI or
# BUILD_NUMBER is set, pytest writes the lines of its summary in full.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")},
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "COLUMNS": "80",
    "PYTEST_ADDOPTS": "",
}

# Options under which pytest runs a file in the ordinary way, and all of it.
SHOWS_ALL = {"-q", "-v", "--durable-timeline"}

ZYGOTE = Zygote()

SPHINX_DIRECTIVES = {"{toctree}", "{include}", "{eval-rst}"}
DIAGRAMS = ("flowchart", "sequenceDiagram", "stateDiagram-v2")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the line of the page where it begins."""

    line: int
    language: str
    text: str
    mark: str

    @property
    def fails(self) -> bool:
        """Whether its tests are to fail."""
        return self.mark == FAILS


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in order."""
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    before = ""
    for number, line in lines:
        opening = FENCE.match(line)
        if opening is None:
            before = line.strip() or before
            continue
        inside = []
        for _, inner in lines:
            if inner.strip() == opening["fence"]:
                break
            inside.append(inner.removeprefix(opening["indent"]))
        else:
            raise AssertionError(f"{page.name}:{number}: the block has no end")
        language = opening["info"].split()[0] if opening["info"].strip() else ""
        text = "\n".join(inside)
        if before == FOR_AWS:
            text = moved_from_aws(text)
        yield Block(number, language, text, before)
        before = ""


def moved_from_aws(text: str) -> str:
    """Replace the names of AWS's packages, of which one begins with the other."""
    moved = text.replace("aws_durable_execution_sdk_python_testing", "pytest_durable")
    moved = moved.replace("aws_durable_execution_sdk_python", "durable_sdk")
    assert moved != text, "the block imports nothing of AWS's packages"
    return moved


class Project:
    """The project that the blocks of one page make up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.modules: dict[str, str] = {}
        self.to_fail: dict[str, list[str]] = {}
        self.have_failed: set[str] = set()
        self.have_passed: dict[str, str] = {}
        """What modules of tests held when all of their tests were run, under the settings that hold now."""
        self.plugins: list[str] = []
        # Hypothesis reads the source of all modules outside of site-packages, which takes it seconds, and
        # counts them as time to draw an example. Here it finds what it has read before.
        CONSTANTS.mkdir(parents=True, exist_ok=True)
        (path / ".hypothesis").mkdir()
        (path / ".hypothesis" / CONSTANTS.name).symlink_to(CONSTANTS)

    def add(self, block: Block) -> str:
        """Write a python block to its module, and return the module's file name."""
        named = FILE_NAME.match(block.text)
        if named is not None:
            name, text = named["name"], block.text
        elif block.fails:
            name, text = f"test_fails_{block.line}.py", block.text
        else:
            name, text = PAGE_MODULE, f"{self.modules.get(PAGE_MODULE, '')}\n\n{block.text}"
        tests = [
            node.name
            for node in ast.parse(text).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        ]
        assert len(tests) == len(set(tests)), f"a test of {name} hides another of the same name: {tests}"
        if block.fails:
            assert tests, "a block that fails has to hold a test"
            self.to_fail[name] = tests
        self.modules[name] = text
        (self.path / name).write_text(f"{text}\n", encoding="utf-8")
        return name

    def configure(self, block: Block) -> None:
        """Let the settings of a configuration file hold from here on."""
        self.have_passed.clear()
        if block.language == "ini":
            parser = configparser.ConfigParser()
            parser.read_string(block.text)
            assert parser.sections() == ["pytest"], "only pytest.ini has a rule"
            (self.path / "pytest.ini").write_text(block.text, encoding="utf-8")
            if parser.has_option("pytest", "asyncio_mode"):
                self.plugins = ["-p", "pytest_asyncio.plugin"]
        else:
            assert set(tomllib.loads(block.text)["tool"]) == {"pytest"}, "only pytest's table has a rule"
            (self.path / "pyproject.toml").write_text(block.text, encoding="utf-8")

    def pytest(self, *arguments: str) -> str:
        """Run pytest and return its output; it must pass, unless it runs what is to fail."""
        expected = [name for file in arguments for name in self.to_fail.get(file, [])]
        done = ZYGOTE.pytest(
            [
                *("-p", "pytest_durable.plugin", "-p", "no:cacheprovider"),
                *self.plugins,
                *("-W", "error", "--strict-config", "--strict-markers"),
                *arguments,
            ],
            self.path,
            ENVIRONMENT,
        )
        output = done.output
        assert done.returncode == (1 if expected else 0), output
        for name in expected:
            assert re.search(rf"^(FAILED|ERROR) \S+::{name}\b", output, re.MULTILINE), output
        self.have_failed.update(file for file in arguments if file in self.to_fail)
        if not expected and SHOWS_ALL.issuperset(one for one in arguments if one.startswith("-")):
            self.have_passed |= {file: self.modules[file] for file in arguments if file in self.modules}
        return output

    def finish(self) -> None:
        """Import every module, run every test that has to pass, and see fail what has to."""
        passing = [
            name
            for name, text in self.modules.items()
            if name not in self.to_fail and self.have_passed.get(name) != text
        ]
        if passing:
            imports = "\n".join(f"import {name.removesuffix('.py')}" for name in passing)
            (self.path / "test_imports.py").write_text(f"{imports}\n\n\ndef test_imports(): pass\n")
            self.pytest("-q", "test_imports.py", *(name for name in passing if name.startswith("test_")))
        for name in self.to_fail.keys() - self.have_failed:
            self.pytest("-q", name)


def check_shell_line(line: str) -> None:
    """Check a line for a shell beside a server, which is not run: the commands and options exist."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    match words:
        case []:
            return
        case ["aws", "lambda", operation, *_]:
            assert operation in {xform_name(name, "-") for name in lambda_model().operation_names}
        case ["pytest-durable", *arguments]:
            serve_parser().parse_args(arguments)
        case ["moto_server", "-p", port]:
            assert port.isdigit()
            assert entry_points(group="console_scripts", name="moto_server")
        case ["export", *assignments]:
            assert all(re.fullmatch(r"[A-Z_]+=.+", assignment) for assignment in assignments)
        case _:
            assert words[0] in ("echo", "pytest"), f"no rule for the command {words[0]!r}"


def run_command(project: Project, command: str) -> str | None:
    """Run a line of a console block, or check what it names. Returns the output of pytest."""
    words = shlex.split(command, comments=True)
    match words:
        case []:
            return None
        case ["pytest", *arguments]:
            return project.pytest(*arguments)
        # Not run: they install packages, take minutes, or are this very test run.
        case ["make", *arguments]:
            targets = [argument for argument in arguments if "=" not in argument]
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            for target in targets:
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"no make target {target!r}"
        case ["pip", "install", *arguments]:
            paths = [argument for argument in arguments if argument.startswith(".")]
            assert paths, "neither package is on an index: install from a path"
            for path in paths:
                assert (ROOT / path / "pyproject.toml").is_file(), f"nothing to install at {path!r}"
        case ["python", script, *_]:
            assert (ROOT / script).is_file(), f"no script {script!r}"
        case ["sam" | "cdk" | "terraform", verb, *_]:
            assert verb in ("build", "deploy", "list", "apply", "output"), f"no rule for {command!r}"
        case ["export", assignment]:
            assert "=" in assignment
        case _:
            raise AssertionError(f"no rule for the command {command!r}")
    return None


def normalised(text: str) -> list[str]:
    """Return the lines of an output without what differs from run to run: how long pytest took."""
    text = re.sub(r"\bin \d+\.\d+s( \([\d:]+\))?", "in 0.00s", text)
    # The line of equals signs around pytest's summary is as long as the duration leaves room for.
    text = re.sub(r"^=+ (.* in 0\.00s) =+$", r"= \1 =", text, flags=re.MULTILINE)
    # How far an error is set in depends on the code around the line that raised it.
    text = re.sub(r"^E +", "E ", text, flags=re.MULTILINE)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def check_output(shown: str, actual: str) -> None:
    """Check that what a page shows appears in the output, line by line."""
    lines, position = normalised(actual), 0
    for part in re.split(rf"^{re.escape(ANY_LINES)}$", shown, flags=re.MULTILINE):
        wanted = normalised(part)
        starts = range(position, len(lines) - len(wanted) + 1)
        found = next((start for start in starts if lines[start : start + len(wanted)] == wanted), None)
        assert found is not None, f"The page shows\n\n{part}\n\nbut the output is\n\n{actual}"
        position = found + len(wanted)


def run_page(page: Path, project: Project) -> Iterator[tuple[Block, str | None]]:
    """Run the blocks of a page; yields each with the output that a text block after it would show."""
    output: str | None = None
    module = ""
    for block in blocks_of(page):
        try:
            match block.language:
                case "python":
                    module = project.add(block)
                    output = None
                case "console":
                    outputs = [run_command(project, line) for line in block.text.splitlines()]
                    output = "".join(text for text in outputs if text is not None) or None
                case "sh":
                    for line in block.text.splitlines():
                        check_shell_line(line)
                case "text":
                    if output is None and module in project.to_fail:
                        output = project.pytest("-q", module)
                    assert output is not None, "no output for the text to be part of"
                case "ini" | "toml":
                    project.configure(block)
                case "json":
                    json.loads(block.text)
                case "yaml":
                    assert isinstance(yaml.safe_load(block.text), dict), "no mapping"
                case "mermaid":
                    assert block.text.lstrip().startswith(DIAGRAMS), "no known kind of diagram"
                case language:
                    assert language in SPHINX_DIRECTIVES, f"no rule for the language {language!r}"
        except AssertionError as error:
            raise AssertionError(f"{page.name}:{block.line}: {error}") from error
        yield block, output
    project.finish()


def check_page(page: Path, project: Project) -> None:
    """Run a page, and check what it shows."""
    for block, output in run_page(page, project):
        if block.language == "text":
            try:
                check_output(block.text, output or "")
            except AssertionError as error:
                raise AssertionError(f"{page.name}:{block.line}: {error}") from None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_the_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    check_page(page, Project(tmp_path))


PASSING = "```python\n# test_a.py\ndef test_it(): pass\n```"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```ruby\nputs\n```", "no rule for the language 'ruby'"),
        ("```\nplain\n```", "no rule for the language ''"),
        ("```console\nrm -r .\n```", "no rule for the command"),
        ("```console\nmake coffee\n```", "no make target 'coffee'"),
        ("```console\npip install durable-sdk\n```", "install from a path"),
        ("```text\nPASSED\n```", "no output for the text"),
        ("```mermaid\npainting\n```", "no known kind of diagram"),
        ("```python\ndef test_it(): assert False\n```", "1 failed"),
        ("```python\n# broken.py\nimport nowhere\n```", "No module named 'nowhere'"),
        ("<!-- fails -->\n```python\ndef test_it(): pass\n```", "1 passed"),
        (f"{PASSING}\n```console\npytest -q test_a.py\n```\n```text\n2 passed\n```", "The page shows"),
        (f"<!-- fails -->\n{PASSING}\n```console\npytest -q test_a.py\n```", "1 passed"),
        ("```python\nx = 1", "the block has no end"),
    ],
)
def test_a_page_that_does_not_do_what_it_says_is_refused(page: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f"{page}\n")
    with pytest.raises(AssertionError, match=message):
        check_page(tmp_path / "page.md", Project(tmp_path))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_local_link_of_the_page_leads_to_a_file(page: Path) -> None:
    paths = [link["path"] for link in LINK.finditer(page.read_text(encoding="utf-8"))]
    assert [path for path in paths if not (page.parent / path).exists()] == []


def test_every_page_is_reached_from_the_index() -> None:
    entries = [line for block in blocks_of(DOCS / "index.md") for line in block.text.splitlines()]
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("*.md")}
    assert pages - {"index"} <= set(entries)


def test_the_reference_lists_every_limit_with_its_value() -> None:
    reference = (DOCS / "reference.md").read_text(encoding="utf-8")
    limits = Limits()
    rows = [f"| `{field.name}` | {getattr(limits, field.name):,} |" for field in fields(limits)]
    assert [row for row in rows if row not in reference] == []


def test_the_reference_lists_every_option_and_ini_key(pytestconfig: pytest.Config) -> None:
    reference = (DOCS / "reference-testing.md").read_text(encoding="utf-8")
    options = [name for name in vars(pytestconfig.option) if name.startswith("durable_")]
    names = [f"`--{name.replace('_', '-')}" for name in options] + [f"`{name}`" for name in options]
    assert options
    assert [name for name in names if name not in reference] == []


def test_the_page_of_basic_tests_lists_every_argument_of_the_marker() -> None:
    page = (DOCS / "testing-patterns" / "basic-tests.md").read_text(encoding="utf-8")
    arguments = [field.name.removesuffix("_seconds") for field in fields(DurableMark)]
    names = ["clock" if name == "virtual_clock" else name for name in arguments]
    assert "clock" in names
    assert [name for name in names if f"\n| `{name}` |" not in page] == []
