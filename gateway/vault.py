"""The secrets of a plant by name: in the state directory, for its owner alone, or handed over by systemd.

A secret is a password or a key that some device wants to see; the files of the plant name it (``{secret: filler-01}``)
and never hold it. A credential that systemd hands over (``LoadCredential=``) goes before one in the state directory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from gateway.values import Secret, SecretMissing

FOLDER = "secrets"
LONGEST_BYTES = 64 * 1024
_NAME = re.compile("[a-z0-9][a-z0-9_.-]{0,63}")

S = TypeVar("S")


class SecretWrong(Exception):
    """A name or a text that no secret can have; the text says why."""


class Vault:
    """The secrets of one gateway."""

    def __init__(self, state: Path, environment: Mapping[str, str] | None = None) -> None:
        self.state = state
        """The state directory."""
        self._folder = state / FOLDER
        handed = (os.environ if environment is None else environment).get("CREDENTIALS_DIRECTORY")
        self._handed = Path(handed) if handed else None

    def read(self, name: str) -> str:
        """What it hides, without a line end. Raises SecretMissing, also for one that cannot be read."""
        for folder in (self._handed, self._folder):
            if folder is None or not _NAME.fullmatch(name):
                continue
            try:
                return (folder / name).read_text(encoding="utf-8").removesuffix("\n")
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError) as error:
                raise SecretMissing(name, f"cannot be read: {getattr(error, 'strerror', 'it is no text')}") from error
        raise SecretMissing(name)

    def set(self, name: str, text: str) -> None:
        """Keep it; on disk, readable for its owner alone, when this returns. Raises SecretWrong or OSError."""
        if not _NAME.fullmatch(name):
            raise SecretWrong(f'"{name}" is not a valid name: use small letters, digits, - and _; at most 64 of them')
        if not text:
            raise SecretWrong("an empty secret hides nothing")
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise SecretWrong("a secret is a text: UTF-8") from error
        if size > LONGEST_BYTES:
            raise SecretWrong(f"a secret holds at most {LONGEST_BYTES // 1024} KiB")
        for folder in (self._folder.parent, self._folder):  # the mode holds for the last folder of a path only
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f".{name}.new"
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "w", encoding="utf-8") as stream:  # noqa: PTH123  # a descriptor, not a path
            stream.write(text)
            stream.flush()
            os.fsync(handle)
        fresh.rename(self._folder / name)
        directory = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def remove(self, name: str) -> bool:
        """Whether there was one to be removed from the state directory."""
        if not _NAME.fullmatch(name):
            return False
        try:
            (self._folder / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def names(self) -> dict[str, str]:
        """All that there are by name, each with who keeps it: ``state`` or ``systemd``. Raises PermissionError."""
        found: dict[str, str] = {}
        for folder, keeper in ((self._folder, "state"), (self._handed, "systemd")):
            if folder is not None and folder.is_dir():
                found |= {path.name: keeper for path in folder.iterdir() if _NAME.fullmatch(path.name)}
        return dict(sorted(found.items()))

    def filled(self, settings: S) -> S:
        """The same settings with what their secrets hide, for one connection. Raises SecretMissing."""
        if isinstance(settings, Secret):
            return settings.holding(self.read(settings.secret))
        if not isinstance(settings, BaseModel):
            return settings
        now = {name: getattr(settings, name) for name in type(settings).model_fields}
        held = {name: self.filled(value) for name, value in now.items()}
        changed: dict[str, Any] = {name: value for name, value in held.items() if value is not now[name]}
        return settings.model_copy(update=changed) if changed else settings


def named(settings: Any) -> list[str]:
    """The secrets that some settings name."""
    if isinstance(settings, Secret):
        return [settings.secret]
    if not isinstance(settings, BaseModel):
        return []
    return [name for field in type(settings).model_fields for name in named(getattr(settings, field))]
