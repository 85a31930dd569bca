//! `kluis server`

use std::process::ExitCode;

use clap::Args;
use kluis_server::engine::UnsealInput;

use super::Context;
use super::config::ServerFlags;
use crate::config::{self, Seal};
use crate::failure::{Code, Failure};
use crate::serve::{self, End, of_engine};
use crate::terminal::say;

/// Start a server for production, from a configuration file
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kluis operator init --config server.toml      once, before the first start
  kluis server --config server.toml
  kluis config explain --config server.toml     what it is told, and where each value comes from")]
pub(crate) struct Server {
    #[command(flatten)]
    flags: ServerFlags,
}

impl Server {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let (config, _) = config::load(&self.flags.sources(context)?)?;
        serve::start_log(&config.log);
        serve::block_on(run(config))
    }
}

async fn run(config: config::Config) -> Result<ExitCode, Failure> {
    let end = End::watch()?;
    let server = serve::server_config(&config)?;
    let engine = serve::open(serve::engine_settings(&config)).await?;
    let status = engine.seal_status().await;
    let status = status.map_err(|error| of_engine("the storage cannot be read", &error))?;
    if !status.initialized {
        return Err(Failure::new(
            Code::Failed,
            "there is no server here yet",
            format!("the storage of {} holds no keys", config.data_dir.display()),
            "run kluis operator init with the same configuration, once",
        ));
    }
    if let Seal::KeyFile(_) = config.seal {
        let key_file = UnsealInput::KeyFile(serve::key_file(&config));
        let unsealed = engine.unseal(key_file).await;
        unsealed.map_err(|error| of_engine("the server cannot be unsealed", &error))?;
    }
    let handle = serve::listen(server, engine.clone()).await?;
    for address in handle.addresses() {
        say(&format!("Kluis listens on {address}"));
    }
    if engine.is_sealed() {
        say("It is sealed. Unseal it with kluis operator unseal");
    }
    end.serve_until(handle, &engine).await
}
