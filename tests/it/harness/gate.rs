//! A way to a database server that stops at a chosen statement, so that whoever is on it can be killed there.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// A TCP proxy on a port of its own.
pub struct Gate {
    port: u16,
    shared: Arc<Shared>,
    _running: JoinSet<()>,
}

/// Where it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The server never gets the statement.
    Before,
    /// The server gets it, and its answer never comes back.
    After,
    /// The answer comes back, and no connection is made any more.
    Next,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    stopped: Notify,
}

#[derive(Default)]
struct State {
    armed: Option<(Vec<u8>, Stop)>,
    is_closed: bool,
    /// All that were asked for.
    connections: usize,
}

impl Gate {
    /// To `target`, `host:port`; open.
    pub async fn to(target: &str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let mut running = JoinSet::new();
        let (target, sharing) = (target.to_owned(), Arc::clone(&shared));
        running.spawn(async move {
            let mut connections = JoinSet::new();
            let mut held = Vec::new();
            while let Ok((near, _)) = socket.accept().await {
                if sharing.enter() {
                    connections.spawn(carry(near, target.clone(), Arc::clone(&sharing)));
                } else {
                    held.push(near);
                }
            }
        });
        Self {
            port,
            shared,
            _running: running,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stop where `words` are sent to the server.
    pub fn stop_at(&self, words: &str, stop: Stop) {
        self.shared.state().armed = Some((words.as_bytes().to_vec(), stop));
    }

    /// Take connections from now on, and lead them nowhere.
    pub fn shut(&self) {
        self.shared.state().is_closed = true;
    }

    /// Wait until it has stopped.
    pub async fn has_stopped(&self) {
        self.shared.stopped.notified().await;
    }

    /// Open for new connections; those that were stopped stay so.
    pub fn open(&self) {
        *self.shared.state() = State::default();
    }

    /// How many connections were asked for since it was opened.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> bool {
        let mut state = self.state();
        state.connections += 1;
        if state.is_closed {
            self.stopped.notify_one();
        }
        !state.is_closed
    }

    /// Where to stop, if these bytes hold the words.
    fn stops(&self, bytes: &[u8]) -> Option<Stop> {
        let mut state = self.state();
        let (words, stop) = state.armed.clone()?;
        let found = bytes.windows(words.len()).any(|window| window == words);
        if !found {
            return None;
        }
        state.armed = None;
        state.is_closed = true;
        Some(stop)
    }
}

async fn carry(near: TcpStream, target: String, shared: Arc<Shared>) {
    let far = TcpStream::connect(target).await.unwrap();
    let (mut from_near, mut to_near) = near.into_split();
    let (mut from_far, mut to_far) = far.into_split();
    let holds = Arc::new(Mutex::new(false));
    let holding = Arc::clone(&holds);
    let asking = async {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from_near.read(&mut bytes).await {
            match shared.stops(&bytes[..count]) {
                None | Some(Stop::Next) => {}
                Some(Stop::Before) => {
                    shared.stopped.notify_one();
                    return std::future::pending().await;
                }
                Some(Stop::After) => {
                    *holding.lock().unwrap() = true;
                    let _ = to_far.write_all(&bytes[..count]).await;
                    // What the server does with it takes it a moment.
                    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                    shared.stopped.notify_one();
                    return std::future::pending().await;
                }
            }
            if to_far.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
        let _ = to_far.shutdown().await;
    };
    let answering = async {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from_far.read(&mut bytes).await {
            if *holds.lock().unwrap() {
                return std::future::pending().await;
            }
            if to_near.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
        let _ = to_near.shutdown().await;
    };
    tokio::join!(asking, answering);
}
