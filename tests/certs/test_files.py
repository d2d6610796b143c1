"""Files of keys: for their owner alone, whole or not there, never one over another unasked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from certs import files, shape


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def wide_open() -> Iterator[None]:
    """A careless umask: what is secret must be so nevertheless."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    files.make_directory(tmp_path / "authority")
    assert mode(tmp_path / "authority") == 0o700


def test_a_directory_that_others_may_enter_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    files.make_directory(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    files.write_new(tmp_path / "a.key", b"secret", files.SECRET)
    assert mode(tmp_path / "a.key") == 0o600
    assert (tmp_path / "a.key").read_bytes() == b"secret"


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    files.write_new(tmp_path / "a.key", b"old", files.SECRET)
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "a.key", b"new", files.SECRET)
    assert (tmp_path / "a.key").read_bytes() == b"old"


def test_replacing_is_asked_for_by_name(tmp_path: Path) -> None:
    files.write_new(tmp_path / "a.key", b"old", files.SECRET)
    files.replace(tmp_path / "a.key", b"new", files.SECRET)
    assert (tmp_path / "a.key").read_bytes() == b"new"
    assert mode(tmp_path / "a.key") == 0o600


def test_no_draft_is_left_behind(tmp_path: Path) -> None:
    files.write_new(tmp_path / "a.key", b"old", files.SECRET)
    files.replace(tmp_path / "a.key", b"new", files.SECRET)
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "a.key", b"newer", files.SECRET)
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]


def test_data_is_synced_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names_at_sync: list[list[str]] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        names_at_sync.append(sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    files.write_new(tmp_path / "a.key", b"secret", files.SECRET)
    # First the bytes, then (the name is there) the directory.
    assert names_at_sync == [[], ["a.key"]]


def test_a_key_comes_back(tmp_path: Path) -> None:
    key = shape.new_key()
    files.write_new(tmp_path / "a.key", files.key_pem(key), files.SECRET)
    assert files.read_key(tmp_path / "a.key").private_numbers() == key.private_numbers()


def rsa_key() -> bytes:
    return rsa.generate_private_key(65_537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_with_password() -> bytes:
    return shape.new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))


@pytest.mark.parametrize(
    ("made", "reason"),
    [(rsa_key, "not an EC key"), (key_with_password, "encrypted"), (lambda: b"no key at all", ".+")],
)
def test_what_is_no_open_ec_key_is_a_value_error(tmp_path: Path, made: Callable[[], bytes], reason: str) -> None:
    (tmp_path / "a.key").write_bytes(made())
    with pytest.raises(ValueError, match=reason):
        files.read_key(tmp_path / "a.key")
