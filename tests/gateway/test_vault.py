"""Secrets: named in files, kept beside them, shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.values import Duration, Secret, SecretMissing, Settings
from gateway.vault import SecretWrong, Vault, named


class User(Settings):
    name: str
    password: Secret


class Connect(Settings):
    host: str
    user: User | None = None
    timeout: Duration = 1.0


CONNECT = Connect.model_validate({"host": "h", "user": {"name": "op", "password": {"secret": "filler-01"}}})


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "state", {})


def test_keeps_a_secret_for_its_owner_alone(vault: Vault, tmp_path: Path) -> None:
    vault.set("filler-01", "pass wörd")
    kept = tmp_path / "state" / "secrets" / "filler-01"
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert vault.read("filler-01") == "pass wörd"
    assert [path.name for path in kept.parent.iterdir()] == ["filler-01"]


def test_a_secret_that_was_written_by_an_editor_has_no_line_end(vault: Vault) -> None:
    vault.set("a", "x\n")
    assert vault.read("a") == "x"


def test_names_a_secret_that_is_missing(vault: Vault) -> None:
    with pytest.raises(SecretMissing, match='the secret "b" is not set'):
        vault.read("b")


@pytest.mark.parametrize("name", ["", "../key", "a/b", ".hidden", "A", "x" * 65, "-a"])
def test_a_name_never_leaves_its_folder(vault: Vault, tmp_path: Path, name: str) -> None:
    (tmp_path / "state" / "key").parent.mkdir(parents=True)
    (tmp_path / "state" / "key").write_text("not yours")
    with pytest.raises(SecretWrong):
        vault.set(name, "x")
    with pytest.raises(SecretMissing):
        vault.read(name)
    assert not vault.remove(name)


def test_refuses_what_hides_nothing_or_too_much(vault: Vault) -> None:
    with pytest.raises(SecretWrong, match="hides nothing"):
        vault.set("a", "")
    with pytest.raises(SecretWrong, match="at most 64 KiB"):
        vault.set("a", "x" * 65_537)


def test_a_credential_of_systemd_goes_before_one_in_the_state_directory(tmp_path: Path) -> None:
    handed = tmp_path / "credentials"
    handed.mkdir()
    (handed / "a").write_text("from systemd\n")
    vault = Vault(tmp_path / "state", {"CREDENTIALS_DIRECTORY": str(handed)})
    vault.set("a", "ours")
    vault.set("b", "ours")
    assert (vault.read("a"), vault.read("b")) == ("from systemd", "ours")
    assert vault.names() == {"a": "systemd", "b": "state"}


def test_removes_a_secret_once(vault: Vault) -> None:
    vault.set("a", "x")
    assert (vault.remove("a"), vault.remove("a")) == (True, False)
    assert vault.names() == {}


def test_settings_hold_what_their_secrets_hide_for_one_connection_only(vault: Vault) -> None:
    vault.set("filler-01", "hunter2")
    filled = vault.filled(CONNECT)
    assert filled.user is not None
    assert filled.user.password.reveal() == "hunter2"
    assert CONNECT.user is not None
    with pytest.raises(SecretMissing):
        CONNECT.user.password.reveal()


def test_what_a_secret_hides_is_shown_nowhere(vault: Vault) -> None:
    vault.set("filler-01", "hunter2")
    filled = vault.filled(CONNECT)
    for text in (repr(filled), str(filled), filled.model_dump_json(), repr(filled.model_dump())):
        assert "hunter2" not in text
        assert "filler-01" in text


def test_settings_without_secrets_stay_the_same_object(vault: Vault) -> None:
    plain = Connect(host="h")
    assert vault.filled(plain) is plain
    assert named(plain) == []
    assert named(CONNECT) == ["filler-01"]


def test_the_state_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    Vault(tmp_path / "a" / "state", {}).set("x", "y")
    assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700


def test_a_secret_that_is_no_text_is_refused_and_one_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    vault = Vault(tmp_path, {})
    with pytest.raises(SecretWrong, match="UTF-8"):
        vault.set("x", "\udcff")
    (tmp_path / "secrets" / "y").mkdir(parents=True)
    with pytest.raises(SecretMissing, match='"y" cannot be read: Is a directory'):
        vault.read("y")
