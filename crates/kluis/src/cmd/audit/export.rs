//! `kluis audit export`

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use kluis_client::oneclaw::{AuditExport, ExportSpan};

use super::super::Context;
use crate::failure::{Code, Failure};
use crate::output::{Reader, print};
use crate::remote::Remote;
use crate::terminal::say;

/// Write the record as lines of JSON, with all that `audit verify --file` needs to check it without a server
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Not before, RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Not after, RFC 3339
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// From behind the event of this number on: where an earlier export ended
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
    /// Write into this file, which only you can read; stdout unless given
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace the file if there is one
    #[arg(long, requires = "file")]
    force: bool,
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let server = context.server()?;
        let Some(path) = &self.file else {
            let mut export = self.begin(&server).await?;
            while let Some(bytes) = next(&server, &mut export).await? {
                if print(&bytes)? == Reader::Gone {
                    break;
                }
            }
            return Ok(());
        };
        let mut target = Target::make(path, self.force)?;
        let mut export = self.begin(&server).await?;
        while let Some(bytes) = next(&server, &mut export).await? {
            target.write(&bytes)?;
        }
        target.finish()?;
        say(&format!("the audit record is in '{}'", path.display()));
        Ok(())
    }

    async fn begin(&self, server: &Remote) -> Result<AuditExport, Failure> {
        let span = ExportSpan {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            after: self.after,
        };
        let export = server.client.oneclaw().audit_export(&span).await;
        export.map_err(|error| {
            let failure = server.failure(WHAT, &error);
            failure.advise(
                Code::NotFound,
                "the record has no event of this number: go on from an earlier one with --after",
            )
        })
    }
}

async fn next(server: &Remote, export: &mut AuditExport) -> Result<Option<Vec<u8>>, Failure> {
    let bytes = export.next().await;
    bytes.map_err(|error| server.failure(WHAT, &error))
}

/// A file that is written; it is gone again unless it is finished.
struct Target {
    file: File,
    /// Where it is written.
    at: PathBuf,
    /// Where it belongs, if that is another place.
    replaces: Option<PathBuf>,
    is_finished: bool,
}

impl Target {
    fn make(path: &Path, force: bool) -> Result<Self, Failure> {
        let exists = fs::symlink_metadata(path);
        let (at, replaces) = match &exists {
            Ok(found) if force && found.is_file() => {
                let mut beside = path.as_os_str().to_owned();
                beside.push(format!(".{}", std::process::id()));
                (PathBuf::from(beside), Some(path.to_owned()))
            }
            Ok(found) => {
                let fix = if found.is_file() {
                    "name another file, or replace this one with --force"
                } else {
                    "name a file"
                };
                return Err(Failure::new(
                    Code::Conflict,
                    format!("'{}' was not written", path.display()),
                    "it exists already",
                    fix,
                ));
            }
            Err(_) => (path.to_owned(), None),
        };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&at)
            .map_err(|error| unwritable(&at, &error))?;
        Ok(Self {
            file,
            at,
            replaces,
            is_finished: false,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| unwritable(&self.at, &error))
    }

    fn finish(mut self) -> Result<(), Failure> {
        let synced = self.file.sync_all();
        synced.map_err(|error| unwritable(&self.at, &error))?;
        if let Some(path) = &self.replaces {
            fs::rename(&self.at, path).map_err(|error| unwritable(path, &error))?;
        }
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_file(&self.at);
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Code::Failed,
        WHAT,
        format!("'{}' cannot be written: {error}", path.display()),
        "make room, or name a file that can be written",
    )
}

const WHAT: &str = "cannot export the audit record";
