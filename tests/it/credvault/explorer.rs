//! `/api-docs` (contract A9): the page as a browser shows it, and the code that it writes.

use crate::harness::{Kluis, passes, script};

#[tokio::test]
async fn the_page_lists_authorizes_asks_and_writes_code_for_every_api() {
    let kluis = Kluis::start().await;
    let mut script = script("explorer_browser.mjs", &kluis);
    script
        .env("KLUIS_OWNER_KEY", kluis.dev("/tokens/credvault"))
        .env("KLUIS_ORGANIZATION", kluis.dev("/organization_id"));
    passes(script, 17).await;
}

/// A text that somebody else chose is never more than a text in the code.
#[tokio::test]
async fn code_in_every_language_sends_exactly_what_the_page_sent() {
    let kluis = Kluis::start().await;
    passes(script("explorer_snippets.mjs", &kluis), 3).await;
}
