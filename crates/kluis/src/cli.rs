//! The command line as clap sees it, and the turning of clap's complaints into ours.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use crate::cmd::Command;
use crate::failure::{Code, Failure};
use crate::output::{Format, print};
use crate::remote::Connection;
use crate::terminal::say;

/// Keeps secrets, and hands them to those who may have them
#[derive(Debug, Parser)]
#[command(name = "kluis", version, max_term_width = 100, after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) connection: Connection,

    /// How to write the result
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    pub(crate) output: Option<Format>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  kluis set API_KEY                  ask for a value and keep it in the vault `default`
  kluis get API_KEY                  print it
  kluis run -- ./deploy.sh           run a command with all secrets of the vault in its environment
  kluis run --vault prod --only DB_URL -- psql
  kluis export --vault prod -o json  print them all
  kluis vault create prod
  kluis policy add 'db/**' --vault prod --user ann@example.org --allow read
  kluis agent create nightly-report  register an agent and print its key
  kluis share create DB_URL --times 1
  kluis zk add github --type login   keep a secret that the server cannot read
  kluis login --url https://kluis.example.org

Data goes to stdout, everything else to stderr. Exit codes: 0 ok, 1 other failure, 2 usage, 3 not
authenticated, 4 forbidden, 5 not found, 6 conflict, 7 rate limited, 8 unreachable, 10 integrity.";

/// What the arguments ask for.
pub(crate) enum Asked {
    /// To run a command.
    Command(Box<Cli>),
    /// Nothing more: help or the version was printed.
    Printed(ExitCode),
}

/// Reads the arguments of this process. Help and version are printed here.
pub(crate) fn parse() -> Result<Asked, Failure> {
    Cli::try_parse()
        .map(|cli| Asked::Command(Box::new(cli)))
        .or_else(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                print(error.render().to_string().as_bytes())?;
                Ok(Asked::Printed(ExitCode::SUCCESS))
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                error.render().to_string().lines().for_each(say);
                Ok(Asked::Printed(Code::Usage.exit()))
            }
            _ => Err(complaint(&error)),
        })
}

/// The command with all its parts, for completions.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// clap's message has a first paragraph that says what is wrong, tips, and a usage line; we keep the first and the tips.
fn complaint(error: &clap::Error) -> Failure {
    let rendered = error.render().to_string();
    let why: Vec<&str> = rendered
        .lines()
        .take_while(|line| !line.starts_with("Usage:"))
        .map(|line| line.trim().trim_start_matches("error: "))
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect();
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let words: Vec<&str> = usage
        .trim_start_matches("Usage: ")
        .split_whitespace()
        .take_while(|word| {
            word.chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '-')
        })
        .filter(|word| !word.starts_with('-'))
        .collect();
    let command = if words.is_empty() {
        "kluis".to_owned()
    } else {
        words.join(" ")
    };
    Failure::usage(
        "the command line is not understood",
        sentence(&why),
        format!("{command} --help tells more"),
    )
}

/// Lines as one: what follows a colon belongs to it, such as the arguments that are missing.
fn sentence(lines: &[&str]) -> String {
    let mut sentence = String::new();
    for line in lines {
        sentence += match sentence.chars().last() {
            None => "",
            Some(':') => " ",
            Some(_) => "; ",
        };
        sentence += line;
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: &[&str]) -> String {
        let error = Cli::try_parse_from(arguments).err().unwrap();
        complaint(&error).to_string()
    }

    #[test]
    fn the_command_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn a_complaint_says_what_and_where_to_look() {
        let unknown = refused(&["kluis", "vault", "lst"]);
        assert!(
            unknown.contains("unrecognized subcommand 'lst'") && unknown.contains("'list'"),
            "{unknown}"
        );
        assert!(unknown.contains("kluis vault --help"), "{unknown}");
        assert_eq!(unknown.lines().count(), 4);
        let missing = refused(&["kluis", "get"]);
        assert!(
            missing.contains("not provided: <KEY>\n") && missing.contains("kluis get --help"),
            "{missing}"
        );
    }

    #[test]
    fn a_complaint_repeats_no_value() {
        for arguments in [
            &["kluis", "set", "K", "--value=canary"][..],
            &["kluis", "set", "K", "--value", "canary"],
            &["kluis", "set", "K", "-vcanary"],
            &["kluis", "--token=canary", "get", "K"],
            &["kluis", "get", "K", "--token", "canary"],
        ] {
            assert!(
                !refused(arguments).contains("canary"),
                "{arguments:?}: {}",
                refused(arguments)
            );
        }
    }
}
