//! Servers that lie: whatever they send, a session is refused in time, and nothing panics (NT-48).

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const SERVED: [DatabaseKind; 3] = [
    DatabaseKind::MySql,
    DatabaseKind::Postgres,
    DatabaseKind::Redis,
];

/// A server that reads something and says this, over and over where it is to, and then ends the connection.
async fn liar(said: Vec<u8>, again: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    crate::blocking::background(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(&said).await;
            while again && stream.write_all(&said).await.is_ok() {}
            let _ = stream.shutdown().await;
            let _ = stream.read(&mut [0; 4_096]).await;
        }
    });
    address
}

fn door(kind: DatabaseKind, address: SocketAddr, mode: TlsMode) -> Door {
    Door {
        kind,
        place: Place {
            host: "db.example.test".to_owned(),
            addresses: vec![address],
        },
        tls: Tls { mode, ca_pem: None },
        login: Login {
            username: "user".to_owned(),
            password: Secret::from_text("password".to_owned()),
            database: None,
        },
    }
}

async fn tried(kind: DatabaseKind, said: Vec<u8>, again: bool, mode: TlsMode) -> TargetError {
    let address = liar(said, again).await;
    let trying = on_server(door(kind, address, mode), |session| {
        Box::pin(async move { session.users("").await })
    });
    let ended = tokio::time::timeout(ACTION + CONNECT, trying).await;
    ended.expect("it ends in time").expect_err("it is refused")
}

/// A packet of MySQL.
fn packet(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], content].concat()
}

/// What a MySQL server says first, with this method and no TLS.
fn greeting(method: &str) -> Vec<u8> {
    let capabilities: u32 = 1 << 9 | 1 << 15 | 1 << 19;
    let [a, b, c, d] = capabilities.to_le_bytes();
    let mut content = b"\x0a8.0.36\0".to_vec();
    content.extend_from_slice(&[1, 0, 0, 0]);
    content.extend_from_slice(&[7; 8]);
    content.extend_from_slice(&[0, a, b, 45, 2, 0, c, d, 21]);
    content.extend_from_slice(&[0; 10]);
    content.extend_from_slice(&[7; 12]);
    content.push(0);
    content.extend_from_slice(method.as_bytes());
    content.push(0);
    packet(0, &content)
}

/// The same, with a log-in that is accepted.
fn logged_in() -> Vec<u8> {
    let mut said = greeting("mysql_native_password");
    said.extend(packet(2, &[0, 0, 0, 2, 0, 0, 0]));
    // The first statement is done.
    said.extend(packet(1, &[0, 0, 0, 2, 0, 0, 0]));
    said
}

/// A message of PostgreSQL that says it has this many bytes.
fn message(kind: u8, length: u32, body: &[u8]) -> Vec<u8> {
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

/// NT-48
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a catalogue of lies")]
async fn a_server_that_lies_is_refused() {
    let with_columns = |count: &[u8]| [logged_in(), packet(1, count)].concat();
    let postgres_logged_in = [
        message(b'R', 8, &[0, 0, 0, 0]),
        message(b'Z', 5, b"I"),
        message(b'C', 8, b"SET\0"),
        message(b'Z', 5, b"I"),
    ]
    .concat();
    let short_row = [
        postgres_logged_in.clone(),
        message(
            b'T',
            31,
            b"\0\x01rolname\0\0\0\0\0\0\0\0\0\0\x13\0\x40\xff\xff\xff\xff\0\0",
        ),
        message(b'D', 6, &[0, 9]),
        message(b'Z', 5, b"I"),
    ]
    .concat();
    let hash_for_ever = b"r=abc,s=AAAA,i=4294967295";
    let length = u32::try_from(8 + hash_for_ever.len()).unwrap();
    let hash_for_ever = message(b'R', length, &[&[0, 0, 0, 11], &hash_for_ever[..]].concat());
    for (kind, said, why) in [
        (DatabaseKind::Postgres, vec![], TargetError::Protocol),
        (DatabaseKind::Postgres, vec![0; 64], TargetError::Protocol),
        (
            DatabaseKind::Postgres,
            message(b'R', u32::MAX, &[]),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::Postgres,
            message(b'R', 1 << 30, &[]),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::Postgres,
            message(b'R', 3, &[]),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::Postgres,
            message(b'R', 4, &[]),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::Postgres,
            message(b'R', 8, &[0, 0, 0, 3]),
            TargetError::Method,
        ),
        (DatabaseKind::Postgres, hash_for_ever, TargetError::Protocol),
        (DatabaseKind::Postgres, short_row, TargetError::Protocol),
        (
            DatabaseKind::Postgres,
            b"-ERR what?\r\n".to_vec(),
            TargetError::Protocol,
        ),
        (DatabaseKind::MySql, vec![], TargetError::Protocol),
        (DatabaseKind::MySql, vec![0xff; 64], TargetError::Protocol),
        (DatabaseKind::MySql, packet(0, &[]), TargetError::Protocol),
        (
            DatabaseKind::MySql,
            packet(0, b"\x0a8.0"),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::MySql,
            packet(0, b"\xff"),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::MySql,
            packet(0, b"\xff\x15\x04no"),
            TargetError::Credentials,
        ),
        (
            DatabaseKind::MySql,
            [
                greeting("mysql_clear_password"),
                packet(2, b"\xfemysql_clear_password\0"),
            ]
            .concat(),
            TargetError::Method,
        ),
        (
            DatabaseKind::MySql,
            [greeting("caching_sha2_password"), packet(2, &[1, 4])].concat(),
            TargetError::Method,
        ),
        (
            DatabaseKind::MySql,
            with_columns(&[0xfe, 255, 255, 255, 255, 255, 255, 255, 127]),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::MySql,
            with_columns(&[0xfb, b'/', b'e', b't', b'c']),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::MySql,
            with_columns(&[]),
            TargetError::Protocol,
        ),
        (DatabaseKind::Redis, vec![], TargetError::Protocol),
        (
            DatabaseKind::Redis,
            b"$2147483647\r\n".to_vec(),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::Redis,
            b"*2147483647\r\n".to_vec(),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::Redis,
            b"*-2\r\n".to_vec(),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::Redis,
            b"*1\r\n".repeat(10_000),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::Redis,
            b"+".repeat(100_000),
            TargetError::Protocol,
        ),
        (
            DatabaseKind::Redis,
            b"-WRONGPASS canary\r\n".to_vec(),
            TargetError::Credentials,
        ),
        (
            DatabaseKind::Redis,
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            TargetError::Protocol,
        ),
    ] {
        let shown = said
            .iter()
            .take(60)
            .map(|byte| byte.escape_ascii().to_string())
            .collect::<String>();
        let refused = tried(kind, said, false, TlsMode::Disable).await;
        assert_eq!(refused, why, "{kind:?} {shown}");
    }
}

/// NT-48
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sends_for_ever_is_left() {
    for (kind, said) in [
        (DatabaseKind::Postgres, message(b'N', 5, &[0])),
        (DatabaseKind::MySql, packet(0, &[10; 64])),
        (DatabaseKind::Redis, b"+".to_vec()),
    ] {
        let refused = tried(kind, said, true, TlsMode::Disable).await;
        assert_eq!(refused, TargetError::Protocol, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_tls_is_not_talked_to_without_it() {
    for (kind, said, why) in [
        (
            DatabaseKind::Postgres,
            b"N".to_vec(),
            TargetError::Unencrypted,
        ),
        (
            DatabaseKind::MySql,
            greeting("mysql_native_password"),
            TargetError::Unencrypted,
        ),
        (
            DatabaseKind::Redis,
            b"+OK\r\n".to_vec(),
            TargetError::Protocol,
        ),
    ] {
        for mode in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
            let refused = tried(kind, said.clone(), false, mode).await;
            assert_eq!(refused, why, "{kind:?} {mode:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_called_without_an_address() {
    for kind in DatabaseKind::ALL {
        let mut door = door(kind, "127.0.0.1:1".parse().unwrap(), TlsMode::Disable);
        door.place.addresses.clear();
        let refused = on_server(door, |session| {
            Box::pin(async move { session.users("").await })
        });
        let why = if kind.is_served() {
            TargetError::Address
        } else {
            TargetError::Unsupported
        };
        assert_eq!(refused.await, Err(why), "{kind:?}");
    }
}

/// A server that never says anything takes no longer than a connection may, whatever is asked of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_left_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    crate::blocking::background(async move {
        let mut held = Vec::new();
        while let Ok(stream) = listener.accept().await {
            held.push(stream);
        }
    });
    let asked = SERVED.map(|kind| {
        on_server(door(kind, address, TlsMode::Disable), |session| {
            Box::pin(async move { session.users("").await })
        })
    });
    let [mysql, postgres, redis] = asked;
    let asked = async { tokio::join!(mysql, postgres, redis) };
    let waited = CONNECT + Duration::from_secs(5);
    let refused = Box::pin(tokio::time::timeout(waited, asked)).await;
    let left = Err(TargetError::Connect);
    assert_eq!(
        refused.expect("in time"),
        (left.clone(), left.clone(), left)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// NT-48
    #[test]
    fn no_answer_makes_it_panic(
        which in 0_usize..3,
        opening in 0_usize..4,
        garbage in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let opening = match opening {
            0 => Vec::new(),
            1 => logged_in(),
            2 => [message(b'R', 8, &[0, 0, 0, 0]), message(b'Z', 5, b"I")].concat(),
            _ => b"+OK\r\n$20\r\nredis_version:7.0.15\r\n".to_vec(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let said = [opening, garbage].concat();
        // Not through `on_server`, which would tell a panic as an answer like any other.
        let asked = runtime.block_on(async {
            let address = liar(said, false).await;
            let mut session = Session::open(door(SERVED[which], address, TlsMode::Disable)).await?;
            session.has_user("nobody").await
        });
        if let Err(error) = asked {
            prop_assert!(!matches!(error, TargetError::Address | TargetError::Unsupported), "{error}");
        }
    }
}
