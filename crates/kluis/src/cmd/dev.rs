//! `kluis dev`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Context;
use crate::failure::Failure;
use crate::{config, serve};

/// Start a server for development, which sets itself up on the first start
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kluis dev                                     serve on 127.0.0.1:8200, keep everything in .kluis
  kluis dev --listen 127.0.0.1:0 --data-dir /tmp/try
  kluis dev --storage postgres://localhost/kluis
  KLUIS_STORAGE=postgres://kluis:PASSWORD@db/kluis kluis dev")]
pub(crate) struct Dev {
    /// Address and port to listen on; port 0 takes a free one, which dev.json in the data directory tells
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8200", value_parser = address)]
    listen: SocketAddr,
    /// sqlite: for the embedded database in the data directory, or a postgres: URL [env: KLUIS_STORAGE,
    /// or a file that holds it in KLUIS_STORAGE_FILE]
    #[arg(long, value_name = "URL")]
    storage: Option<String>,
    /// Serve HTTPS, with a certificate of its own making that is written to certificate.pem in the data directory
    #[arg(long)]
    tls_self_signed: bool,
    /// How much to tell on stderr
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = ["error", "warn", "info", "debug", "trace"])]
    log_level: String,
    /// Let outbound calls reach loopback addresses
    #[arg(long)]
    allow_loopback_webhooks: bool,
    /// Let integrations write files of variables below this directory
    #[arg(long, value_name = "DIRECTORY")]
    env_file_root: Option<PathBuf>,
    /// Let the operator's socket move the server's clock forward
    #[arg(long, hide = true)]
    test_clock: bool,
}

impl Dev {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let data_dir = context.connection.data_dir.clone();
        let dev = serve::Dev {
            listen: self.listen,
            data_dir: data_dir.unwrap_or_else(|| PathBuf::from(".kluis")),
            storage: config::storage(self.storage, std::env::vars_os())?,
            is_tls: self.tls_self_signed,
            reaches_loopback: self.allow_loopback_webhooks,
            env_file_root: self.env_file_root,
            test_clock: self.test_clock,
            log_level: self.log_level,
        };
        serve::block_on(dev.run())
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an address and port is wanted, such as 127.0.0.1:8200 or [::]:8200")
}
