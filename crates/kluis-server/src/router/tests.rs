//! Whose shape a path has, and what is open to all.

use http::header::AUTHORIZATION;

use super::*;

fn dialect_of(path: &str, authorization: Option<&str>) -> Option<Dialect> {
    let (routes, _) = Routes::build(Doors::default()).unwrap();
    let mut headers = HeaderMap::new();
    if let Some(value) = authorization {
        headers.insert(AUTHORIZATION, value.parse().unwrap());
    }
    routes.dialect_of(path, &headers).1
}

#[test]
fn a_path_has_the_shape_of_its_longest_prefix() {
    use Dialect::{CloudKeep, Crate, CredVault, Inkbox, OneClaw};
    for (path, dialect) in [
        ("/api/v1/vaults", Some(CloudKeep)),
        ("/api/v1/vaults/x/secrets/y", Some(CloudKeep)),
        ("/api/v1/nothing", Some(CloudKeep)),
        ("/api/v1", Some(CloudKeep)),
        ("/api/v1/", Some(CloudKeep)),
        ("/api/v1//vaults", Some(CloudKeep)),
        ("/api/v1/vault", Some(Inkbox)),
        ("/api/v1/vault/", Some(Inkbox)),
        ("/api/v1/vault/x", Some(Inkbox)),
        ("/api/v1/vaultx", Some(CloudKeep)),
        ("/api/v1/identities/x", Some(Inkbox)),
        ("/api/v1/api-keys", Some(Inkbox)),
        ("/api/whoami", Some(Inkbox)),
        ("/api/whoami/x", Some(Inkbox)),
        ("/api/v2/vaults", None),
        ("/api", None),
        ("/vault/info", Some(Inkbox)),
        ("/vaults", None),
        ("/organization", Some(Crate)),
        ("/organization/x/y", Some(Crate)),
        ("/organizations", None),
        ("/crate.v1.SecretsService/Store", Some(Crate)),
        ("/crate.v2.SecretsService/Store", None),
        ("/v1/vaults/x", Some(OneClaw)),
        ("/v1/agents", Some(OneClaw)),
        ("/v1/secrets", Some(OneClaw)),
        ("/v1/share/x", Some(OneClaw)),
        ("/v1/shares", Some(OneClaw)),
        ("/v1/audit/events", Some(OneClaw)),
        ("/v1/auth/me", Some(OneClaw)),
        ("/v1/auth/token", Some(OneClaw)),
        ("/v1/auth/login", Some(CredVault)),
        ("/v1/auth/totp/enroll", Some(CredVault)),
        ("/v1/users", Some(CredVault)),
        ("/v1/vaultsx", Some(CredVault)),
        ("/v1/me", Some(CredVault)),
        ("/v1", Some(CredVault)),
        ("/v2/users", Some(CredVault)),
        ("/v3", None),
        ("/", None),
        ("", None),
        ("*", None),
        ("/favicon.ico", None),
    ] {
        assert_eq!(dialect_of(path, None), dialect, "{path}");
    }
}

#[test]
fn what_two_apis_share_goes_by_the_key() {
    use Dialect::{CloudKeep, CredVault, OneClaw};
    for (path, authorization, dialect) in [
        ("/v1/unknown", "Bearer 1ck_x", OneClaw),
        ("/v1/unknown", "bearer ck_live_x", OneClaw),
        ("/v1/unknown", "Bearer cvk_x", CredVault),
        ("/v1/unknown", "Bearer cvs_x", CredVault),
        ("/v1/unknown", "ApiKey 1ck_x", CredVault),
        ("/v1/unknown", "Bearer 1ck_x y", CredVault),
        ("/v2/unknown", "Bearer ocv_x", OneClaw),
        ("/v1/auth/login", "Bearer 1ck_x", CredVault),
        ("/v1/vaults", "ApiKey cvk_x", OneClaw),
        ("/api/v1/unknown", "Bearer 1ck_x", CloudKeep),
    ] {
        assert_eq!(
            dialect_of(path, Some(authorization)),
            Some(dialect),
            "{path} {authorization}"
        );
    }
}

/// NT-36
#[test]
fn what_is_open_without_credentials_is_listed_here() {
    let (routes, _) = Routes::build(Doors::default()).unwrap();
    let mut open = Vec::new();
    for template in &routes.templates {
        if template.closed {
            continue;
        }
        let public = template
            .operations
            .iter()
            .filter(|operation| operation.is_public);
        open.extend(public.map(|operation| format!("{} {}", operation.method, template.path)));
    }
    open.sort();
    assert_eq!(
        open,
        [
            "GET /.well-known/jwks.json",
            "GET /api-docs",
            "GET /api-docs/openapi.json",
            "GET /api-docs/{file}",
            "GET /healthz",
            "GET /metrics",
            "GET /readyz",
            "GET /v1/auth/jwt-public-key",
            "GET /v1/health",
            "GET /v1/health/hsm",
            "GET /v1/share/{share_id}",
            "POST /grpc.health.v1.Health/Check",
            "POST /grpc.health.v1.Health/Watch",
            "POST /grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "POST /grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            "POST /v1/auth/agent-token",
            "POST /v1/auth/api-key-token",
            "POST /v1/auth/device/code",
            "POST /v1/auth/device/token",
            "POST /v1/auth/login",
            "POST /v1/auth/mfa",
            "POST /v1/auth/mfa/verify",
            "POST /v1/auth/refresh",
            "POST /v1/auth/token",
        ]
    );
    let (routes, _) = Routes::build(Doors {
        enrollment: true,
        signup: true,
    })
    .unwrap();
    for (method, path) in PUBLIC {
        let (template, _) = routes.dialect_of(path, &HeaderMap::new());
        let operation = template.and_then(|template| template.operation(method));
        assert!(
            operation.is_some(),
            "{method} {path} is open and does not exist"
        );
    }
}
