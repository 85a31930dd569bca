//! The record, read to its end.

use serde_json::Value;

use crate::harness::Api;

/// Every event that the caller may see, newest first; some twice.
pub(super) async fn all(api: &Api) -> Vec<Value> {
    since(api, "1970-01-01T00:00:00Z").await
}

/// When the newest event was made.
pub(super) async fn newest(api: &Api) -> String {
    let page = api.get("/v1/audit/events?limit=1").await.expect(200);
    page.text("/events/0/created_at")
}

/// Those made at `from` or later.
pub(super) async fn since(api: &Api, from: &str) -> Vec<Value> {
    const PAGE: usize = 1000;
    // Each look adds an event in front, so pages overlap; nothing is missed.
    let mut events: Vec<Value> = Vec::new();
    loop {
        let offset = events.len();
        let path = format!("/v1/audit/events?from={from}&limit={PAGE}&offset={offset}");
        let page = api.get(&path).await.expect(200).json();
        let page = page["events"].as_array().unwrap().clone();
        let last = page.len() < PAGE;
        events.extend(page);
        if last {
            return events;
        }
    }
}
