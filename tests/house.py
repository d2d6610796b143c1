"""Rules of the house that no linter knows; ``make check`` runs them and names every place that breaks one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("gateway", "adapters", "certs", "simulators")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|opt)/|(?<![\w.])/home/(?!\w*\*)\w+|\.pyenv/versions")
URL = re.compile(r"https?://([A-Za-z0-9.-]+\.[A-Za-z]{2,})")
HOSTS = {
    "acme.example",
    "hub.example",
    "docs.oasis-open.org",
    "json-schema.org",
    "learn.microsoft.com",
    "opcfoundation.org",
    "www.apache.org",
    "www.rfc-editor.org",
    "www.w3.org",
}
"""Hosts that a text may name; a package registry is none of them."""
SECRETS = re.compile(r"-----BEGIN [A-Z ]*(?:PRIVATE KEY|CERTIFICATE)-----\n[A-Za-z0-9+/=]{20}")
UNTESTED = {"__init__.py", "__main__.py", "port.py"}
LIMIT_FILE = 500


def tracked() -> list[Path]:
    """Files that git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def spelling(path: Path) -> list[str]:
    """Places of this machine, hosts that are not on the list, secrets."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    where = path.relative_to(ROOT)
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if path != Path(__file__).resolve() and MACHINE_PATHS.search(line):
            found.append(f"{where}:{number}: a path of one machine: {line.strip()[:80]}")
        found += [
            f"{where}:{number}: host {host} is not on the list" for host in URL.findall(line) if host not in HOSTS
        ]
    if SECRETS.search(text):
        found.append(f"{where}: holds a key or a certificate; make it at run time")
    return found


def mirror(paths: list[Path]) -> list[str]:
    """Every module has its own test module at the same place under tests/."""
    names = {path.relative_to(ROOT).as_posix() for path in paths}
    found = []
    for name in sorted(names):
        parts = name.split("/")
        if parts[0] in PACKAGES and name.endswith(".py") and parts[-1] not in UNTESTED:
            test = "/".join(["tests", *parts[:-1], f"test_{parts[-1]}"])
            if test not in names:
                found.append(f"{name}: has no {test}")
    return found


def tails(path: Path) -> list[str]:
    """Files that have grown beyond what one reads in one go."""
    count = path.read_text(encoding="utf-8").count("\n") if path.suffix == ".py" else 0
    return [f"{path.relative_to(ROOT)}: {count} lines; split it"] if count > LIMIT_FILE else []


def main() -> int:
    """Print what breaks a rule; 1 where something does."""
    paths = tracked()
    found = mirror(paths)
    for path in paths:
        found += spelling(path) + tails(path)
    print("\n".join(found) or f"house: {len(paths)} files, all rules kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
