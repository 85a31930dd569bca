//! Secret values are found nowhere but in the answers that are to hold them (DESIGN §8, promise 1).
//!
//! Canary values of every kind go through every route and command; then everything that the server emits or leaves
//! behind is searched for them.

mod bodies;
mod keeping;
mod programs;
mod sealed;

use std::io::Write;
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use super::record;
use super::routes;
use super::scene::Scene;
use super::search::{Needles, canary};
use crate::cloudkeep::vaults::{uuid_of, vault};
use crate::harness::{Answer, Api, Backend, Kluis, Random, binary, on_both, without_settings};

/// What `kluis dev` writes tokens and the owner's password into, by design.
const BY_DESIGN: &[&str] = &["dev.json"];

on_both! {
    /// NT-02, NT-40
    async fn canary_values_put_through_every_route_are_found_nowhere(backend: Backend) {
        let mut kluis = traced(backend).await;
        let mut random = Random::new();
        let mut canaries = Canaries::default();
        stored(&kluis, &mut random, &mut canaries).await;
        sealed::stored(&kluis, &mut random, &mut canaries).await;
        keeping::stored(&kluis, &mut random, &mut canaries).await;
        refused(&kluis, &mut random, &mut canaries).await;
        credentials(&kluis, &mut random, &mut canaries).await;
        let needles = &canaries.needles;
        search_answers(&kluis, needles).await;
        search_process(&kluis, needles);
        needles.assert_absent_below(&kluis.data_dir(), BY_DESIGN);
        // What a crash leaves behind, and what the next start does with it.
        kluis.kill();
        needles.assert_absent_below(&kluis.data_dir(), BY_DESIGN);
        kluis.begin().await;
        search_answers(&kluis, needles).await;
        search_process(&kluis, needles);
        kluis.stop();
        needles.assert_absent_below(&kluis.data_dir(), BY_DESIGN);
    }

    /// NT-43
    async fn every_act_leaves_one_event_whatever_credential_it_came_with(kluis: Kluis) {
        let owner = kluis.owner();
        let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
        let body = json!({"key": "A", "value": "1"});
        let one = format!("{path}/{}", owner.post(&path, body).await.expect(201).text("/data/id"));
        let session = Api::bearer(kluis.base(), login(&kluis).await.text("/data/access_token"));
        let mut made = Vec::new();
        for style in ["cloudkeep", "crate", "credvault", "oneclaw", "inkbox"] {
            made.push((Api::bearer(kluis.base(), kluis.dev(&format!("/tokens/{style}"))), 200));
        }
        made.push((session, 200));
        made.push((kluis.user("viewer").await.api(), 403));
        made.push((kluis.user("member").await.api(), 404));
        let mut requests = Vec::new();
        for (api, status) in made {
            let answer = api.get(&one).await.expect(status);
            requests.push((answer.header("x-request-id").unwrap().to_owned(), status));
        }
        let events = record::all(&owner).await;
        for (request, status) in requests {
            let mut of_request: Vec<&Value> = events
                .iter()
                .filter(|event| event["details"]["request_id"] == request.as_str())
                .collect();
            of_request.dedup();
            assert_eq!(of_request.len(), 1, "{status}: {of_request:?}");
            assert_eq!(of_request[0]["action"], "secret.read");
        }
    }
}

/// NT-41, NT-42: values are in no argument list, no message and no file that a command writes.
#[tokio::test]
async fn canary_values_put_through_every_command_are_found_nowhere_else() {
    let kluis = traced(Backend::Sqlite).await;
    let mut random = Random::new();
    let mut canaries = Canaries::default();
    let values = canaries.kinds(&mut random);
    canaries
        .needles
        .add("token", &kluis.dev("/tokens/cloudkeep"));
    let needles = &canaries.needles;
    for (kind, value) in &values {
        let set = kluis_command(&kluis, &["set", kind], value);
        assert!(
            set.status.success(),
            "{}",
            String::from_utf8_lossy(&set.stderr)
        );
        needles.assert_absent("the output of set", &set.stdout);
        let got = kluis_command(&kluis, &["get", kind], "");
        assert_eq!(
            String::from_utf8_lossy(&got.stdout).trim_end(),
            value.trim_end()
        );
        for ended in [set, got] {
            needles.assert_absent("messages", &ended.stderr);
        }
    }
    // The child tells how it and its parent were called, with the values in its environment.
    let told = "tr '\\0' ' ' < /proc/$$/cmdline; tr '\\0' ' ' < /proc/$PPID/cmdline";
    for script in [told, "exit 3", "kill -9 $$"] {
        let ran = kluis_command(&kluis, &["run", "--", "sh", "-c", script], "");
        needles.assert_absent("argument lists", &ran.stdout);
        needles.assert_absent("messages of run", &ran.stderr);
    }
    let value = &values[0].1;
    for (arguments, stdin) in [
        (&["set", "text", "--vault", "nowhere"][..], value.as_str()),
        (&["set", "text", "--type", "Not A Type"], value),
        (&["set", ""], value),
        (&["get", "text", "nonsense"], ""),
        (&["secret", "list"], ""),
        (&["secret", "versions", "text"], ""),
        (&["audit", "tail"], ""),
    ] {
        let ended = kluis_command(&kluis, arguments, stdin);
        needles.assert_absent(&format!("{arguments:?}"), &ended.stdout);
        needles.assert_absent(&format!("{arguments:?}"), &ended.stderr);
    }
    search_answers(&kluis, needles).await;
    search_process(&kluis, needles);
    needles.assert_absent_below(&kluis.data_dir(), BY_DESIGN);
}

/// The canaries of a test.
#[derive(Default)]
struct Canaries {
    needles: Needles,
}

impl Canaries {
    fn new_value(&mut self, random: &mut Random, name: &str) -> String {
        let value = canary(random);
        self.needles.add(name, &value);
        value
    }

    /// One value of each kind.
    fn kinds(&mut self, random: &mut Random) -> Vec<(&'static str, String)> {
        let mut kinds = Vec::new();
        for kind in ["text", "lines", "json", "base64"] {
            let canary = match kind {
                "base64" => {
                    let like_base64 = format!("{}/+{}==", random.word(21), random.word(19));
                    self.needles.add(kind, &like_base64);
                    like_base64
                }
                _ => self.new_value(random, kind),
            };
            let value = match kind {
                "lines" => {
                    format!("-----BEGIN KEY-----\n{canary}\nsecond line\n-----END KEY-----\n")
                }
                "json" => format!(r#"{{"user": "app", "password": "{canary}"}}"#),
                _ => canary,
            };
            kinds.push((kind, value));
        }
        kinds
    }
}

/// A server that writes everything it can into its log. Its first start, which shows keys once by design, is over.
async fn traced(backend: Backend) -> Kluis {
    let mut kluis = backend.start_with(&[]).await;
    kluis.stop();
    kluis.add_flags(&["--log-level", "trace"]);
    kluis.begin().await;
    kluis.owner().get("/api/v1/vaults").await.expect(200);
    assert!(
        kluis.log().contains("DEBUG"),
        "the log is not at its most talkative, so it proves nothing: {}",
        kluis.log()
    );
    kluis
}

/// Values are written, changed, read and listed as they should be.
async fn stored(kluis: &Kluis, random: &mut Random, canaries: &mut Canaries) {
    let owner = kluis.owner();
    let here = vault(&owner, "canaries").await;
    let path = format!("/api/v1/vaults/{here}/secrets");
    for (kind, value) in canaries.kinds(random) {
        let notes = canaries.new_value(random, "notes");
        let body = json!({"key": kind, "value": value, "notes": notes});
        let id = owner.post(&path, body).await.expect(201).text("/data/id");
        let next = canaries.new_value(random, "next value");
        let body = json!({"value": next, "notes": notes});
        owner.patch(&format!("{path}/{id}"), body).await.expect(200);
        let read = owner.get(&format!("{path}/{id}")).await.expect(200);
        assert_eq!(read.text("/data/value"), next);
        let versions = format!("/v1/vaults/{}/secret-versions/{kind}", uuid_of(&here));
        let versions = owner.get(&versions).await.expect(200);
        canaries
            .needles
            .assert_absent("a list of versions", &versions.body);
        kluis
            .user("viewer")
            .await
            .api()
            .get(&format!("{path}/{id}"))
            .await
            .expect(403);
    }
    owner.get(&path).await.expect(200);
}

/// Values come to every route in requests that it refuses, in every way that it can.
async fn refused(kluis: &Kluis, random: &mut Random, canaries: &mut Canaries) {
    let owner = kluis.owner();
    let reader = uuid_of(&kluis.user("member").await.id);
    let callers = [
        kluis.anonymous(),
        kluis.stranger().await.api(),
        kluis.user("viewer").await.api(),
        kluis.owner(),
    ];
    for route in routes::all(kluis).await {
        let method: Method = route.method.parse().unwrap();
        let secret = canaries.new_value(random, &route.name());
        let mut scene = Scene::new(&owner, &owner, &reader);
        let path = route.filled(&mut scene).await;
        // They are megabytes, so they are made once.
        let wrong = bodies::wrong(&secret);
        // The owner comes last: whom nothing is refused may take away what the path names.
        for caller in &callers {
            for (content_type, body) in &wrong {
                let headers = [("content-type", *content_type)];
                let caller = route.spoken_by(caller);
                let answer = caller
                    .raw(method.clone(), &path, &headers, body.clone())
                    .await;
                // 501: a stream is not asked for so.
                let is_ours = answer.status < 500 || answer.status == 501;
                assert!(is_ours, "{}: {}", route.name(), answer.string());
                search_answer(&canaries.needles, &answer);
            }
        }
    }
}

/// Passwords, tokens and codes, right and wrong ones.
async fn credentials(kluis: &Kluis, random: &mut Random, canaries: &mut Canaries) {
    for style in ["cloudkeep", "crate", "credvault", "oneclaw", "inkbox"] {
        canaries
            .needles
            .add("the owner's key", &kluis.dev(&format!("/tokens/{style}")));
    }
    canaries
        .needles
        .add("the owner's password", &kluis.dev("/owner/password"));
    let session = login(kluis).await;
    for token in ["access_token", "refresh_token"] {
        canaries
            .needles
            .add(token, &session.text(&format!("/data/{token}")));
    }
    let admin = kluis.admin_api();
    let password = format!("{} Aa1!", canaries.new_value(random, "password"));
    let email = format!("canary-{}@example.test", random.word(8).to_lowercase());
    let body = json!({"email": email, "password": password});
    admin.post("/v1/users", body).await.expect(201);
    let body = json!({"email": email, "password": password});
    let session = kluis
        .anonymous()
        .post("/v1/auth/login", body)
        .await
        .expect(200);
    let api = Api::bearer(kluis.base(), session.text("/data/access_token"));
    let next = format!("{} Aa1!", canaries.new_value(random, "next password"));
    let body = json!({"current_password": password, "new_password": next});
    let changed = api.post("/v1/auth/change-password", body).await;
    assert!(changed.status < 300, "{}", changed.string());
    let made = admin
        .post("/v1/users", json!({"email": format!("x{email}")}))
        .await
        .expect(201);
    canaries
        .needles
        .add("a one-time password", &made.text("/data/password"));
    let key = admin
        .post("/v1/api-keys", json!({"name": "k"}))
        .await
        .expect(201);
    canaries.needles.add("a new key", &key.text("/data/key"));
    programs::used(kluis, random, canaries).await;
    for wrong in ["wrong password", "wrong token"] {
        let secret = canaries.new_value(random, wrong);
        let anonymous = kluis.anonymous();
        let refusals = [
            anonymous
                .post(
                    "/v1/auth/login",
                    json!({"email": email, "password": secret}),
                )
                .await,
            anonymous
                .post("/v1/auth/refresh", json!({"refresh_token": secret}))
                .await,
            Api::bearer(kluis.base(), secret.replace(' ', ""))
                .get("/api/v1/me")
                .await,
            Api::api_key(kluis.base(), secret.replace(' ', ""))
                .get("/v1/me")
                .await,
            Api::bearer(kluis.base(), &secret).get("/v1/vaults").await,
            anonymous
                .with("authorization", &secret)
                .get("/api/v1/me")
                .await,
        ];
        canaries.needles.add(wrong, &secret.replace(' ', ""));
        for refusal in refusals {
            let refusal = refusal.expect(401);
            search_answer(&canaries.needles, &refusal);
        }
    }
}

async fn login(kluis: &Kluis) -> Answer {
    let body =
        json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
    kluis
        .anonymous()
        .post("/v1/auth/login", body)
        .await
        .expect(200)
}

#[track_caller]
fn search_answer(needles: &Needles, answer: &Answer) {
    if answer.status >= 400 {
        needles.assert_absent(&answer.to_string(), &answer.body);
    }
    for (name, value) in &answer.headers {
        needles.assert_absent(name.as_str(), value.as_bytes());
    }
}

/// What the server tells about itself and about what was done.
async fn search_answers(kluis: &Kluis, needles: &Needles) {
    for path in ["/metrics", "/healthz", "/readyz", "/api-docs/openapi.json"] {
        let answer = kluis.anonymous().get(path).await.expect(200);
        needles.assert_absent(path, &answer.body);
    }
    let events = record::all(&kluis.owner()).await;
    assert!(!events.is_empty());
    needles.assert_absent("the record", &serde_json::to_vec(&events).unwrap());
    let export = kluis.owner().get("/v1/audit/export").await.expect(200);
    needles.assert_absent("an export", &export.body);
    for path in ["/v1/users", "/v1/api-keys", "/v1/me", "/api/v1/me"] {
        let answer = kluis.admin_api().get(path).await;
        needles.assert_absent(path, &answer.body);
    }
}

/// What the process shows and writes.
fn search_process(kluis: &Kluis, needles: &Needles) {
    needles.assert_absent("the log", kluis.log().as_bytes());
    for file in ["cmdline", "environ"] {
        let path = format!("/proc/{}/{file}", kluis.pid());
        needles.assert_absent(&path, &std::fs::read(&path).unwrap());
    }
}

/// Run a command of the command line against the server.
fn kluis_command(kluis: &Kluis, arguments: &[&str], stdin: &str) -> std::process::Output {
    let mut command = Command::new(binary());
    let mut child = without_settings(&mut command)
        .args(arguments)
        .env("KLUIS_URL", kluis.base())
        .env("KLUIS_TOKEN", kluis.dev("/tokens/cloudkeep"))
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}
