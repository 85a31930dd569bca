//! Signals that come to `kluis run`, and so to its child.

use std::future::poll_fn;
use std::process::ExitStatus;
use std::task::Poll;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};

use crate::failure::{Code, Failure};

/// Signals that this process gets, to be passed on.
pub(super) struct Signals {
    watched: Vec<(Signal, Arrivals)>,
}

impl Signals {
    /// Starts watching. A signal that our parent had us ignore, as `nohup` does, stays ignored, and so the child's.
    pub(super) fn watch() -> Result<Self, Failure> {
        let ignored = ignored_signals();
        let mut watched = Vec::with_capacity(FORWARDED.len());
        for forwarded in FORWARDED {
            let number = forwarded.as_raw();
            if ignored >> (number - 1) & 1 == 1 {
                continue;
            }
            let arrivals = signal(SignalKind::from_raw(number)).map_err(|error| {
                Failure::new(
                    Code::Failed,
                    "the command was not started",
                    format!("signal {number} cannot be watched: {error}"),
                    "run the command by itself",
                )
            })?;
            watched.push((*forwarded, arrivals));
        }
        Ok(Self { watched })
    }

    async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            for (signal, arrivals) in &mut self.watched {
                if arrivals.poll_recv(context).is_ready() {
                    return Poll::Ready(*signal);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Waits for the child, passing on what comes meanwhile.
    pub(super) async fn forward_until_end(
        mut self,
        mut child: Child,
    ) -> Result<ExitStatus, Failure> {
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        loop {
            let signal = tokio::select! {
                // The end first: a signal must not go to a process id that may belong to another by then.
                biased;
                ended = child.wait() => return ended.map_err(|error| {
                    Failure::new(Code::Failed, "the command was lost", error.to_string(), "look whether it still runs")
                }),
                signal = self.next() => signal,
            };
            if let Some(pid) = pid
                && !(is_from_keyboard(signal) && is_in_foreground())
            {
                // It may have ended this instant; its status follows.
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// Signals that a terminal sends to all processes in its foreground, so to the child as well.
fn is_from_keyboard(signal: Signal) -> bool {
    matches!(signal, Signal::INT | Signal::QUIT)
}

/// Whether this process and its child are in the foreground of their terminal.
fn is_in_foreground() -> bool {
    std::fs::File::open("/dev/tty")
        .and_then(|terminal| Ok(rustix::termios::tcgetpgrp(&terminal)?))
        .is_ok_and(|group| group == rustix::process::getpgrp())
}

/// The set of ignored signals, bit n-1 for signal n, as the kernel tells it. None where there is no such file.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

const FORWARDED: &[Signal] = &[
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
];
