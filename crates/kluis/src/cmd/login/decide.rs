//! `kluis login show`, `approve`, `deny`: the answer to a machine that asks for a log-in.

use kluis_client::Error;
use kluis_client::oneclaw::DevicePending;

use crate::cmd::{Context, input};
use crate::failure::{Code, Failure};
use crate::output::{LISTING, Records};
use crate::remote::Remote;
use crate::terminal::say;

pub(super) async fn show(context: &Context, code: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let pending = pending(&server, code).await?;
    let row = vec![
        pending.user_code.into(),
        pending.client_id.into(),
        pending.email.into(),
        pending.ip_address.into(),
        pending.created_at.into(),
        pending.expires_at.into(),
    ];
    let columns = &[
        "code",
        "client",
        "email",
        "ip_address",
        "created_at",
        "expires_at",
    ];
    Records::one(columns, row).print(format)
}

pub(super) async fn approve(context: &Context, code: &str, yes: bool) -> Result<(), Failure> {
    let server = context.server()?;
    let pending = pending(&server, code).await?;
    let address = pending
        .ip_address
        .as_deref()
        .unwrap_or("an unknown address");
    say(&format!("code        {}", pending.user_code));
    say(&format!("it says     {}", pending.client_id));
    if let Some(email) = &pending.email {
        say(&format!("for         {email}"));
    }
    say(&format!("asked from  {address}"));
    say(&format!("asked at    {}", pending.created_at));
    say(&format!("it waits    until {}", pending.expires_at));
    say("approved, it can do what you can do: compare the code with the one that it shows");
    input::agree(yes, "Approve it?", "the log-in was not approved")?;
    let approved = server
        .client
        .oneclaw()
        .device_approve(&pending.user_code)
        .await;
    approved.map_err(|error| refused(&server, "cannot approve the log-in", &error))?;
    say("the log-in is approved");
    Ok(())
}

pub(super) async fn deny(context: &Context, code: &str) -> Result<(), Failure> {
    let server = context.server()?;
    let denied = server.client.oneclaw().device_deny(code).await;
    denied.map_err(|error| refused(&server, "cannot deny the log-in", &error))?;
    say("the log-in is denied");
    Ok(())
}

async fn pending(server: &Remote, code: &str) -> Result<DevicePending, Failure> {
    let pending = server.client.oneclaw().device_pending(code).await;
    pending.map_err(|error| refused(server, "cannot look at the log-in", &error))
}

fn refused(server: &Remote, what: &str, error: &Error) -> Failure {
    let nobody_waits = "look at the code; a log-in waits a while only, and ends with its answer";
    server
        .failure(what, error)
        .advise(Code::NotFound, nobody_waits)
        .advise(Code::Conflict, nobody_waits)
        .advise(
            Code::Forbidden,
            "do it as the user that it is for, with a key without a ceiling or a log-in",
        )
}
