// A peer on jsmodbus: node jsmodbus.mjs server|client tcp HOST PORT UNIT, or rtu PATH BAUD UNIT. Its server answers for every unit.
import { once } from "node:events";
import net from "node:net";
import modbus from "jsmodbus";
import { SerialPort } from "serialport";
import { bits, carryOut, memory, ready } from "./modbus_orders.mjs";

const [role, kind, where, number, unit] = process.argv.slice(2);

/** The serial port, open. */
async function port() {
  const opened = new SerialPort({ path: where, baudRate: Number(number), parity: "even", dataBits: 8, stopBits: 1 });
  await once(opened, "open");
  return opened;
}

/** Registers as the library has them: big-endian in a buffer. */
function registers(table) {
  const buffer = Buffer.alloc(2 * table.length);
  table.forEach((value, at) => buffer.writeUInt16BE(value, 2 * at));
  return buffer;
}

/** Bits as the library has them: eight to a byte. */
function packed(table) {
  const buffer = Buffer.alloc(table.length / 8);
  table.forEach((value, at) => (buffer[at >> 3] |= value << (at & 7)));
  return buffer;
}

/** Serve what stdin says. */
async function serve() {
  const { coil, discrete, holding, input } = await memory();
  const tables = { coils: packed(coil), discrete: packed(discrete), holding: registers(holding), input: registers(input) };
  if (kind === "rtu") {
    new modbus.server.RTU(await port(), tables);
    ready();
    return;
  }
  const listening = new net.Server();
  new modbus.server.TCP(listening, tables);
  listening.on("connection", (socket) => socket.on("error", () => {}));
  listening.listen(Number(number), where, ready);
}

/** The library says only the class of its exceptions. */
function failed(error) {
  return error.response?.body?.message ?? error.message ?? String(error);
}

/** Carry out the orders of stdin. */
async function ask() {
  const socket = kind === "rtu" ? await port() : net.connect(Number(number), where);
  const client = kind === "rtu" ? new modbus.client.RTU(socket, Number(unit)) : new modbus.client.TCP(socket, Number(unit));
  if (kind === "tcp") await once(socket, "connect");
  const reads = { coil: "readCoils", discrete: "readDiscreteInputs", holding: "readHoldingRegisters", input: "readInputRegisters" };
  await carryOut(
    {
      read: async (table, at, count) => (await client[reads[table]](at, count)).response.body.valuesAsArray.slice(0, count),
      buffer: async (table, at, count) => (await client[reads[table]](at, count)).response.body.valuesAsBuffer,
      set: (table, at, value) =>
        bits(table) ? client.writeSingleCoil(at, value === 1) : client.writeSingleRegister(at, value),
      write: (table, at, ...values) =>
        bits(table) ? client.writeMultipleCoils(at, values.map((value) => value === 1)) : client.writeMultipleRegisters(at, values),
    },
    failed,
  );
  process.exit(0);
}

await (role === "server" ? serve() : ask());
