"""The form of a union, and the order in which its members are told apart."""

from __future__ import annotations

from typing import Any

from durable_sdk._forms.base import Form, Json, Shape, shape_of
from durable_sdk._forms.containers import ElementsForm, MappingForm, TupleForm
from durable_sdk._forms.records import ModelForm, RecordForm
from durable_sdk._forms.scalars import BYTES, ChoiceForm, NoneForm, TextForm
from durable_sdk._unfit import Unfit


class UnionForm(Form):
    """One of several types: the first that fits writes and reads. `put_in_order` makes that safe."""

    def __init__(self, members: list[Form]) -> None:
        self.name = " | ".join(form.name for form in members)
        self.members = members

    @property
    def shapes(self) -> frozenset[Shape]:  # type: ignore[override]
        """The shapes of all members."""
        return frozenset().union(*(form.shapes for form in self.members))

    @property
    def is_plain(self) -> bool:  # type: ignore[override]
        """Whether all members are."""
        return all(form.is_plain for form in self.members)

    @property
    def written_shapes(self) -> frozenset[Shape]:
        """The shapes that any member writes."""
        return frozenset().union(*(form.written_shapes for form in self.members))

    def encode(self, value: Any) -> Json:
        """Return what the first member makes of ``value`` that can."""
        problems: list[tuple[Form, Unfit]] = []
        for form in self.members:
            try:
                return form.encode(value)
            except Unfit as unfit:
                problems.append((form, unfit))
        raise self._none_fits(value, problems)

    def decode(self, json: Json) -> Any:
        """Return what the first member makes of ``json`` that can."""
        problems: list[tuple[Form, Unfit]] = []
        shape = shape_of(json)
        for form in self.members:
            if shape not in form.shapes:
                continue
            try:
                return form.decode(json)
            except Unfit as unfit:
                problems.append((form, unfit))
        raise self._none_fits(json, problems)

    def _none_fits(self, value: object, problems: list[tuple[Form, Unfit]]) -> Unfit:
        relevant = [unfit for form, unfit in problems if not isinstance(form, NoneForm)]
        if len(relevant) == 1:
            return relevant[0]
        # What went wrong deepest inside is what the value was meant to be.
        deepest = max(relevant, key=lambda unfit: len(unfit.path), default=None)
        return self.mismatch(value) if deepest is None or not deepest.path else deepest

    def put_in_order(self) -> tuple[Form, Form] | None:
        """Put each member before those that would read what it writes as something else.

        Returns None, or, if no order will do, two members of which the first reads the second's. What
        fits several members is written by the first, so ``float | int`` keeps ints as ints.
        """
        ordered: list[Form] = []
        remaining = list(self.members)
        while remaining:
            conflicts = [
                next((other for other in remaining if misreads(form, other)), None) for form in remaining
            ]
            if None not in conflicts:
                conflict = conflicts[0]
                assert conflict is not None
                return remaining[0], conflict
            ordered.append(remaining.pop(conflicts.index(None)))
        self.members = ordered
        return None


def misreads(reader: Form, writer: Form) -> bool:
    """Return whether ``reader`` may read something that ``writer`` wrote as another value. In doubt, yes."""
    if reader is writer or not _may_accept(reader, writer, frozenset()):
        return False
    if reader.is_plain and writer.is_plain:
        return False
    if isinstance(reader, UnionForm):
        return any(misreads(form, writer) for form in reader.members)
    if isinstance(writer, UnionForm):
        return any(misreads(reader, form) for form in writer.members)
    if isinstance(reader, ElementsForm) and isinstance(writer, ElementsForm):
        return reader.takes != writer.takes or misreads(reader.element, writer.element)
    if isinstance(reader, MappingForm) and isinstance(writer, MappingForm):
        # In JSON all keys are texts: that of the int 1 is a str to whoever reads one.
        if reader.has_text_keys != writer.has_text_keys:
            return True
        return misreads(reader.key, writer.key) or misreads(reader.member, writer.member)
    return True


_Pairs = frozenset[tuple[Form, Form]]


def _may_accept(reader: Form, writer: Form, above: _Pairs) -> bool:
    """Return whether ``reader`` may read something that ``writer`` wrote.

    ``above`` are the pairs that are being compared already, further out: a type may contain itself.
    """
    if not reader.shapes & writer.written_shapes:
        return False
    if isinstance(reader, UnionForm):
        return any(_may_accept(form, writer, above) for form in reader.members)
    if isinstance(writer, UnionForm):
        return any(_may_accept(reader, form, above) for form in writer.members)
    if writer.choices is not None:
        return any(map(reader.accepts, writer.choices))
    if reader.choices is not None:
        return any(map(writer.accepts, reader.choices))
    if isinstance(reader, TextForm) and isinstance(writer, TextForm):
        return reader is writer or BYTES in (reader, writer)
    pair = (reader, writer)
    if pair in above:
        return True
    above |= {pair}
    if isinstance(reader, TupleForm | ElementsForm) and isinstance(writer, TupleForm | ElementsForm):
        return _may_accept_elements(reader, writer, above)
    if isinstance(writer, RecordForm):
        return _may_accept_record(reader, writer, above)
    return True


def _may_accept_elements(
    reader: TupleForm | ElementsForm, writer: TupleForm | ElementsForm, above: _Pairs
) -> bool:
    if isinstance(reader, TupleForm):
        readers = reader.elements
        writers = writer.elements if isinstance(writer, TupleForm) else [writer.element] * len(readers)
    elif isinstance(writer, TupleForm):
        writers = writer.elements
        readers = [reader.element] * len(writers)
    else:
        # Both write an empty list.
        return True
    return len(readers) == len(writers) and all(
        _may_accept(one, other, above) for one, other in zip(readers, writers, strict=True)
    )


def _may_accept_record(reader: Form, writer: RecordForm, above: _Pairs) -> bool:
    written = {member.key: member for member in writer.members}
    always = {key: member for key, member in written.items() if member.is_always_written}
    if isinstance(reader, MappingForm):
        return all(
            member.form is None or _may_accept(reader.member, member.form, above)
            for member in always.values()
        )
    if not isinstance(reader, RecordForm) or Shape.TEXT in reader.shapes | writer.shapes:
        return True
    for member in reader.members:
        if member.is_required and member.key not in written:
            return False
        other = always.get(member.key)
        if other is None or member.form is None or other.form is None:
            continue
        # pydantic reads "1" as an int and 1 as a str: of its fields only choices tell records apart.
        is_exact = not isinstance(reader, ModelForm) or isinstance(member.form, ChoiceForm)
        if is_exact and not _may_accept(member.form, other.form, above):
            return False
    return True
