//! Work that goes on after its command has begun it: waiting for its end.

use std::time::Duration;

use clap::Args;
use kluis_client::credvault::Job;

use super::poll::{Asked, Poll};
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, Records};
use crate::remote::Remote;
use crate::terminal::{is_interactive, say};

/// Whether to wait.
#[derive(Debug, Args)]
pub(super) struct Waiting {
    /// Begin it, and do not wait for its end
    #[arg(long)]
    no_wait: bool,
}

const COLUMNS: &[&str] = &["id", "kind", "status", "progress", "result"];

impl Waiting {
    /// Prints the job, at its end unless nobody wants to wait. `what` is what was not done when it fails.
    pub(super) async fn finish(
        &self,
        server: &Remote,
        job: Job,
        what: &str,
        format: Format,
    ) -> Result<(), Failure> {
        let job = if self.no_wait {
            say(&format!("{} goes on by itself", job.id));
            job
        } else {
            ended(server, job, what).await?
        };
        let row = vec![
            job.id.into(),
            job.kind.into(),
            job.status.into(),
            Cell::Number(job.progress),
            Cell::Json(job.result),
        ];
        Records::one(COLUMNS, row).print(format)
    }
}

/// The job, when it has ended well.
async fn ended(server: &Remote, mut job: Job, what: &str) -> Result<Job, Failure> {
    let mut poll = Poll::every(Duration::from_secs(1));
    if is_interactive() {
        say(&format!(
            "waiting for {}; Ctrl-C leaves it to the server",
            job.id
        ));
    }
    loop {
        match job.status.as_str() {
            "succeeded" => return Ok(job),
            "failed" => {
                let why = job
                    .error
                    .as_deref()
                    .unwrap_or("the server does not say why");
                return Err(Failure::new(
                    Code::Failed,
                    what,
                    format!("{} failed: {why}", job.id),
                    "mend that, and begin it again",
                ));
            }
            _ => {}
        }
        poll.wait().await;
        match poll.outcome(server.client.credvault().job(&job.id).await) {
            Asked::Answer(now) => job = now,
            Asked::Again => {}
            Asked::Failed(error) => return Err(server.failure(what, &error)),
        }
    }
}
