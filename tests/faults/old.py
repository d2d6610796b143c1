"""A directory of schema 1 as version 0.1 left it when it was killed, with its ledger (``schema1.tar.xz``)."""

from __future__ import annotations

import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).with_name("schema1.tar.xz")


def lay_down(folder: Path, ledger: Path) -> bool:
    """The directory and its ledger, as they were."""
    folder.mkdir(mode=0o700)
    with tarfile.open(ARCHIVE) as archive:
        for member in archive.getmembers():
            found = archive.extractfile(member)
            if found is not None:
                target = ledger if member.name == "ledger" else folder / member.name
                target.write_bytes(found.read())
    return True
