//! A terminal that hides what is typed shows it again, whatever ends the process.
//!
//! From the first question on, the signals that end a process are waited for on a thread of their own, until the process
//! ends: one that has been waited for once never has its default effect again.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// While it lives, a signal puts the terminal back to how it was when this began.
pub(super) struct Restored(());

impl Restored {
    pub(super) fn begin() -> io::Result<Self> {
        static WATCHED: OnceLock<()> = OnceLock::new();
        if WATCHED.get().is_none() {
            watch()?;
            let _ = WATCHED.set(());
        }
        // What is no terminal has no echo; the question itself says so.
        let before = File::open(TERMINAL).and_then(|tty| Ok(tcgetattr(tty)?));
        set(before.ok());
        Ok(Self(()))
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        set(None);
    }
}

/// Waits for what the signal that has just come does.
pub(super) fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}

fn set(before: Option<Termios>) {
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = before;
}

/// Returns as soon as no signal can slip through.
fn watch() -> io::Result<()> {
    let (told, is_ready) = channel();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || wait(&told))?;
    is_ready.recv().map_err(io::Error::other)?
}

fn wait(told: &Sender<io::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let begun = runtime.and_then(|runtime| {
        let arrivals = {
            let _inside = runtime.enter();
            Arrivals::new()?
        };
        Ok((runtime, arrivals))
    });
    match begun {
        Ok((runtime, mut arrivals)) => {
            let _ = told.send(Ok(()));
            end(runtime.block_on(arrivals.next()))
        }
        Err(error) => {
            let _ = told.send(Err(error));
        }
    }
}

/// The signals that people and programs end a process with. With a hang-up the terminal itself is gone.
struct Arrivals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
}

impl Arrivals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// What the next one is.
    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.quit.recv() => SignalKind::quit(),
            _ = self.terminate.recv() => SignalKind::terminate(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the signal would have ended the process at once and skipped the same destructors"
)]
fn end(kind: SignalKind) -> ! {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(before), Ok(tty)) = (before.as_ref(), File::open(TERMINAL)) {
        let _ = tcsetattr(tty, OptionalActions::Now, before);
        // The prompt stands on a line of its own.
        let _ = writeln!(io::stderr());
    }
    std::process::exit(128 + kind.as_raw_value())
}

/// How the terminal was before a question, while that is open.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);
const TERMINAL: &str = "/dev/tty";
