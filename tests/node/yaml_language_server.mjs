// Asks yaml-language-server, the engine behind the YAML support of the common editors, over stdio as an editor does.
// stdin:  {"settings": {the section yaml of an editor's settings}, "files": {URI: text},
//          "complete": [[URI, line, column], ...], "hover": [[URI, line, column], ...]}; lines and columns from 0
// stdout: {"diagnostics": {URI: [...]}, "completions": [[...], ...], "hovers": [text, ...]}
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

/** A place in the words of the protocol. */
function at(uri, line, character) {
  return { textDocument: { uri }, position: { line, character } };
}

/** Opens all files, as an editor does. */
async function open(server, files) {
  for (const [uri, text] of Object.entries(files)) {
    await server.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text } });
  }
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

const { settings, files, complete, hover } = JSON.parse(await read(process.stdin));
const diagnostics = {};
const server = await new Promise((resolve, reject) => {
  const waiting = new Set(Object.keys(files));
  const started = start(settings, (found) => {
    diagnostics[found.uri] = found.diagnostics;
    if (waiting.delete(found.uri) && waiting.size === 0) resolve(started);
  });
  started.then((ready) => open(ready, files)).catch(reject);
});
const completions = [];
for (const place of complete) completions.push((await server.sendRequest("textDocument/completion", at(...place))).items);
const hovers = [];
for (const place of hover) hovers.push((await server.sendRequest("textDocument/hover", at(...place)))?.contents.value ?? "");
process.stdout.write(JSON.stringify({ diagnostics, completions, hovers }), () => process.exit(0));
