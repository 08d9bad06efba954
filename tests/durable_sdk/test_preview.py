"""Previews: what no vector can say, because it is refused, or shown only here."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_sdk.exceptions import ValidationError
from durable_sdk.preview import FieldMatchMode, PreviewConfig, PreviewField, PreviewMode, build_preview

# How long an example takes depends on what else the machine does.
untimed = settings(deadline=None)

ALL = PreviewConfig(PreviewMode.INCLUDE_ALL)


def test_dates_times_decimals_and_uuids_are_shown_as_text() -> None:
    value = {
        "at": datetime(2024, 1, 2, tzinfo=UTC),
        "on": date(2024, 1, 2),
        "time": time(1),
        "price": Decimal("1.50"),
        "id": UUID(int=1),
        "pair": (Decimal(1), 2),
    }
    assert build_preview(value, ALL) == {
        "at": "2024-01-02T00:00:00+00:00",
        "on": "2024-01-02",
        "time": "01:00:00",
        "price": "1.50",
        "id": "00000000-0000-0000-0000-000000000001",
        "pair": ["1", 2],
    }


class Account:
    """Something that JSON does not know, and that shows its secret when it is printed."""

    def __repr__(self) -> str:
        return "Account(secret=1234)"


def test_what_might_show_a_secret_of_its_own_is_left_out() -> None:
    assert build_preview({"account": Account(), "set": {1}, "bytes": b"x", "a": 1}, ALL) == {"a": 1}


def test_a_mask_reaches_into_tuples() -> None:
    config = PreviewConfig(PreviewMode.INCLUDE_ALL, mask=[PreviewField("secret")])
    assert build_preview({"entries": ({"secret": 1, "a": 2},)}, config) == {
        "entries": {"secret": "***", "a": 2}
    }


def test_a_field_is_shown_with_the_mask_that_was_asked_for() -> None:
    config = PreviewConfig(PreviewMode.EXCLUDE_ALL, mask=[PreviewField("a")], mask_string="(hidden)")
    assert build_preview({"a": [1], "b": 2}, config) == {"a": "(hidden)"}


names = st.sampled_from(["a", "b", "c", "secret"])
values = st.recursive(
    st.integers() | st.text(max_size=5) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4) | st.tuples(inner),
    max_leaves=10,
)
rules = st.lists(st.builds(PreviewField, names, st.sampled_from(FieldMatchMode)), max_size=2)
configs = st.builds(
    PreviewConfig,
    st.sampled_from(PreviewMode),
    include=rules,
    exclude=st.just([PreviewField("secret")]),
    mask=rules,
    max_preview_bytes=st.integers(0, 200),
)


def keys_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for part in value.values() for key in keys_in(part)}
    return {key for part in value for key in keys_in(part)} if isinstance(value, list) else set()


@untimed
@given(st.dictionaries(names, values), configs)
def test_a_preview_hides_what_is_excluded(value: Any, config: PreviewConfig) -> None:
    preview = build_preview(value, config)
    if preview is not None:
        assert "secret" not in keys_in(preview)
        assert (
            len(json.dumps(preview, separators=(",", ":"), ensure_ascii=True))
            <= config.max_preview_bytes + 200
        )


def test_nothing_that_fits_is_no_preview() -> None:
    assert build_preview({"a": 1}, PreviewConfig(PreviewMode.INCLUDE_ALL, max_preview_bytes=7)) is None
    assert build_preview({"a": 1}, PreviewConfig(PreviewMode.INCLUDE_ALL, max_preview_bytes=8)) == {"a": 1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PreviewConfig("ALL"), "PreviewConfig.mode was given 'ALL'; it takes"),
        (lambda: PreviewConfig(ALL.mode, mask=["a"]), "PreviewConfig.mask was given ['a']; it takes a list"),
        (lambda: PreviewConfig(ALL.mode, exclude="a"), "PreviewConfig.exclude was given 'a'; it takes a"),
        (lambda: PreviewConfig(ALL.mode, mask_string=1), "mask_string was given 1; it takes a text"),
        (lambda: PreviewConfig(ALL.mode, max_preview_bytes="1"), "max_preview_bytes was given '1'; it takes"),
        (lambda: PreviewField(1), "PreviewField.name was given 1; it takes a text"),
        (lambda: PreviewField("a", "NOWHERE"), "PreviewField.match was given 'NOWHERE'; it takes"),
    ],
)  # fmt: skip
def test_a_member_with_a_wrong_value_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        make()
    assert message in str(raised.value)


def test_the_text_of_a_mode_does_for_the_mode() -> None:
    assert build_preview({"a": 1}, PreviewConfig("INCLUDE_ALL")) == {"a": 1}  # type: ignore[arg-type]
