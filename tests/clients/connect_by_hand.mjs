// The protocols byte by byte, without a client of theirs: spellings, headers, statuses and bodies.

import assert from "node:assert/strict";
import { connect } from "node:http2";

import {
  base,
  check,
  clientKey,
  freshEnvironment,
  organization,
  owner,
  packages,
  seal,
  services,
  setting,
} from "./crate_harness.mjs";

const { create, fromBinary, toBinary } = packages("@bufbuild/protobuf");
const { Secrets } = services();
const { input: ListRequest, output: ListResponse } = Secrets.method.listSecrets;

const JSON_TYPE = "application/json";
const path = (method, service = "SecretsService") => `/crate.v1.${service}/${method}`;
const bearer = (key) => (key ? { authorization: `Bearer ${key}` } : {});

// Status, headers and body of the answer to bytes or a text.
async function post(method, body, headers = {}, key = owner) {
  const all = { "content-type": JSON_TYPE, ...bearer(key), ...headers };
  const url = base + (method.startsWith("/") ? method : path(method));
  const answer = await fetch(url, { method: "POST", headers: all, body });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, type: answer.headers.get("content-type"), headers: answer.headers, bytes };
}

// The JSON of an answer that has to be a success.
async function done(method, request, headers) {
  const { status, type, bytes } = await post(method, JSON.stringify(request), headers);
  assert.equal(status, 200, bytes.toString());
  assert.equal(type, JSON_TYPE);
  return JSON.parse(bytes);
}

// Check that an answer is an error of Connect with this status and code.
function isError({ status, type, bytes }, expectedStatus, expectedCode) {
  const text = bytes.toString();
  assert.equal(status, expectedStatus, text.slice(0, 1000));
  assert.equal(type, JSON_TYPE, text);
  const error = JSON.parse(text);
  assert.deepEqual(Object.keys(error).sort(), ["code", "message"], text);
  assert.equal(error.code, expectedCode, text);
  assert.ok(error.message, text);
}

const publicPem = async () => (await done("GetPublicKey", { organizationId: organization })).publicKeyPem;

async function storing(environment, more = {}) {
  const encryptedValue = await seal(await publicPem(), "by hand");
  return { organizationId: organization, environment, name: "NAME", encryptedValue, sealed: true, ...more };
}

const listing = (environment) =>
  toBinary(ListRequest, create(ListRequest, { organizationId: organization, environment }));

check("JSON goes out in lowerCamelCase", async () => {
  const environment = freshEnvironment();
  const key = await clientKey();
  const where = { organizationId: organization, environment };
  assert.deepEqual(Object.keys(await done("GetPublicKey", { organizationId: organization })), ["publicKeyPem"]);
  const { secret } = await done("StoreSecret", await storing(environment, { tagList: { tags: ["a"] } }));
  const { updatedAt, ...others } = secret;
  assert.deepEqual(others, { name: "NAME", environment, version: 1, tags: ["a"] });
  assert.match(updatedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  assert.deepEqual(await done("ListSecrets", where), { secrets: [secret] });
  const sealed = await done("RetrieveSecrets", { ...where, publicKeyPem: key.publicPem });
  assert.deepEqual(Object.keys(sealed).sort(), ["encryptedKey", "encryptedSecrets"]);
  assert.deepEqual(await key.open(sealed.encryptedSecrets, sealed.encryptedKey), { NAME: "by hand" });
});

check("JSON comes in with either spelling", async () => {
  const environment = freshEnvironment();
  const key = await clientKey();
  const camel = await storing(environment, { tagList: { tags: ["camel"] } });
  const { organizationId, encryptedValue, tagList, ...plain } = camel;
  const snake = { organization_id: organizationId, encrypted_value: encryptedValue, tag_list: { tags: ["snake"] } };
  assert.deepEqual((await done("StoreSecret", camel)).secret.tags, tagList.tags);
  const { version, tags } = (await done("StoreSecret", { ...plain, ...snake })).secret;
  assert.deepEqual([version, tags], [2, ["snake"]]);
  const both = { environment, tags: ["snake", "x"] };
  for (const request of [
    { ...both, organizationId, publicKeyPem: key.publicPem, tagMatch: "any" },
    { ...both, organization_id: organizationId, public_key_pem: key.publicPem, tag_match: "any" },
  ]) {
    const sealed = await done("RetrieveSecrets", request);
    assert.deepEqual(await key.open(sealed.encryptedSecrets, sealed.encryptedKey), { NAME: "by hand" });
  }
});

check("members of JSON that are null or absent have their defaults", async () => {
  const absent = await done("ListSecrets", { organizationId: organization });
  const nothing = { organizationId: organization, environment: null, tags: null, tagMatch: null };
  assert.deepEqual(await done("ListSecrets", nothing), absent);
  assert.deepEqual(await done("ListSecrets", { organizationId: organization, environment: "dev" }), absent);
});

check("Connect does not want to hear its version", async () => {
  const request = { organizationId: organization };
  const plain = await done("ListSecrets", request);
  assert.deepEqual(await done("ListSecrets", request, { "connect-protocol-version": "1" }), plain);
});

check("Connect takes the bare message in protobuf", async () => {
  const environment = freshEnvironment();
  await done("StoreSecret", await storing(environment));
  const type = "application/proto";
  const answer = await post("ListSecrets", listing(environment), { "content-type": type });
  assert.deepEqual([answer.status, answer.type], [200, type]);
  const { secrets } = fromBinary(ListResponse, answer.bytes);
  assert.deepEqual(secrets.map(({ name, version }) => [name, version]), [["NAME", 1]]);
});

check("errors of Connect are JSON for protobuf too", async () => {
  const headers = { "content-type": "application/proto" };
  isError(await post("ListSecrets", listing("a b"), headers), 400, "invalid_argument");
  isError(await post("ListSecrets", listing("dev"), headers, null), 401, "unauthenticated");
});

check("each refusal of Connect has its status", async () => {
  const environment = freshEnvironment();
  const request = { organizationId: organization, environment };
  const list = (key) => post("ListSecrets", JSON.stringify(request), {}, key);
  isError(await list(null), 401, "unauthenticated");
  isError(await list(`crt_${"0".repeat(43)}`), 401, "unauthenticated");
  isError(await list(setting("KLUIS_MEMBER_KEY")), 403, "permission_denied");
  const unsealed = JSON.stringify(await storing(environment, { sealed: false }));
  isError(await post("StoreSecret", unsealed), 400, "invalid_argument");
  const { sealed, ...silent } = await storing(environment);
  isError(await post("StoreSecret", JSON.stringify(silent)), 400, "invalid_argument");
  isError(await post("DeleteSecret", JSON.stringify({ ...request, name: "NAME" })), 404, "not_found");
});

check("a body that is no JSON, or another JSON, is refused", async () => {
  for (const body of ["{", '"text"', "1", '{"organizationId": 7}', '{"organizationId": ["a"]}']) {
    isError(await post("ListSecrets", body), 400, "invalid_argument");
  }
  const text = JSON.stringify(await storing(freshEnvironment(), { sealed: "true" }));
  isError(await post("StoreSecret", text), 400, "invalid_argument");
});

check("a message in JSON is no list of its members", async () => {
  for (const body of ["[]", JSON.stringify([organization])]) {
    isError(await post("ListSecrets", body), 400, "invalid_argument");
  }
});

check("an unknown method is unimplemented in Connect", async () => {
  for (const unknown of [path("ReadSecret"), path("ListVaults", "VaultService")]) {
    const answer = await post(unknown, "{}");
    // The contract's status, or that of every path that is not there.
    assert.ok([501, 404].includes(answer.status), `${answer.status}`);
    isError(answer, answer.status, "unimplemented");
  }
  isError(await post("ReadSecret", "{}", {}, null), 401, "unauthenticated");
});

check("a time that is no number of milliseconds is refused", async () => {
  const request = JSON.stringify({ organizationId: organization });
  for (const time of ["soon", "-1", "1.5", "1s", "12345678901"]) {
    isError(await post("ListSecrets", request, { "connect-timeout-ms": time }), 400, "invalid_argument");
  }
  assert.equal((await post("ListSecrets", request, { "connect-timeout-ms": "9999999999" })).status, 200);
});

// What becomes of stores that all have to be opened at once: on any machine that takes longer than a millisecond.
async function atOnce(call) {
  const environment = freshEnvironment();
  const names = Array.from({ length: 32 }, (_, number) => `N${number}`);
  const requests = await Promise.all(names.map((name) => storing(environment, { name })));
  return Promise.all(requests.map(call));
}

check("the time that a call of Connect has is kept", async () => {
  const inTime = { "connect-timeout-ms": "1" };
  const answers = await atOnce((request) => post("StoreSecret", JSON.stringify(request), inTime));
  const late = answers.filter(({ status }) => status !== 200);
  assert.ok(late.length > 0, "all within a millisecond");
  late.forEach((answer) => isError(answer, 504, "deadline_exceeded"));
});

check("the time that a call of gRPC has is kept", async () => {
  const { input } = Secrets.method.storeSecret;
  const framed = (request) => frame(toBinary(input, create(input, request)));
  const answers = await atOnce((request) => overHttp2("StoreSecret", framed(request), { "grpc-timeout": "1m" }));
  const numbers = new Set(answers.map(({ headers, trailers }) => trailers["grpc-status"] ?? headers["grpc-status"]));
  numbers.delete("0");
  assert.deepEqual([...numbers], ["4"]);
});

// A message as gRPC and gRPC-Web frame it.
function frame(message) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

// The frames of a body: their flags and contents.
function frames(bytes) {
  const found = [];
  for (let rest = bytes; rest.length > 0; ) {
    const end = 5 + rest.readUInt32BE(1);
    found.push([rest[0], rest.subarray(5, end)]);
    rest = rest.subarray(end);
  }
  return found;
}

// Headers, body and trailers of the answer to a call of gRPC over HTTP/2.
async function overHttp2(method, body, headers = {}, key = owner) {
  const session = connect(base);
  const to = { ":method": "POST", ":path": path(method), te: "trailers" };
  const stream = session.request({ ...to, "content-type": "application/grpc", ...bearer(key), ...headers });
  const answer = { trailers: {} };
  stream.on("response", (found) => (answer.headers = found));
  stream.on("trailers", (found) => (answer.trailers = found));
  stream.end(body);
  try {
    const parts = [];
    for await (const part of stream) parts.push(part);
    return { ...answer, bytes: Buffer.concat(parts) };
  } finally {
    session.close();
  }
}

for (const type of ["application/grpc", "application/grpc+proto"]) {
  check(`${type} has messages in frames and the status behind them`, async () => {
    const environment = freshEnvironment();
    await done("StoreSecret", await storing(environment));
    const answer = await overHttp2("ListSecrets", frame(listing(environment)), { "content-type": type });
    assert.equal(answer.headers[":status"], 200);
    assert.match(answer.headers["content-type"], /^application\/grpc(\+proto)?$/);
    assert.equal(answer.trailers["grpc-status"], "0");
    const [[flags, message], ...others] = frames(answer.bytes);
    assert.deepEqual([flags, others], [0, []]);
    assert.deepEqual(fromBinary(ListResponse, message).secrets.map(({ name }) => name), ["NAME"]);
  });
}

check("a refusal of gRPC has HTTP's status 200 and its own number", async () => {
  const refused = async (number, environment, key) => {
    const { headers, trailers } = await overHttp2("ListSecrets", frame(listing(environment)), {}, key);
    assert.equal(headers[":status"], 200);
    assert.equal(trailers["grpc-status"] ?? headers["grpc-status"], number);
    assert.ok(trailers["grpc-message"] ?? headers["grpc-message"]);
  };
  await refused("16", "dev", null);
  await refused("7", "dev", setting("KLUIS_MEMBER_KEY"));
  await refused("3", "a b", owner);
});

for (const type of ["application/grpc-web", "application/grpc-web+proto"]) {
  check(`${type} has its trailers in the body`, async () => {
    const headers = { "content-type": type };
    const answer = await post("ListSecrets", frame(listing(freshEnvironment())), headers);
    assert.equal(answer.status, 200);
    assert.match(answer.type, /^application\/grpc-web(\+proto)?$/);
    const [[flags, message], [last, trailers]] = frames(answer.bytes);
    assert.deepEqual([flags, message.length, last], [0, 0, 0x80]);
    assert.match(trailers.toString().toLowerCase(), /grpc-status: ?0\r\n/);
    const refused = await post("ListSecrets", frame(listing("a b")), headers);
    assert.equal(refused.status, 200);
    const told = refused.headers.get("grpc-status") ?? frames(refused.bytes).at(-1)[1].toString().toLowerCase();
    assert.match(told, /^3$|grpc-status: ?3\r\n/);
  });
}
