"""Writes the vectors beside this file: what AWS's SDK for Python stores for a value, and where.

Run with an interpreter that has ``aws-durable-execution-sdk-python`` installed:

    python tests/durable_sdk/vectors/record.py [number of generated values] [directory]

Values are Python expressions, evaluated here and in the tests under the names of `NAMES`. What was
refused has None in the place of its text. `test_aws_vectors.py` holds ``durable_sdk`` to them.
"""

from __future__ import annotations

import datetime
import json
import os
import random
import sys
import tempfile
from collections import namedtuple
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

ARN = (
    "arn:aws:lambda:eu-central-1:123456789012:function:orders:$LATEST"
    "/durable-execution/8e1c9a51-0a4e-4b7f-9b3e-0c5a1f6f7d10/1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
)
Point = namedtuple("Point", "x y")


class Colour(StrEnum):
    """Texts that are members."""

    RED = "red"


class Size(IntEnum):
    """Numbers that are members."""

    SMALL = 1


NAMES: dict[str, Any] = {
    "ARN": ARN,
    "Colour": Colour,
    "Decimal": Decimal,
    "Point": Point,
    "Size": Size,
    "UUID": UUID,
    "datetime": datetime,
    "inf": float("inf"),
    "nan": float("nan"),
}

CHOSEN_VALUES = [
    "[]", "{}", "()", "''", "b''", "[[], [[]]]", "-0.0", "1e400", "-inf", "nan", "[nan, inf]", "2**70",
    "True", "[True, 1, 1.0, None, '1']", "'\\u00e9\\u4e2d\\U0001f600\\ud800\\x00\\n\"\\\\'",
    "Colour.RED", "Size.SMALL", "[Size.SMALL, Colour.RED]", "{'a': Size.SMALL}", "Point(1, (2,))",
    "{1: 'a', None: 'b', False: 'c', 2.5: 'd', nan: 'e', Colour.RED: 'f'}", "{'t': 's', 'v': 1}",
    "{'t': {'t': 's', 'v': 'x'}}", "bytearray(b'ab')", "memoryview(b'abcd')", "memoryview(b'abcd')[::2]",
    "Decimal('NaN')", "Decimal('-Infinity')", "Decimal('1E+400')", "Decimal('0.10')",
    "datetime.datetime(1, 1, 1)", "datetime.datetime(2024, 2, 29, 23, 59, 59, 999999)",
    "datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)",
    "datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=-5, seconds=7)))",
    "datetime.date(9999, 12, 31)",
    # What has no typed form.
    "{1, 2}", "frozenset()", "1j", "object()", "range(3)", "datetime.time(1)", "datetime.timedelta(1)",
    "[{'a': (1, {2})}]", "{(1, 2): 3}", "{b'k': 1}", "{datetime.date(2024, 1, 1): 1}", "10**5000",
    "{'a': 10**5000}", "__import__('functools').reduce(lambda inner, _: [inner], range(100_000), [])",
]  # fmt: skip

# Texts that may be found in a record, and what they are read as.
CHOSEN_TEXTS = [
    "null", "1", "1.0", '"x"', "[1,[2]]", " [1, 2] ", "NaN", '{"t":"n","v":null}', '{"t":"i","v":5}',
    '{"v":{"a":{"v":1,"t":"i"}},"t":"m"}', '{"t":"f","v":1}', '{"t":"l","v":[{"t":"l","v":[]}]}',
    '{"t":"dt","v":"2020-01-02T03:04:05Z"}', '{"t":"dt","v":"2020-01-02"}', '{"t":"i","v":5,"x":1}',
    # No typed form.
    "", "{", "nul", "{}", '{"t":"s"}', '{"v":1}', '{"a":1}', '{"t":"zz","v":1}', '{"t":"d","v":"x"}',
    '{"t":"u","v":"x"}', '{"t":"D","v":"x"}', '{"t":"dt","v":"x"}', '{"t":"l","v":{}}', '{"t":"t","v":1}',
    '{"t":"m","v":[]}', '{"t":"i","v":"x"}', '{"t":"l","v":[{"t":"zz","v":1}]}', '[{"t":"i","v":1}]',
]  # fmt: skip

LOCATIONS = [
    ("ARN", "op-1"), ("ARN", "a/b"), ("ARN", ".."), ("ARN", ""), ("ARN", "a b%\\u00e9~_.-*'"),
    ("ARN.replace('orders', 'o o')", "x"), ("ARN.replace(':$LATEST', '')", "x"), ("ARN + '/more'", "x"),
    ("ARN.replace('arn:aws:', 'arn:aws-cn:')", "x"), ("'not an arn'", "x"), ("''", "x"), ("'a/../b'", "x"),
    ("ARN + '\\n'", "x"), ("'x' + ARN", "x"),
]  # fmt: skip

STORED = ["1", "'x'", "{'a': (1, 2)}", "[]", "None", "'\\u00e9\\n'"]

PERSON = (
    "{'id': 7, 'name': 'Ann', 'email': 'a@b.c',"
    " 'address': {'city': 'Bonn', 'geo': {'lat': 1.5, 'name': 'x'}},"
    " 'cards': [{'number': '1', 'cvc': 1}, {'number': '2', 'kind': {'name': 'gold'}}, 3], 'tags': ['a', 'b'],"
    " 'none': None, 'dotted.key': 1, 'empty': {}, 'pair': (1, 2), 1: 'one', 'caf\\u00e9': '\\u00e9'}"
)
RULES = [
    [], ["name"], ["email"], ["address"], ["cards"], ["number"], ["=name"], ["=address.geo.name"], ["=cards"],
    ["=cards.number"], ["=address"], ["kind", "=id"], ["1"], ["absent"], ["dotted.key"], ["caf\\u00e9"],
]  # fmt: skip
ODD_PREVIEWS = [
    "{'': {'b': 1}, 'a': {'': 2}}", "{'l': [{'x': 1}, {'x': {'y': 2}}]}",
    "{'l': [{'x': {'y': 2}}, {'x': 1}]}", "{'l': [[{'x': 1}], [[{'y': 2}]]]}", "[{'a': 1}]",
    "'text'", "{}", "{'a': [1]}", "{'a': nan}", "{None: 1}",
]  # fmt: skip


def generated(random_: random.Random, depth: int = 3) -> Any:
    """Return a value of the typed form."""
    kind = random_.randrange(10 + (4 if depth else 0))
    if kind >= 10:
        members = [generated(random_, depth - 1) for _ in range(random_.randrange(4))]
        if kind == 10:
            return tuple(members)
        if kind == 11:
            keys = ["t", "v", "", "k", "\u00e9", 5, True, None, 1.5]
            return dict(zip(random_.sample(keys, len(members)), members, strict=True))
        return members
    zone = random_.choice([None, datetime.timezone(datetime.timedelta(minutes=random_.randint(-1400, 1400)))])
    return [
        None,
        random_.random() < 0.5,
        random_.randint(-(2**70), 2**70) >> random_.randrange(70),
        random_.choice([random_.gauss(0, 1e9), random_.random(), 1e300, 5e-324]),
        "".join(chr(random_.choice([random_.randrange(128), random_.randrange(0xD800)])) for _ in range(4)),
        random_.randbytes(random_.randrange(6)),
        UUID(int=random_.getrandbits(128)),
        Decimal(random_.randint(-(10**12), 10**12)).scaleb(random_.randint(-20, 20)),
        datetime.datetime(2024, 1, 1, tzinfo=zone) + datetime.timedelta(seconds=random_.uniform(-1e9, 1e9)),
        datetime.date(2024, 1, 1) + datetime.timedelta(days=random_.randint(-(10**5), 10**5)),
    ][kind]


def outcome(function: Any, *arguments: Any) -> Any:
    """Return what the function returns, None if it refuses."""
    from aws_durable_execution_sdk_python.exceptions import SerDesError

    try:
        return function(*arguments)
    except (SerDesError, TypeError):
        return None


def record(count: int, directory: Path) -> None:
    """Write the three files."""
    import aws_durable_execution_sdk_python.filesystem_serdes as files
    import aws_durable_execution_sdk_python.preview as previews
    import aws_durable_execution_sdk_python.serdes as serdes

    def stored(expression: str) -> str | None:
        return outcome(serdes.serialize, None, eval(expression, NAMES), "id", "arn")

    def read(text: str) -> list[Any]:
        try:
            return [text, repr(serdes.deserialize(None, text, "id", "arn"))]
        except serdes.SerDesError:
            return [text, None]

    random_ = random.Random(0)
    expressions = CHOSEN_VALUES + [repr(generated(random_)) for _ in range(count)]
    write(
        directory / "typed_form.json",
        {
            "values": [[expression, stored(expression)] for expression in expressions],
            "texts": [read(text) for text in CHOSEN_TEXTS],
        },
    )

    def put(arn: str, operation_id: str, value: str, **options: Any) -> list[Any]:
        with tempfile.TemporaryDirectory() as base:
            config = files.FileSystemSerDesConfig(**options)
            context = serdes.SerDesContext(eval(f'"{operation_id}"'), eval(arn, NAMES))
            text = files.FileSystemSerDes(base, config).serialize(eval(value, NAMES), context)
            found = [path for path in Path(base).rglob("*") if path.is_file()]
            content = found[0].read_bytes().decode() if found else None
            return [arn, operation_id, value, text.replace(base, "BASE"), content]

    rows = []
    for encoding in files.FileSystemPathEncoding:
        rows += [[str(encoding), "ALWAYS", *put(*at, "1", path_encoding=encoding)] for at in LOCATIONS]
    for mode in files.FileSystemSerDesMode:
        rows += [["URI", str(mode), *put("ARN", "op", value, storage_mode=mode)] for value in STORED]
    # The last value that stays in the record, and the first that does not.
    for length in (261_104, 261_105):
        arn, operation_id, value, text, content = put(
            "ARN", "op", f"'x' * {length}", storage_mode=files.FileSystemSerDesMode.OVERFLOW
        )
        rows.append(["URI", "OVERFLOW", arn, operation_id, value, text if content else text[:20], None])
    write(directory / "filesystem_serdes.json", rows)

    def rule(names: list[str]) -> list[Any]:
        return [
            previews.PreviewField(
                eval(f'"{name.removeprefix("=")}"'),
                previews.FieldMatchMode.PATH if name.startswith("=") else previews.FieldMatchMode.ANYWHERE,
            )
            for name in names
        ]

    def shown(value: str, mode: str, include: Any, exclude: Any, mask: Any, size: int) -> list[Any]:
        config = previews.PreviewConfig(
            previews.PreviewMode(mode), rule(include), rule(exclude), rule(mask), max_preview_bytes=size
        )
        preview = outcome(previews.build_preview, eval(value, NAMES), config)
        return [mode, include, exclude, mask, size, json.dumps(preview)]

    cases = []
    for _ in range(200):
        mode = random_.choice(list(previews.PreviewMode))
        size = random_.choice([4096, 4096, 4096, random_.randrange(300)])
        rules = (random_.choice(RULES) for _ in range(3))
        cases.append([PERSON, *shown(PERSON, str(mode), *rules, size)])
    cases += [[value, *shown(value, "INCLUDE_ALL", [], [], [], 4096)] for value in ODD_PREVIEWS]
    write(
        directory / "preview.json",
        [["PERSON" if case[0] == PERSON else case[0], *case[1:]] for case in cases],
    )


def write(path: Path, content: Any) -> None:
    """Write one entry a line, so that a difference shows."""
    if isinstance(content, dict):
        parts = (f"{json.dumps(name)}: {lines(entries)}" for name, entries in content.items())
        path.write_text("{" + ",\n".join(parts) + "}\n")
    else:
        path.write_text(f"{lines(content)}\n")


def lines(entries: list[Any]) -> str:
    """Return a JSON list with a line for each entry."""
    return "[\n" + ",\n".join(map(json.dumps, entries)) + "\n]"


if __name__ == "__main__":
    here = Path(__file__).parent
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    record(
        int(sys.argv[1]) if len(sys.argv) > 1 else 300,
        Path(sys.argv[2]) if len(sys.argv) > 2 else here,
    )
