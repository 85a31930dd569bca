//! A way to a database that a test can break.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A TCP proxy on a port of its own.
pub struct Proxy {
    target: String,
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Taking connections and carrying bytes; dropping it ends both.
    running: Option<JoinSet<()>>,
}

impl Proxy {
    /// To `target`, `host:port`.
    pub async fn to(target: &str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            target: target.to_owned(),
            port: socket.local_addr().unwrap().port(),
            state: Arc::default(),
        };
        proxy.run(socket);
        proxy
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cut every connection and refuse new ones, as a database that has ended does.
    pub fn cut(&self) {
        self.state.lock().unwrap().running = None;
    }

    /// Take connections and never answer, as a machine behind a broken network does.
    pub async fn silence(&self) {
        self.cut();
        let socket = self.listen().await;
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = socket.accept().await {
                held.push(stream);
            }
        });
        self.state.lock().unwrap().running = Some(running);
    }

    /// Carry again.
    pub async fn mend(&self) {
        self.cut();
        let socket = self.listen().await;
        self.run(socket);
    }

    async fn listen(&self) -> TcpListener {
        // What held the port is dropped by another thread, so it may take a moment to be free.
        for _ in 0..500 {
            match TcpListener::bind(("127.0.0.1", self.port)).await {
                Ok(socket) => return socket,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
        panic!("the port of the proxy is taken");
    }

    fn run(&self, socket: TcpListener) {
        let target = self.target.clone();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = socket.accept().await {
                let target = target.clone();
                connections.spawn(async move {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        self.state.lock().unwrap().running = Some(running);
    }
}
