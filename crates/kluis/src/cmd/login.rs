//! `kluis login`, `kluis logout`

use clap::{Args, Subcommand};
use kluis_client::oneclaw::{AccessToken, DeviceAnswer, LoggedIn};
use kluis_client::{Error, SecretText};
use kluis_server::engine::Timestamp;

use super::poll::{Asked, Poll};
use super::{Context, input};
use crate::failure::{Code, Failure};
use crate::output::{LISTING, Records};
use crate::remote::{self, Login as Kept, Remote, now};
use crate::terminal::{is_interactive, say};

mod decide;

/// Log in to a server, without a key on this machine
///
/// Shows a code. Somebody who is logged in elsewhere, or has a key without a ceiling, lets this machine act as them with
/// kluis login approve CODE. The log-in is kept in kluis/credentials.json below the configuration directory, one for each
/// server, and every command uses it where neither flags nor the environment name a token.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kluis login --url https://kluis.example.org
  kluis login --email ann@example.org          with a password instead")]
pub(crate) struct Login {
    #[command(subcommand)]
    decide: Option<Decide>,
    /// Log in with the password of this user, which is asked for or read from stdin
    #[arg(long, value_name = "EMAIL")]
    email: Option<String>,
    /// Let nobody but this user approve it
    #[arg(long = "for", value_name = "EMAIL", conflicts_with = "email")]
    user: Option<String>,
}

/// Who asks for a log-in, and the answer.
#[derive(Debug, Subcommand)]
enum Decide {
    /// Show who asks for a log-in with this code
    Show {
        /// The code, as the other machine shows it
        code: String,
    },
    /// Let whoever shows this code act as you
    Approve {
        /// The code, as the other machine shows it
        code: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Turn whoever shows this code away
    Deny {
        /// The code, as the other machine shows it
        code: String,
    },
}

/// End the log-in of this machine: revoke its token and forget it
#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// Forget it here, even where the server cannot be reached to revoke it
    #[arg(long)]
    forget: bool,
}

/// What a log-in brought.
struct Granted {
    token: AccessToken,
    email: Option<String>,
}

impl Login {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        // clap's own way to say so would refuse --url before the word, too.
        if self.decide.is_some() && (self.email.is_some() || self.user.is_some()) {
            return Err(Failure::usage(
                "the command line is not understood",
                "--email and --for are for a log-in of one's own, not for the answer to another's",
                "leave them out",
            ));
        }
        match self.decide {
            Some(Decide::Show { code }) => decide::show(context, &code).await,
            Some(Decide::Approve { code, yes }) => decide::approve(context, &code, yes).await,
            Some(Decide::Deny { code }) => decide::deny(context, &code).await,
            None => {
                let format = context.format(LISTING)?;
                let server = context.server_as_nobody()?;
                let store = remote::store()?;
                // Whether a log-in can be kept is known before there is one.
                store.read()?;
                let granted = match &self.email {
                    Some(email) => with_password(&server, email).await?,
                    None => by_device(&server, self.user.as_deref()).await?,
                };
                let expires_at = end(&granted.token);
                let login = Kept {
                    token: granted.token.access_token,
                    expires_at: expires_at.clone(),
                    email: granted.email.clone(),
                    ca_file: remote::ca_file(&context.connection)
                        .and_then(|path| std::path::absolute(path).ok()),
                };
                store.change(|logins| logins.put(&server.url, login))?;
                let whom = granted.email.as_deref().unwrap_or("somebody");
                say(&format!(
                    "logged in to {} as {whom} until {expires_at}; kept in {}",
                    server.url,
                    store.path().display()
                ));
                if let Some(usual) = remote::usual_server(&context.connection)
                    && usual.trim_end_matches('/') != server.url.trim_end_matches('/')
                {
                    say(&format!(
                        "commands here go to {usual} unless --url or KLUIS_URL names this server"
                    ));
                }
                let row = vec![
                    granted.email.into(),
                    server.url.as_str().into(),
                    expires_at.into(),
                ];
                Records::one(&["email", "server", "expires_at"], row).print(format)
            }
        }
    }
}

/// Shows a code, and waits until somebody has decided.
async fn by_device(server: &Remote, user: Option<&str>) -> Result<Granted, Failure> {
    let what = format!("cannot log in to {}", server.url);
    let client = format!("kluis on {}", host());
    let oneclaw = server.client.oneclaw();
    let begun = oneclaw.device_code(&client, user).await;
    let begun = begun.map_err(|error| server.failure(what.as_str(), &error))?;
    let patience = std::time::Duration::from_secs(begun.expires_in);
    say(&format!("code: {}", begun.user_code));
    say(&format!(
        "to approve it, somebody who is logged in to {} or has a key says: kluis login approve {}",
        server.url, begun.user_code
    ));
    if let Some(page) = &begun.verification_uri {
        say(&format!("or uses {page}"));
    }
    say(&format!(
        "waiting until {}",
        now().after(patience).rfc3339_seconds()
    ));
    let over = |why: &str, fix: &str| Failure::new(Code::NotAuthenticated, what.as_str(), why, fix);
    let again = "say kluis login again, and have the new code approved";
    let mut poll = Poll::every(std::time::Duration::from_secs(begun.interval.unwrap_or(5)));
    let deadline = now().after(patience);
    loop {
        poll.wait().await;
        let answer = oneclaw.device_token(&begun.device_code).await;
        match poll.outcome(answer) {
            Asked::Answer(DeviceAnswer::Token(granted)) => {
                return Ok(Granted {
                    token: granted.token,
                    email: granted.email,
                });
            }
            Asked::Answer(DeviceAnswer::Not { error }) => match error.as_str() {
                "authorization_pending" => {}
                "slow_down" => poll.slow_down(),
                "access_denied" => {
                    return Err(over("somebody denied it", "ask whoever was to approve it"));
                }
                "expired_token" => return Err(over("nobody approved it in time", again)),
                other => {
                    return Err(over(&format!("the server calls it '{other}'"), again));
                }
            },
            Asked::Again if deadline < now() => {
                return Err(over(
                    "the server cannot be reached, and its code is over",
                    again,
                ));
            }
            Asked::Again => {}
            Asked::Failed(error) => return Err(server.failure(what.as_str(), &error)),
        }
    }
}

/// With a password, and a code where there is a second factor.
async fn with_password(server: &Remote, email: &str) -> Result<Granted, Failure> {
    let what = format!("cannot log in to {} as '{email}'", server.url);
    let failed = |error: &Error| {
        server.failure(what.as_str(), error).advise(
            Code::NotAuthenticated,
            "look at the address and the password; an owner or admin can give you a new one",
        )
    };
    let given = input::value(None, &format!("Password of {email} (not shown): "))?;
    // What comes from a pipe may hold the code, too, on a second line.
    let (password, code) = match given.expose().split_once('\n') {
        Some((password, code)) if !is_interactive() => (secret(password), Some(secret(code))),
        _ => (given, None),
    };
    let oneclaw = server.client.oneclaw();
    let answer = oneclaw.log_in(email, &password).await;
    let token = match answer.map_err(|error| failed(&error))? {
        LoggedIn::Token(token) => token,
        LoggedIn::SecondFactor { mfa_token } => {
            let code = match code {
                Some(code) => code,
                None if is_interactive() => {
                    input::value(None, "Code of the second factor (not shown): ")?
                }
                None => {
                    return Err(Failure::usage(
                        what,
                        "a code of the second factor is wanted",
                        "log in on a terminal, or give the code as the second line of stdin",
                    ));
                }
            };
            let confirmed = oneclaw
                .log_in_confirm(&mfa_token, &secret(code.expose()))
                .await;
            confirmed.map_err(|error| failed(&error))?
        }
    };
    Ok(Granted {
        token,
        email: Some(email.to_owned()),
    })
}

impl Logout {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let store = remote::store()?;
        let logins = store.read()?;
        let named = Remote::as_nobody(&context.connection).map(|server| server.url);
        let url = match (&named, logins.server()) {
            (Ok(url), _) if logins.at(url).is_some() => url.as_str(),
            (_, Some(server)) if context.connection.url.is_none() => server,
            (Ok(url), _) => url.as_str(),
            (Err(_), _) => "any server",
        };
        let Some(login) = logins.at(url) else {
            return Err(Failure::new(
                Code::NotFound,
                "there is no log-in to end",
                format!("{} holds none at {url}", store.path().display()),
                "name the server with --url",
            ));
        };
        let server = Remote::with_token(
            &context.connection,
            url,
            login.token.clone(),
            login.ca_file.clone(),
        )?;
        let ended = match server.client.oneclaw().log_out().await {
            Ok(()) => "its token is revoked".to_owned(),
            // Nothing is left to revoke.
            Err(error) if error.status() == Some(401) => "its token had ended before".to_owned(),
            Err(_) if self.forget => format!("its token holds until {}", login.expires_at),
            Err(error) => {
                return Err(server
                    .failure(
                        format!("cannot log out of {url}; the log-in is kept"),
                        &error,
                    )
                    .advise(
                        Code::Unreachable,
                        "try again, or say --forget to remove it here without revoking it",
                    ));
            }
        };
        store.change(|logins| logins.remove(url, &login.token))?;
        say(&format!("logged out of {url}; {ended}"));
        Ok(())
    }
}

/// The end of a token's life, by the clock of this machine.
fn end(token: &AccessToken) -> String {
    let life = std::time::Duration::from_secs(token.expires_in);
    let end: Timestamp = now().after(life);
    end.rfc3339_seconds()
}

/// What this machine calls itself, for whoever approves.
fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    let name: String = name
        .chars()
        .filter(|character| !character.is_control())
        .take(64)
        .collect();
    if name.is_empty() {
        "a machine without a name".to_owned()
    } else {
        name
    }
}

fn secret(text: &str) -> SecretText {
    SecretText::from(text.trim_end_matches(['\r', '\n']).to_owned())
}
