//! `kluis user`

use clap::{Args, Subcommand};
use kluis_client::credvault::{self, NewUser, UserChange};
use kluis_client::{Error, SecretText};

use super::{Context, input};
use crate::failure::{Code, Failure};
use crate::output::{Cell, LISTING, Records};
use crate::remote::Remote;
use crate::terminal::say;

/// Manage the people of the organization
///
/// A user is named by its e-mail address or its id.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// List the users of the organization
    List,
    /// Show a user
    Show {
        /// Its e-mail address or id
        user: String,
    },
    Create(Create),
    Update(Update),
    /// Replace a user's password by one that is shown once, and end its sessions
    ResetPassword {
        /// Its e-mail address or id
        user: String,
    },
    /// Delete a user with its keys, sessions and policies
    Delete {
        /// Its e-mail address or id
        user: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Create a user with a password that is shown once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kluis user create ada@example.org --name 'Ada' --role admin")]
pub(crate) struct Create {
    /// E-mail address
    email: String,
    /// Display name
    #[arg(long)]
    name: Option<String>,
    /// owner, admin, member or viewer; member unless given
    #[arg(long)]
    role: Option<String>,
    /// standard, pro or enterprise; enterprise unless given
    #[arg(long)]
    plan: Option<String>,
}

/// Change a user
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kluis user update ada@example.org --role viewer")]
pub(crate) struct Update {
    /// Its e-mail address or id
    user: String,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// Display name
    #[arg(long)]
    name: Option<String>,
    /// owner, admin, member or viewer
    #[arg(long)]
    role: Option<String>,
    /// standard, pro or enterprise
    #[arg(long)]
    plan: Option<String>,
    /// active, or disabled: its keys and sessions are refused at once
    #[arg(long)]
    status: Option<String>,
}

const COLUMNS: &[&str] = &[
    "email",
    "name",
    "role",
    "plan",
    "status",
    "created_at",
    "id",
];
const SEE_USERS: &str = "see the users with kluis user list";

impl User {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let users = server.client.credvault().users().await;
                let users =
                    users.map_err(|error| server.failure("cannot list the users", &error))?;
                Records::list(COLUMNS, users.into_iter().map(row).collect()).print(format)
            }
            Self::Show { user } => show(context, &user).await,
            Self::Create(create) => create.run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::ResetPassword { user } => reset_password(context, &user).await,
            Self::Delete { user, yes } => delete(context, &user, yes).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let user = NewUser {
            email: &self.email,
            name: self.name.as_deref(),
            role: self.role.as_deref(),
            plan: self.plan.as_deref(),
            password: None,
        };
        let made = server.client.credvault().user_create(user).await;
        let made = made.map_err(|error| {
            server.failure(format!("cannot create user '{}'", self.email), &error)
        })?;
        say("the password is shown this once");
        let password = made.password.map_or(Cell::None, Cell::Secret);
        Records::one(COLUMNS, row(made.user))
            .and("password", password)
            .print(format)
    }
}

impl Update {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let id = server.user_id(&self.user).await?;
        let change = UserChange {
            name: self.change.name.as_deref(),
            role: self.change.role.as_deref(),
            plan: self.change.plan.as_deref(),
            status: self.change.status.as_deref(),
        };
        let changed = server.client.credvault().user_update(&id, change).await;
        let user = changed.map_err(|error| {
            refused(
                &server,
                format!("cannot change user '{}'", self.user),
                &error,
            )
        })?;
        say(&format!("user '{}' changed", user.email));
        Records::one(COLUMNS, row(user)).print(format)
    }
}

async fn show(context: &Context, user: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let id = server.user_id(user).await?;
    let found = server.client.credvault().user(&id).await;
    let found =
        found.map_err(|error| refused(&server, format!("cannot show user '{user}'"), &error))?;
    Records::one(COLUMNS, row(found)).print(format)
}

async fn reset_password(context: &Context, user: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let id = server.user_id(user).await?;
    let reset = server.client.credvault().user_reset_password(&id).await;
    let password: SecretText = reset.map_err(|error| {
        refused(
            &server,
            format!("cannot replace the password of user '{user}'"),
            &error,
        )
    })?;
    say(&format!(
        "user '{user}' has a new password; it is shown this once, and the sessions are ended"
    ));
    Records::one(&["id"], vec![id.into()])
        .and("password", Cell::Secret(password))
        .print(format)
}

async fn delete(context: &Context, user: &str, yes: bool) -> Result<(), Failure> {
    let server = context.server()?;
    let id = server.user_id(user).await?;
    let thing = format!("user '{user}' with its keys, sessions and policies");
    input::make_sure(yes, &thing, user)?;
    let deleted = server.client.credvault().user_delete(&id).await;
    deleted.map_err(|error| refused(&server, format!("cannot delete user '{user}'"), &error))?;
    say(&format!("user '{user}' deleted"));
    Ok(())
}

/// A call about a user that failed.
fn refused(server: &Remote, what: String, error: &Error) -> Failure {
    server
        .failure(what, error)
        .advise(Code::NotFound, SEE_USERS)
}

fn row(user: credvault::User) -> Vec<Cell> {
    vec![
        user.email.into(),
        user.name.into(),
        user.role.into(),
        user.plan.into(),
        user.status.into(),
        user.created_at.into(),
        user.id.into(),
    ]
}
