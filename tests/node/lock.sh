#!/usr/bin/env bash
# Writes package-lock.json anew: hashes only, with the names of no hosts.
set -euo pipefail
cd "$(dirname "$0")"
rm -f package-lock.json
npm install --package-lock-only --loglevel=error
node --input-type=commonjs -e '
  const fs = require("fs");
  const lock = JSON.parse(fs.readFileSync("package-lock.json"));
  for (const entry of Object.values(lock.packages)) { delete entry.funding; delete entry.resolved; }
  fs.writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");
'
