"""The forms of lists, tuples, sets and dicts."""

from __future__ import annotations

import json as _json
from collections.abc import Callable, Iterable
from typing import Any

from durable_sdk._forms.base import Form, Json, Shape
from durable_sdk._unfit import Unfit
from durable_sdk._wording import shown
from durable_sdk.concurrency.models import BatchItemStatus, BatchResult
from durable_sdk.exceptions import SerDesError


class ElementsForm(Form):
    """Any number of elements of one type, as a list.

    ``takes`` are the types that are written, ``build`` makes the value that is read. Sets are
    written in the order of their elements' JSON: their own differs from process to process.
    """

    shapes = frozenset({Shape.LIST})

    def __init__(
        self, name: str, takes: tuple[type[Any], ...], build: Callable[[list[Any]], Any], element: Form
    ) -> None:
        self.name = name
        self.element = element
        self.takes = takes
        self._build = build

    @property
    def is_plain(self) -> bool:  # type: ignore[override]
        """Whether it is a list of plain elements."""
        return self.takes == (list,) and self.element.is_plain

    def encode(self, value: Any) -> Json:
        """Return the elements as a list."""
        if not isinstance(value, self.takes):
            raise self.mismatch(value)
        _check_unnamed(self, value)
        try:
            if isinstance(value, set | frozenset):
                return sorted(map(self.element.encode, value), key=_sorted_text)
        except Unfit as unfit:
            # Its place in the set's order is another one in the next process.
            unfit.below("{...}")
            raise
        return _each(self.element.encode, value)

    def decode(self, json: Json) -> Any:
        """Return the container of the elements."""
        if type(json) is not list:
            raise self.mismatch(json)
        elements = _each(self.element.decode, json)
        try:
            return self._build(elements)
        except TypeError as error:
            raise Unfit(f"The elements of a {self.name} have to be hashable: {error}") from error


class TupleForm(Form):
    """A tuple with a type for each position, as a list."""

    shapes = frozenset({Shape.LIST})

    def __init__(self, elements: list[Form]) -> None:
        self.name = f"tuple[{', '.join(form.name for form in elements) or '()'}]"
        self.elements = elements

    def encode(self, value: Any) -> Json:
        """Return the elements as a list."""
        if not isinstance(value, tuple):
            raise self.mismatch(value)
        _check_unnamed(self, value)
        return self._each_position([form.encode for form in self.elements], value)

    def decode(self, json: Json) -> tuple[Any, ...]:
        """Return the elements as a tuple."""
        if type(json) is not list:
            raise self.mismatch(json)
        return tuple(self._each_position([form.decode for form in self.elements], json))

    def _each_position(self, functions: list[Callable[[Any], Any]], elements: Any) -> list[Any]:
        if len(elements) != len(functions):
            raise Unfit(f"Expected {self.name}, got {len(elements)} elements")
        done: list[Any] = []
        try:
            for function, element in zip(functions, elements, strict=True):
                done.append(function(element))
        except Unfit as unfit:
            unfit.below(f"[{len(done)}]")
            raise
        return done


class MappingForm(Form):
    """A dict, as an object. Keys that are no texts are written as the text of their JSON."""

    shapes = frozenset({Shape.OBJECT})

    def __init__(self, key: Form, member: Form) -> None:
        self.name = f"dict[{key.name}, {member.name}]"
        self.key = key
        self.member = member
        self.has_text_keys = key.shapes == {Shape.TEXT}

    @property
    def is_plain(self) -> bool:  # type: ignore[override]
        """Whether keys and members are plain."""
        return self.has_text_keys and self.key.is_plain and self.member.is_plain

    def encode(self, value: Any) -> Json:
        """Return the members under texts."""
        if not isinstance(value, dict):
            raise self.mismatch(value)
        members: dict[str, Json] = {}
        for key, member in value.items():
            try:
                text = self.key.encode(key)
                members[text if self.has_text_keys else _json.dumps(text)] = self.member.encode(member)
            except Unfit as unfit:
                unfit.below(f"[{shown(key)}]")
                raise
        return members

    def decode(self, json: Json) -> dict[Any, Any]:
        """Return the members under their keys."""
        if type(json) is not dict:
            raise self.mismatch(json)
        members: dict[Any, Any] = {}
        for text, member in json.items():
            try:
                members[self.decode_key(text)] = self.member.decode(member)
            except Unfit as unfit:
                unfit.below(f"[{text!r}]")
                raise
        return members

    def decode_key(self, text: str) -> Any:
        """Return the key that ``text`` stands for.

        Raises:
            Unfit: it stands for none.
        """
        if self.has_text_keys:
            return self.key.decode(text)
        try:
            key = _json.loads(text)
        except ValueError as error:
            raise Unfit(f"Expected the key to be {self.key.name}, got {shown(text)}") from error
        if isinstance(key, list | dict):
            raise Unfit(f"Expected the key to be {self.key.name}, got {shown(text)}")
        return self.key.decode(key)


class BatchForm(Form):
    """The result of a map or of parallel branches, in its stored form with the results in theirs."""

    shapes = frozenset({Shape.OBJECT})

    def __init__(self, result: Form) -> None:
        self.name = f"BatchResult[{result.name}]"
        self._result = result

    def encode(self, value: Any) -> Json:
        """Return the stored form."""
        if not isinstance(value, BatchResult):
            raise self.mismatch(value)
        stored = value.to_dict()
        stored["all"] = self._with_results(stored["all"], self._result.encode)
        return stored

    def decode(self, json: Json) -> Any:
        """Return the batch."""
        if type(json) is not dict or type(json.get("all")) is not list:
            raise self.mismatch(json)
        try:
            items = self._with_results(json["all"], self._result.decode)
            return BatchResult[Any].from_dict({**json, "all": items})
        except SerDesError as error:
            raise Unfit(f"Expected {self.name}: {error}") from error

    def _with_results(self, items: list[Any], function: Callable[[Any], Any]) -> list[Any]:
        """Return the items with their results turned; those that did not succeed have none."""
        done: list[Any] = []
        for index, item in enumerate(items):
            if isinstance(item, dict) and item.get("status") == BatchItemStatus.SUCCEEDED.value:
                try:
                    item = {**item, "result": function(item.get("result"))}
                except Unfit as unfit:
                    unfit.below(f".all[{index}].result")
                    raise
            done.append(item)
        return done


def _check_unnamed(form: Form, value: object) -> None:
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        name = type(value).__name__
        raise Unfit(
            f"Expected {form.name}, got the named tuple {name}, whose names would be lost: name {name} "
            "in the annotation"
        )


def _each(function: Callable[[Any], Any], elements: Iterable[Any]) -> list[Any]:
    done: list[Any] = []
    try:
        for element in elements:
            done.append(function(element))
    except Unfit as unfit:
        unfit.below(f"[{len(done)}]")
        raise
    return done


def _sorted_text(json: Json) -> str:
    return _json.dumps(json, sort_keys=True)
