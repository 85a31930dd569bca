//! `kluis config`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Context;
use crate::config::{Flag, Sources, load};
use crate::failure::Failure;
use crate::output::{Cell, LISTING, Records};

/// Look at the configuration of kluis server
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print each setting, its value without secrets, and where it came from
    Explain(ServerFlags),
}

/// Flags that set what the server is told; every command that reads a server's configuration takes them.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerFlags {
    /// Configuration file, in TOML [env: KLUIS_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// sqlite: or a postgres: URL without a password
    #[arg(long, value_name = "URL")]
    storage: Option<String>,
    /// Any other setting, by its name
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
}

impl Config {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let Self::Explain(flags) = self;
        let format = context.format(LISTING)?;
        let (_, settings) = load(&flags.sources(context)?)?;
        let rows = settings
            .into_iter()
            .map(|setting| {
                vec![
                    setting.key.into(),
                    setting.value.into(),
                    setting.origin.into(),
                    Cell::from(setting.help),
                ]
            })
            .collect();
        Records::list(&["setting", "value", "origin", "meaning"], rows).print(format)
    }
}

impl ServerFlags {
    /// The sources that these flags, this process's environment and the file that either names make up.
    pub(crate) fn sources(&self, context: &Context) -> Result<Sources, Failure> {
        let named = [
            ("listen", "--listen", self.listen.clone()),
            ("storage", "--storage", self.storage.clone()),
            (
                "data_dir",
                "--data-dir",
                context
                    .connection
                    .data_dir
                    .as_ref()
                    .map(|path| path.display().to_string()),
            ),
        ];
        let mut flags: Vec<Flag> = named
            .into_iter()
            .filter_map(|(key, name, value)| {
                Some(Flag {
                    key: key.to_owned(),
                    value: value?,
                    name: name.to_owned(),
                })
            })
            .collect();
        for setting in &self.settings {
            let (key, value) = setting.split_once('=').ok_or_else(|| {
                Failure::usage(
                    "--set is not understood",
                    // Not repeated: it may be a value, and a value may hold a password.
                    "what follows it has no '='",
                    "--set NAME=VALUE, such as --set log.level=debug",
                )
            })?;
            flags.push(Flag {
                key: key.to_owned(),
                value: value.to_owned(),
                name: format!("--set {key}"),
            });
        }
        let from_environment = || {
            std::env::var_os("KLUIS_CONFIG")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        };
        Ok(Sources {
            flags,
            environment: std::env::vars_os().collect(),
            file: self.config.clone().or_else(from_environment),
        })
    }
}
