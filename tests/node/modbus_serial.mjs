// A peer on modbus-serial: node modbus_serial.mjs server|client tcp HOST PORT UNIT, or rtu PATH BAUD UNIT.
import modbus from "modbus-serial";
import { bits, carryOut, memory, ready } from "./modbus_orders.mjs";

const [role, kind, where, number, unit] = process.argv.slice(2);
const SERIAL = { baudRate: Number(number), parity: "even", dataBits: 8, stopBits: 1 };

/** Serve what stdin says; units that are not ours are not answered. */
async function serve() {
  const { coil, discrete, holding, input } = await memory();
  const vector = {
    getCoil: (at) => coil[at] === 1,
    getDiscreteInput: (at) => discrete[at] === 1,
    getHoldingRegister: (at) => holding[at],
    getInputRegister: (at) => input[at],
    setCoil: (at, value) => void (coil[at] = value ? 1 : 0),
    setRegister: (at, value) => void (holding[at] = value),
  };
  const server =
    kind === "rtu"
      ? new modbus.ServerSerial(vector, { path: where, ...SERIAL, unitID: Number(unit) })
      : new modbus.ServerTCP(vector, { host: where, port: Number(number), unitID: Number(unit) });
  server.on("initialized", ready);
  server.on("socketError", () => {});
}

/** Carry out the orders of stdin. */
async function ask() {
  const client = new modbus.default();
  if (kind === "rtu") await client.connectRTUBuffered(where, SERIAL);
  else await client.connectTCP(where, { port: Number(number) });
  client.setID(Number(unit));
  client.setTimeout(2000);
  const reads = { coil: "readCoils", discrete: "readDiscreteInputs", holding: "readHoldingRegisters", input: "readInputRegisters" };
  await carryOut({
    read: async (table, at, count) => (await client[reads[table]](at, count)).data.slice(0, count),
    buffer: async (table, at, count) => (await client[reads[table]](at, count)).buffer,
    set: (table, at, value) => (bits(table) ? client.writeCoil(at, value === 1) : client.writeRegister(at, value)),
    write: (table, at, ...values) =>
      bits(table) ? client.writeCoils(at, values.map((value) => value === 1)) : client.writeRegisters(at, values),
    mask: (_, at, and, or) => client.maskWriteRegister(at, and, or),
  });
  client.close(() => process.exit(0));
}

await (role === "server" ? serve() : ask());
