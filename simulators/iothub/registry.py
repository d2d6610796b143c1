"""The devices that a hub knows, read from a file: ``{"devices": [{"id": "meter-mcc1", "enabled": true}]}``."""

from __future__ import annotations

from pathlib import Path

import msgspec


class RegistryInvalid(Exception):
    """The file cannot be used; the text says where and why."""


class _Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    enabled: bool = True


class _Registry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    devices: list[_Device]


def read(path: Path) -> dict[str, bool]:
    """Enabled or not, by device id. Raises RegistryInvalid."""
    try:
        registry = msgspec.json.decode(path.read_bytes(), type=_Registry)
    except OSError as error:
        raise RegistryInvalid(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise RegistryInvalid(f"{path}: {error}") from error
    devices: dict[str, bool] = {}
    for device in registry.devices:
        if device.id in devices:
            raise RegistryInvalid(f"{path}: device {device.id} is there twice")
        devices[device.id] = device.enabled
    return devices
