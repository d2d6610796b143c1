// Judges DTDL files with Microsoft's parser: node dtdl.mjs FILE... prints {"FILE": [error, ...]}, no error meaning accepted.
import { getInterop } from "@digicatapult/dtdl-parser";
import { readFileSync } from "node:fs";

const parser = await getInterop();

/** The parser's own errors: {ValidationID, Cause, Action, ...}. */
function errors(text) {
  try {
    parser.parse(text);
    return [];
  } catch (error) {
    const told = JSON.parse(error.message);
    return told.Errors ?? told.UndefinedIdentifiers.map((id) => ({ ValidationID: "unresolved", Cause: `${id} is nowhere` }));
  }
}

const found = Object.fromEntries(process.argv.slice(2).map((file) => [file, errors(readFileSync(file, "utf8"))]));
// The runtime inside the parser keeps the process alive for ten seconds more.
process.stdout.write(JSON.stringify(found, null, 1) + "\n", () => process.exit(0));
