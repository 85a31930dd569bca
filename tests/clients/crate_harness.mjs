// What the scripts of Node.js share: settings, checks, the published services, sealing and opening with WebCrypto.
//
// Settings: KLUIS_URL; KLUIS_ORGANIZATION; keys KLUIS_OWNER_KEY, KLUIS_ADMIN_KEY, KLUIS_MEMBER_KEY; KLUIS_OWNER_EMAIL;
// KLUIS_NODE, the directory with the packages; KLUIS_PYTHON, an interpreter that has grpcio-tools.

import { execFileSync } from "node:child_process";
import { randomUUID, webcrypto } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const { subtle } = webcrypto;

// A setting that a script cannot do without.
export function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`this script needs ${name}`);
  return value;
}

export const base = setting("KLUIS_URL");
export const organization = setting("KLUIS_ORGANIZATION");
export const owner = setting("KLUIS_OWNER_KEY");

// The packages lie beside what cargo builds, where an import would not look.
export const packages = createRequire(join(setting("KLUIS_NODE"), "package.json"));

const checks = [];

// Make a function a check that a sentence tells; checks run in the order of their definition.
export function check(sentence, action) {
  checks.push([sentence, action]);
}

// Run the checks, stop at the first that fails, and end with the connections that clients keep.
export async function run() {
  for (const [sentence, action] of checks) {
    try {
      await action();
    } catch (error) {
      console.error(error);
      console.error(`FAILED ${sentence}`);
      process.exit(1);
    }
    console.log(`ok ${sentence}`);
  }
  process.exit(0);
}

// An environment that nothing else is in.
export const freshEnvironment = () => `e${randomUUID().replaceAll("-", "")}`;

// The three services as protoc describes them.
export function services() {
  const { fromBinary, createFileRegistry } = packages("@bufbuild/protobuf");
  const { FileDescriptorSetSchema } = packages("@bufbuild/protobuf/wkt");
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, compilePublished()));
  const service = (name) => registry.getService(`crate.v1.${name}`);
  return {
    Secrets: service("SecretsService"),
    Tags: service("TagService"),
    Profile: service("ProfileService"),
  };
}

function compilePublished() {
  const directory = mkdtempSync(join(tmpdir(), "kluis-published-"));
  try {
    const proto = fileURLToPath(new URL("../../proto", import.meta.url));
    const files = readdirSync(join(proto, "crate/v1")).map((file) => `crate/v1/${file}`);
    const compiled = join(directory, "set");
    const output = ["--include_imports", `--descriptor_set_out=${compiled}`];
    execFileSync(setting("KLUIS_PYTHON"), ["-m", "grpc_tools.protoc", `-I${proto}`, ...output, ...files]);
    return readFileSync(compiled);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

// Status, headers and text of an answer of the REST side, whatever they are.
export async function rest(method, path, body) {
  const headers = { authorization: `Bearer ${owner}`, "content-type": "application/json" };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

// The JSON of an answer that has to be a success.
export async function done(method, path, body) {
  const { status, text } = await rest(method, path, body);
  if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
  return JSON.parse(text);
}

const OAEP = { name: "RSA-OAEP", hash: "SHA-256" };

// The bytes in a PEM.
function der(pem) {
  return Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
}

export function pemOf(label, bytes) {
  const lines = Buffer.from(bytes).toString("base64").match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

async function wrap(pem, bytes) {
  const key = await subtle.importKey("spki", der(pem), OAEP, false, ["encrypt"]);
  return Buffer.from(await subtle.encrypt(OAEP, key, bytes));
}

// A short value for a store, in base64.
export async function seal(pem, text) {
  return (await wrap(pem, Buffer.from(text))).toString("base64");
}

// A value of any length for a store, and the key that it is sealed with, in base64 (§4.3).
export async function sealLong(pem, text) {
  const bytes = webcrypto.getRandomValues(new Uint8Array(32));
  const iv = webcrypto.getRandomValues(new Uint8Array(12));
  const key = await subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt"]);
  const sealed = await subtle.encrypt({ name: "AES-GCM", iv }, key, Buffer.from(text));
  return {
    encryptedValue: Buffer.concat([iv, Buffer.from(sealed)]).toString("base64"),
    encryptedKey: (await wrap(pem, bytes)).toString("base64"),
  };
}

// A client's key of WebCrypto: what it shows of itself, and how it opens a retrieval (§4.2).
export async function clientKey() {
  const algorithm = { ...OAEP, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const pair = await subtle.generateKey(algorithm, true, ["encrypt", "decrypt"]);
  const publicPem = pemOf("PUBLIC KEY", await subtle.exportKey("spki", pair.publicKey));
  const open = async (encryptedSecrets, encryptedKey) => {
    const bytes = await subtle.decrypt(OAEP, pair.privateKey, Buffer.from(encryptedKey, "base64"));
    const key = await subtle.importKey("raw", bytes, "AES-GCM", false, ["decrypt"]);
    const blob = Buffer.from(encryptedSecrets, "base64");
    const text = await subtle.decrypt({ name: "AES-GCM", iv: blob.subarray(0, 12) }, key, blob.subarray(12));
    return JSON.parse(Buffer.from(text).toString());
  };
  return { publicPem, open };
}
