//! THE list of routes: which APIs are mounted, what is open without credentials, and whose shape a refusal has.

use std::sync::Arc;

use axum::Router;
use http::{HeaderMap, HeaderValue, Method};
use utoipa::openapi::path::{Operation as Documented, PathItem};
use utoipa_axum::router::OpenApiRouter;

use crate::api::{Dialect, cloudkeep, crate_io, credvault, inkbox, oneclaw};
use crate::app::App;
use crate::config::Doors;
use crate::metrics::Counts;
use crate::{caller, explorer, health, health_rpc, metrics};

/// The APIs that are served. A new one is mounted here and nowhere else.
pub(crate) fn dialects() -> Vec<(Dialect, OpenApiRouter<App>)> {
    vec![
        (Dialect::CloudKeep, cloudkeep::router()),
        (Dialect::Crate, crate_io::router()),
        (Dialect::CredVault, credvault::router()),
        (Dialect::Inkbox, inkbox::router()),
        (Dialect::OneClaw, oneclaw::router()),
    ]
}

/// What an API has that asks for no credentials (RULES §3). A test holds this list against the documents.
pub(crate) const PUBLIC: &[(Method, &str)] = &[
    (Method::POST, "/v1/auth/login"),
    (Method::POST, "/v1/auth/refresh"),
    (Method::POST, "/v1/auth/api-key-token"),
    (Method::POST, "/v1/auth/agent-token"),
    (Method::POST, "/v1/auth/token"),
    (Method::POST, "/v1/auth/mfa"),
    (Method::POST, "/v1/auth/mfa/verify"),
    (Method::POST, "/v1/auth/signup"),
    (Method::POST, "/v1/agents/enroll"),
    (Method::GET, "/v1/agents/enroll/{pairing_id}/status"),
    (Method::POST, "/v1/auth/device/code"),
    (Method::POST, "/v1/auth/device/token"),
    (Method::GET, "/v1/auth/jwt-public-key"),
    (Method::GET, "/.well-known/jwks.json"),
    (Method::GET, "/v1/health"),
    (Method::GET, "/v1/health/hsm"),
    (Method::GET, "/v1/share/{share_id}"),
];

/// What is behind [`Doors`].
const ENROLLMENT: &str = "/v1/agents/enroll";
const SIGNUP: &str = "/v1/auth/signup";

/// What stands outside of the APIs, for operators and readers; all of it is public.
pub(crate) fn system() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(health::router())
        .merge(health_rpc::router())
        .merge(metrics::router())
        .merge(explorer::router())
}

/// Every route: where it leads, and what is known of it.
pub(crate) struct Routes {
    templates: Vec<Template>,
    tree: matchit::Router<usize>,
    /// What is counted of requests that reach no operation, by API.
    elsewhere: Vec<(Option<Dialect>, Arc<Counts>)>,
}

/// One path, such as `/api/v1/vaults/{vault_id}`.
pub(crate) struct Template {
    /// The path, with the names of its parameters.
    path: String,
    /// The API that it belongs to; none for what stands outside of them.
    pub(crate) dialect: Option<Dialect>,
    /// What can be done there.
    pub(crate) operations: Vec<Operation>,
    /// Its methods, for the header of a 405.
    pub(crate) allow: HeaderValue,
    /// Whether it is a door that the server was not told to open.
    closed: bool,
    /// Whether it answers while the server is sealed.
    pub(crate) answers_sealed: bool,
}

/// One method of one path.
pub(crate) struct Operation {
    /// The method.
    pub(crate) method: Method,
    /// Whether it asks for no credentials.
    pub(crate) is_public: bool,
    /// What is counted of it.
    pub(crate) counts: Arc<Counts>,
}

/// A route that cannot be served: a defect, which the first start shows.
#[derive(Debug, thiserror::Error)]
#[error("the route {path} cannot be served: {why}")]
pub struct Unroutable {
    path: String,
    why: String,
}

impl Routes {
    /// All of them, and the handlers that they lead to.
    pub(crate) fn build(doors: Doors) -> Result<(Self, Router<App>), Unroutable> {
        let apis = Dialect::ALL.into_iter().map(Some).chain([None]);
        let elsewhere = apis.map(|dialect| (dialect, Counts::new(dialect, ELSEWHERE)));
        let mut routes = Self {
            templates: Vec::new(),
            tree: matchit::Router::new(),
            elsewhere: elsewhere.collect(),
        };
        let mut handlers = routes.mount(None, system())?;
        for (dialect, router) in dialects() {
            handlers = handlers.merge(routes.mount(Some(dialect), router)?);
        }
        for template in &mut routes.templates {
            template.closed = (!doors.enrollment && template.path.starts_with(ENROLLMENT))
                || (!doors.signup && template.path == SIGNUP);
        }
        Ok((routes, handlers))
    }

    fn mount(
        &mut self,
        dialect: Option<Dialect>,
        router: OpenApiRouter<App>,
    ) -> Result<Router<App>, Unroutable> {
        let (router, document) = router.split_for_parts();
        for (path, item) in document.paths.paths {
            let unroutable = |why: String| Unroutable {
                path: path.clone(),
                why,
            };
            let template = Template::new(dialect, path.clone(), item).map_err(unroutable)?;
            let inserted = self.tree.insert(path.as_str(), self.templates.len());
            inserted.map_err(|error| unroutable(error.to_string()))?;
            self.templates.push(template);
        }
        Ok(router)
    }

    /// The template that `path` fits, and the API whose shape an answer has: the template's, else by prefix.
    pub(crate) fn dialect_of(
        &self,
        path: &str,
        headers: &HeaderMap,
    ) -> (Option<&Template>, Option<Dialect>) {
        let found = self
            .tree
            .at(path)
            .ok()
            .and_then(|found| self.templates.get(*found.value));
        match found {
            Some(template) if template.closed => (None, template.dialect),
            Some(template) => (found, template.dialect),
            None => (None, dialect_by_prefix(path, headers)),
        }
    }

    /// What is counted of requests that reach no operation of this API.
    pub(crate) fn elsewhere(&self, dialect: Option<Dialect>) -> Option<&Arc<Counts>> {
        self.elsewhere
            .iter()
            .find(|(api, _)| *api == dialect)
            .map(|(_, counts)| counts)
    }

    /// All that is counted.
    pub(crate) fn counts(&self) -> impl Iterator<Item = &Arc<Counts>> {
        let operations = self
            .templates
            .iter()
            .flat_map(|template| &template.operations);
        let elsewhere = self.elsewhere.iter().map(|(_, counts)| counts);
        operations
            .map(|operation| &operation.counts)
            .chain(elsewhere)
    }
}

impl Template {
    fn new(dialect: Option<Dialect>, path: String, item: PathItem) -> Result<Self, String> {
        let operations: Vec<_> = methods(item)
            .map(|(method, documented)| {
                let name = documented.operation_id.unwrap_or_default();
                let is_public = dialect.is_none() || PUBLIC.contains(&(method.clone(), &path));
                Operation {
                    method,
                    is_public,
                    counts: Counts::new(dialect, &name),
                }
            })
            .collect();
        let names: Vec<_> = operations
            .iter()
            .map(|operation| operation.method.as_str())
            .collect();
        let allow = names
            .join(", ")
            .parse()
            .map_err(|_| "a method is no token".to_owned())?;
        let answers_sealed = ANSWERS_SEALED.contains(&path.as_str());
        Ok(Self {
            path,
            dialect,
            operations,
            allow,
            closed: false,
            answers_sealed,
        })
    }

    /// What `method` does here. `HEAD` is no method of any API; outside of them it asks for the head of a `GET`.
    pub(crate) fn operation(&self, method: &Method) -> Option<&Operation> {
        let get = self.dialect.is_none() && *method == Method::HEAD;
        let method = if get { &Method::GET } else { method };
        self.operations
            .iter()
            .find(|operation| operation.method == *method)
    }
}

/// The operations of a documented path, with their methods.
pub(crate) fn methods(item: PathItem) -> impl Iterator<Item = (Method, Documented)> {
    [
        (Method::GET, item.get),
        (Method::POST, item.post),
        (Method::PUT, item.put),
        (Method::PATCH, item.patch),
        (Method::DELETE, item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

/// The same, to be changed.
pub(crate) fn methods_mut(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Documented)> {
    [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Whose shape the answer to `path` has, where no template tells (RULES §3): by the longest prefix of whole segments. It
/// never decides access.
fn dialect_by_prefix(path: &str, headers: &HeaderMap) -> Option<Dialect> {
    let mut segments = path.strip_prefix('/')?.split('/');
    let (first, second, third) = (
        segments.next()?,
        segments.next().unwrap_or_default(),
        segments.next().unwrap_or_default(),
    );
    match (first, second, third) {
        ("api", "v1", "vault" | "identities" | "api-keys") | ("api", "whoami", _) => {
            Some(Dialect::Inkbox)
        }
        ("vault", _, _) => Some(Dialect::Inkbox),
        ("api", "v1", _) => Some(Dialect::CloudKeep),
        ("organization", _, _) => Some(Dialect::Crate),
        (package, _, _) if package.starts_with("crate.v1.") => Some(Dialect::Crate),
        ("v1", "auth", "login" | "refresh" | "logout" | "totp") => Some(Dialect::CredVault),
        ("v1", word, _) if ONECLAW.contains(&word) => Some(Dialect::OneClaw),
        ("v1" | "v2", _, _) => Some(platform_or_vaults(headers)),
        _ => None,
    }
}

/// Both APIs are at home under `/v1`: what comes as `Bearer` with another key than a CredVault one is 1claw's.
fn platform_or_vaults(headers: &HeaderMap) -> Dialect {
    let foreign = caller::bearer(headers)
        .is_some_and(|token| !token.starts_with("cvk_") && !token.starts_with("cvs_"));
    if foreign {
        Dialect::OneClaw
    } else {
        Dialect::CredVault
    }
}

/// First words of 1claw's paths.
const ONECLAW: [&str; 13] = [
    "agents",
    "audit",
    "auth",
    "health",
    "honeytokens",
    "org",
    "policies",
    "risk",
    "secrets",
    "security",
    "share",
    "shares",
    "vaults",
];
/// What a request that reaches no operation is counted as.
const ELSEWHERE: &str = "none";
/// What answers while the server is sealed: how it is, and nothing that it keeps.
const ANSWERS_SEALED: [&str; 6] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/healthz",
    "/metrics",
    "/readyz",
    "/v1/health",
];

#[cfg(test)]
mod tests;
