#!/usr/bin/env bash
# The fast tests once more on Python 3.13, where one is installed: 3.11 is the floor, not the only one. Those of pure text
# (the mapping language: two thirds of all) are left out, since nothing in them depends on the version.
set -euo pipefail
cd "$(dirname "$0")/.."
works() { "$1" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; }
found=""
for candidate in python3.13 "$(command -v pyenv >/dev/null 2>&1 && pyenv root 2>/dev/null || echo none)"/versions/3.13*/bin/python; do
  if works "$candidate"; then found=$candidate; break; fi
done
if [ -z "$found" ]; then echo "Python 3.13 is not installed: its run of the fast tests is left out"; exit 0; fi
if [ ! -e .venv-3.13/done ] || [ requirements/dev.lock -nt .venv-3.13/done ]; then
  "$found" -m venv .venv-3.13
  .venv-3.13/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
  .venv-3.13/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
  touch .venv-3.13/done
fi
exec .venv-3.13/bin/python -m pytest ${PARALLEL:-} -m "not slow" -p no:cacheprovider --ignore tests/gateway/mapping --ignore tests/mappings
