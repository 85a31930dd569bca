// One story of a secret and its refusals, told through each transport of Connect's client.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import {
  base,
  check,
  clientKey,
  freshEnvironment,
  organization,
  owner,
  packages,
  seal,
  sealLong,
  services,
  setting,
} from "./crate_harness.mjs";

const { Code, ConnectError, createClient } = packages("@connectrpc/connect");
const { createConnectTransport, createGrpcTransport, createGrpcWebTransport } = packages("@connectrpc/connect-node");
const { timestampDate } = packages("@bufbuild/protobuf/wkt");
const { Secrets, Tags, Profile } = services();

const connect = (httpVersion, useBinaryFormat) =>
  createConnectTransport({ baseUrl: base, httpVersion, useBinaryFormat });
const grpcWeb = (httpVersion) => createGrpcWebTransport({ baseUrl: base, httpVersion });

const transports = {
  "Connect in JSON over HTTP/1.1": connect("1.1", false),
  "Connect in JSON over HTTP/2": connect("2", false),
  "Connect in protobuf over HTTP/1.1": connect("1.1", true),
  "Connect in protobuf over HTTP/2": connect("2", true),
  "gRPC over HTTP/2": createGrpcTransport({ baseUrl: base }),
  "gRPC-Web over HTTP/1.1": grpcWeb("1.1"),
  "gRPC-Web over HTTP/2": grpcWeb("2"),
};

const as = (key) => ({ headers: { authorization: `Bearer ${key}` } });
const asOwner = as(owner);

// Check that a call is refused with this code and a reason.
async function refused(code, call) {
  const error = await call.then(
    (answer) => assert.fail(`answered instead of refused: ${JSON.stringify(answer)}`),
    (error) => error,
  );
  assert.ok(error instanceof ConnectError, error);
  assert.equal(Code[error.code], Code[code], error.message);
  assert.ok(error.rawMessage, "a refusal without a reason");
}

for (const [protocol, transport] of Object.entries(transports)) {
  const secrets = createClient(Secrets, transport);
  const tags = createClient(Tags, transport);
  const profile = createClient(Profile, transport);
  const tell = (sentence, action) => check(`${protocol}: ${sentence}`, action);
  const organizationId = organization;

  const publicPem = async () => (await secrets.getPublicKey({ organizationId }, asOwner)).publicKeyPem;
  const storing = async (environment, more = {}) => ({
    organizationId,
    environment,
    name: "NAME",
    sealed: true,
    encryptedValue: await seal(await publicPem(), "of Connect"),
    ...more,
  });
  const store = async (environment, more) =>
    (await secrets.storeSecret(await storing(environment, more), asOwner)).secret;
  const list = async (environment, more) =>
    (await secrets.listSecrets({ organizationId, environment, ...more }, asOwner)).secrets;
  const retrieve = async (environment, more) => {
    const key = await clientKey();
    const request = { organizationId, environment, publicKeyPem: key.publicPem, ...more };
    const answer = await secrets.retrieveSecrets(request, asOwner);
    return key.open(answer.encryptedSecrets, answer.encryptedKey);
  };
  const remove = (environment, name) => secrets.deleteSecret({ organizationId, environment, name }, asOwner);

  tell("a secret is stored, listed, retrieved and deleted", async () => {
    const environment = freshEnvironment();
    const made = await store(environment, { tagList: { tags: ["b", "a"] } });
    assert.deepEqual([made.name, made.environment, made.version, made.tags], ["NAME", environment, 1, ["b", "a"]]);
    assert.ok(Math.abs(timestampDate(made.updatedAt) - Date.now()) < 300_000, made.updatedAt);
    assert.deepEqual(await list(environment), [made]);
    assert.deepEqual(await retrieve(environment), { NAME: "of Connect" });
    await remove(environment, "NAME");
    assert.deepEqual(await list(environment), []);
    assert.deepEqual(await retrieve(environment), {});
  });

  tell("versions count, and tags stay until others are told", async () => {
    const environment = freshEnvironment();
    const after = async (more) => {
      const { version, tags } = await store(environment, more);
      return [version, tags];
    };
    assert.deepEqual(await after(), [1, []]);
    assert.deepEqual(await after({ tagList: { tags: ["a"] } }), [2, ["a"]]);
    assert.deepEqual(await after(), [3, ["a"]]);
    assert.deepEqual(await after({ tagList: { tags: [] } }), [4, []]);
  });

  tell("names and tags select", async () => {
    const environment = freshEnvironment();
    await store(environment, { name: "ONE", tagList: { tags: ["a", "b"] } });
    await store(environment, { name: "TWO", tagList: { tags: ["b"] } });
    const selected = async (more) => Object.keys(await retrieve(environment, more));
    assert.deepEqual(await selected({ names: ["TWO", "THREE"] }), ["TWO"]);
    assert.deepEqual(await selected({ tags: ["a", "b"] }), ["ONE"]);
    assert.deepEqual(await selected({ tags: ["a", "b"], tagMatch: "any" }), ["ONE", "TWO"]);
    assert.deepEqual(await selected({ names: ["TWO"], tags: ["a"] }), []);
    assert.deepEqual((await list(environment, { tags: ["a"] })).map(({ name }) => name), ["ONE"]);
  });

  tell("a long value passes", async () => {
    const environment = freshEnvironment();
    const value = "é🔑\n".repeat(30_000);
    await store(environment, await sealLong(await publicPem(), value));
    assert.deepEqual(await retrieve(environment), { NAME: value });
  });

  tell("tags are listed", async () => {
    const mark = freshEnvironment();
    await store(freshEnvironment(), { tagList: { tags: [`${mark}.b`, `${mark}.a`] } });
    const found = (await tags.listTags({ organizationId }, asOwner)).tags;
    const mine = found.filter(({ name }) => name.startsWith(mark));
    assert.deepEqual(mine.map(({ name }) => name), [`${mark}.a`, `${mark}.b`]);
    assert.deepEqual(mine.map(({ metadata }) => metadata?.color ?? ""), ["", ""]);
  });

  tell("the profile is told", async () => {
    const told = await profile.getProfile({}, asOwner);
    assert.equal(told.email, setting("KLUIS_OWNER_EMAIL"));
    assert.deepEqual(told.organizations.map(({ id, role }) => [id, role]), [[organizationId, "owner"]]);
    const admin = await profile.getProfile({}, as(setting("KLUIS_ADMIN_KEY")));
    assert.deepEqual(admin.organizations.map(({ id, role }) => [id, role]), [[organizationId, "admin"]]);
  });

  tell("who has no key or another's is refused", async () => {
    const request = { organizationId };
    await refused(Code.Unauthenticated, secrets.listSecrets(request));
    await refused(Code.Unauthenticated, secrets.listSecrets(request, as(`crt_${"0".repeat(43)}`)));
    await refused(Code.PermissionDenied, secrets.listSecrets(request, as(setting("KLUIS_MEMBER_KEY"))));
    await refused(Code.PermissionDenied, secrets.listSecrets({ organizationId: randomUUID() }, asOwner));
  });

  tell("what is wrong is refused", async () => {
    const environment = freshEnvironment();
    const invalid = async (more) =>
      refused(Code.InvalidArgument, secrets.storeSecret(await storing(environment, more), asOwner));
    await invalid({ sealed: false });
    await invalid({ name: "9" });
    await invalid({ environment: "a b" });
    await invalid({ tagList: { tags: ["a,b"] } });
    await invalid({ encryptedValue: "%" });
    await invalid({ encryptedValue: Buffer.alloc(384, 1).toString("base64") });
    await refused(Code.InvalidArgument, retrieve(environment, { publicKeyPem: "key" }));
    await refused(Code.NotFound, remove(environment, "NAME"));
    assert.deepEqual(await list(environment), []);
  });

  tell("a call that has a minute is answered", async () => {
    await secrets.listSecrets({ organizationId }, { ...asOwner, timeoutMs: 60_000 });
  });
}
