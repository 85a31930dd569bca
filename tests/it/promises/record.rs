//! The record, read to its end.

use serde_json::Value;

use crate::harness::Api;

/// Every event that the caller may see, newest first; some twice.
pub(super) async fn all(api: &Api) -> Vec<Value> {
    const PAGE: usize = 1000;
    // Each look adds an event in front, so pages overlap; nothing is missed.
    let mut events: Vec<Value> = Vec::new();
    loop {
        let path = format!("/v1/audit/events?limit={PAGE}&offset={}", events.len());
        let page = api.get(&path).await.expect(200).json();
        let page = page["events"].as_array().unwrap().clone();
        let last = page.len() < PAGE;
        events.extend(page);
        if last {
            return events;
        }
    }
}
