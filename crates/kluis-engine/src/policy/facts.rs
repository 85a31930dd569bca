//! What conditions are held against.

use std::net::IpAddr;

use crate::caller::{Caller, Credential, Principal, Role};
use crate::clock::Timestamp;

/// The facts of a request, the secret's tags aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) address: Option<IpAddr>,
    pub(super) auth_method: &'static str,
    pub(super) environment: Option<&'a str>,
    pub(super) role: Option<Role>,
    pub(super) now: Timestamp,
}

impl<'a> Facts<'a> {
    pub(super) fn of(caller: &'a Caller, now: Timestamp) -> Self {
        let environment = match &caller.principal {
            Principal::Agent(agent) => agent.environment.as_deref(),
            Principal::User(_) => None,
        };
        let auth_method = auth_method(caller.credential);
        Self {
            address: caller.origin.address,
            auth_method,
            environment,
            role: caller.role(),
            now,
        }
    }
}

/// 1claw's words for how a caller proved itself, and `password` for a log-in session.
pub(super) const AUTH_METHODS: [&str; 4] =
    ["api_key", "password", "mtls", "oidc_client_credentials"];

fn auth_method(credential: Credential) -> &'static str {
    match credential {
        Credential::ApiKey(_) | Credential::Exchanged(_) => "api_key",
        Credential::Session(_) => "password",
    }
}
