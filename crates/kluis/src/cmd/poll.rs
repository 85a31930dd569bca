//! Asking a server again and again until somebody has decided.

use std::time::Duration;

use kluis_client::Error;

/// How long to wait between two questions.
pub(super) struct Poll {
    interval: Duration,
    /// What the server asked for instead, once.
    instead: Option<Duration>,
}

/// What came of a question.
pub(super) enum Asked<T> {
    /// This.
    Answer(T),
    /// Nothing, for now.
    Again,
    /// Nothing that more questions would change.
    Failed(Error),
}

impl Poll {
    /// At the server's pace, within reason.
    pub(super) fn every(interval: Duration) -> Self {
        Self {
            interval: interval.clamp(Duration::from_secs(1), Duration::from_mins(1)),
            instead: None,
        }
    }

    /// Waits until the next question is due.
    pub(super) async fn wait(&mut self) {
        let wait = self.instead.take().unwrap_or(self.interval);
        tokio::time::sleep(wait).await;
    }

    /// Asks more slowly from now on.
    pub(super) fn slow_down(&mut self) {
        self.interval = Self::every(self.interval + Duration::from_secs(5)).interval;
    }

    /// Takes an answer. A connection that fails may work again; who waits for a person does not give up for that.
    pub(super) fn outcome<T>(&mut self, answer: Result<T, Error>) -> Asked<T> {
        match answer {
            Ok(answer) => Asked::Answer(answer),
            Err(Error::RateLimited { retry_after, .. }) => {
                self.instead = retry_after.map(|wait| wait.min(Duration::from_mins(5)));
                Asked::Again
            }
            Err(Error::Unreachable { .. } | Error::TimedOut { .. }) => Asked::Again,
            Err(error) => Asked::Failed(error),
        }
    }
}
