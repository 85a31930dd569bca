//! Starting and stopping.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use kluis_engine::Engine;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::address_limit::AddressLimits;
use crate::api::{crate_io, credvault};
use crate::app::{App, Parts};
use crate::config::Config;
use crate::gate::Gate;
use crate::health_rpc::{self, Undescribed};
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::operator;
use crate::router::{Routes, Unroutable};
use crate::tls::{self, TlsError};

/// The server. There is nothing to hold but what [`Server::start`] gives.
pub struct Server(());

/// Bytes of all bodies that are being read at the same time.
const BODY_BUDGET: usize = 64 << 20;

/// A running server. Dropping it ends the server at once; [`Handle::stop`] lets it finish.
pub struct Handle {
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Tells a task of the server when it is time to stop.
#[derive(Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Wait until it is time; at once when it is, or when the handle is gone.
    pub(crate) async fn wait(&mut self) {
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The operator's socket cannot be made.
    #[error("cannot make the socket {}: {cause}", path.display())]
    Operator {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A defect in the list of routes.
    #[error(transparent)]
    Routes(#[from] Unroutable),
    /// A defect in the descriptors of the services.
    #[error(transparent)]
    Descriptors(#[from] Undescribed),
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Server {
    /// Start to listen, and answer from `engine`, sealed or not.
    pub async fn start(config: Config, engine: Engine) -> Result<Handle, StartError> {
        let tls = tls::acceptor(&config.tls)?;
        let turns = Arc::new(Semaphore::new(config.limits.max_connections));
        let (stop, stopping) = watch::channel(false);
        let stopping = Stopping(stopping);
        let mut tasks = JoinSet::new();
        if let Some(socket) = config.operator {
            let path = socket.path.clone();
            let socket = operator::Socket::open(socket, engine.clone())
                .map_err(|cause| StartError::Operator { path, cause })?;
            tasks.spawn(socket.run(stopping.clone()));
        }
        let mut sockets = Vec::with_capacity(config.listen.len());
        let mut addresses = Vec::with_capacity(config.listen.len());
        for address in config.listen {
            let cannot = |cause| StartError::Listen { address, cause };
            let socket = TcpListener::bind(address).await.map_err(cannot)?;
            addresses.push(socket.local_addr().map_err(cannot)?);
            sockets.push(socket);
        }
        engine.webhooks_begin(credvault::COURIER);
        engine.integrations_begin(credvault::WORDS);
        let (routes, handlers) = Routes::build(config.doors)?;
        let app = App::new(Parts {
            metrics: Metrics::new(routes.counts().cloned().collect(), engine.clone()),
            rpc: crate_io::rpc::service(),
            system_rpc: health_rpc::service(engine.clone(), stopping.clone())?,
            engine,
            public_url: config
                .public_url
                .unwrap_or_else(|| url_of(addresses.first(), tls.is_some())),
            body_budget: Semaphore::new(BODY_BUDGET),
            limits: config.limits,
            metrics_token: config.metrics_token,
        });
        let gate = Arc::new(Gate {
            handlers: handlers.with_state(app.clone()),
            address_limits: AddressLimits::of(&app.limits),
            app,
            routes,
            trusted_proxies: config.trusted_proxies,
        });
        for socket in sockets {
            let listener = Listener {
                socket,
                tls: tls.clone(),
                gate: Arc::clone(&gate),
                turns: Arc::clone(&turns),
                stopping: stopping.clone(),
            };
            tasks.spawn(listener.run());
        }
        Ok(Handle {
            addresses,
            stop,
            tasks,
        })
    }
}

impl Handle {
    /// Where it listens, in the order of the configuration.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Take no more connections, finish what was accepted within the grace, and end.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The base URL of a server that listens at `address`; from this machine, when it listens everywhere.
fn url_of(address: Option<&SocketAddr>, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    match address {
        Some(address) if address.ip().is_unspecified() => {
            format!("{scheme}://localhost:{}", address.port())
        }
        Some(address) => format!("{scheme}://{address}"),
        None => format!("{scheme}://localhost"),
    }
}

#[cfg(test)]
mod tests;
