// The code that the explorer writes, run in every language that is here: what arrives is what the page would have sent.
//
// Settings: KLUIS_URL; KLUIS_PYTHON, with `requests`. Go is run where it is installed. What is written in Rust is compiled with
// stand-ins for its two crates, which tell what they are given.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const { KLUIS_PYTHON, KLUIS_URL } = process.env;
const run = promisify(execFile);

// Texts that mean something else in some shell or language.
const TEXTS = [
  '{"a":1}',
  '{\n  "a": "it\'s \\"quoted\\" \\\\ ${HOME} $(id) `id` %s {} #{x} \\u0000"\n}',
  '"""\n\'\'\'\n```\n"#\n"##\n`',
  'ends with a quote\n"',
  "ends with a backslash\n\\",
  "\\u{41} \\x41 \\101 \\N{BULLET} \\u0041",
  "tab\tand lines\r\nof both\rkinds\n",
  "control \u0001\u007f\u0085, separators \u2028\u2029, turned \u202eround\u202c, none \ufeff",
  "a crab 🦀, e\u0301, a private \u{f0000}, half \ud800 of a pair",
  "!! history, # comment, ; rm -rf /, && true, | cat, <(id), ~, *?[a]",
];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** What the last request was; its answer is 200. */
let received;
const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    received = {
      method: request.method,
      path: request.url,
      value: request.headers["x-text"],
      type: request.headers["content-type"],
      body: Buffer.concat(chunks).toString("hex"),
    };
    response.end("taken");
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${server.address().port}`;

const directory = mkdtempSync(join(tmpdir(), "kluis-snippets-"));
const source = await (await fetch(`${KLUIS_URL}/api-docs/snippets.js`)).text();
const { plugin } = new Function(`${source}; return KluisSnippets;`)();
const generators = Object.fromEntries(
  Object.entries(plugin().fn).map(([name, generate]) => [name.replace("requestSnippetGenerator_", ""), generate]),
);

/** A request as Swagger UI hands it over, and what of it has to arrive. */
function* requests() {
  for (const [at, text] of TEXTS.entries()) {
    const method = METHODS[1 + (at % 4)];
    const segment = encodeURIComponent(Buffer.from(text.slice(0, 40)).toString()).replaceAll("'", "%27");
    const path = `/v1/things/${segment}?a=%20'$x'&b=(1)`;
    const value = text.replace(/[^\x20-\x7e]/g, "").trim();
    const headers = new Map([["accept", "*/*"], ["X-Text", value], ["Content-Type", "application/json"]]);
    const request = new Map(Object.entries({ url: `${address}${path}`, method, headers, body: text }));
    yield [request, { method, path, value, type: "application/json", body: Buffer.from(text).toString("hex") }];
  }
  const request = new Map(Object.entries({ url: `${address}/plain`, method: "GET", headers: new Map() }));
  yield [request, { method: "GET", path: "/plain", value: undefined, type: undefined, body: "" }];
}

const asked = [...requests()];

async function check(language, send) {
  for (const [request, expected] of asked) {
    received = undefined;
    const code = generators[language](request);
    const told = await send(code).catch((error) => assert.fail(`${language}: ${error.message}\n${code}`));
    assert.match(told, /200\s+taken/, `${language}: ${told}`);
    // `'` and parentheses may travel as they are or encoded: both are the same address.
    const plain = ({ path, ...others }) => ({
      ...others,
      path: path.replaceAll("%27", "'").replaceAll("%28", "(").replaceAll("%29", ")"),
    });
    assert.deepEqual(plain(received), plain(expected), `${language}:\n${code}`);
  }
  console.log(`ok ${asked.length} requests in ${language}`);
}

/** A file of code, to be run by a program. */
function file(name, code) {
  writeFileSync(join(directory, name), code);
  return join(directory, name);
}

const isHere = (program) => {
  try {
    execFileSync(program, ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

/** In place of reqwest: tells what it is given, and sends nothing. */
const REQWEST = `
pub struct Client;
pub struct Request(String);
pub struct Response;
#[derive(Debug)]
pub struct Error;
#[derive(Debug)]
pub enum Method { DELETE, GET, PATCH, POST, PUT }
fn hex(text: &str) -> String { text.bytes().map(|byte| format!("{byte:02x}")).collect() }
impl Client {
    pub fn new() -> Self { Self }
    pub fn request(&self, method: Method, url: &str) -> Request { Request(format!("{method:?} {}", hex(url))) }
}
impl Request {
    pub fn header(self, name: &str, value: &str) -> Self { Self(format!("{} {}={}", self.0, hex(name), hex(value))) }
    pub fn body(self, body: &str) -> Self { Self(format!("{} body={}", self.0, hex(body))) }
    pub async fn send(self) -> Result<Response, Error> { println!("{}", self.0); Ok(Response) }
}
impl Response {
    pub fn status(&self) -> u16 { 200 }
    pub async fn text(self) -> Result<String, Error> { Ok("taken".to_owned()) }
}
`;
/** In place of tokio: what never waits is done when it is asked once. */
const TOKIO = `
extern crate proc_macro;
#[proc_macro_attribute]
pub fn main(_: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let text = item.to_string().replacen("async fn main", "async fn inner", 1);
    let main = "fn main() {
        let waker = std::task::Waker::noop();
        let mut work = std::pin::pin!(inner());
        assert!(work.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_ready());
    }";
    format!("{text} {main}").parse().unwrap()
}
`;

/** All requests in one program, since each takes the compiler a while. */
async function checkRust() {
  const compile = (...flags) => run("rustc", ["--edition", "2024", "--out-dir", directory, "-L", directory, ...flags]);
  await compile("--crate-type", "rlib", "--crate-name", "reqwest", file("reqwest.rs", REQWEST));
  await compile("--crate-type", "proc-macro", "--crate-name", "tokio", file("tokio.rs", TOKIO));
  const modules = asked.map(([request], at) => {
    const code = generators.rust(request).replace("async fn main", "pub(super) async fn main");
    return `mod request_${at} {\n${code.replace("#[tokio::main]", "")}\n}`;
  });
  const calls = asked.map((_, at) => `request_${at}::main().await?;`);
  const main = `#[tokio::main]\nasync fn main() -> Result<(), reqwest::Error> { ${calls.join("\n")} Ok(()) }`;
  const all = `${modules.join("\n")}\n${main}`;
  await compile("--crate-name", "snippets", "--extern", "reqwest", "--extern", "tokio", file("snippets.rs", all));
  const { stdout } = await run(join(directory, "snippets"));
  const told = stdout.split("\n").filter((line) => !line.startsWith("200 taken"));
  const hex = (text) => Buffer.from(text).toString("hex");
  for (const [at, [request]] of asked.entries()) {
    const headers = [...request.get("headers")].map(([name, value]) => ` ${hex(name)}=${hex(value)}`);
    const body = request.has("body") ? ` body=${hex(request.get("body"))}` : "";
    assert.equal(told[at], `${request.get("method")} ${hex(request.get("url"))}${headers.join("")}${body}`);
  }
  console.log(`ok ${asked.length} requests in rust`);
}

try {
  await check("javascript", async (code) => (await run("node", ["--input-type=module", "--eval", code])).stdout);
  await check("python", async (code) => (await run(KLUIS_PYTHON, [file("snippet.py", code)])).stdout);
  await checkRust();
  if (isHere("go")) {
    await check("go", async (code) => (await run("go", ["run", file("snippet.go", code)])).stdout);
  }
} finally {
  server.close();
  rmSync(directory, { recursive: true, force: true });
}
