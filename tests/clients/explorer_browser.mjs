// The explorer as somebody sees it who opens `/api-docs` in a browser: groups, keys, requests and their answers, code.
//
// Settings: KLUIS_URL; KLUIS_OWNER_KEY, a key of an owner; KLUIS_ORGANIZATION, its organization's id; KLUIS_PYTHON, with
// `requests`. KLUIS_PICTURES, a directory, gets pictures of the page.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { withPage } from "./chromium.mjs";

const URL = process.env.KLUIS_URL;
const KEY = process.env.KLUIS_OWNER_KEY;
const { KLUIS_ORGANIZATION, KLUIS_PICTURES, KLUIS_PYTHON } = process.env;
const LANGUAGES = ["cURL", "JavaScript", "Python", "Go", "Rust"];
// One read of each API, with what stands in its answer, and what its path is about.
const READS = {
  CredVault: ["Users", "credvault_user_list", '"status": "success"', {}],
  CloudKeep: ["vaults", "cloudkeep_vault_list", '"data"', {}],
  Crate: ["tags", "crate_tag_list", '"tags"', { id: KLUIS_ORGANIZATION }],
  "1claw": ["vaults", "oneclaw_vault_list", '"vaults"', {}],
  Inkbox: ["whoami", "inkbox_whoami_read", '"organization_id"', {}],
  Operations: ["health", "server_readiness_read", '"status"', {}],
};

const run = promisify(execFile);
const ok = (what) => console.log(`ok ${what}`);

async function picture(page, name) {
  if (KLUIS_PICTURES) {
    await page.picture(join(KLUIS_PICTURES, `${name}.png`));
  }
}

/** Where an operation is on the page, as a selector. */
const operation = (group, id) => `[id="${`operations-${group}-${id}`.replaceAll(" ", "_")}"]`;

async function open(page, fragment = "") {
  await page.goto("about:blank");
  await page.goto(`${URL}/api-docs${fragment}`);
  await page.until("a group of operations", () => document.querySelector(".opblock-tag") !== null);
}

/** Show the document of one API. */
async function choose(page, name) {
  await page.until("the chooser", (name) => {
    const chooser = document.querySelector("#select");
    const choice = [...(chooser?.options ?? [])].find(({ text }) => text === name);
    if (choice === undefined) return false;
    const { set } = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "value");
    set.call(chooser, choice.value);
    chooser.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }, name);
  await page.until(`the document of ${name}`, (name) => {
    const title = document.querySelector(".info .title")?.innerText ?? "";
    return title.startsWith(name === "All APIs" ? "Kluis" : `Kluis: ${name === "Operations" ? "Server" : name}`);
  }, name);
}

/** Type a key into the box of one way to prove who one is. */
async function authorize(page, scheme, value) {
  await page.click(".authorize");
  await page.until("the boxes for keys", (scheme) => {
    const boxes = [...document.querySelectorAll(".modal-ux .auth-container")];
    const box = boxes.find((box) => box.innerText.includes(scheme));
    box?.setAttribute("data-chosen", "");
    return box !== undefined;
  }, scheme);
  await page.type(".modal-ux [data-chosen] input", value);
  await page.click(".modal-ux [data-chosen] .authorize");
  await page.click(".modal-ux [data-chosen] .btn-done");
}

/** Unfold an operation, fill in what it needs, send it; gives status, headers and body as the page shows them. */
async function tryOut(page, group, id, parameters = {}, body = undefined) {
  const at = operation(group, id);
  await page.until("the group", (group, at) => {
    const heading = document.querySelector(`.opblock-tag[data-tag="${group}"]`);
    if (document.querySelector(at) === null) heading?.click();
    return document.querySelector(at) !== null;
  }, group, at);
  await page.until("the operation", (at) => {
    if (document.querySelector(`${at} .try-out__btn`) === null) {
      document.querySelector(`${at} .opblock-summary-control`).click();
    }
    return document.querySelector(`${at} .try-out__btn`) !== null;
  }, at);
  await page.click(`${at} .try-out__btn`);
  for (const [name, value] of Object.entries(parameters)) {
    await page.type(`${at} tr[data-param-name="${name}"] input`, value);
  }
  if (body !== undefined) {
    await page.type(`${at} .body-param__text`, body);
  }
  await page.click(`${at} .execute`);
  return page.until("the answer", (at) => {
    const answer = document.querySelector(`${at} .live-responses-table .response`);
    const [shown, headers] = answer?.querySelectorAll(".microlight, .headerline") ?? [];
    const status = answer?.querySelector(".response-col_status")?.innerText;
    return status && shown && headers && {
      status: Number.parseInt(status, 10),
      body: shown.innerText,
      headers: [...answer.querySelectorAll(".headerline")].map(({ innerText }) => innerText).join("\n"),
      url: document.querySelector(`${at} .request-url`)?.innerText,
    };
  }, at);
}

/** The code that the page shows of the last request of an operation, by language. */
async function snippets(page, at) {
  const found = {};
  for (const language of LANGUAGES) {
    found[language] = await page.until(`code in ${language}`, (at, language) => {
      const shown = document.querySelector(`${at} .request-snippets`);
      const tab = [...(shown?.querySelectorAll(".btn") ?? [])].find(({ innerText }) => innerText.trim() === language);
      if (!tab?.classList.contains("active")) {
        tab?.click();
        return undefined;
      }
      return shown.querySelector("pre").innerText;
    }, at, language);
  }
  return found;
}

/** Run what can be run here, and give what each language says of the answer. */
async function ran(found) {
  const { stdout: curl } = await run("bash", ["-c", `${found.cURL} --silent --write-out '%{http_code}'`]);
  const { stdout: javascript } = await run("node", ["--input-type=module", "--eval", found.JavaScript]);
  const { stdout: python } = await run(KLUIS_PYTHON, ["-c", found.Python]);
  return { cURL: curl, JavaScript: javascript, Python: python };
}

await withPage(async (page) => {
  await open(page);
  const document_ = await (await fetch(`${URL}/api-docs/openapi.json`)).json();
  const groups = await page.evaluate(() => [...document.querySelectorAll(".opblock-tag")].map((tag) => tag.dataset.tag));
  assert.deepEqual(groups, document_.tags.map(({ name }) => name));
  ok("the groups of all APIs stand in the document's order");
  await picture(page, "light");

  await page.evaluate(() => {
    document.querySelectorAll('.opblock-tag[data-is-open="false"]').forEach((tag) => tag.click());
  });
  const count = Object.values(document_.paths).flatMap((item) => Object.keys(item)).length;
  await page.until("every operation", (count) => document.querySelectorAll(".opblock").length === count, count);
  ok(`all ${count} operations are listed`);

  await open(page);
  await page.click(".authorize");
  const boxes = await page.until("boxes", () => document.querySelector(".modal-ux")?.innerText);
  for (const words of ["ApiKeyAuth", "BearerAuth", "KeyAuth", "ApiKey YOUR_API_KEY"]) {
    assert.ok(boxes.includes(words), `${words} in ${boxes}`);
  }
  await picture(page, "boxes");
  await page.click(".modal-ux .close-modal");
  const refused = await tryOut(page, "Users", "credvault_user_list");
  assert.equal(refused.status, 401);
  ok("without a key the answer is 401");

  await open(page);
  await authorize(page, "ApiKeyAuth", `ApiKey ${KEY}`);
  const listed = await tryOut(page, "Users", "credvault_user_list");
  assert.equal(listed.status, 200);
  assert.match(listed.headers, /content-type: application\/json/);
  assert.match(listed.headers, /x-request-id: /);
  assert.match(listed.body, /owner@kluis\.local/);
  assert.ok(listed.url.includes(`${URL}/v1/users?`), listed.url);
  ok("a GET with a typed key shows status, headers and body");
  await picture(page, "get");

  const name = "\"O'Neill\" \\ ${x} `y` $(z) 🦀 %s!#\"";
  const awkward = JSON.stringify({ email: "o.neill@example.test", name }, null, 2);
  const made = await tryOut(page, "Users", "credvault_user_create", {}, awkward);
  assert.equal(made.status, 201, made.body);
  assert.equal(JSON.parse(made.body).data.name, name);
  ok("a POST with a body makes what it says");
  await picture(page, "post");

  const at = operation("Users", "credvault_user_create");
  const code = await snippets(page, at);
  for (const [language, text] of Object.entries(code)) {
    assert.ok(text.includes("/v1/users") && text.includes(KEY), `${language}: ${text}`);
  }
  for (const [language, told] of Object.entries(await ran(code))) {
    // The address is taken by now: the same request was sent, and is refused for what it holds.
    assert.ok(told.includes("409") && told.includes("ALREADY_EXISTS"), `${language}: ${told}`);
    ok(`the code in ${language} sends what the page sent`);
  }

  for (const [api, [group, id, words, parameters]] of Object.entries(READS)) {
    await open(page);
    await choose(page, api);
    if (api !== "Operations") {
      const scheme = { CredVault: "ApiKeyAuth", Inkbox: "KeyAuth" }[api] ?? "BearerAuth";
      await authorize(page, scheme, scheme === "ApiKeyAuth" ? `ApiKey ${KEY}` : KEY);
    }
    const { status, body } = await tryOut(page, group, id, parameters);
    assert.equal(status, 200, `${api}: ${body}`);
    assert.ok(body.includes(words), `${api}: ${body}`);
    ok(`the page asks ${api}`);
  }

  await page.scheme("dark");
  await open(page);
  const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.notEqual(background, "rgb(255, 255, 255)");
  await authorize(page, "BearerAuth", KEY);
  await tryOut(page, "Users", "credvault_user_list");
  await picture(page, "dark");
  ok("it is dark where the system is");

  const own = [`${URL}/`, "data:", "about:blank"];
  const foreign = page.requests.filter((url) => !own.some((start) => url.startsWith(start)));
  assert.deepEqual(foreign, []);
  ok("nothing is asked of anybody else");
  // A refusal is an error to the console, too; ours was asked for.
  const complaints = page.complaints.filter((text) => !text.includes("status of 401"));
  assert.deepEqual(complaints, []);
  ok("nothing is complained about");
});
