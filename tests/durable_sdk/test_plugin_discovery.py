"""Which plugin factories a handler uses, and what is refused when it is decorated."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plugin_recorder import Recorder, Recording

from durable_sdk import durable_execution
from durable_sdk.exceptions import PluginLoadError
from durable_sdk.plugin import DurableInstrumentationPlugin, InvocationStartInfo
from durable_sdk.plugin_discovery import (
    PLUGIN_ENTRY_POINT_GROUP,
    PLUGIN_ENVIRONMENT_VARIABLE,
    load_configured_plugins,
)


class Factory:
    """A factory that is never called before an invocation."""

    def create_plugin(self, info: InvocationStartInfo, /) -> DurableInstrumentationPlugin:
        raise AssertionError("called at load time")


class ClassFactory:
    """A factory that is a class."""

    @classmethod
    def create_plugin(cls, info: InvocationStartInfo) -> DurableInstrumentationPlugin:
        raise AssertionError("called at load time")


class StaticFactory:
    """Another one."""

    @staticmethod
    def create_plugin(info: InvocationStartInfo) -> DurableInstrumentationPlugin:
        raise AssertionError("called at load time")


class TakesNothing:
    """No factory: the info has nowhere to go."""

    def create_plugin(self) -> DurableInstrumentationPlugin:
        raise AssertionError("called at load time")


class TakesTwo:
    """No factory either."""

    def create_plugin(self, info: object, other: object) -> DurableInstrumentationPlugin:
        raise AssertionError("called at load time")


class NotCallable:
    """Nor this."""

    create_plugin = "text"


class OptionalInfo:
    """Its method would take the info for self when called on the class."""

    def create_plugin(self, info: object = None) -> DurableInstrumentationPlugin:
        raise AssertionError("called at load time")


class SelfMade(DurableInstrumentationPlugin):
    """A plugin that is its own factory."""

    def create_plugin(self, info: InvocationStartInfo, /) -> DurableInstrumentationPlugin:
        return self


def load(*plugins: Any, names: str | None = None) -> list[Any]:
    """Load with an environment of its own."""
    environment = {} if names is None else {PLUGIN_ENVIRONMENT_VARIABLE: names}
    return load_configured_plugins(plugins, environment=environment)


@pytest.mark.parametrize("factory", [Factory(), ClassFactory, StaticFactory, ClassFactory(), SelfMade()])
def test_an_object_whose_create_plugin_takes_one_argument_is_a_factory(factory: Any) -> None:
    assert load(factory) == [factory]


def test_factories_keep_their_order_and_one_given_twice_is_used_twice() -> None:
    first, second = Factory(), Factory()
    assert load(first, second, first) == [first, second, first]


def test_no_plugins_are_no_factories() -> None:
    assert load_configured_plugins(None, environment={}) == []
    assert load_configured_plugins([], environment={}) == []


def test_a_plugin_becomes_a_factory_that_returns_it() -> None:
    plugin = Recorder(Recording())
    (factory,) = load(plugin)
    info: Any = object()
    assert factory.create_plugin(info) is factory.create_plugin(info) is plugin


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Recorder, r"the class [\w.]*plugin_recorder.Recorder, .* or a plugin itself"),
        (Factory, r"the class [\w.]*Factory, .* pass an instance: Factory\(...\)"),
        (OptionalInfo, r"the class [\w.]*OptionalInfo, .* pass an instance"),
        (None, r"None, .* a factory is an object with a method create_plugin\(info\)"),
        (lambda info: None, r"the function [\w.]*<lambda>, .* a factory is an object"),
        (len, r"the function builtins.len"),
        (7, r"an object of type int"),
        (NotCallable(), r"an object of type [\w.]*NotCallable, .* cannot be called"),
        (TakesNothing(), r".*TakesNothing, .* cannot be called with one argument"),
        (TakesTwo(), r".*TakesTwo, .* cannot be called with one argument"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(type(value)),
)
def test_anything_else_is_refused_by_position_and_name(value: Any, message: str) -> None:
    with pytest.raises(PluginLoadError, match=r"^plugins\[1\] is " + message):
        load(Factory(), value)


def test_a_single_factory_is_refused_instead_of_a_list() -> None:
    with pytest.raises(PluginLoadError, match="plugins takes a list, got an object of type"):
        load_configured_plugins(Factory(), environment={})  # type: ignore[arg-type]


def test_plugins_are_loaded_when_the_handler_is_decorated() -> None:
    with pytest.raises(PluginLoadError, match=r"plugins\[0\]"):
        durable_execution(lambda event, context: 1, plugins=[Recorder])  # type: ignore[list-item]
    decorate = durable_execution(plugins=[Recorder])  # type: ignore[list-item]
    with pytest.raises(PluginLoadError, match=r"plugins\[0\]"):
        decorate(lambda event, context: 1)


# The environment.

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution that offers entry points of the group, for one test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "offered_plugins", sys.modules[__name__])

    def install(distribution: str, **offers: str) -> None:
        metadata = tmp_path / f"{distribution}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"{name.replace('_', '-')} = {target}" for name, target in offers.items()]
        (metadata / "entry_points.txt").write_text("\n".join([f"[{PLUGIN_ENTRY_POINT_GROUP}]", *lines]))

    return install


ONE = Factory()
TWO = Factory()
A_PLUGIN = Recorder(Recording())


@pytest.mark.parametrize("setting", ["", "  ", None])
def test_an_environment_that_names_nothing_adds_nothing(setting: str | None) -> None:
    assert load(ONE, names=setting) == [ONE]


def test_named_factories_follow_those_passed_in_the_order_of_the_names(install: Install) -> None:
    install("pack", one="offered_plugins:ONE", two="offered_plugins:TWO")
    explicit = Factory()
    assert load(explicit, names=" two , one ") == [explicit, TWO, ONE]


def test_the_environment_of_the_process_is_the_default(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("pack", one="offered_plugins:ONE")
    monkeypatch.setenv(PLUGIN_ENVIRONMENT_VARIABLE, "one")
    assert load_configured_plugins(None) == [ONE]


def test_a_named_factory_that_was_passed_too_is_used_once(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install("pack", one="offered_plugins:ONE", same="offered_plugins:ONE")
    assert load(ONE, names="one,same") == [ONE]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "names plugin 'one'" in caplog.text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("one,,two", "DURABLE_EXECUTION_PLUGINS='one,,two': the name at position 1 is empty"),
        ("one,", "the name at position 1 is empty"),
        ("one, one", "the name at position 1, 'one', is a duplicate"),
        ("one,ONE", r"names plugin 'ONE' at position 1, which no .* Installed: broken, class, one, two\."),
        ("two", "names plugin 'two' at position 0, which several .* offer: other, pack"),
        ("broken", r"Plugin 'broken' \(offered_plugins:GONE of pack\) cannot be imported"),
        ("class", r"Plugin 'class' \(offered_plugins:Factory of pack\) is the class .*Factory"),
    ],
)
def test_names_that_cannot_be_used_are_refused(install: Install, names: str, message: str) -> None:
    install(
        "pack",
        one="offered_plugins:ONE",
        two="offered_plugins:TWO",
        broken="offered_plugins:GONE",
        **{"class": "offered_plugins:Factory"},
    )
    install("other", two="offered_plugins:ONE")
    with pytest.raises(PluginLoadError, match=message):
        load(names=names)


def test_a_named_plugin_that_is_no_factory_is_refused(install: Install) -> None:
    install("pack", plugin="offered_plugins:A_PLUGIN")
    with pytest.raises(PluginLoadError, match="has to name a factory"):
        load(names="plugin")


def test_what_an_import_raised_is_the_cause(install: Install) -> None:
    install("pack", gone="no_such_module_of_plugins:FACTORY")
    with pytest.raises(PluginLoadError) as caught:
        load(names="gone")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


# Registration.


class Grouped(Factory):
    """A factory that opts in to registration."""

    __durable_registration_api__ = 1
    exclusive_group: Any = "traces"

    def __init__(self) -> None:
        self.results: list[bool] = []

    def on_registration_result(self, registered: bool) -> None:
        self.results.append(registered)


class OtherGrouped(Grouped):
    """Another class of the same group, inherited."""


class Ungrouped(Grouped):
    """Of no group of its own, but of that of its base."""

    __durable_registration_api__ = 1
    exclusive_group = None


class OptedOut(Grouped):
    """Another marker disables what the base declares."""

    __durable_registration_api__ = 2


class MarkedTrue(Grouped):
    """True is not the marker."""

    __durable_registration_api__ = True


class Legacy(Factory):
    """Attributes without the marker mean nothing."""

    exclusive_group = "traces"

    def on_registration_result(self, registered: bool) -> None:
        raise AssertionError("it did not opt in")


GROUPED = Grouped()


def test_factories_of_one_group_exclude_each_other_and_are_told() -> None:
    factories = [Grouped(), OtherGrouped()]
    with pytest.raises(
        PluginLoadError, match=r"Grouped and .*OtherGrouped are mutually exclusive \(group 'tr"
    ):
        load(*factories)
    assert [factory.results for factory in factories] == [[False], [False]]


def test_a_class_of_a_group_is_registered_once() -> None:
    with pytest.raises(PluginLoadError, match="registered more than once in exclusive group 'traces'"):
        load(Grouped(), Grouped())
    factory = Grouped()
    with pytest.raises(PluginLoadError, match="registered more than once"):
        load(factory, factory)
    assert factory.results == [False]


def test_every_class_that_opts_in_contributes_its_group() -> None:
    with pytest.raises(PluginLoadError, match="mutually exclusive"):
        load(Ungrouped(), Grouped())


@pytest.mark.parametrize("other", [OptedOut, MarkedTrue, Legacy])
def test_a_class_that_has_not_opted_in_is_of_no_group_and_is_not_told(other: type[Any]) -> None:
    factory, grouped = other(), Grouped()
    assert load(factory, factory, grouped) == [factory, factory, grouped]
    assert grouped.results == [True]
    assert getattr(factory, "results", []) == []


@pytest.mark.parametrize("group", ["", "  ", 7])
def test_a_group_is_a_text_that_is_not_blank(group: Any) -> None:
    class Blank(Grouped):
        __durable_registration_api__ = 1
        exclusive_group = group

    with pytest.raises(PluginLoadError, match="exclusive_group"):
        load(Blank())


def test_candidates_are_told_once_that_they_are_registered() -> None:
    factory = Grouped()
    load(factory)
    assert factory.results == [True]


def test_what_was_loaded_already_is_told_of_a_later_failure(install: Install) -> None:
    install("pack", grouped="offered_plugins:GROUPED", broken="offered_plugins:GONE")
    explicit = Ungrouped()
    GROUPED.results.clear()
    with pytest.raises(PluginLoadError, match="cannot be imported"):
        load(explicit, names="grouped,broken")
    assert (explicit.results, GROUPED.results) == ([False], [False])


def test_what_a_callback_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Raising(Grouped):
        __durable_registration_api__ = 1

        def on_registration_result(self, registered: bool) -> None:
            raise ValueError("boom")

    assert len(load(Raising())) == 1
    assert "on_registration_result" in caplog.text


def test_a_subclass_that_has_not_opted_in_itself_is_told_through_the_class_that_has() -> None:
    class Own(Grouped):
        def on_registration_result(self, registered: bool) -> None:
            raise AssertionError("a method of the subclass is its own affair")

    factory = Own()
    load(factory)
    assert factory.results == [True]
