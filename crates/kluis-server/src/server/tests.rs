//! The listeners as a client sees them that does not play along, and the operator's socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use kluis_engine::{Clock, NewSeal, Settings};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::config::{Limits, OperatorSocket, Tls};
use crate::operator::{Command, Keys, Reply, ask};

const SHORT: Duration = Duration::from_millis(200);
const HEAD: &str = "GET /healthz HTTP/1.1\r\nhost: h\r\n";

struct Running {
    handle: Handle,
    directory: TempDir,
    token: String,
}

impl Running {
    async fn start(change: impl FnOnce(&mut Config, &Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings::in_directory(directory.path().join("data"));
        let engine = Engine::open(settings, Clock::system()).await.unwrap();
        let key_file = directory.path().join("seal.key");
        engine
            .initialize(NewSeal::KeyFile(key_file.clone()))
            .await
            .unwrap();
        let made = engine.bootstrap("Test", "owner@example.org").await.unwrap();
        let token = made.tokens[0].1.expose().to_owned();
        let socket = OperatorSocket {
            path: directory.path().join("kluis.sock"),
            key_file,
            test_clock: false,
        };
        let mut config = Config {
            listen: vec![([127, 0, 0, 1], 0).into()],
            operator: Some(socket),
            ..Config::default()
        };
        change(&mut config, directory.path());
        let handle = Server::start(config, engine).await.unwrap();
        Self {
            handle,
            directory,
            token,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.handle.addresses()[0])
            .await
            .unwrap()
    }

    async fn operate(&self, command: Command) -> io::Result<Reply> {
        let socket = self.directory.path().join("kluis.sock");
        let (reply, answer) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .spawn(move || reply.send(ask(&socket, command)))
            .unwrap();
        answer.await.unwrap()
    }

    async fn status_of(&self, request: &str) -> u16 {
        exchange(&mut self.connect().await, request).await
    }

    fn get(&self, path: &str) -> String {
        format!(
            "GET {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\n\r\n",
            self.token
        )
    }
}

/// Send `request`, and the status of its answer.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &str) -> u16 {
    stream.write_all(request.as_bytes()).await.unwrap();
    status(stream).await
}

async fn status<S: AsyncRead + Unpin>(stream: &mut S) -> u16 {
    let mut bytes = [0; 12];
    stream.read_exact(&mut bytes).await.unwrap();
    let line = String::from_utf8(bytes.to_vec()).unwrap();
    line.strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
}

/// Whatever comes until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// NT-55
#[tokio::test]
async fn a_silent_or_slow_client_is_let_go() {
    let server = Running::start(|config, _| config.limits.header_timeout = SHORT).await;
    for sent in ["", "P", "PRI * HTTP/2.0\r\n", "GET /healthz HT", HEAD] {
        let mut stream = server.connect().await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        assert!(!rest(&mut stream).await.contains("200 OK"), "{sent:?}");
    }
    assert_eq!(server.status_of(&format!("{HEAD}\r\n")).await, 200);
}

/// NT-55
#[tokio::test]
async fn a_body_has_to_arrive_in_time() {
    let server = Running::start(|config, _| config.limits.body_timeout = SHORT).await;
    let mut stream = server.connect().await;
    let head = format!(
        "POST /api/v1/vaults HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 20\r\n\r\n{{\"na",
        server.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(status(&mut stream).await, 400);
    assert!(rest(&mut stream).await.contains("did not arrive in time"));
}

#[tokio::test]
async fn a_head_is_bounded() {
    let server = Running::start(|config, _| config.limits.max_header_bytes = 8192).await;
    let long = "x".repeat(20_000);
    assert_eq!(
        server
            .status_of(&format!("{HEAD}long: {long}\r\n\r\n"))
            .await,
        431
    );
    assert_eq!(server.status_of(&format!("{HEAD}\r\n")).await, 200);
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_its_turn() {
    let server = Running::start(|config, _| config.limits.max_connections = 1).await;
    let mut first = server.connect().await;
    assert_eq!(exchange(&mut first, &format!("{HEAD}\r\n")).await, 200);
    let mut second = server.connect().await;
    second
        .write_all(format!("{HEAD}\r\n").as_bytes())
        .await
        .unwrap();
    let mut byte = [0; 1];
    let waited = tokio::time::timeout(SHORT, second.read_exact(&mut byte)).await;
    assert!(waited.is_err(), "answered before its turn");
    drop(first);
    assert_eq!(status(&mut second).await, 200);
}

#[tokio::test]
async fn what_was_accepted_is_finished_before_the_end() {
    let server = Running::start(|_, _| {}).await;
    let (address, body) = (server.handle.addresses()[0], r#"{"name":"Late"}"#);
    let mut under_way = server.connect().await;
    let head = format!(
        "POST /api/v1/vaults HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        server.token,
        body.len()
    );
    // The server asks for the body, so the request has begun.
    assert_eq!(exchange(&mut under_way, &head).await, 100);
    let mut idle = server.connect().await;
    assert_eq!(exchange(&mut idle, &format!("{HEAD}\r\n")).await, 200);
    let mut stopping = JoinSet::new();
    stopping.spawn(server.handle.stop());
    // An idle connection is closed at once; by then the server takes no more.
    rest(&mut idle).await;
    assert!(TcpStream::connect(address).await.is_err());
    under_way.write_all(body.as_bytes()).await.unwrap();
    assert!(rest(&mut under_way).await.contains("201 Created"));
    stopping.join_all().await;
}

#[tokio::test]
async fn the_grace_ends() {
    let server = Running::start(|config, _| config.limits.shutdown_grace = SHORT).await;
    let mut stuck = server.connect().await;
    stuck.write_all(HEAD.as_bytes()).await.unwrap();
    server.handle.stop().await;
    rest(&mut stuck).await;
}

#[tokio::test]
async fn tls_offers_http2_and_hybrid_key_exchange() {
    let server = Running::start(|config, directory| {
        config.tls = Tls::SelfSigned {
            names: vec!["localhost".to_owned()],
            certificate: directory.join("certificate.pem"),
        };
        config.limits = Limits {
            header_timeout: SHORT * 5,
            ..Limits::default()
        };
    })
    .await;
    let mut roots = rustls::RootCertStore::empty();
    let made = CertificateDer::from_pem_file(server.directory.path().join("certificate.pem"));
    roots.add(made.unwrap()).unwrap();
    for (offered, taken) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"], "http/1.1")] {
        let mut client = rustls::ClientConfig::builder()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        client.alpn_protocols = offered
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = server.connect().await;
        let mut stream = TlsConnector::from(Arc::new(client))
            .connect(name, stream)
            .await
            .unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(taken.as_bytes()));
        assert_eq!(
            session.protocol_version(),
            Some(rustls::ProtocolVersion::TLSv1_3)
        );
        let group = session.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
        if taken == "http/1.1" {
            assert_eq!(exchange(&mut stream, &format!("{HEAD}\r\n")).await, 200);
        }
    }
    // Plain text, and half a handshake, are let go.
    for sent in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01"] {
        let mut stream = server.connect().await;
        stream.write_all(sent).await.unwrap();
        assert!(!rest(&mut stream).await.contains("HTTP"));
    }
}

#[tokio::test]
async fn a_sealed_server_tells_how_it_is_and_nothing_else() {
    let server = Running::start(|_, _| {}).await;
    let me = server.get("/api/v1/me");
    assert_eq!(server.status_of(&me).await, 200);
    let status = server.operate(Command::Seal).await.unwrap().status.unwrap();
    assert!(status.initialized && status.sealed && status.seal == "key_file");
    for (path, expected) in [
        ("/healthz", 200),
        ("/readyz", 503),
        ("/metrics", 200),
        ("/api/v1/me", 503),
        ("/api/v1/nothing", 503),
        ("/v1/users", 503),
        ("/nothing", 503),
        ("/api-docs", 503),
    ] {
        assert_eq!(
            server.status_of(&server.get(path)).await,
            expected,
            "{path}"
        );
    }
    let reply = server.operate(Command::Unseal(None)).await.unwrap();
    assert!(reply.ok && !reply.status.unwrap().sealed);
    assert_eq!(server.status_of(&me).await, 200);
}

#[tokio::test]
async fn an_operator_rotates_keys_and_moves_no_clock() {
    let server = Running::start(|_, _| {}).await;
    let rotated = async |keys| {
        server
            .operate(Command::RotateKeys(keys))
            .await
            .unwrap()
            .rotated
    };
    assert_eq!(rotated(Keys::Root).await, Some(2));
    assert_eq!(rotated(Keys::Organizations).await, Some(1));
    let moved = server.operate(Command::AdvanceClock(SHORT)).await.unwrap();
    assert!(!moved.ok && moved.error.is_some());
    assert_eq!(server.status_of(&server.get("/api/v1/me")).await, 200);
}

#[tokio::test]
async fn the_socket_takes_commands_and_nothing_else() {
    use std::os::unix::fs::PermissionsExt;

    let server = Running::start(|_, _| {}).await;
    let path = server.directory.path().join("kluis.sock");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    let lines = "nonsense\n{\"command\":\"format\"}\n{\"command\":\"status\",\"x\":1}\n{\"command\":\"status\"}\n";
    stream.write_all(lines.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let done: Vec<_> = answers
        .lines()
        .map(|line| serde_json::from_str::<Reply>(line).unwrap().ok)
        .collect();
    assert_eq!(done, [false, false, false, true]);
    // A line without an end is cut off, not collected.
    let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    let _ = stream.write_all(&vec![b'x'; 1 << 20]).await;
    let _ = stream.read_to_string(&mut String::new()).await;
    server.handle.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let running = Running::start(|_, _| {}).await;
    let settings = Settings::in_directory(running.directory.path().join("other"));
    let engine = Engine::open(settings, Clock::system()).await.unwrap();
    let taken = running.handle.addresses()[0];
    let config = Config {
        listen: vec![taken],
        ..Config::default()
    };
    let error = Server::start(config, engine.clone())
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains(&taken.to_string()), "{error}");
    let key = running.directory.path().join("key.pem");
    std::fs::write(&key, "canary").unwrap();
    let tls = Tls::Files {
        certificate: key.clone(),
        key,
    };
    let config = Config {
        tls,
        ..Config::default()
    };
    let error = Server::start(config, engine)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("key.pem") && !error.contains("canary"),
        "{error}"
    );
}
