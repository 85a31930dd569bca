//! Every documented operation, asked for what its schema allows and forbids: the documents say how the server answers
//! (CredVault contract A9).

use crate::harness::{Kluis, on_both, passes, script};

on_both! {
    /// NT-60
    async fn every_operation_answers_as_its_document_says_whatever_it_is_asked(kluis: Kluis) {
        let mut script = script("openapi_fuzz.py", &kluis);
        script.env("KLUIS_OWNER_KEY", kluis.dev("/tokens/credvault"));
        passes(script, 30).await;
    }
}
