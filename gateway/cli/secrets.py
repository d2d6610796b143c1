"""Commands on the secrets of a plant: fieldgate secret ..."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gateway.cli.plants import JSON, PLANT, STATE, load, state_of
from gateway.vault import SecretWrong, Vault


@click.group(name="secret")
def secret_group() -> None:
    """Passwords and keys that devices want to see.

    The files of a plant name a secret, `password: {secret: filler-01}`, and never hold it. It is kept in the state
    directory, readable for its owner alone, or handed over by systemd (LoadCredential=filler-01:/path).
    """


def _vault(folder: Path, state: Path | None) -> Vault:
    return Vault(state_of(folder, state))


@secret_group.command(name="set")
@PLANT
@click.argument("name")
@STATE
def set_(folder: Path, name: str, state: Path | None) -> None:
    """Keep a secret; it is asked for twice, or read from standard input.

    A link uses it the next time that it connects; nothing needs to be restarted.
    """
    vault = _vault(folder, state)
    if sys.stdin.isatty():
        text = click.prompt(f"secret {name}", hide_input=True, confirmation_prompt="again")
    else:
        text = sys.stdin.read().removesuffix("\n")
    try:
        vault.set(name, text)
    except SecretWrong as wrong:
        click.echo(str(wrong), err=True)
        sys.exit(2)
    except OSError as error:
        click.echo(f"the secret cannot be kept: {error.strerror}", err=True)
        sys.exit(1)
    click.echo(f"secret {name} is set")


@secret_group.command(name="list")
@PLANT
@STATE
@JSON
def list_(folder: Path, state: Path | None, as_json: bool) -> None:
    """The names of the secrets, who keeps each, and which are missing; never what they hide."""
    plant = load(folder, quiet=True, as_json=as_json)
    try:
        kept = Vault(state or plant.gateway.state).names()
    except OSError as error:
        click.echo(f"the secrets cannot be seen: {error.strerror}", err=True)
        click.echo("    hint: ask as the user of the gateway", err=True)
        sys.exit(1)
    missing = sorted(plant.secrets.keys() - kept.keys())
    if as_json:
        entries = [{"name": name, "kept_by": keeper, "used": name in plant.secrets} for name, keeper in kept.items()]
        click.echo(json.dumps({"secrets": entries, "missing": missing}))
        return
    width = max((len(name) for name in (*kept, *missing)), default=0)
    for name, keeper in kept.items():
        where = "handed over by systemd" if keeper == "systemd" else "in the state directory"
        click.echo(f"{name:<{width}}  {where}{'' if name in plant.secrets else '; no device names it'}")
    for name in missing:
        click.echo(f"{name:<{width}}  missing: fieldgate secret set {folder} {name}")


@secret_group.command()
@PLANT
@click.argument("name")
@STATE
def remove(folder: Path, name: str, state: Path | None) -> None:
    """Take a secret out of the state directory."""
    try:
        gone = _vault(folder, state).remove(name)
    except OSError as error:
        click.echo(f"the secret cannot be removed: {error.strerror}", err=True)
        sys.exit(1)
    if not gone:
        click.echo(f'there is no secret "{name}" in the state directory', err=True)
        sys.exit(1)
    click.echo(f"secret {name} is removed")


COMMANDS = (secret_group,)
