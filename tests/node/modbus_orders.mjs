// What the Modbus peers have in common: memory and orders come as text on stdin, as for the peers written in C.
import { createInterface } from "node:readline";

const BITS = new Set(["coil", "discrete"]);
const REGISTERS = 65536;
const TYPES = {
  int16: (bytes) => bytes.readInt16BE(),
  uint16: (bytes) => bytes.readUInt16BE(),
  int32: (bytes) => bytes.readInt32BE(),
  uint32: (bytes) => bytes.readUInt32BE(),
  int64: (bytes) => bytes.readBigInt64BE(),
  uint64: (bytes) => bytes.readBigUInt64BE(),
  float32: (bytes) => bytes.readFloatBE(),
  float64: (bytes) => bytes.readDoubleBE(),
  string: (bytes) => bytes.toString("utf8").replace(/\0+$/, ""),
};

/** Memory as stdin tells it, "TABLE ADDRESS VALUE" a line, up to "serve": arrays of numbers by table. */
export async function memory() {
  const tables = Object.fromEntries(["coil", "discrete", "holding", "input"].map((name) => [name, new Uint16Array(REGISTERS)]));
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "serve") break;
    const [table, at, value] = line.split(" ");
    tables[table][Number(at)] = Number(value);
  }
  return tables;
}

/** Say that clients may come now. */
export function ready() {
  console.log("ready");
}

/**
 * Carry out the orders on stdin and print a line for each: "read TABLE ADDRESS COUNT", "set TABLE ADDRESS VALUE"
 * (functions 5 and 6), "write TABLE ADDRESS VALUE..." (15 and 16), "mask ADDRESS AND OR" (22), "as TYPE TABLE ADDRESS
 * COUNT" (what so many registers are). `peer` has read, set, write and mask, and buffer, which gives registers as bytes; `failed` makes words of what they throw.
 */
export async function carryOut(peer, failed = (error) => error.message) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, ...rest] = line.split(" ");
    const type = what === "as" ? rest.shift() : "";
    const [table, ...given] = what === "mask" ? ["", ...rest.map(Number)] : [rest[0], ...rest.slice(1).map(Number)];
    try {
      if (what === "as") {
        console.log(String(TYPES[type](await peer.buffer(table, ...given))));
        continue;
      }
      const values = await peer[what](table, ...given);
      console.log(what === "read" ? values.map(Number).join(" ") : "ok");
    } catch (error) {
      console.log(`error ${failed(error)}`);
    }
  }
}

/** Whether a table holds single bits. */
export function bits(table) {
  return BITS.has(table);
}
