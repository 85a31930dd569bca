//! Every route for every kind of caller (DESIGN §8, promise 2): `docs/ACCESS.md` holds the answers.
//!
//! `UPDATE=1 cargo xtask test -E 'test(matrix)'` writes the file anew; its difference is what a review looks at.

use std::fmt::Write;
use std::path::Path;

use serde_json::json;

use super::routes::{self, Route};
use super::scene::Scene;
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Api, Kluis, Member};

/// What answers without credentials: of RULES §3's list what exists. It may only shrink, or grow to that list. A code of a
/// second factor is the credential of `/v1/auth/mfa`.
const OPEN: [&str; 22] = [
    "GET /.well-known/jwks.json",
    "GET /api-docs",
    "GET /api-docs/openapi.json",
    "GET /api-docs/{}",
    "POST /grpc.health.v1.Health/Check",
    "POST /grpc.health.v1.Health/Watch",
    "POST /grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "POST /grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "POST /v1/auth/agent-token",
    "POST /v1/auth/api-key-token",
    "POST /v1/auth/device/code",
    "POST /v1/auth/device/token",
    "GET /v1/auth/jwt-public-key",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "POST /v1/auth/token",
    "GET /v1/health",
    "GET /v1/health/hsm",
    "GET /v1/share/{}",
];

/// A kind of caller: a column of the table.
struct Column {
    name: &'static str,
    api: Api,
    /// Its user.
    user: Option<String>,
    /// Whether the vaults that it asks about are its own.
    makes: bool,
}

#[tokio::test]
async fn every_route_answers_every_kind_of_caller_as_the_access_table_says() {
    let kluis = Kluis::start().await;
    let table = table(&kluis).await;
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ACCESS.md"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, table).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let difference: Vec<String> = kept
        .lines()
        .filter(|line| !table.contains(*line))
        .map(|line| format!("- {line}"))
        .chain(
            table
                .lines()
                .filter(|line| !kept.contains(*line))
                .map(|line| format!("+ {line}")),
        )
        .collect();
    assert!(
        kept == table,
        "docs/ACCESS.md is not how the server answers. If it is right to: UPDATE=1 cargo xtask test -E 'test(matrix)'\n{}",
        difference.join("\n")
    );
}

/// NT-36
#[tokio::test]
async fn exactly_the_listed_routes_answer_without_credentials() {
    let kluis = Kluis::start().await;
    let (owner, anonymous) = (kluis.owner(), kluis.anonymous());
    let reader = uuid_of(&kluis.user("member").await.id);
    let login =
        json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
    let mut open = Vec::new();
    for route in routes::all(&kluis).await {
        let mut scene = Scene::new(&owner, &owner, &reader);
        let path = route.filled(&mut scene).await;
        let body = match route.name().as_str() {
            "POST /v1/auth/login" | "POST /v1/auth/token" => Some(login.clone()),
            "POST /v1/auth/agent-token" => {
                let made = owner.post("/v1/agents", json!({"name": "bot"})).await;
                Some(json!({"api_key": made.expect(201).text("/api_key")}))
            }
            "POST /v1/auth/api-key-token" => Some(json!({"api_key": kluis.dev("/tokens/crate")})),
            "POST /v1/auth/refresh" => {
                let session = anonymous
                    .post("/v1/auth/login", login.clone())
                    .await
                    .expect(200);
                Some(json!({"refresh_token": session.text("/data/refresh_token")}))
            }
            _ => route.body(&scene),
        };
        let method: reqwest::Method = route.method.parse().unwrap();
        let answer = route.spoken_by(&anonymous).send(method, &path, body).await;
        if answer.status == 401 {
            continue;
        }
        // A stream is not asked for with one message: it says so, to anyone.
        let is_stream = path.ends_with("/Watch") || path.ends_with("/ServerReflectionInfo");
        assert!(
            answer.status == 200 || is_stream && [415, 501].contains(&answer.status),
            "{path}"
        );
        open.push(route.name());
    }
    assert_eq!(open, OPEN);
}

async fn table(kluis: &Kluis) -> String {
    let reader = kluis.user("member").await;
    let columns = columns(kluis, &reader).await;
    let mut text = String::from(HEAD);
    for line in ["route", "---"] {
        write!(text, "| {line} |").unwrap();
        for column in &columns {
            let name = if line == "---" { "---" } else { column.name };
            write!(text, " {name} |").unwrap();
        }
        text.push('\n');
    }
    let owner = kluis.owner();
    let reader = uuid_of(&reader.id);
    for route in routes::all(kluis).await {
        for whose in cases(&route) {
            write!(text, "| {}{whose} |", route.name()).unwrap();
            for column in &columns {
                let maker = if column.makes { &column.api } else { &owner };
                let mut scene = Scene::new(&owner, maker, &reader);
                if *whose == OWN {
                    scene.user = Some(
                        column
                            .user
                            .clone()
                            .unwrap_or_else(|| kluis.dev("/owner/id")),
                    );
                    scene.key = own_key(&owner, column).await;
                }
                let status = route.ask(&column.api, &mut scene).await.status;
                write!(text, " {status} |").unwrap();
            }
            text.push('\n');
        }
    }
    text
}

/// What is asked about: for users and keys, one's own is another case than another's.
fn cases(route: &Route) -> &'static [&'static str] {
    let about_someone = ["/v1/users/{}", "/v1/api-keys/{}"]
        .iter()
        .any(|start| route.path.starts_with(start));
    // A caller that deletes itself could not be asked for the next row.
    let ends_caller = route.path.starts_with("/v1/users/") && route.method == "DELETE"
        || route.path.ends_with("/reset-password");
    match (about_someone, ends_caller) {
        (false, _) => &[""],
        (true, true) => &[ANOTHERS],
        (true, false) => &[OWN, ANOTHERS],
    }
}

const OWN: &str = ", one's own";
const ANOTHERS: &str = ", another's";

/// A key of the column's own user; of the owner's where it has none in this organization.
async fn own_key(owner: &Api, column: &Column) -> Option<String> {
    let (maker, body) = match (&column.user, column.name) {
        (Some(user), name) if name != "stranger" => {
            (owner, json!({"name": "own", "user_id": user}))
        }
        (Some(_), _) => (&column.api, json!({"name": "own"})),
        (None, _) => (owner, json!({"name": "own"})),
    };
    let made = maker.post("/v1/api-keys", body).await.expect(201);
    Some(made.text("/data/id"))
}

async fn columns(kluis: &Kluis, reader: &Member) -> Vec<Column> {
    let stranger = kluis.stranger().await;
    let column = |name, api, user: Option<&str>| Column {
        name,
        api,
        user: user.map(str::to_owned),
        makes: name == "maker",
    };
    let mut columns = vec![
        column("anonymous", kluis.anonymous(), None),
        column("stranger", stranger.api(), Some(&stranger.id)),
    ];
    for (name, role) in [("viewer", "viewer"), ("member", "member")] {
        let user = kluis.user(role).await;
        columns.push(column(name, user.api(), Some(&user.id)));
    }
    columns.push(column("reader", reader.api(), Some(&reader.id)));
    for (name, role) in [("maker", "member"), ("admin", "admin")] {
        let user = kluis.user(role).await;
        columns.push(column(name, user.api(), Some(&user.id)));
    }
    let agent = crate::oneclaw::agents::register(kluis, &kluis.owner(), json!({})).await;
    columns.push(column("agent", agent.api, None));
    let owner_id = kluis.dev("/owner/id");
    columns.push(column("owner", kluis.owner(), Some(&owner_id)));
    for scope in SCOPES {
        let scopes: Vec<&str> = scope.split(' ').filter(|word| word.contains(':')).collect();
        let body = json!({"name": scope, "style": "cloudkeep", "scopes": scopes});
        let key = kluis
            .admin_api()
            .post("/v1/api-keys", body)
            .await
            .expect(201);
        let api = Api::bearer(kluis.base(), key.text("/data/key"));
        columns.push(column(scope, api, Some(&owner_id)));
    }
    columns
}

/// Keys of the owner with a ceiling.
const SCOPES: [&str; 7] = [
    "no scope",
    "metadata:read",
    "database:read",
    "database:write",
    "settings:modify",
    "logs:read",
    "team:manage",
];

const HEAD: &str = "\
# Who gets which answer

The status of every route for every kind of caller, as the server gives it. Written by
`UPDATE=1 cargo xtask test -E 'test(matrix)'`; the same test fails when an answer changes or a route has no row. Each
request is right in itself, so 400 and 409 are about what is stored, and a refusal is about who asks.

| caller | who that is |
|---|---|
| anonymous | no credentials |
| stranger | the owner of another organization |
| viewer, member, admin | a user with this role, without policies, who made none of the vaults |
| reader | a member with a policy that lets it read every path of the vault |
| maker | the member that made the vault |
| agent | an agent without policies, registered by the owner |
| owner | the organization's owner, who is the server's too |
| no scope, metadata:read, … | a key of the owner with only this scope |

";
