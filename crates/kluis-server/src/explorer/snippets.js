// Code that sends the request of "Try it out", in languages that Swagger UI has no generator for. What a snippet sends is
// what the page sent, byte for byte: every text becomes a literal that means exactly that text.
const KluisSnippets = (() => {
  // What never stands in code as it is: control and formatting characters, other separators of lines.
  const AWKWARD = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/u;
  const ESCAPES = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

  const hex = (character, digits) => character.codePointAt(0).toString(16).padStart(digits, "0");
  const inBraces = (character) => `\\u{${hex(character, 0)}}`;
  const inDigits = (character) =>
    character.length === 1 ? `\\u${hex(character, 4)}` : `\\U${hex(character, 8)}`;

  // A literal in double quotes, on one line.
  const quoted = (escape) => (text) => {
    const characters = [...text].map((character) => {
      return ESCAPES[character] ?? (AWKWARD.test(character) ? escape(character) : character);
    });
    return `"${characters.join("")}"`;
  };

  // A literal that keeps lines as they are, where `multiline` can write one of this text; in double quotes otherwise.
  const readable = (line, multiline) => (text) => {
    const keeps = text.includes("\n") && !AWKWARD.test(text);
    return (keeps && multiline(text)) || line(text);
  };

  const languages = {
    javascript: { title: "JavaScript", syntax: "javascript", write: javascript },
    python: { title: "Python", syntax: "python", write: python },
    go: { title: "Go", syntax: "go", write: go },
    rust: { title: "Rust", syntax: "rust", write: rust },
  };

  function javascript({ method, url, headers, body }) {
    const line = quoted(inBraces);
    const text = readable(line, (body) => `\`${body.replace(/[\\`]|\$(?=\{)/g, "\\$&")}\``);
    return [
      `const response = await fetch(${line(url)}, {`,
      `  method: ${line(method)},`,
      ...(headers.length === 0 ? [] : ["  headers: {"]),
      ...headers.map(([name, value]) => `    ${line(name)}: ${line(value)},`),
      ...(headers.length === 0 ? [] : ["  },"]),
      ...(body === undefined ? [] : [`  body: ${text(body)},`]),
      "});",
      "console.log(response.status, await response.text());",
    ];
  }

  function python({ method, url, headers, body }) {
    const line = quoted(inDigits);
    const text = readable(line, (body) => `"""${body.replace(/\\|"(?=""|$)/g, "\\$&")}"""`);
    return [
      "import requests",
      "",
      "response = requests.request(",
      `    ${line(method)},`,
      `    ${line(url)},`,
      ...(headers.length === 0 ? [] : ["    headers={"]),
      ...headers.map(([name, value]) => `        ${line(name)}: ${line(value)},`),
      ...(headers.length === 0 ? [] : ["    },"]),
      ...(body === undefined ? [] : [`    data=${text(body)}.encode(),`]),
      ")",
      "print(response.status_code, response.text)",
    ];
  }

  function go({ method, url, headers, body }) {
    const line = quoted(inDigits);
    const text = readable(line, (body) => !body.includes("`") && `\`${body}\``);
    const packages = ["fmt", "io", "log", "net/http", ...(body === undefined ? [] : ["strings"])];
    const reader = body === undefined ? "nil" : `strings.NewReader(${text(body)})`;
    const fails = ["\tif err != nil {", "\t\tlog.Fatal(err)", "\t}"];
    return [
      "package main",
      "",
      "import (",
      ...packages.map((name) => `\t"${name}"`),
      ")",
      "",
      "func main() {",
      `\trequest, err := http.NewRequest(${line(method)}, ${line(url)}, ${reader})`,
      ...fails,
      ...headers.map(([name, value]) => `\trequest.Header.Set(${line(name)}, ${line(value)})`),
      "\tresponse, err := http.DefaultClient.Do(request)",
      ...fails,
      "\tdefer response.Body.Close()",
      "\tanswer, err := io.ReadAll(response.Body)",
      ...fails,
      "\tfmt.Println(response.StatusCode, string(answer))",
      "}",
    ];
  }

  function rust({ method, url, headers, body }) {
    const line = quoted(inBraces);
    const text = readable(line, (body) => {
      let hashes = "";
      while (body.includes(`"${hashes}`)) {
        hashes += "#";
      }
      return `r${hashes}"${body}"${hashes}`;
    });
    return [
      "// [dependencies]",
      '// reqwest = "0.13"',
      '// tokio = { version = "1", features = ["macros", "rt-multi-thread"] }',
      "",
      "#[tokio::main]",
      "async fn main() -> Result<(), reqwest::Error> {",
      "    let response = reqwest::Client::new()",
      `        .request(reqwest::Method::${method}, ${line(url)})`,
      ...headers.map(([name, value]) => `        .header(${line(name)}, ${line(value)})`),
      ...(body === undefined ? [] : [`        .body(${text(body)})`]),
      "        .send()",
      "        .await?;",
      '    println!("{} {}", response.status(), response.text().await?);',
      "    Ok(())",
      "}",
    ];
  }

  // Swagger UI hands over an immutable map, whose headers are one too.
  const generate = (write) => (request) => {
    // Half of a pair cannot be sent: the browser sends U+FFFD instead, and so does the code.
    const whole = (text) => new TextDecoder().decode(new TextEncoder().encode(text));
    const body = request.get("body");
    const lines = write({
      method: request.get("method"),
      url: request.get("url"),
      headers: [...(request.get("headers")?.entries() ?? [])],
      body: body === undefined ? body : whole(typeof body === "string" ? body : JSON.stringify(body)),
    });
    return lines.join("\n");
  };

  const settings = Object.entries(languages).map(([name, { title, syntax }]) => [name, { title, syntax }]);
  return {
    // The functions that Swagger UI looks for, by the names that it gives them.
    plugin: () => ({
      fn: Object.fromEntries(
        Object.entries(languages).map(([name, { write }]) => [
          `requestSnippetGenerator_${name}`,
          generate(write),
        ]),
      ),
    }),
    // Its setting `requestSnippets`, with its own generator for cURL in front.
    setting: {
      generators: { curl_bash: { title: "cURL", syntax: "bash" }, ...Object.fromEntries(settings) },
      languages: ["curl_bash", ...Object.keys(languages)],
    },
  };
})();
