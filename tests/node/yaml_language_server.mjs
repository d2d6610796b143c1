// Asks yaml-language-server, the engine behind the YAML support of the common editors, over stdio as an editor does.
// stdin:  {"settings": {the section yaml of an editor's settings}, "files": {URI: text}, "ask": [[URI, line, column], ...]}
// stdout: {"diagnostics": {URI: [...]}, "completions": [[...], ...], "hovers": [..., ...]}; lines and columns from 0.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { createMessageConnection, StreamMessageReader, StreamMessageWriter } = require("vscode-jsonrpc/node");
const SERVER = require.resolve("yaml-language-server/bin/yaml-language-server");
// Who opens a connection to the network ends there and then, and so does this program.
const OFFLINE = "import net from 'node:net'; net.Socket.prototype.connect = () => { process.exit(3); };";
const SECTIONS = { yaml: (settings) => settings };

/** The whole of a stream as text. */
async function read(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

/** A language server that is ready, with what to do when it tells what is wrong with a file. */
async function start(settings, onDiagnostics) {
  const argv = ["--import", `data:text/javascript,${encodeURIComponent(OFFLINE)}`, SERVER, "--stdio"];
  const child = spawn(process.execPath, argv, { stdio: ["pipe", "pipe", "inherit"] });
  child.on("exit", (code) => code && process.exit(code));
  const server = createMessageConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  server.onRequest("workspace/configuration", ({ items }) => items.map(({ section }) => SECTIONS[section]?.(settings) ?? {}));
  server.onRequest("client/registerCapability", () => null);
  server.onNotification("textDocument/publishDiagnostics", onDiagnostics);
  server.listen();
  const completionItem = { documentationFormat: ["markdown", "plaintext"], snippetSupport: true };
  const textDocument = { completion: { completionItem }, hover: { contentFormat: ["markdown"] }, publishDiagnostics: {} };
  const capabilities = { workspace: { configuration: true, didChangeConfiguration: {} }, textDocument };
  await server.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities });
  await server.sendNotification("initialized", {});
  await server.sendNotification("workspace/didChangeConfiguration", { settings: { yaml: settings } });
  return server;
}

const { settings, files, ask } = JSON.parse(await read(process.stdin));
const diagnostics = {};
const told = Promise.withResolvers?.() ?? {};
const waiting = new Set(Object.keys(files));
const all = new Promise((resolve) => (told.resolve = resolve));
const server = await start(settings, (found) => {
  diagnostics[found.uri] = found.diagnostics;
  waiting.delete(found.uri);
  if (waiting.size === 0) told.resolve();
});
for (const [uri, text] of Object.entries(files)) {
  await server.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text } });
}
if (waiting.size > 0) await all;
const completions = [];
const hovers = [];
for (const [uri, line, character] of ask) {
  const place = { textDocument: { uri }, position: { line, character } };
  completions.push((await server.sendRequest("textDocument/completion", place))?.items ?? []);
  hovers.push((await server.sendRequest("textDocument/hover", place))?.contents?.value ?? "");
}
process.stdout.write(JSON.stringify({ diagnostics, completions, hovers }), () => process.exit(0));
