//! `kluis user`

use clap::{Args, Subcommand};
use kluis_client::credvault::{self, NewUser};

use super::Context;
use crate::failure::Failure;
use crate::output::{Cell, LISTING, Records};
use crate::terminal::say;

/// List and create users
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// List the users of the organization
    List,
    Create(Create),
}

/// Create a user with a password that is shown once
#[derive(Debug, Args)]
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

const COLUMNS: &[&str] = &[
    "email",
    "name",
    "role",
    "plan",
    "status",
    "created_at",
    "id",
];
const CREATED: &[&str] = &[
    "email",
    "name",
    "role",
    "plan",
    "status",
    "created_at",
    "id",
    "password",
];

impl User {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        match self {
            Self::List => {
                let users = server.client.credvault().users().await;
                let users =
                    users.map_err(|error| server.failure("cannot list the users", &error))?;
                Records::list(COLUMNS, users.into_iter().map(row).collect()).print(format)
            }
            Self::Create(create) => {
                let user = NewUser {
                    email: &create.email,
                    name: create.name.as_deref(),
                    role: create.role.as_deref(),
                    plan: create.plan.as_deref(),
                    password: None,
                };
                let made = server.client.credvault().user_create(user).await;
                let made = made.map_err(|error| {
                    server.failure(format!("cannot create user '{}'", create.email), &error)
                })?;
                say("the password is shown this once");
                let mut row = row(made.user);
                row.push(made.password.map_or(Cell::None, Cell::Secret));
                Records::one(CREATED, row)
                    .main(CREATED.len() - 1)
                    .print(format)
            }
        }
    }
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
