//! Other spellings of this API's addresses (contract §2): the paths as the vendor's page has them, without `/api/v1`, and a
//! slash at the end of any. They are rewritten before anything else looks at them, so each route is there once.

use http::Uri;
use http::uri::PathAndQuery;

/// `uri` as the routes know it; nothing when it is so already, or is none of this API's.
pub(crate) fn canonical(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let bare = is_below(path, "/vault");
    let slashed = path.ends_with('/') && MOUNTS.iter().any(|mount| is_below(path, mount));
    if !(bare || slashed) {
        return None;
    }
    let mut text = String::with_capacity(path.len() + 16);
    if bare {
        text.push_str("/api/v1");
    }
    text.push_str(path.strip_suffix('/').unwrap_or(path));
    if let Some(query) = uri.query() {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// Whether `path` is `mount` or below it, by whole segments.
fn is_below(path: &str, mount: &str) -> bool {
    path.strip_prefix(mount)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where this API is at home.
const MOUNTS: [&str; 4] = [
    "/api/v1/vault",
    "/api/v1/identities",
    "/api/v1/api-keys",
    "/api/whoami",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_lead_to_the_same_route() {
        for (given, expected) in [
            ("/vault", Some("/api/v1/vault")),
            ("/vault/", Some("/api/v1/vault")),
            ("/vault/secrets?a=b/", Some("/api/v1/vault/secrets?a=b/")),
            ("/vault/secrets/?a=b", Some("/api/v1/vault/secrets?a=b")),
            ("/api/v1/vault/", Some("/api/v1/vault")),
            ("/api/v1/identities/", Some("/api/v1/identities")),
            (
                "/api/v1/identities/a%2Fb/",
                Some("/api/v1/identities/a%2Fb"),
            ),
            ("/api/whoami/", Some("/api/whoami")),
            ("/api/whoami", None),
            ("/api/v1/vault/secrets", None),
            ("/api/v1/vaults/", None),
            ("/vaults/", None),
            ("/v1/vaults/", None),
            ("/", None),
        ] {
            let uri: Uri = given.parse().unwrap();
            let rewritten = canonical(&uri).map(|uri| uri.to_string());
            assert_eq!(rewritten.as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn one_slash_is_taken_off_and_no_more() {
        let uri: Uri = "/vault//".parse().unwrap();
        assert_eq!(canonical(&uri).unwrap().path(), "/api/v1/vault/");
    }
}
