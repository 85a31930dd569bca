//! `kluis share`

use clap::{Args, Subcommand};
use kluis_client::SecretText;
use kluis_client::oneclaw::{NewShare, ShareListed};

use super::span::Until;
use super::{Context, input, secret};
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, LISTING, Records};
use crate::remote::{Remote, VaultFlag, is_uuid, now};
use crate::terminal::{is_interactive, say};

/// Share secrets, by link or with one user or agent
#[derive(Debug, Subcommand)]
pub(crate) enum Share {
    Create(Create),
    /// List the shares that you made
    List {
        /// Those that are for you instead
        #[arg(long)]
        received: bool,
    },
    /// End a share that you made, effective at once
    Revoke(Named),
    /// Accept a share that is for you
    Accept(Named),
    /// Decline a share that is for you, which ends it
    Decline(Named),
    Open(Open),
}

/// Share a secret; prints the link
///
/// Unless said for whom, whoever has the link can read the secret, without a credential. It is always the newest version
/// that is read, and for as long as you may read it yourself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kluis share create db/password --vault prod --times 1 --ask-passphrase
  kluis share create db/password --vault prod --to-user ann@example.org --expires 7d")]
pub(crate) struct Create {
    /// Key of the secret
    key: String,
    #[command(flatten)]
    recipient: Recipient,
    /// End of the share: a span such as 30m or 7d, or RFC 3339
    #[arg(long, value_name = "TIME", default_value = "24h")]
    expires: Until,
    /// How often it can be opened; as often as one likes unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    times: Option<u32>,
    #[command(flatten)]
    passphrase: Passphrase,
    /// Address or network that it can be opened from; may be repeated
    #[arg(long = "from", value_name = "CIDR")]
    networks: Vec<String>,
    #[command(flatten)]
    vault: VaultFlag,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Recipient {
    /// For this user alone, by e-mail address or id, who has to accept it
    #[arg(long, value_name = "USER")]
    to_user: Option<String>,
    /// For this agent alone, by name or id, which has to accept it
    #[arg(long, value_name = "AGENT")]
    to_agent: Option<String>,
    /// For the user who is responsible for you; for agents
    #[arg(long)]
    to_creator: bool,
    /// A link that is meant for this address; nothing is sent there
    #[arg(long, value_name = "EMAIL")]
    email: Option<String>,
}

/// The passphrase is in no argument, which every user of the machine could read.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Passphrase {
    /// Ask for a passphrase that opens it, without echo
    #[arg(long)]
    ask_passphrase: bool,
    /// Read the passphrase from stdin
    #[arg(long)]
    passphrase_stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Id or link of the share
    share: String,
}

/// Print the value behind a share; a link needs no credential
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// Id or link of the share
    share: String,
    #[command(flatten)]
    passphrase: Passphrase,
}

const COLUMNS: &[&str] = &[
    "id",
    "key",
    "recipient_type",
    "recipient_email",
    "access_count",
    "max_access_count",
    "is_accepted",
    "is_expired",
    "expires_at",
    "created_at",
];
const CREATED: &[&str] = &[
    "share_url",
    "id",
    "recipient_type",
    "expires_at",
    "max_access_count",
];
/// Formats of one datum that is not a list.
const ALONE: &[Format] = &[Format::Value, Format::Json, Format::Yaml, Format::Table];

impl Share {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List { received } => list(context, received).await,
            Self::Revoke(named) => {
                let (server, id) = named.find(context)?;
                let done = server.client.oneclaw().share_revoke(&id).await;
                done.map_err(|error| refused(&server, "cannot revoke the share", &error))?;
                say("share revoked");
                Ok(())
            }
            Self::Accept(named) => {
                let (server, id) = named.find(context)?;
                let done = server.client.oneclaw().share_accept(&id).await;
                done.map_err(|error| refused(&server, "cannot accept the share", &error))?;
                say(&format!("share accepted; kluis share open {id} reads it"));
                Ok(())
            }
            Self::Decline(named) => {
                let (server, id) = named.find(context)?;
                let done = server.client.oneclaw().share_decline(&id).await;
                done.map_err(|error| refused(&server, "cannot decline the share", &error))?;
                say("share declined");
                Ok(())
            }
            Self::Open(open) => open.run(context).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(ALONE)?;
        let server = context.server()?;
        let passphrase = self.passphrase.read()?;
        if passphrase
            .as_ref()
            .is_some_and(|text| text.expose().is_empty())
        {
            return Err(Failure::usage(
                format!("'{}' was not shared", self.key),
                "the passphrase is empty",
                "give one, or share it without",
            ));
        }
        let what = format!("cannot share '{}'", self.key);
        let vault = server.vault(&self.vault, what.as_str()).await?;
        let what = || format!("{what} of vault '{}'", vault.name);
        let (recipient_type, recipient_id) = self.recipient.resolve(&server, &what()).await?;
        let secret = secret::id(&server, &vault, &self.key, what).await?;
        let expires_at = self.expires.rfc3339(now());
        let new = NewShare {
            recipient_type,
            recipient_id: recipient_id.as_deref(),
            email: self.recipient.email.as_deref(),
            expires_at: &expires_at,
            max_access_count: self.times,
            passphrase: passphrase.as_ref().map(SecretText::expose),
            ip_allowlist: &self.networks,
        };
        let made = server.client.oneclaw().share_create(&secret, &new).await;
        let made = made.map_err(|error| server.secret_failure(what(), &error))?;
        let whom = match recipient_type {
            "user" | "agent" | "creator" => "the one that it is for has to accept it first",
            _ if passphrase.is_some() => "whoever has the link and the passphrase can read it",
            _ => "whoever has the link can read it",
        };
        say(&format!(
            "'{}' shared until {}; {whom}",
            self.key, made.expires_at
        ));
        let row = vec![
            made.share_url.into(),
            made.id.into(),
            made.recipient_type.into(),
            made.expires_at.into(),
            limit(made.max_access_count),
        ];
        Records::one(CREATED, row).print(format)
    }
}

impl Recipient {
    async fn resolve(
        &self,
        server: &Remote,
        what: &str,
    ) -> Result<(&'static str, Option<String>), Failure> {
        if let Some(user) = &self.to_user {
            return Ok(("user", Some(server.user_id(user).await?)));
        }
        if let Some(agent) = &self.to_agent {
            return Ok(("agent", Some(server.agent(agent, what).await?.id)));
        }
        let kind = match (self.to_creator, &self.email) {
            (true, _) => "creator",
            (false, Some(_)) => "external_email",
            (false, None) => "anyone_with_link",
        };
        Ok((kind, None))
    }
}

impl Passphrase {
    fn read(&self) -> Result<Option<SecretText>, Failure> {
        match (self.ask_passphrase, self.passphrase_stdin) {
            (true, _) if !is_interactive() => Err(Failure::usage(
                "cannot ask for the passphrase",
                "there is no terminal to ask on",
                "pipe it into --passphrase-stdin",
            )),
            (true, _) => input::value(None, "Passphrase (not shown): ").map(Some),
            (false, true) => input::line_of_stdin().map(Some),
            (false, false) => Ok(None),
        }
    }
}

impl Named {
    /// The server that the caller uses, and the id of the share there.
    fn find(&self, context: &Context) -> Result<(Remote, String), Failure> {
        let link = Link::parse(&self.share)?;
        Ok((context.server()?, link.id.to_owned()))
    }
}

impl Open {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(ALONE)?;
        let link = Link::parse(&self.share)?;
        let server = match link.base {
            Some(base) => context.server_of_link(base)?,
            None => context.server_as_anyone()?,
        };
        let given = self.passphrase.read()?;
        let given = given.as_ref().map(SecretText::expose);
        let mut opened = server.client.oneclaw().share_open(link.id, given).await;
        // Without a passphrase the server says no more than that it will not: a person can be asked for one.
        let is_refused = opened.as_ref().err().and_then(kluis_client::Error::status) == Some(403);
        if is_refused && given.is_none() && is_interactive() {
            say("the share is refused without a passphrase");
            let asked = input::value(None, "Passphrase (not shown): ")?;
            opened = server
                .client
                .oneclaw()
                .share_open(link.id, Some(asked.expose()))
                .await;
        }
        let opened = opened.map_err(|error| {
            refused(&server, "cannot open the share", &error)
                .advise(
                    Code::Forbidden,
                    "give its passphrase with --passphrase-stdin, from an address that it is for",
                )
                .advise(
                    Code::NotAuthenticated,
                    "it is for one user or agent: accept it and open it as that one, by its id",
                )
        })?;
        if 0 < opened.max_access_count {
            say(&format!(
                "opened {} of {} times",
                opened.access_count, opened.max_access_count
            ));
        }
        let row = vec![
            opened.path.into(),
            Cell::Secret(opened.value),
            opened.kind.into(),
            Cell::Number(opened.access_count),
            limit(opened.max_access_count),
        ];
        let columns = &["key", "value", "type", "access_count", "max_access_count"];
        Records::one(columns, row).main(1).print(format)
    }
}

async fn list(context: &Context, received: bool) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let oneclaw = server.client.oneclaw();
    let shares = if received {
        oneclaw.shares_received().await
    } else {
        oneclaw.shares_made().await
    };
    let shares = shares.map_err(|error| server.failure("cannot list the shares", &error))?;
    let row = |share: ShareListed| {
        vec![
            share.id.into(),
            share.secret_path.into(),
            share.recipient_type.into(),
            share.recipient_email.into(),
            Cell::Number(share.access_count),
            limit(share.max_access_count),
            Cell::Flag(share.is_accepted),
            Cell::Flag(share.is_expired),
            share.expires_at.into(),
            share.created_at.into(),
        ]
    };
    Records::list(COLUMNS, shares.into_iter().map(row).collect()).print(format)
}

fn refused(server: &Remote, what: &str, error: &kluis_client::Error) -> Failure {
    server
        .failure(what, error)
        .advise(
            Code::NotFound,
            "ask for a new one: it was revoked or declined, is used up or over, or never was; see kluis share list",
        )
        .advise(
            Code::Forbidden,
            "whoever made it revokes it; the one that it is for accepts or declines it",
        )
}

/// 0 is no limit.
fn limit(most: u64) -> Cell {
    if most == 0 {
        Cell::None
    } else {
        Cell::Number(most)
    }
}

/// A share as people hand it on.
struct Link<'a> {
    id: &'a str,
    /// The server's base URL, where a whole link was given.
    base: Option<&'a str>,
}

impl<'a> Link<'a> {
    /// Repeats nothing of what was given: it may open a secret.
    fn parse(text: &'a str) -> Result<Self, Failure> {
        let text = text.trim().trim_end_matches('/');
        let found = if text.contains("://") {
            text.rsplit_once("/v1/share/").map(|(base, id)| Self {
                id,
                base: Some(base),
            })
        } else {
            Some(Self {
                id: text,
                base: None,
            })
        };
        found.filter(|link| is_uuid(link.id)).ok_or_else(|| {
            Failure::usage(
                "this is no share",
                "neither an id nor a link that ends in /v1/share/ and an id was given",
                "take all of the link, or an id of kluis share list",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6f9f8a52-9a3c-4d6e-8f5b-0d9d3f0f3c11";

    #[test]
    fn a_share_is_named_by_its_id_or_its_link() {
        let parsed = |text: &str| {
            let link = Link::parse(text).ok()?;
            Some((link.id.to_owned(), link.base.map(str::to_owned)))
        };
        assert_eq!(parsed(ID), Some((ID.to_owned(), None)));
        for (link, base) in [
            (format!("https://h/v1/share/{ID}"), "https://h"),
            (format!("http://h:1/k/v1/share/{ID}/"), "http://h:1/k"),
        ] {
            assert_eq!(parsed(&link), Some((ID.to_owned(), Some(base.to_owned()))));
        }
        for text in ["", "x", "https://h/v1/share/", "https://h/v1/share/../x"] {
            assert_eq!(parsed(text), None, "{text}");
        }
        let canary = Link::parse("canary").err().unwrap().to_string();
        assert!(!canary.contains("canary"), "{canary}");
    }
}
