//! `kluis completion`

use clap::Args;
use clap_complete::Shell;

use crate::cli;
use crate::failure::Failure;
use crate::output::print;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis completion bash > ~/.local/share/bash-completion/completions/kluis"
)]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli::command(), "kluis", &mut script);
        print(&script).map(drop)
    }
}
