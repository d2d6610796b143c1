// Judges W3C Thing Descriptions with the official JSON schema: node td.mjs FILE... prints {"FILE": [error, ...]}.
import Ajv from "ajv";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const schema = require("wot-thing-description-types/schema/td-json-schema-validation.json");
// The schema names formats that only an optional package knows; its keywords are those of draft-07.
const validate = new Ajv({ allErrors: true, strict: false, validateFormats: false }).compile(schema);

/** Where and what, in the validator's words. */
function errors(thing) {
  return validate(thing) ? [] : validate.errors.map((error) => `${error.instancePath}: ${error.message}`);
}

const found = process.argv.slice(2).map((file) => [file, errors(JSON.parse(readFileSync(file, "utf8")))]);
console.log(JSON.stringify(Object.fromEntries(found), null, 1));
