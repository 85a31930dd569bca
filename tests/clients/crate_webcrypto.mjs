// Seal and open with WebCrypto and with Node's own cryptography, through the REST side of the Crate API; and show the
// server keys of every kind.

import assert from "node:assert/strict";
import {
  constants,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  getDiffieHellman,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";

import { check, clientKey, done, freshEnvironment, organization, rest, run, seal, sealLong } from "./crate_harness.mjs";

const secrets = (path = "") => `/organization/${organization}/secrets${path}`;
const publicPem = async () => (await done("GET", secrets("/public-key"))).public_key_pem;

async function store(environment, members) {
  return done("PUT", secrets(), { name: "NAME", environment, sealed: true, ...members });
}

// The value as another API tells it.
async function readThroughCloudKeep(environment) {
  const { data: vaults } = await done("GET", "/api/v1/vaults");
  const vault = vaults.find((found) => found.name === environment);
  const { data: found } = await done("GET", `/api/v1/vaults/${vault.id}/secrets`);
  return found.find((secret) => secret.key === "NAME").value;
}

const retrieve = (environment, pem) => rest("POST", secrets("/retrieve"), { environment, public_key_pem: pem });

// What a retrieval for a key brings.
async function retrieved(environment, pem) {
  const { status, text } = await retrieve(environment, pem);
  assert.equal(status, 200, text);
  const answer = JSON.parse(text);
  return [answer.encrypted_secrets, answer.encrypted_key];
}

const oaep = (key) => ({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" });

// Opens a retrieval with Node's own cryptography, which takes the tag by itself.
function openedByNode(privateKey, [encryptedSecrets, encryptedKey]) {
  const key = privateDecrypt(oaep(privateKey), Buffer.from(encryptedKey, "base64"));
  const blob = Buffer.from(encryptedSecrets, "base64");
  const cipher = createDecipheriv("aes-256-gcm", key, blob.subarray(0, 12));
  cipher.setAuthTag(blob.subarray(-16));
  return JSON.parse(Buffer.concat([cipher.update(blob.subarray(12, -16)), cipher.final()]).toString());
}

// An environment with one secret, made once.
let furnishing;
function furnished() {
  furnishing ??= (async () => {
    const environment = freshEnvironment();
    await store(environment, { encrypted_value: await seal(await publicPem(), "of Node") });
    return environment;
  })();
  return furnishing;
}
const VALUES = { NAME: "of Node" };

async function accepted(privateKey, spelled) {
  const answer = await retrieved(await furnished(), spelled);
  assert.deepEqual(openedByNode(privateKey, answer), VALUES);
}

// The private half of an RSA key, as JSON Web Key, of two published primes.
function keyOf(p, q, e = 65537n) {
  const d = inverse(e, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const texts = Object.entries(numbers).map(([name, number]) => [name, textOf(number)]);
  return createPrivateKey({ format: "jwk", key: { kty: "RSA", ...Object.fromEntries(texts) } });
}

const textOf = (number) => bytesOf(number).toString("base64url");

function bytesOf(number) {
  const digits = number.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
}

// What times `number` is 1, modulo `modulus`.
function inverse(number, modulus) {
  let [rest, next, factor, nextFactor] = [modulus, number % modulus, 0n, 1n];
  while (next > 0n) {
    const times = rest / next;
    [rest, next] = [next, rest - times * next];
    [factor, nextFactor] = [nextFactor, factor - times * nextFactor];
  }
  return (factor + modulus) % modulus;
}

// A prime that RFC 3526 publishes.
const prime = (group) => BigInt(`0x${getDiffieHellman(group).getPrime("hex")}`);

const rsa = (modulusLength, publicExponent = 65537) =>
  generateKeyPairSync("rsa", { modulusLength, publicExponent }).privateKey;
const spki = (key) => createPublicKey(key).export({ type: "spki", format: "pem" });
const pkcs1 = (key) => createPublicKey(key).export({ type: "pkcs1", format: "pem" });

check("a value that WebCrypto sealed is read through another API", async () => {
  const environment = freshEnvironment();
  for (const value of ["value", "Grüße, 世界\n", "x".repeat(318)]) {
    await store(environment, { encrypted_value: await seal(await publicPem(), value) });
    assert.equal(await readThroughCloudKeep(environment), value);
  }
});

check("a value that Node sealed is read through another API", async () => {
  const environment = freshEnvironment();
  const sealed = publicEncrypt(oaep(await publicPem()), Buffer.from("of Node")).toString("base64");
  const told = await store(environment, { encrypted_value: sealed, tags: ["node"] });
  assert.deepEqual(Object.keys(told).sort(), ["environment", "name", "tags", "updated_at", "version"]);
  assert.equal(await readThroughCloudKeep(environment), "of Node");
});

check("a long value that WebCrypto sealed is read through another API", async () => {
  const environment = freshEnvironment();
  const value = "é\n".repeat(20_000);
  const { encryptedValue, encryptedKey } = await sealLong(await publicPem(), value);
  await store(environment, { encrypted_value: encryptedValue, encrypted_key: encryptedKey });
  assert.equal(await readThroughCloudKeep(environment), value);
});

check("a retrieval is opened by WebCrypto", async () => {
  const key = await clientKey();
  assert.deepEqual(await key.open(...(await retrieved(await furnished(), key.publicPem))), VALUES);
  assert.deepEqual(await key.open(...(await retrieved(freshEnvironment(), key.publicPem))), {});
});

for (const bits of [2048, 3072, 4096]) {
  check(`a client key of ${bits} bits is taken, and Node opens what comes`, async () => {
    const key = rsa(bits);
    await accepted(key, spki(key));
  });
}

check("a client key of 8192 bits is taken, and Node opens what comes", async () => {
  const key = keyOf(prime("modp17"), prime("modp14")); // making one anew would take many seconds
  assert.equal(key.asymmetricKeyDetails.modulusLength, 8192);
  await accepted(key, spki(key));
});

check("a client key with the exponent 3 is taken", async () => {
  const key = rsa(2048, 3);
  await accepted(key, spki(key));
});

check("a client key is taken in each spelling", async () => {
  const key = rsa(2048);
  for (const pem of [spki(key), pkcs1(key)]) {
    const windows = pem.replaceAll("\n", "\r\n");
    for (const spelled of [pem, windows, `\n \t\n${pem}\n\n`, `\r\n${windows}\r\n `, pem.trimEnd()]) {
      await accepted(key, spelled);
    }
  }
});

async function refused(...keys) {
  for (const key of keys) {
    const { status, text } = await retrieve(await furnished(), key);
    assert.equal(status, 400, `${key}: ${text}`);
    const { code, message } = JSON.parse(text);
    assert.equal(code, "invalid_argument", `${key}: ${text}`);
    assert.ok(message, `${key}: ${text}`);
  }
}

// The public key with these numbers, whether they make sense or not.
const numbers = (n, e) => spki({ format: "jwk", key: { kty: "RSA", n: textOf(n), e: textOf(e) } });

// An odd number of so many bits.
const odd = (bits) => BigInt(`0x${randomBytes(bits / 8).toString("hex")}`) | (1n << BigInt(bits - 1)) | 1n;

check("a client key with too few bits is refused", () => refused(spki(rsa(1024)), pkcs1(rsa(1024)), spki(rsa(2040))));

check("a client key with too many bits is refused", () =>
  refused(numbers(odd(8200), 65537n), numbers(odd(16384), 65537n)));

check("a client key with an exponent that is even or too small is refused", () =>
  refused(...[1n, 2n, 4n, 65536n].map((e) => numbers(odd(2048), e))));

check("a client key of another algorithm is refused", () =>
  refused(
    ...[
      generateKeyPairSync("ec", { namedCurve: "P-256" }),
      generateKeyPairSync("ec", { namedCurve: "P-521" }),
      generateKeyPairSync("ed25519"),
      generateKeyPairSync("x25519"),
    ].map(({ publicKey }) => publicKey.export({ type: "spki", format: "pem" })),
  ));

check("a private key is refused", () => {
  const key = rsa(2048);
  return refused(key.export({ type: "pkcs8", format: "pem" }), key.export({ type: "pkcs1", format: "pem" }));
});

check("what is no key at all is refused", () => {
  const pem = spki(rsa(2048));
  const [first, ...lines] = pem.trimEnd().split("\n");
  return refused(
    undefined,
    null,
    17,
    "",
    "key",
    pem.split("\n")[1],
    first,
    pem.slice(0, 200),
    lines.join("\n"),
    pem.replaceAll("PUBLIC KEY", "CERTIFICATE"),
    pem.replace(lines[0], `${lines[0].slice(0, -4)}****`),
    [first, ...lines.slice(0, 2), lines.at(-1)].join("\n"),
  );
});

await run();
