//! The commands, one file each. A command parses its own arguments, calls the server through [`Context`], and prints once,
//! at its end.

use std::future::Future;
use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::Cli;
use crate::failure::{Code, Failure};
use crate::output::Format;
use crate::remote::{Connection, Remote};

mod agent;
mod audit;
mod cluster;
mod completion;
mod config;
mod dev;
mod export;
mod file;
mod get;
mod input;
mod insight;
mod integration;
mod job;
mod lease;
mod login;
mod operator;
mod policy;
mod poll;
mod run;
mod sealed;
mod secret;
mod selection;
mod server;
mod set;
mod share;
mod span;
mod template;
mod token;
mod user;
mod vault;
mod versions;
mod webhook;
mod whoami;
mod zk;

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Dev(dev::Dev),
    Server(server::Server),
    #[command(subcommand)]
    Operator(operator::Operator),
    Login(login::Login),
    Logout(login::Logout),
    Whoami(whoami::Whoami),
    Get(get::Get),
    Set(set::Set),
    Run(run::Run),
    Export(export::Export),
    #[command(subcommand)]
    Vault(vault::Vault),
    #[command(subcommand)]
    Secret(secret::Secret),
    #[command(subcommand)]
    Template(template::Template),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Share(share::Share),
    #[command(subcommand)]
    Agent(agent::Agent),
    #[command(subcommand)]
    Token(token::Token),
    #[command(subcommand)]
    User(user::User),
    #[command(subcommand)]
    Cluster(Box<cluster::Cluster>),
    #[command(subcommand)]
    Lease(lease::Lease),
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    #[command(subcommand)]
    Integration(Box<integration::Integration>),
    #[command(subcommand)]
    Insight(insight::Insight),
    Zk(Box<zk::Zk>),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Config(config::Config),
    Completion(completion::Completion),
}

/// Runs one command to its end.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let context = Context {
        connection: cli.connection,
        format: cli.output,
    };
    match cli.command {
        Command::Dev(dev) => return dev.run(&context),
        Command::Server(server) => return server.run(&context),
        Command::Operator(operator) => operator.run(&context),
        Command::Run(run) => return block_on(run.run(&context))?,
        Command::Login(login) => block_on(login.run(&context))?,
        Command::Logout(logout) => block_on(logout.run(&context))?,
        Command::Whoami(whoami) => block_on(whoami.run(&context))?,
        Command::Get(get) => block_on(get.run(&context))?,
        Command::Set(set) => block_on(set.run(&context))?,
        Command::Export(export) => block_on(export.run(&context))?,
        Command::Vault(vault) => block_on(vault.run(&context))?,
        Command::Secret(secret) => block_on(secret.run(&context))?,
        Command::Template(template) => block_on(template.run(&context))?,
        Command::Policy(policy) => block_on(policy.run(&context))?,
        Command::Share(share) => block_on(share.run(&context))?,
        Command::Agent(agent) => block_on(agent.run(&context))?,
        Command::Token(token) => block_on(token.run(&context))?,
        Command::User(user) => block_on(user.run(&context))?,
        Command::Cluster(cluster) => block_on(cluster.run(&context))?,
        Command::Lease(lease) => block_on(lease.run(&context))?,
        Command::Integration(integration) => block_on(integration.run(&context))?,
        Command::Insight(insight) => block_on(insight.run(&context))?,
        Command::Webhook(webhook) => block_on(webhook.run(&context))?,
        Command::Zk(zk) => block_on(zk.run(&context))?,
        Command::Audit(audit) => block_on(audit.run(&context))?,
        Command::Config(config) => config.run(&context),
        Command::Completion(completion) => completion.run(),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// What the flags before and after a command's own say.
pub(crate) struct Context {
    pub(crate) connection: Connection,
    format: Option<Format>,
}

impl Context {
    /// The server to call.
    fn server(&self) -> Result<Remote, Failure> {
        Remote::find(&self.connection)
    }

    /// The same for a call that wants no credential.
    fn server_as_nobody(&self) -> Result<Remote, Failure> {
        Remote::as_nobody(&self.connection)
    }

    /// The same for a call that a credential may help.
    fn server_as_anyone(&self) -> Result<Remote, Failure> {
        Remote::as_anyone(&self.connection)
    }

    /// The server that a link leads to.
    fn server_of_link(&self, base: &str) -> Result<Remote, Failure> {
        Remote::of_link(&self.connection, base)
    }

    /// The format to write, of those that the command knows; asked before anything is changed.
    fn format(&self, known: &[Format]) -> Result<Format, Failure> {
        Format::among(self.format, known)
    }
}

/// Runs a command that waits for the network, on this thread: a command needs no others, and starts faster so.
fn block_on<T>(command: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::new(
            Code::Failed,
            "cannot start",
            format!("the system gives no event queue: {error}"),
            "close other programs, or raise the limit of open files",
        )
    })?;
    Ok(runtime.block_on(command))
}
