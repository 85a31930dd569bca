//! Running a server in this process: its log, the engine, the listeners, and the end of it all.

mod dev;
mod settings;

use std::process::ExitCode;

use kluis_server::engine::{Clock, Engine, Error, Settings};
use kluis_server::{Config, Handle, Server, StartError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

pub(crate) use dev::Dev;
pub(crate) use settings::{engine_settings, key_file, server_config, socket};

use crate::config::Log;
use crate::failure::{Code, Failure};
use crate::terminal::is_coloured;

/// Writes what the server has to say to stderr. Libraries are heard when they warn: what they tell in detail is not ours
/// to vouch for, and a log never holds a header or a body.
pub(crate) fn start_log(log: &Log) {
    let level = &log.level;
    let ours = format!("warn,kluis={level},kluis_server={level},kluis_engine={level}");
    let filter = EnvFilter::try_new(ours).unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(is_coloured())
        .with_writer(std::io::stderr);
    if log.is_json {
        subscriber.json().init();
    } else {
        subscriber.with_target(false).init();
    }
    tell_panics_without_payload();
}

/// Tells where a panic happened and not what it said: that may quote a value (NT-45).
fn tell_panics_without_payload() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(at, "a defect: a thread panicked");
    }));
}

/// Runs a server: as many serving threads as there are processors, and as many open files as the system allows, since each
/// connection is one.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let files = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: files.maximum,
        ..files
    };
    // Where the system refuses, the lower limit stays, and connections beyond it wait.
    let _ = setrlimit(Resource::Nofile, raised);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|cause| {
        Failure::new(
            Code::Failed,
            "cannot start",
            format!("the system gives no threads: {cause}"),
            "close other programs, or raise the limits of this user",
        )
    })?;
    runtime.block_on(work)
}

/// Opens the storage, or says what is wrong with it.
pub(crate) async fn open(settings: Settings) -> Result<Engine, Failure> {
    Engine::open(settings, Clock::system())
        .await
        .map_err(|error| of_engine("the storage cannot be used", &error))
}

/// Starts to serve.
pub(crate) async fn listen(config: Config, engine: Engine) -> Result<Handle, Failure> {
    Server::start(config, engine)
        .await
        .map_err(|cause| not_listening(&cause))
}

fn not_listening(cause: &StartError) -> Failure {
    Failure::new(
        Code::Failed,
        "the server cannot start",
        cause.to_string(),
        "correct what the line above names, or choose another address with --listen",
    )
}

/// What asks this process to end. Made before the first connection is taken, so that no signal comes too early.
pub(crate) struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    /// From now on a signal ends the process in order.
    pub(crate) fn watch() -> Result<Self, Failure> {
        let watched = |kind| {
            signal(kind).map_err(|cause| {
                Failure::new(
                    Code::Failed,
                    "the server could not be stopped in order",
                    format!("the system delivers no signals to it: {cause}"),
                    "look at the limits of this user",
                )
            })
        };
        Ok(Self {
            terminate: watched(SignalKind::terminate())?,
            interrupt: watched(SignalKind::interrupt())?,
        })
    }

    /// Serves until the process is asked to end; then finishes what was accepted, and closes the storage.
    pub(crate) async fn serve_until(
        mut self,
        handle: Handle,
        engine: &Engine,
    ) -> Result<ExitCode, Failure> {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        tracing::info!("ending: what was accepted is finished first");
        handle.stop().await;
        let closed = engine.close().await;
        closed.map_err(|error| of_engine("the storage was not closed in order", &error))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A failure of the engine, with its cause: it is about this process's own storage.
pub(crate) fn of_engine(what: &str, error: &Error) -> Failure {
    let (why, fix) = match error.cause() {
        Some(cause) => (
            cause.to_owned(),
            "correct what the line above names; nothing that was acknowledged is lost",
        ),
        None => (
            error.to_string(),
            "correct the value, or choose another data directory",
        ),
    };
    Failure::new(Code::Failed, what, why, fix)
}
