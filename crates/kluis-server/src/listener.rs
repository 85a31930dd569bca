//! Taking connections: HTTP/1.1 and HTTP/2 over TCP or TLS, with bounds on what a slow or silent client can hold.
//!
//! | a client that | is held at most |
//! |---|---|
//! | connects and sends nothing, or half a TLS handshake | `header_timeout` for each |
//! | sends a head byte by byte (HTTP/1.1) | `header_timeout` |
//! | sends a body byte by byte | `body_timeout` |
//! | keeps an HTTP/2 connection and asks for nothing, or does not read its answers | twice [`IDLE`] |

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::config::Limits;
use crate::gate::Gate;
use crate::metrics::Held;
use crate::progress::watched;
use crate::server::Stopping;

/// Takes the connections of one address.
pub(crate) struct Listener {
    /// Where they come from.
    pub(crate) socket: TcpListener,
    /// How they are encrypted, if they are.
    pub(crate) tls: Option<TlsAcceptor>,
    /// What answers their requests.
    pub(crate) gate: Arc<Gate>,
    /// How many there may be, over all addresses.
    pub(crate) turns: Arc<Semaphore>,
    /// True when it is time to stop.
    pub(crate) stopping: Stopping,
}

/// One connection's requests.
#[derive(Default)]
struct Activity {
    /// Those that are being answered.
    under_way: AtomicUsize,
    /// All so far.
    begun: AtomicU64,
    /// Parts of long answers that went out.
    moved: AtomicU64,
}

/// How long a connection may ask for nothing, and then how long it gets to end.
const IDLE: Duration = Duration::from_mins(1);
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// How long to wait when the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

impl Listener {
    /// Take connections until it is time to stop, then let those that are open finish what they were asked, within the
    /// grace.
    pub(crate) async fn run(self) {
        let mut connections = JoinSet::new();
        let grace = self.gate.app.limits.shutdown_grace;
        let mut stopping = self.stopping.clone();
        loop {
            tokio::select! {
                taken = self.take() => match taken {
                    Some((stream, peer, turn)) => {
                        connections.spawn(self.connection(stream, peer, turn));
                    }
                    None => sleep(NO_ROOM).await,
                },
                Some(_) = connections.join_next() => {}
                () = stopping.wait() => break,
            }
        }
        drop(self.socket);
        let ended = async { while connections.join_next().await.is_some() {} };
        if timeout(grace, ended).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "the grace is over: closing what is still open"
            );
        }
        connections.shutdown().await;
    }

    /// The next connection, when it is its turn. None when the system has no room for it.
    async fn take(&self) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        match self.socket.accept().await {
            Ok((stream, peer)) => Some((stream, peer, turn)),
            Err(error) if is_of_one_connection(&error) => None,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                None
            }
        }
    }

    /// One connection, from its first byte to its last.
    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        turn: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (gate, tls, stopping) = (
            Arc::clone(&self.gate),
            self.tls.clone(),
            self.stopping.clone(),
        );
        async move {
            let _open = Held::up(&gate.app.metrics.gauges, |gauges| &gauges.connections);
            // Answers are written whole: waiting to fill a packet only delays them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection ended at once");
                return;
            }
            match tls {
                None => serve(stream, peer.ip(), gate, stopping).await,
                Some(tls) => {
                    let shaken = timeout(gate.app.limits.header_timeout, tls.accept(stream)).await;
                    match shaken {
                        Ok(Ok(stream)) => serve(stream, peer.ip(), gate, stopping).await,
                        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    }
                }
            }
            drop(turn);
        }
    }
}

/// Serve one connection until it ends, is idle, or it is time to stop.
async fn serve<S>(stream: S, peer: IpAddr, gate: Arc<Gate>, mut stopping: Stopping)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = builder(&gate.app.limits);
    let header_timeout = gate.app.limits.header_timeout;
    let activity = Arc::new(Activity::default());
    let service = service_fn(|request| {
        let (gate, under_way) = (Arc::clone(&gate), UnderWay::new(&activity));
        let activity = Arc::clone(&activity);
        async move {
            let response = gate.answer(peer, request).await;
            drop(under_way);
            Ok::<_, std::convert::Infallible>(watched(response, move || {
                activity.moved.fetch_add(1, Ordering::Relaxed);
            }))
        }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut idle = pin!(sleep(header_timeout));
    let (mut seen, mut is_ending) = ((0, 0), false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error, "a connection broke off");
                }
                return;
            }
            () = stopping.wait(), if !is_ending => {
                connection.as_mut().graceful_shutdown();
                is_ending = true;
            }
            () = idle.as_mut() => {
                let begun = activity.begun.load(Ordering::Relaxed);
                let now = (begun, activity.moved.load(Ordering::Relaxed));
                let is_idle = now == seen && activity.under_way.load(Ordering::Relaxed) == 0;
                if is_idle && (begun == 0 || is_ending) {
                    return;
                }
                if is_idle {
                    connection.as_mut().graceful_shutdown();
                    is_ending = true;
                }
                seen = now;
                idle.set(sleep(IDLE));
            }
        }
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.max_header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(IDLE / 2))
        .keep_alive_timeout(IDLE / 2);
    builder
}

/// A request that is being answered, until this is dropped.
struct UnderWay(Arc<Activity>);

impl UnderWay {
    fn new(activity: &Arc<Activity>) -> Self {
        activity.under_way.fetch_add(1, Ordering::Relaxed);
        activity.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Errors of a client that went away before it was taken.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
