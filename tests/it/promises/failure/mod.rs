//! What is broken around the server gives a clear message, an exit code and no damage; what mends itself needs no
//! restart (DESIGN §8, promise 3; issue 3, "Bad input and failure").

mod disk;
mod postgres;
mod start;

use std::time::{Duration, Instant};

use crate::harness::{Answer, Api, Ended};

/// The server did not start, and said why and what to do; each of `words` stands in what it said.
#[track_caller]
fn assert_told(ended: &Ended, words: &[&str]) {
    let said = &ended.stderr;
    assert!(
        ended.code.is_some_and(|code| code != 0),
        "{:?}: {said}",
        ended.code
    );
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert!(said.lines().count() <= 8, "more than a message: {said}");
}

/// Ask again until the server can serve: it is to recover by itself.
async fn recovered(api: &Api, path: &str) -> Answer {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let answer = api.get(path).await;
        if answer.status == 200 {
            return answer;
        }
        assert_eq!(answer.status, 503, "{answer}");
        assert!(Instant::now() < deadline, "it does not recover: {answer}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
