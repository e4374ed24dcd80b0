// Loads a trace into Perfetto's own trace processor and asks it in SQL.
//
//   node query.mjs DIR TRACE < QUERIES
//
// DIR holds engine_bundle.js and trace_processor.wasm of a build of ui.perfetto.dev (install.sh gets them). QUERIES is
// a JSON object of SQL by name; what is printed is one of rows by the same names.
import fs from "node:fs";
import path from "node:path";
import vm from "node:vm";

const [directory, trace] = process.argv.slice(2);

// Methods and fields of perfetto/trace_processor/trace_processor.proto.
const APPEND_TRACE_DATA = 1, FINALIZE_TRACE_DATA = 2, QUERY_STREAMING = 3;
const RPC = { request: 2, response: 3, invalid: 4, fatal: 5, data: 101, queryArgs: 103, appendResult: 201, queryResult: 203 };
const CELL = { null: 1, varint: 2, float64: 3, string: 4, blob: 5 };

function varint(value) {
  const bytes = [];
  for (let n = BigInt(value); ; n >>= 7n) {
    if (n < 128n) return Buffer.from([...bytes, Number(n)]);
    bytes.push(Number(n & 127n) | 128);
  }
}

const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);

function readVarint(buffer, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = buffer[at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [BigInt.asIntN(64, value), at];
  }
}

function* fields(buffer) {
  for (let at = 0; at < buffer.length; ) {
    let tag, value;
    [tag, at] = readVarint(buffer, at);
    const field = Number(tag >> 3n);
    switch (Number(tag & 7n)) {
      case 0:
        [value, at] = readVarint(buffer, at);
        break;
      case 1:
        value = buffer.subarray(at, (at += 8));
        break;
      case 2: {
        let length;
        [length, at] = readVarint(buffer, at);
        value = buffer.subarray(at, (at += Number(length)));
        break;
      }
      default:
        throw new Error(`wire type of tag ${tag}`);
    }
    yield [field, value];
  }
}

function* varints(buffer) {
  for (let at = 0, value; at < buffer.length; ) {
    [value, at] = readVarint(buffer, at);
    yield value;
  }
}

// The bundle is a web worker's script: it wants a worker's world, and the wasm from beside it.
class XMLHttpRequest {
  open(_, url) {
    this.url = url;
  }

  send() {
    this.response = fs.readFileSync(path.join(directory, path.basename(this.url)));
    this.status = 200;
  }
}

const said = [];
const note = (...words) => said.push(words.join(" "));
const self = { location: { href: "file:///engine_bundle.js" } };
const world = vm.createContext({
  self,
  XMLHttpRequest,
  WorkerGlobalScope: Object,
  console: { log: note, warn: note, error: note },
  performance,
  setTimeout,
  TextDecoder,
  TextEncoder,
  URL,
});
vm.runInContext(fs.readFileSync(path.join(directory, "engine_bundle.js"), "utf8"), world);
const Bytes = vm.runInContext("Uint8Array", world);
// What it has to do to be ready is queued by now.
await new Promise(setImmediate);

let replies = [];
const port = { postMessage: (message) => replies.push(Buffer.from(message)) };
self.onmessage({ data: port });

let sequence = 0;

// Calls a method; what it answers may be many messages.
function call(method, argument = Buffer.alloc(0)) {
  replies = [];
  const request = Buffer.concat([number(1, sequence++), number(RPC.request, method), argument]);
  port.onmessage({ data: new Bytes(bytes(1, request)) });
  const answers = [];
  for (const [, message] of fields(Buffer.concat(replies))) {
    const answer = new Map(fields(message));
    if (answer.has(RPC.fatal) || answer.has(RPC.invalid)) throw new Error(`${answer.get(RPC.fatal)}`);
    answers.push(answer);
  }
  return answers;
}

function query(sql) {
  let columns = [];
  const cells = [];
  for (const answer of call(QUERY_STREAMING, bytes(RPC.queryArgs, bytes(1, Buffer.from(sql))))) {
    for (const [field, value] of fields(answer.get(RPC.queryResult))) {
      if (field === 1) columns.push(value.toString());
      if (field === 2) throw new Error(`${sql}: ${value}`);
      if (field === 3) cells.push(...batch(value));
    }
  }
  const rows = [];
  while (cells.length > 0) rows.push(Object.fromEntries(columns.map((name) => [name, cells.shift()])));
  return rows;
}

function* batch(message) {
  const of = new Map(fields(message));
  const part = (field) => of.get(field) ?? Buffer.alloc(0);
  const integers = varints(part(2));
  const texts = part(5).toString().split("\0");
  let floats = 0, strings = 0;
  for (const cell of part(1)) {
    switch (cell) {
      case CELL.null:
        yield null;
        break;
      case CELL.varint:
        yield Number(integers.next().value);
        break;
      case CELL.float64:
        yield part(3).readDoubleLE(8 * floats++);
        break;
      case CELL.string:
        yield texts[strings++];
        break;
      default:
        throw new Error(`cell of type ${cell}`);
    }
  }
}

const CHUNK = 16 << 20;
const data = fs.readFileSync(trace);
for (let at = 0; at < data.length; at += CHUNK) {
  const [answer] = call(APPEND_TRACE_DATA, bytes(RPC.data, data.subarray(at, at + CHUNK)));
  for (const [field, value] of fields(answer.get(RPC.appendResult) ?? Buffer.alloc(0))) {
    if (field === 2) throw new Error(`the trace processor refuses the trace: ${value}`);
  }
}
call(FINALIZE_TRACE_DATA);
const queries = JSON.parse(fs.readFileSync(0, "utf8"));
const answers = Object.entries(queries).map(([name, sql]) => [name, query(sql)]);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
