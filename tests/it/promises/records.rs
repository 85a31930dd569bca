//! What to ask the routes of records for (CredVault contract B2, B3).

use serde_json::{Value, json};

use super::scene::SECRET_PATH;

/// A body that is right for the route of this name; none when it is not one of these.
pub(super) fn body(name: &str) -> Option<Value> {
    let unique = crate::harness::unique();
    Some(match name {
        "POST /v1/collections" => json!({"name": format!("made-{unique}")}),
        "PATCH /v1/collections/{}" => json!({"description": "changed"}),
        "POST /v1/resources" | "POST /v1/collections/{}/records" => {
            json!({"name": format!("made/{unique}"), "secret": {"password": "v"}})
        }
        "PUT /v1/resources/{}" => json!({"name": format!("put/{unique}")}),
        "PUT /v1/collections/{}/records/{}" => {
            json!({"name": SECRET_PATH, "secret": {"password": "v"}})
        }
        "PATCH /v1/resources/{}" | "PATCH /v1/collections/{}/records/{}" => {
            json!({"tags": ["changed"], "secret": {"password": "changed"}})
        }
        "PATCH /v1/collections/{}/records" => {
            json!({"filter": {"name": SECRET_PATH}, "changes": {"tags": ["changed"]}})
        }
        "POST /v1/collections/{}/query" => json!({"filter": {"name": SECRET_PATH}}),
        "POST /v1/collections/{}/delete" => json!({"filter": {"name": "there is none"}}),
        "POST /v1/collections/{}/records/{}/restore" => json!({"version": 1}),
        "POST /v1/intelligence/classify" => json!({"text": "hunter2"}),
        "POST /v1/intelligence/analyze" => {
            json!({"scope": {"collection": "default"}, "checks": ["expiring_secret"]})
        }
        "PATCH /v1/intelligence/insights/{}" => json!({"status": "acknowledged"}),
        _ => return None,
    })
}
