//! Acknowledged means durable (DESIGN §5): seen in the system calls of a server at work.

use serde_json::json;

use crate::cloudkeep::vaults::vault;
use crate::harness::trace::{Call, Trace, is_named};
use crate::harness::{Api, Kluis};

const CALLS: &str = "trace=fsync,fdatasync,write,writev,pwrite64,pwritev,sendto,sendmsg,\
                     recvfrom,read,recvmsg";

/// Requests that are made at once in the second part.
const CLIENTS: usize = 8;

/// Issue 3, "Done when": a reply never leaves before its commit is on disk.
///
/// One client alone first: then the pages between a request and its answer are that request's. Many at once then, whose
/// changes are committed together.
#[tokio::test]
async fn the_answer_to_a_change_leaves_after_its_pages_are_synchronized() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    let trace = Trace::attach(kluis.pid(), &["-e", CALLS]).await;
    for count in 0..5 {
        create(&owner, &path, &format!("alone-{count}")).await;
    }
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (api, path) = (kluis.owner(), path.clone());
            tokio::spawn(async move {
                for count in 0..3 {
                    create(&api, &path, &format!("{client}-{count}")).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let calls = trace.calls();
    let answers: Vec<&Call> = calls
        .iter()
        .filter(|call| is_sent(call) && call.arguments.contains("HTTP/1.1 201"))
        .collect();
    assert_eq!(answers.len(), 5 + CLIENTS * 3);
    for answer in answers {
        let request = request_of(&calls, answer, "POST ");
        let written = calls
            .iter()
            .filter(|call| is_log_write(call) && call.began > request.ended);
        let synchronized = |write: &Call| {
            calls.iter().any(|call| {
                is_synchronization(call)
                    && call.began > write.ended
                    && call.ended < answer.began
                    && call.result.starts_with('0')
            })
        };
        let mut written = written.filter(|write| write.ended < answer.began);
        let first = written
            .next()
            .unwrap_or_else(|| panic!("nothing was written before {answer:?}"));
        assert!(synchronized(first), "not on disk before {answer:?}");
    }
    // Of a request alone every page is on disk.
    let alone: Vec<&Call> = calls
        .iter()
        .filter(|call| is_sent(call) && call.arguments.contains("HTTP/1.1 201"))
        .take(5)
        .collect();
    for answer in alone {
        let request = request_of(&calls, answer, "POST ");
        let last = calls
            .iter()
            .rfind(|call| {
                (is_log_write(call) || is_synchronization(call))
                    && call.began > request.ended
                    && call.ended < answer.began
            })
            .unwrap();
        assert!(is_synchronization(last), "{last:?} before {answer:?}");
    }
}

/// A read's event is recorded before the value leaves, without waiting for the disk (DESIGN §5).
#[tokio::test]
async fn a_value_leaves_after_its_event_is_written() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    let id = create(&owner, &path, "A").await;
    let trace = Trace::attach(kluis.pid(), &["-e", CALLS]).await;
    for _ in 0..10 {
        owner.get(&format!("{path}/{id}")).await.expect(200);
    }
    let calls = trace.calls();
    let answers: Vec<&Call> = calls
        .iter()
        .filter(|call| is_sent(call) && call.arguments.contains("HTTP/1.1 200"))
        .collect();
    assert_eq!(answers.len(), 10);
    for answer in answers {
        let request = request_of(&calls, answer, "GET ");
        let recorded = calls.iter().any(|call| {
            call.name.contains("write")
                && call.file().contains("/journal/")
                && call.began > request.ended
                && call.ended < answer.began
        });
        assert!(recorded, "no event before {answer:?}");
    }
}

async fn create(api: &Api, path: &str, key: &str) -> String {
    let body = json!({"key": key, "value": "v".repeat(1000)});
    api.post(path, body).await.expect(201).text("/data/id")
}

/// The request that an answer belongs to: the last of its connection before it.
fn request_of<'a>(calls: &'a [Call], answer: &Call, method: &str) -> &'a Call {
    calls
        .iter()
        .rfind(|call| {
            matches!(call.name.as_str(), "recvfrom" | "read" | "recvmsg")
                && call.file() == answer.file()
                && call.ended < answer.began
                && call.arguments.contains(&format!("\"{method}"))
        })
        .unwrap_or_else(|| panic!("no request before {answer:?}"))
}

fn is_sent(call: &Call) -> bool {
    matches!(
        call.name.as_str(),
        "sendto" | "sendmsg" | "write" | "writev"
    ) && call.file().starts_with("TCP")
}

fn is_log_write(call: &Call) -> bool {
    call.name.contains("write") && is_named(call.file(), "kluis.db-wal")
}

fn is_synchronization(call: &Call) -> bool {
    matches!(call.name.as_str(), "fsync" | "fdatasync") && is_named(call.file(), "kluis.db-wal")
}
