//! The documents that describe the APIs (OpenAPI 3.1), made from the handlers: one for each API, and one of them all.

#[cfg(test)]
mod compatibility;
mod examples;
mod groups;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::StatusCode;
use serde_json::{Map, Value};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{Components, Content, Info, License, OpenApi, Ref, RefOr, Response, Server};
use utoipa_axum::router::OpenApiRouter;

use crate::api::Dialect;
use crate::app::App;
use crate::router::{self, PUBLIC};

/// One line of `docs/ROUTES.md`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The path, with its parameters in braces.
    pub path: String,
    /// The method.
    pub method: String,
    /// The API, or `server` for what stands outside of them.
    pub api: &'static str,
    /// The handler.
    pub handler: String,
    /// What the record calls it; `-` where nothing is recorded.
    pub action: String,
    /// The file below `src/api`, or `src` for what stands outside of the APIs.
    pub file: String,
}

/// The document of each API, by its name, in the order of the list of routes.
pub fn documents() -> Vec<(&'static str, Value)> {
    all()
        .into_iter()
        .map(|(dialect, document)| (name(dialect), value(dialect, &document)))
        .collect()
}

/// One document of everything, CredVault first, whose contract it belongs to (contract A9). Names of components begin with
/// their API's, since several APIs have a `Vault`, and so do the other APIs' groups of operations.
pub fn merged() -> Value {
    let mut merged = OpenApi::default();
    merged.info = info("Kluis", "All APIs of this server.");
    merged.servers = Some(vec![Server::new("/")]);
    let mut all = all();
    all.sort_by_key(|(dialect, _)| *dialect != Some(Dialect::CredVault));
    for (dialect, document) in &mut all {
        qualify_groups(*dialect, document);
    }
    let groups = all.iter().filter_map(|(_, document)| document.tags.clone());
    merged.tags = Some(groups.flatten().collect());
    let mut merged = serde_json::to_value(&merged).unwrap_or_default();
    for (dialect, document) in all {
        let api = name(dialect);
        let mut document = value(dialect, &document);
        rename_components(&mut document, api);
        if let Value::Object(members) = document {
            let paths = members.get("paths");
            let components = members.get("components");
            take_in(&mut merged, &["paths"], paths, str::to_owned);
            for kind in ["responses", "schemas"] {
                let own = components.and_then(|components| components.get(kind));
                take_in(&mut merged, &["components", kind], own, |name| {
                    format!("{api}.{name}")
                });
            }
            let schemes = components.and_then(|components| components.get("securitySchemes"));
            take_in(
                &mut merged,
                &["components", "securitySchemes"],
                schemes,
                str::to_owned,
            );
        }
    }
    merged
}

/// Every route, sorted by path and method.
pub fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    for (dialect, document) in all() {
        for (path, item) in document.paths.paths {
            for (method, operation) in router::methods(item) {
                routes.push(Route::new(
                    name(dialect),
                    &path,
                    method.as_str(),
                    &operation,
                ));
            }
        }
    }
    routes.sort();
    routes
}

/// `docs/ROUTES.md`.
pub fn routes_text() -> String {
    let mut text = String::from(ROUTES_HEAD);
    for route in routes() {
        let Route {
            path,
            method,
            api,
            handler,
            action,
            file,
        } = route;
        let _ = writeln!(
            text,
            "{method} {path} | {api} | {handler} | {action} | {file}"
        );
    }
    text
}

impl Route {
    fn new(api: &'static str, path: &str, method: &str, operation: &Operation) -> Self {
        let id = operation.operation_id.as_deref().unwrap_or_default();
        let handler = id.strip_prefix(&format!("{api}_")).unwrap_or(id);
        let tag = operation
            .tags
            .iter()
            .flatten()
            .next()
            .map_or("", String::as_str);
        let action = operation
            .extensions
            .as_ref()
            .and_then(|extensions| extensions.get(ACTION));
        // A tag is the name of a file, unless the contract has words of its own for tags.
        let file = operation
            .extensions
            .as_ref()
            .and_then(|extensions| extensions.get(FILE))
            .and_then(Value::as_str)
            .unwrap_or(tag);
        Self {
            path: path.to_owned(),
            method: method.to_owned(),
            api,
            handler: handler.to_owned(),
            action: action.and_then(Value::as_str).unwrap_or("-").to_owned(),
            file: match api {
                SERVER => format!("{file}.rs"),
                // `crate` is no name for a module.
                "crate" => format!("crate_io/{file}.rs"),
                _ => format!("{api}/{file}.rs"),
            },
        }
    }
}

fn all() -> Vec<(Option<Dialect>, OpenApi)> {
    let apis = router::dialects()
        .into_iter()
        .map(|(dialect, router)| (Some(dialect), router));
    apis.chain([(None, router::system())])
        .map(|(dialect, router)| (dialect, document(dialect, router)))
        .collect()
}

fn document(dialect: Option<Dialect>, router: OpenApiRouter<App>) -> OpenApi {
    let mut document = router.into_openapi();
    let (title, about) = title(dialect);
    document.info = info(&format!("Kluis: {title}"), about);
    document.servers = Some(vec![Server::new("/")]);
    document.tags = Some(groups_in(dialect, &document));
    if let Some(dialect) = dialect {
        let components = document.components.get_or_insert_with(Components::new);
        components.responses = refusals(dialect);
        components.security_schemes = security_schemes(dialect);
    }
    for (path, mut item) in std::mem::take(&mut document.paths.paths) {
        for (method, operation) in router::methods_mut(&mut item) {
            describe(operation, dialect, &path, method.as_str());
        }
        // A parameter that takes the rest of a path is marked in the router's form alone.
        document.paths.paths.insert(path.replace("{*", "{"), item);
    }
    document
}

/// The groups that operations of a document are in, in the order in which they are shown.
fn groups_in(dialect: Option<Dialect>, document: &OpenApi) -> Vec<Tag> {
    let items = document.paths.paths.values().cloned();
    let operations = items.flat_map(router::methods);
    let used: Vec<_> = operations
        .flat_map(|(_, operation)| operation.tags.unwrap_or_default())
        .collect();
    let groups = groups::of(dialect).iter();
    groups
        .filter(|(name, _)| used.iter().any(|group| group == name))
        .map(|(name, about)| groups::tag(name, about))
        .collect()
}

/// What all operations of an API have in common: unique ids, credentials, and the shape of refusals.
fn describe(operation: &mut Operation, dialect: Option<Dialect>, path: &str, method: &str) {
    let id = operation.operation_id.take().unwrap_or_default();
    operation.operation_id = Some(format!("{}_{id}", name(dialect)));
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let status = status
                .parse()
                .ok()
                .and_then(|code| StatusCode::from_u16(code).ok());
            let reason = status.and_then(|status| status.canonical_reason());
            reason
                .unwrap_or_default()
                .clone_into(&mut response.description);
        }
    }
    let Some(dialect) = dialect else { return };
    // What a handler says of a refusal is when it comes; how it looks is the same for all.
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && status.starts_with('4')
            && response.content.is_empty()
        {
            response.content = refusal(dialect, &response.description).content;
        }
    }
    if path.starts_with("/crate.v1.") {
        let wrong_media_type = Response::new("The media type is none of RPC's");
        responses.insert("415".to_owned(), RefOr::T(wrong_media_type));
    }
    for (status, _) in statuses(dialect) {
        let can_be = match status {
            "404" => path.contains('{') || path.starts_with("/crate.v1."),
            "409" => method != "GET",
            _ => true,
        };
        if can_be {
            let refusal = Ref::from_response_name(status);
            responses
                .entry(status.to_owned())
                .or_insert(RefOr::Ref(refusal));
        }
    }
    if !PUBLIC
        .iter()
        .any(|(open, at)| open.as_str() == method && *at == path)
    {
        let schemes = security_schemes(dialect).into_keys();
        let any = schemes.map(|scheme| SecurityRequirement::new(scheme, [""; 0]));
        operation.security = Some(any.collect());
    }
}

/// The statuses of an API's refusals: one of them has another number in Inkbox.
fn statuses(dialect: Dialect) -> impl Iterator<Item = (&'static str, &'static str)> {
    REFUSALS.into_iter().map(move |(status, description)| {
        if dialect == Dialect::Inkbox && status == "400" {
            ("422", description)
        } else {
            (status, description)
        }
    })
}

/// The refusals that an API's operations refer to.
fn refusals(dialect: Dialect) -> BTreeMap<String, RefOr<Response>> {
    statuses(dialect)
        .map(|(status, about)| (status.to_owned(), RefOr::T(refusal(dialect, about))))
        .collect()
}

/// A refusal in the shape of an API.
fn refusal(dialect: Dialect, about: &str) -> Response {
    let media_type = match dialect {
        Dialect::OneClaw => "application/problem+json",
        Dialect::CloudKeep | Dialect::Crate | Dialect::CredVault | Dialect::Inkbox => {
            "application/json"
        }
    };
    let mut response = Response::new(about);
    let schema = Some(RefOr::Ref(Ref::from_schema_name("Error")));
    response
        .content
        .insert(media_type.to_owned(), Content::new(schema).into());
    response
}

/// The ways to prove who one is to an API; any one will do.
fn security_schemes(dialect: Dialect) -> BTreeMap<String, RefOr<SecurityScheme>> {
    let bearer = || {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        let description =
            "An API key of any style, or the access token of a session; `Bearer` is put before it";
        bearer.description = Some(description.to_owned());
        ("BearerAuth", SecurityScheme::Http(bearer))
    };
    let key = |name, header, description| {
        let key = ApiKeyValue::with_description(header, description);
        (name, SecurityScheme::ApiKey(ApiKey::Header(key)))
    };
    let schemes = match dialect {
        Dialect::CloudKeep | Dialect::Crate | Dialect::OneClaw => vec![bearer()],
        Dialect::CredVault => {
            let description =
                "The word `ApiKey`, a space, and an API key of any style: `ApiKey YOUR_API_KEY`";
            vec![key("ApiKeyAuth", "Authorization", description), bearer()]
        }
        Dialect::Inkbox => vec![key("KeyAuth", "X-API-Key", "An API key of any style")],
    };
    schemes
        .into_iter()
        .map(|(name, scheme)| (name.to_owned(), RefOr::T(scheme)))
        .collect()
}

/// Put the API's name before its groups of operations: both CloudKeep and 1claw have `vaults`. CredVault's are words of its
/// contract, and nobody else's.
fn qualify_groups(dialect: Option<Dialect>, document: &mut OpenApi) {
    if dialect == Some(Dialect::CredVault) {
        return;
    }
    let qualify = |group: &mut String| *group = format!("{}: {group}", title(dialect).0);
    for item in document.paths.paths.values_mut() {
        for (_, operation) in router::methods_mut(item) {
            operation.tags.iter_mut().flatten().for_each(qualify);
        }
    }
    let groups = document.tags.iter_mut().flatten();
    groups.for_each(|group| qualify(&mut group.name));
}

/// What refers to components, with the API's name before theirs.
fn rename_components(value: &mut Value, api: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(reference) if name == "$ref" => {
                        if let Some((place, component)) = reference.rsplit_once('/') {
                            *reference = format!("{place}/{api}.{component}");
                        }
                    }
                    _ => rename_components(member, api),
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| rename_components(item, api)),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {}
    }
}

/// Put the members of `own` into the object of `document` at `place`, under the names that `name` gives them.
fn take_in(
    document: &mut Value,
    place: &[&str],
    own: Option<&Value>,
    name: impl Fn(&str) -> String,
) {
    let mut into = document;
    for member in place {
        let Value::Object(members) = into else { return };
        into = members
            .entry(*member)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    let members = own.and_then(Value::as_object).into_iter().flatten();
    if let Value::Object(into) = into {
        into.extend(members.map(|(member, value)| (name(member), value.clone())));
    }
}

fn info(title: &str, about: &str) -> Info {
    let mut info = Info::new(title, env!("CARGO_PKG_VERSION"));
    info.description = Some(about.to_owned());
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    info
}

fn title(dialect: Option<Dialect>) -> (&'static str, &'static str) {
    match dialect {
        Some(Dialect::CloudKeep) => ("CloudKeep", "Vaults, key-value secrets, templates."),
        Some(Dialect::Crate) => ("Crate", "Environments, tags, sealed transport."),
        Some(Dialect::CredVault) => ("CredVault", "Users, keys and the platform around secrets."),
        Some(Dialect::Inkbox) => ("Inkbox", "The zero-knowledge vault."),
        Some(Dialect::OneClaw) => ("1claw", "Paths, versions, policies, agents, the record."),
        None => ("Server", "Health, metrics and these documents."),
    }
}

fn name(dialect: Option<Dialect>) -> &'static str {
    dialect.map_or(SERVER, Dialect::name)
}

/// A document with its examples, in JSON. A test looks at what there is no example of.
fn value(dialect: Option<Dialect>, document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    examples::add(&mut document, name(dialect));
    document
}

/// The member of an operation that holds its name in the record.
const ACTION: &str = "x-kluis-action";
/// Names an operation's file, where its tag does not.
const FILE: &str = "x-kluis-file";
const SERVER: &str = "server";
const REFUSALS: [(&str, &str); 8] = [
    ("400", "Something is wrong with the request by itself"),
    ("401", "The credentials are missing or invalid"),
    ("403", "The caller may not do this"),
    ("404", "It does not exist or is not accessible"),
    ("409", "It does not fit what is stored"),
    ("429", "Too many requests"),
    ("500", "Something went wrong on the server"),
    ("503", "The server is sealed, or cannot reach its storage"),
];
const ROUTES_HEAD: &str = "\
# Routes

One line for each: method and path, API, handler, name in the record, file (below `crates/kluis-server/src/api`, or below
`src` for what stands outside of the APIs). Made from the handlers, and held against them by a test, by
`UPDATE=1 cargo test -p kluis-server openapi`.

";

#[cfg(test)]
mod tests;
