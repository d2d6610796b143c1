"""Commands on the site's authority and the certificates of the identities: fieldgate certs ..."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

import certs
from gateway.cli.plants import JSON, PLANT, STATE, load
from gateway.plant import Plant


@click.group(name="certs")
def certs_group() -> None:
    """Make and show the site's authority and the certificate of each device.

    The root signs only the issuing authority; that one signs the devices. Keys are made here and stay here, in the
    state directory, readable by their owner alone. Back that directory up, or move authority/root.key to a safe
    place after `create`: it is needed again only for `verify`.
    """
    os.umask(0o077)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except certs.SiteFault as fault:
        click.echo(f"{fault}", err=True)
        click.echo(f"    hint: {fault.remedy.replace('PLANT', str(folder))}", err=True)
        sys.exit(1)
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _state(plant: Plant, state: Path | None) -> Path:
    return state or plant.gateway.state


@certs_group.command()
@PLANT
@STATE
def create(folder: Path, state: Path | None) -> None:
    """Make the site's root and the issuing authority below it."""
    plant = load(folder, quiet=True)
    with _explained(folder):
        site = certs.create_site(_state(plant, state) / "authority", plant.name)
    click.echo(f"made the authority of site {plant.name} in {site.directory}")
    click.echo(f"\nNext:\n  fieldgate certs issue {folder}\n  fieldgate certs export-ca {folder}")


@certs_group.command()
@PLANT
@STATE
def issue(folder: Path, state: Path | None) -> None:
    """Give each device that has none, or one near its end, a certificate."""
    plant = load(folder, quiet=True)
    with _explained(folder):
        issued = issue_missing(plant, _state(plant, state))
    _tell(issued)


def issue_missing(plant: Plant, state: Path) -> list[certs.Issued]:
    """One certificate per identity of the plant; those that are good are kept. Raises certs.SiteFault."""
    site = certs.open_site(state / "authority")
    return [certs.issue(site, device.identity, state / "identities") for device in plant.devices]


@certs_group.command()
@PLANT
@STATE
@click.argument("identities", nargs=-1, metavar="[IDENTITY]...")
def renew(folder: Path, state: Path | None, identities: tuple[str, ...]) -> None:
    """Give devices (all, or those named) a new key and certificate; restart the gateway to use it."""
    plant = load(folder, quiet=True)
    known = [device.identity for device in plant.devices]
    for identity in identities:
        if identity not in known:
            click.echo(f'there is no identity "{identity}"; the plant has: {", ".join(known)}', err=True)
            sys.exit(2)
    directory = _state(plant, state)
    with _explained(folder):
        site = certs.open_site(directory / "authority")
        issued = [certs.issue(site, identity, directory / "identities", renew=True) for identity in identities or known]
    _tell(issued)


def _tell(issued: Sequence[certs.Issued]) -> None:
    width = max((len(entry.identity) for entry in issued), default=0)
    for entry in issued:
        what = f"issued ({entry.why})" if entry.why else "kept"
        click.echo(f"{entry.identity:<{width}}  {what}, valid until {entry.not_after.date()}")


@certs_group.command(name="list")
@PLANT
@STATE
@JSON
def list_(folder: Path, state: Path | None, as_json: bool) -> None:
    """The certificates that are there, with their ends and SHA-256 thumbprints."""
    plant = load(folder, quiet=True)
    with _explained(folder):
        listed = certs.listing(_state(plant, state) / "identities")
    if as_json:
        entries = [
            {"id": entry.identity, "not_after": entry.not_after.isoformat(), "sha1": entry.sha1, "sha256": entry.sha256}
            for entry in listed
        ]
        click.echo(json.dumps({"certificates": entries}))
        return
    width = max((len(entry.identity) for entry in listed), default=0)
    for entry in listed:
        click.echo(f"{entry.identity:<{width}}  until {entry.not_after.date()}  sha256 {entry.sha256}")
    missing = [device.identity for device in plant.devices if device.identity not in {e.identity for e in listed}]
    for identity in missing:
        click.echo(f"{identity:<{width}}  has none: fieldgate certs issue {folder}")


@certs_group.command(name="export-ca")
@PLANT
@STATE
def export_ca(folder: Path, state: Path | None) -> None:
    """Print the site's root certificate (PEM): what the hub must trust. Holds no secret."""
    plant = load(folder, quiet=True)
    with _explained(folder):
        site = certs.open_site(_state(plant, state) / "authority")
    click.echo(certs.export_ca(site).decode(), nl=False)


@certs_group.command()
@PLANT
@click.argument("code")
@STATE
def verify(folder: Path, code: str, state: Path | None) -> None:
    """Print the proof of possession (PEM) for the verification CODE that the hub gave."""
    plant = load(folder, quiet=True)
    with _explained(folder):
        site = certs.open_site(_state(plant, state) / "authority")
        proof = certs.proof_of_possession(site, code)
    click.echo(proof.decode(), nl=False)


COMMANDS = (certs_group,)
