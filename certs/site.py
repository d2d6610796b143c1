"""The authority of a site on disk: a root, and below it the authority that issues."""

from __future__ import annotations

import errno
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from certs import files, shape
from certs.shape import Authority


class SiteFault(Exception):
    """The authority or a file of an identity is missing, damaged or in the way."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        """What to do about it."""


@dataclass(frozen=True)
class Site:
    """An open site. The root's key is not among it: daily work must go on where somebody has put it into a safe."""

    directory: Path
    root: x509.Certificate
    issuing: Authority


def create_site(directory: Path, name: str, now: datetime | None = None) -> Site:
    """Make a new site: ``root.pem``, ``root.key``, ``issuing.pem``, ``issuing.key``. All of it is there or nothing.

    ``name``: 1 to 40 characters. Raises SiteFault when there is one already, ValueError for the name.
    """
    now = now or shape.now_utc()
    root_key, issuing_key = shape.new_key(), shape.new_key()
    root = Authority(shape.root(root_key, name, now), root_key)
    issuing = Authority(shape.issuing(issuing_key, name, root, now), issuing_key)
    # Under another name until it is whole: a rename never puts a directory over one that holds something.
    draft = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}")
    try:
        files.make_directory(draft)
        for kind, authority in (("root", root), ("issuing", issuing)):
            files.write_new(draft / f"{kind}.key", files.key_pem(authority.key), files.SECRET)
            files.write_new(draft / f"{kind}.pem", files.certificate_pem(authority.certificate), files.PUBLIC)
        draft.rename(directory)
        files.sync(directory.parent)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            reason = f"{directory} exists already: a new authority would make its certificates worthless"
            raise SiteFault(reason, "use it, or move it away first") from error
        raise SiteFault(f"{directory} cannot be made: {error.strerror}", "make its folder writable") from error
    return Site(directory, root.certificate, issuing)


def open_site(directory: Path, now: datetime | None = None) -> Site:
    """The site in a directory. Raises SiteFault."""
    now = now or shape.now_utc()
    if not directory.is_dir():
        raise SiteFault(f"there is no site authority in {directory}", "make one: fieldgate certs create PLANT")
    for kind in ("root", "issuing"):
        certificate = _certificate(directory, kind)
        if certificate.not_valid_after_utc <= now:
            reason = f"the {kind} authority in {directory} has expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
            raise SiteFault(reason, "move it away, make a new one: fieldgate certs create PLANT, and register its root")
    return Site(directory, _certificate(directory, "root"), _authority(directory, "issuing"))


def root_authority(site: Site) -> Authority:
    """The root with its key, which must be there for this. Raises SiteFault."""
    return _authority(site.directory, "root")


def _authority(directory: Path, kind: str) -> Authority:
    certificate, path = _certificate(directory, kind), directory / f"{kind}.key"
    with _readable(path):
        key = files.read_key(path)
    if certificate.public_key() != key.public_key():
        raise SiteFault(f"{path} does not belong to {kind}.pem", f"bring {directory} back from a backup")
    return Authority(certificate, key)


def _certificate(directory: Path, kind: str) -> x509.Certificate:
    path = directory / f"{kind}.pem"
    with _readable(path):
        return files.read_certificate(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    remedy = f"bring {path} back from where it is kept"
    try:
        yield
    except OSError as error:
        raise SiteFault(f"{path} cannot be read: {error.strerror}", remedy) from error
    except ValueError as error:
        raise SiteFault(f"{path} is damaged: {error}", remedy) from error
