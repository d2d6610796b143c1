"""Which adapters are found, and what is said about those that cannot be used."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from adapters.modbus import ADAPTER
from gateway.plugins import GROUP, PluginRefused, find


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=GROUP)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module ``strange_plugin`` that a test writes."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "strange_plugin", raising=False)
    return tmp_path / "strange_plugin.py"


def test_the_adapters_of_this_installation_are_found() -> None:
    found = find()
    assert found.adapters["modbus"] is ADAPTER
    assert found.missing == {}


def test_found_by_entry_point_and_named_by_it() -> None:
    found = find([entry("zeta", "adapters.modbus:ADAPTER"), entry("alpha", "adapters.modbus:ADAPTER")])
    assert list(found.adapters) == ["alpha", "zeta"]


def test_nothing_installed_is_nothing_found() -> None:
    assert find([]).adapters == {}


def test_an_adapter_whose_package_is_not_there_is_missing_by_name(plugin: Path) -> None:
    plugin.write_text("import asyncua_of_another_world.client\n")
    found = find([entry("opcua", "strange_plugin:ADAPTER"), entry("modbus", "adapters.modbus:ADAPTER")])
    assert found.missing == {"opcua": 'needs the Python package "asyncua_of_another_world", which is not installed'}
    assert list(found.adapters) == ["modbus"], "the others work"


def test_an_adapter_that_fails_to_import_something_says_what(plugin: Path) -> None:
    plugin.write_text("from json import lloads\n")
    assert (
        find([entry("ble", "strange_plugin:ADAPTER")])
        .missing["ble"]
        .startswith("cannot be imported: cannot import name 'lloads'")
    )


def test_two_packages_with_one_name_are_refused() -> None:
    with pytest.raises(PluginRefused) as caught:
        find([entry("modbus", "adapters.modbus:ADAPTER"), entry("modbus", "other.modbus:ADAPTER")])
    assert str(caught.value) == (
        'adapter "modbus": is offered twice, by adapters.modbus:ADAPTER and by other.modbus:ADAPTER: '
        "uninstall one of the two packages"
    )


def test_the_same_entry_point_seen_twice_is_one() -> None:
    one = entry("modbus", "adapters.modbus:ADAPTER")
    assert list(find([one, one]).adapters) == ["modbus"]


def test_what_is_no_adapter_is_refused_with_its_kind() -> None:
    with pytest.raises(
        PluginRefused, match=r'adapter "json": json:dumps is a function, but must be a .*Adapter$'
    ) as caught:
        find([entry("json", "json:dumps")])
    assert caught.value.name == "json"


def test_an_entry_point_that_names_nothing_is_refused() -> None:
    with pytest.raises(PluginRefused, match=r"there is no adapters.modbus:ADAPTR .*: correct its entry point$"):
        find([entry("modbus", "adapters.modbus:ADAPTR")])


def test_a_bug_in_a_plug_in_flies(plugin: Path) -> None:
    plugin.write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        find([entry("strange", "strange_plugin:ADAPTER")])
