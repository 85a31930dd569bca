// A page of Chromium without a window, driven over a pipe with the DevTools protocol. It keeps to itself: a profile of its
// own that is removed, no name of any host is resolved, and what the page asks for and complains about is remembered.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--no-first-run",
  "--no-default-browser-check",
  "--no-proxy-server",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-dev-shm-usage",
  "--disable-extensions",
  "--disable-gpu",
  "--disable-sync",
  "--hide-scrollbars",
  "--window-size=1280,1000",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
// On a machine with two slow cores that others use too, a page takes its time.
const PATIENCE = 60_000;

/** Start the browser, hand `story` its page, and end it whatever happens. */
export async function withPage(story) {
  const profile = mkdtempSync(join(tmpdir(), "kluis-chromium-"));
  // Chromium has no sandbox for root; it opens nothing here but the page under test.
  const flags = process.getuid() === 0 ? [...FLAGS, "--no-sandbox"] : FLAGS;
  const browser = spawn("chromium", [...flags, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
    env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
  });
  const complaints = [];
  browser.stderr.on("data", (chunk) => complaints.push(chunk));
  const ended = new Promise((resolve) => browser.once("close", resolve));
  try {
    const page = await Page.open(new Connection(browser));
    return await story(page);
  } catch (error) {
    error.message += browser.exitCode === null ? "" : `\nchromium ended: ${complaints.join("")}`;
    throw error;
  } finally {
    browser.kill("SIGKILL");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Commands and events, as JSON with a NUL behind each. */
class Connection {
  #browser;
  #next = 1;
  #waiting = new Map();
  #received = [];
  onEvent = () => {};

  constructor(browser) {
    this.#browser = browser;
    browser.stdio[4].on("data", (chunk) => this.#receive(chunk));
    browser.once("error", (error) => this.#fail(error));
    browser.once("close", () => this.#fail(new Error("chromium has ended")));
    // A pipe to a browser that ends breaks; its end is told above.
    browser.stdio[3].on("error", () => {});
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    const answered = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject, method }));
    this.#browser.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answered;
  }

  #receive(chunk) {
    let rest = chunk;
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      this.#received.push(rest.subarray(0, end));
      this.#dispatch(JSON.parse(Buffer.concat(this.#received).toString()));
      this.#received = [];
      rest = rest.subarray(end + 1);
    }
    this.#received.push(rest);
  }

  #dispatch({ id, result, error, method, params }) {
    if (id === undefined) {
      this.onEvent(method, params);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) {
      waiting.reject(new Error(`${waiting.method}: ${error.message}`));
    } else {
      waiting.resolve(result);
    }
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) {
      reject(error);
    }
    this.#waiting.clear();
  }
}

/** One tab. */
export class Page {
  /** What was asked for, by address. */
  requests = [];
  /** Errors and warnings of the console, exceptions, and what the policy of the page refused. */
  complaints = [];
  #connection;
  #session;

  static async open(connection) {
    const page = new Page();
    page.#connection = connection;
    connection.onEvent = (method, params) => page.#notice(method, params);
    const { targetInfos } = await connection.send("Target.getTargets");
    const { targetId } = targetInfos.find(({ type }) => type === "page");
    const { sessionId } = await connection.send("Target.attachToTarget", { targetId, flatten: true });
    page.#session = sessionId;
    for (const domain of ["Page", "Network", "Runtime", "Log"]) {
      await page.send(`${domain}.enable`);
    }
    return page;
  }

  send(method, params) {
    return this.#connection.send(method, params, this.#session);
  }

  #notice(method, params) {
    if (method === "Network.requestWillBeSent") {
      this.requests.push(params.request.url);
    } else if (method === "Runtime.exceptionThrown") {
      const { text, exception } = params.exceptionDetails;
      this.complaints.push(`${text} ${exception?.description ?? ""}`);
    } else if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type)) {
      this.complaints.push(params.args.map(({ value, description }) => value ?? description).join(" "));
    } else if (method === "Log.entryAdded" && ["error", "warning"].includes(params.entry.level)) {
      this.complaints.push(`${params.entry.text} ${params.entry.url ?? ""}`);
    }
  }

  goto(url) {
    return this.send("Page.navigate", { url });
  }

  /** What a function gives in the page; it is handed copies of `values` and sees nothing else from here. */
  async evaluate(work, ...values) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression: `(${work})(...${JSON.stringify(values)})`,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) {
      throw new Error(`in the page: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    }
    return result.value;
  }

  /** Wait until a function gives something true in the page, and hand that on. */
  async until(what, work, ...values) {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const found = await this.evaluate(work, ...values);
      if (found) {
        return found;
      }
      if (Date.now() > deadline) {
        throw new Error(`${what} is not there: ${await this.evaluate(() => document.body.innerText.slice(0, 2000))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Click what a selector finds, once it is there. */
  async click(selector) {
    await this.until(selector, (selector) => {
      const found = document.querySelector(selector);
      found?.scrollIntoView({ block: "center" });
      found?.click();
      return found !== null;
    }, selector);
  }

  /** Type into the field that a selector finds, in place of what it holds. */
  async type(selector, text) {
    await this.until(selector, (selector) => {
      const field = document.querySelector(selector);
      field?.focus();
      field?.select();
      return field !== null && document.activeElement === field;
    }, selector);
    await this.send("Input.insertText", { text });
    await this.until(`the text in ${selector}`, (selector, text) =>
      document.querySelector(selector)?.value === text, selector, text);
    // Some fields tell what they hold only when they are left.
    await this.evaluate((selector) => document.querySelector(selector)?.blur(), selector);
  }

  /** Light or dark, as somebody's system asks for. */
  scheme(value) {
    return this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
  }

  /** A picture of what is seen now, as a file. */
  async picture(file) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    writeFileSync(file, Buffer.from(data, "base64"));
  }
}
