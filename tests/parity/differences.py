"""The deliberate differences of our public surface from AWS's, each with its reason.

This table is rendered into ``docs/explanation/api-differences.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Difference:
    """Names that are missing or different on purpose.

    ``names`` are patterns of module:Class.member(parameter). Both texts are for readers of the documentation.
    """

    names: tuple[str, ...]
    ours: str
    reason: str

    def allows(self, name: str) -> bool:
        """Return whether the entry is about that name, or about something inside it."""
        return any(fnmatchcase(name, pattern) for pattern in self.names)


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        ("pytest_durable*:WebRunner", "pytest_durable*:WebRunnerConfig"),
        "Not there.",
        "`pytest-durable serve` offers handlers over HTTP.",
    ),
    Difference(
        ("pytest_durable.model:Execution.from_execution",),
        "Not there.",
        "It reads the execution object inside AWS's runner.",
    ),
    Difference(
        (
            "durable_sdk*:DurableContext(*)",
            "durable_sdk*:DurableContext.create_child_context",
            "durable_sdk*:DurableContext.from_lambda_context",
            "durable_sdk.context:Callback(*)",
        ),
        "Other parameters; the two factories are not there.",
        "The SDK makes these objects, a handler only uses them. A test makes them by running a handler.",
    ),
    Difference(
        ("durable_sdk.context:Callback.callback_id",),
        "Set by the constructor, so it is not seen on the class.",
        "A callback's id is known when it is made.",
    ),
    Difference(
        (
            "durable_sdk.concurrency.models:Branch*",
            "durable_sdk.concurrency.models:CompletionPolicy.*",
            "durable_sdk.concurrency.models:CompletionRecord",
            "durable_sdk.concurrency.models:Executable",
            "durable_sdk.concurrency.models:envelope_summary_generator",
        ),
        "Not there, or with other methods.",
        "Parts of the engine behind map and parallel, which is built otherwise.",
    ),
    Difference(
        ("durable_sdk.exceptions:TimedSuspendExecution*",),
        "Made with `resume_at`, in microseconds since the epoch.",
        "It travels inside the SDK only. All of its times are integers, so that none is ever rounded.",
    ),
    Difference(
        (
            "durable_sdk.execution:*.from_dict(*)",
            "durable_sdk.execution:*.from_json_dict(*)",
        ),
        "The parameter is called `data`, as in all other classes.",
        "It is passed by position. One codec reads every structure.",
    ),
    Difference(
        ("durable_sdk.plugin:PluginExecutor.*",),
        "Other methods.",
        "It drives the hooks inside the SDK; plugins do not see it.",
    ),
    Difference(
        (
            "durable_sdk.serdes:*Codec",
            "durable_sdk.serdes:EncodedValue",
            "durable_sdk.serdes:TYPE_CODEC",
            "durable_sdk.serdes:TYPE_TOKEN",
            "durable_sdk.serdes:VALUE_TOKEN",
        ),
        "Not there.",
        "How the typed form is put together. The form itself is the same, byte for byte.",
    ),
    Difference(
        (
            "durable_sdk.serdes:*SerDes.serialize(*)",
            "durable_sdk.serdes:*SerDes.deserialize(*)",
        ),
        "The second parameter is called `serdes_context` in every serdes, and is always passed.",
        "It has one name in the interface SerDes; AWS's implementations give it others.",
    ),
    Difference(
        ("durable_sdk.*:Numeric",),
        "Written out: `int` or `float`.",
        "An alias that only annotations use.",
    ),
)

# What is not measured, and holds everywhere.
RULES = (
    "The enums of `lambda_service`, and the statuses of executions, are `StrEnum`: a member equals its text, "
    'so that both `is` and `== "SUCCEEDED"` work.',
    "Annotations may be spelled otherwise, and type variables are not public.",
    "What AWS's functions and classes require may be optional, and classes may have more members and "
    "parameters.",
    "Reading is stricter about what is wrong and more lenient about form: a missing member raises "
    "`ValidationError` and names it; times may be datetimes, ISO 8601 text or milliseconds.",
    "An empty error, `{}`, is read as an empty `ErrorObject`, so that what was read is written again as it "
    "was.",
)


def page() -> str:
    """Return the documentation page that shows the table."""
    rows = [
        f"| {'<br>'.join(f'`{name}`' for name in entry.names)} | {entry.ours} | {entry.reason} |"
        for entry in DIFFERENCES
    ]
    return "\n".join(
        [
            "# Differences from AWS's packages",
            "",
            "The modules, classes, functions, parameters, fields and enum values of AWS's",
            "`aws-durable-execution-sdk-python` 3.0.0 and `aws-durable-execution-sdk-python-testing` 1.4.0",
            "are found here under the same names: `aws_durable_execution_sdk_python` is `durable_sdk`, and",
            "`aws_durable_execution_sdk_python_testing` is `pytest_durable`. `make parity` compares the two",
            "by introspection and fails at any difference that is not listed on this page.",
            "",
            "## Rules",
            "",
            *(f"- {rule}" for rule in RULES),
            "",
            "## Names",
            "",
            "A star stands for any text; what is in brackets is a parameter.",
            "",
            "| Name | Here | Why |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )
