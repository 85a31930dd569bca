//! `kluis agent approve`, `kluis agent deny`: the answer to an agent that enrolled itself.

use clap::Args;
use kluis_client::SecretText;

use super::{COLUMNS, KEY, row};
use crate::cmd::{Context, input};
use crate::failure::{Code, Failure};
use crate::output::{Cell, Records};
use crate::remote::Remote;
use crate::terminal::say;

/// Register an agent that enrolled itself
///
/// Shows what it says of itself, and asks. Its key is printed once, unless it fetches that itself.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The token of the approval, or the address that the agent showed
    request: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Turn an agent away that enrolled itself
#[derive(Debug, Args)]
pub(crate) struct Deny {
    /// The token of the approval, or the address that the agent showed
    request: String,
}

const NO_REQUEST: &str =
    "have the agent enroll again; a request ends after a while, and with its answer";

impl Approve {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(KEY)?;
        let server = context.server()?;
        let token = token(&self.request)?;
        show(&server, &token).await?;
        input::agree(
            self.yes,
            "Register this agent?",
            "the agent was not registered",
        )?;
        let approved = server
            .client
            .oneclaw()
            .agent_enrollment_approve(&token)
            .await;
        let approved = approved.map_err(|error| {
            let failure = server.failure("cannot approve the agent", &error);
            failure.advise(Code::NotFound, NO_REQUEST)
        })?;
        let name = approved.agent.name.clone();
        let key = if let Some(key) = approved.api_key {
            say(&format!(
                "agent '{name}' registered; its key is shown this once"
            ));
            Cell::Secret(key)
        } else {
            say(&format!(
                "agent '{name}' registered; it fetches its key itself"
            ));
            Cell::None
        };
        Records::one(COLUMNS, row(approved.agent))
            .and("key", key)
            .print(format)
    }
}

impl Deny {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let server = context.server()?;
        let token = token(&self.request)?;
        let denied = server.client.oneclaw().agent_enrollment_deny(&token).await;
        denied.map_err(|error| {
            let failure = server.failure("cannot deny the agent", &error);
            failure.advise(Code::NotFound, NO_REQUEST)
        })?;
        say("the agent was turned away");
        Ok(())
    }
}

/// What the agent says of itself, on stderr: whoever is asked reads it first.
async fn show(server: &Remote, token: &SecretText) -> Result<(), Failure> {
    let pending = server
        .client
        .oneclaw()
        .agent_enrollment_pending(token)
        .await;
    let pending = pending.map_err(|error| {
        let failure = server.failure("cannot look at the agent's request", &error);
        failure.advise(Code::NotFound, NO_REQUEST)
    })?;
    let tell = |head: &str, text: Option<&str>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            say(&format!("{head:12} {text}"));
        }
    };
    tell("name", Some(&pending.name));
    tell("description", pending.description.as_deref());
    tell("for", pending.human_email.as_deref());
    tell("fingerprint", pending.fingerprint.as_deref());
    tell("asked from", pending.ip_address.as_deref());
    tell("asked at", pending.created_at.as_deref());
    tell("until", pending.expires_at.as_deref());
    Ok(())
}

/// The token alone, or out of an address that holds it: in its query, in its fragment, or as its last segment.
fn token(request: &str) -> Result<SecretText, Failure> {
    let text = match request.split_once("token=") {
        Some((_, rest)) => rest.split(['&', '#']).next().unwrap_or_default(),
        None => request
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default(),
    };
    if text.is_empty() {
        return Err(Failure::usage(
            "cannot look at the agent's request",
            "no token stands in what was given",
            "give the token, or the address that the agent showed",
        ));
    }
    Ok(SecretText::from(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_what_the_agent_showed() {
        for (request, found) in [
            ("abc", "abc"),
            ("https://h/agents/approve?token=abc", "abc"),
            ("https://h/agents/approve?x=1&token=abc&y=2#z", "abc"),
            ("https://h/#/enroll?token=abc", "abc"),
            ("https://h/v1/agents/enroll/abc/", "abc"),
        ] {
            assert_eq!(token(request).ok().unwrap().expose(), found, "{request}");
        }
        assert!(token("https://h/approve?token=").is_err());
    }
}
