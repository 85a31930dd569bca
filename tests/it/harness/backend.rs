//! The same test on both databases.

use super::{Kluis, database};

/// Where a server keeps what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Postgres,
    Sqlite,
}

/// What a test of [`on_both`] is given, made on one of the two.
pub trait On {
    async fn on(backend: Backend) -> Self;
}

impl Backend {
    /// The flags of `kluis dev` that choose it; on PostgreSQL with a new database.
    pub fn flags(self) -> Vec<String> {
        match self {
            Self::Postgres => vec!["--storage".to_owned(), database()],
            Self::Sqlite => Vec::new(),
        }
    }

    /// A server on it with more flags.
    pub async fn start_with(self, arguments: &[&str]) -> Kluis {
        let flags = self.flags();
        let all: Vec<&str> = flags
            .iter()
            .map(String::as_str)
            .chain(arguments.iter().copied())
            .collect();
        Kluis::start_with(&all).await
    }
}

impl On for Backend {
    async fn on(backend: Backend) -> Self {
        backend
    }
}

impl On for Kluis {
    async fn on(backend: Backend) -> Self {
        backend.start_with(&[]).await
    }
}

/// Run one of the two tests that [`on_both`] makes.
pub async fn run_on<T: On, F: Future<Output = ()>>(backend: Backend, test: impl FnOnce(T) -> F) {
    test(T::on(backend).await).await;
}

/// Makes two tests of each function: `sqlite::name` and `postgres::name`. Once per module.
///
/// The parameter says what a test wants: a running [`Kluis`], the bare [`Backend`], or another type that is [`On`] both.
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($given:ident: $kind:ty) $body:block)+) => {
        $($(#[$attribute])* async fn $name($given: $kind) $body)+

        mod sqlite {
            use crate::harness::{Backend, run_on};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    run_on(Backend::Sqlite, super::$name).await;
                }
            )+
        }

        mod postgres {
            use crate::harness::{Backend, run_on};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    run_on(Backend::Postgres, super::$name).await;
                }
            )+
        }
    };
}
pub(crate) use on_both;
