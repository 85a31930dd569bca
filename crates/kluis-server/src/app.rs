//! What every handler may reach.

use std::ops::Deref;
use std::sync::Arc;

use connectrpc::ConnectRpcService;
use kluis_engine::{Engine, Secret};
use tokio::sync::Semaphore;

use crate::config::Limits;
use crate::metrics::Metrics;

/// The state of the application; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

/// The parts of the application.
pub(crate) struct Parts {
    /// Where every operation is.
    pub(crate) engine: Engine,
    /// Base URL that clients use, without a slash at its end.
    pub(crate) public_url: String,
    /// Bounds on what a client may ask.
    pub(crate) limits: Limits,
    /// Bytes that bodies under way may still take, all together.
    pub(crate) body_budget: Semaphore,
    /// What answers Crate's procedures.
    pub(crate) rpc: ConnectRpcService,
    /// What answers for the server's health and for its descriptors.
    pub(crate) system_rpc: ConnectRpcService,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// What opens `/metrics` to other machines.
    pub(crate) metrics_token: Option<Secret>,
}

impl App {
    /// The application made of these parts.
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
