"""The library of bundled profiles as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.plant import MAPPINGS, bundled_profiles
from tests.mappings import bundled


def test_a_plant_with_every_bundled_profile_and_variant_has_no_warnings(tmp_path: Path) -> None:
    devices: list[tuple[str, dict[str, Any]]] = []
    for profile in bundled.profiles().values():
        for variant in ("", *profile.variants):
            number = len(devices) + 1
            apart: dict[str, dict[str, Any]] = {
                "modbus": {"unit_id": number},
                "opcua": {"opcua": f"opc.tcp://127.0.0.1:{4840 + number}"},
                "ble": {"ble": f"CB:B8:33:4C:88:{number:02X}"},
            }
            connect = bundled.CONNECT[profile.protocol] | apart[profile.protocol]
            devices.append((f"d{number}", {"profile": profile.name, "variant": variant, "connect": connect}))
    plant = bundled.plant(tmp_path, devices)
    # G04: that this version cannot read a protocol yet is no fault of a profile.
    assert [str(warning) for warning in plant.warnings if warning.code != "G04"] == []
    assert len(plant.devices) == len(devices) > len(bundled_profiles())


def test_every_bundled_profile_stands_in_the_file_of_its_name() -> None:
    assert {name: profile.name for name, profile in bundled.profiles().items()} == {
        name: name for name in bundled_profiles()
    }


def test_every_profile_made_from_a_foreign_list_is_named_beside_the_licence() -> None:
    made = [path.name for path in bundled_profiles().values() if "mbmd" in path.read_text(encoding="utf-8")]
    notice = (MAPPINGS / "profiles" / "NOTICE").read_text(encoding="utf-8")
    named, licence = notice.split("-" * 79)
    assert named.split()[-len(made) :] == made
    assert (Path(__file__).parent.parent / "data" / "mbmd-BSD-3-Clause.txt").read_text(encoding="utf-8") in licence
