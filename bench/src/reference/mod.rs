//! The reference: a server that does only what no secrets manager can leave out, on the HTTP stack that Kluis uses.
//!
//! | route | work |
//! |---|---|
//! | `GET /static` | a fixed JSON answer |
//! | `GET /read/{id}` | token digest, one `SELECT` by primary key on the serving thread, AES-256-GCM open, JSON |
//! | `GET /list/{first}/{count}` | the same for that many neighbouring rows in one `SELECT` |
//! | `POST /write` | token digest, AES-256-GCM seal, one row inserted by the group-committing writer, answer after its COMMIT |
//!
//! It has no vaults, no permissions, no record and no error shapes: its CPU time per request is the floor that the table's
//! ratios stand on.

mod seal;
mod store;

use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{self, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::seal::Keys;
use self::store::{Row, Store};

/// Rows that stand in the table from the start, with ids from 1.
pub(crate) const ROWS: u32 = 10_000;

/// Rows in the longest answer.
pub(crate) const LISTED: u32 = 100;

/// How the bearer token begins.
pub(crate) const TOKEN_PREFIX: &str = "ref_";

/// The name of a preloaded row.
pub(crate) fn row_key(id: u32) -> String {
    format!("BENCH_KEY_{id:06}")
}

/// Serves on a free loopback port with a database in `directory`, until standard input ends.
///
/// The first line of standard input is the bearer token; the first line of standard output is the address.
pub(crate) fn serve(directory: &Path) -> Result<()> {
    let mut token = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut token)
        .context("reading the token from standard input")?;
    let reference = Arc::new(Reference::open(directory, token.trim())?);
    let (stop, stopped) = oneshot::channel();
    std::thread::spawn(move || {
        let ended = std::io::stdin().lock().read_to_end(&mut Vec::new());
        // Whoever waits for this may have gone already; then there is nothing left to stop.
        let _ = stop.send(ended);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        tokio::select! {
            ended = stopped => { ended??; Ok(()) }
            served = accept(listener, router(reference)) => served,
        }
    })
}

async fn accept(listener: TcpListener, router: Router) -> Result<()> {
    let builder = Arc::new(auto::Builder::new(TokioExecutor::new()));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (builder, service) = (
            Arc::clone(&builder),
            TowerToHyperService::new(router.clone()),
        );
        tokio::spawn(async move {
            // An error here is a client that went away.
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn router(reference: Arc<Reference>) -> Router {
    Router::new()
        .route("/static", get(static_read))
        .route("/read/{id}", get(row_read))
        .route("/list/{first}/{count}", get(row_list))
        .route("/write", post(row_write))
        .with_state(reference)
}

struct Reference {
    keys: Keys,
    store: Store,
    token_digest: seal::Digest,
}

impl Reference {
    fn open(directory: &Path, token: &str) -> Result<Self> {
        let keys = Keys::generate()?;
        let token_digest = keys.digest(token);
        let rows = (1..=ROWS).map(|id| {
            let (nonce, sealed) =
                keys.seal(id, crate::sample::value_of(&row_key(id)).as_bytes())?;
            Ok(Row {
                id,
                key: row_key(id),
                nonce,
                sealed,
                at: 0,
            })
        });
        let store = Store::create(&directory.join("reference.db"), rows)?;
        Ok(Self {
            keys,
            store,
            token_digest,
        })
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let value = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        match token {
            Some(token) if self.keys.digest(token).equals(&self.token_digest) => Ok(()),
            _ => Err(Failure(StatusCode::UNAUTHORIZED, "unknown token")),
        }
    }

    fn reveal(&self, row: Row) -> Result<Item, Failure> {
        let value = self
            .keys
            .open(row.id, row.nonce, row.sealed)
            .map_err(|_| BROKEN)?;
        let value = String::from_utf8(value).map_err(|_| BROKEN)?;
        Ok(Item {
            id: row.id,
            key: row.key,
            value,
            r#type: "text",
            created_at: row.at,
            updated_at: row.at,
        })
    }
}

async fn static_read() -> impl IntoResponse {
    axum::Json(Data {
        data: Static { status: "static" },
    })
}

async fn row_read(
    State(reference): State<Arc<Reference>>,
    extract::Path(id): extract::Path<u32>,
    headers: HeaderMap,
) -> Answer<Item> {
    reference.authenticate(&headers)?;
    let row = reference
        .store
        .row(id)
        .map_err(|_| BROKEN)?
        .ok_or(Failure(StatusCode::NOT_FOUND, "no such row"))?;
    Ok(axum::Json(Data {
        data: reference.reveal(row)?,
    }))
}

async fn row_list(
    State(reference): State<Arc<Reference>>,
    extract::Path((first, count)): extract::Path<(u32, u32)>,
    headers: HeaderMap,
) -> Answer<Vec<Item>> {
    reference.authenticate(&headers)?;
    let rows = reference.store.rows(first, count).map_err(|_| BROKEN)?;
    let items: Result<Vec<Item>, Failure> =
        rows.into_iter().map(|row| reference.reveal(row)).collect();
    Ok(axum::Json(Data { data: items? }))
}

async fn row_write(
    State(reference): State<Arc<Reference>>,
    headers: HeaderMap,
    axum::Json(new): axum::Json<NewItem>,
) -> Result<(StatusCode, axum::Json<Data<Item>>), Failure> {
    reference.authenticate(&headers)?;
    let id = reference.store.next_id();
    let (nonce, sealed) = reference
        .keys
        .seal(id, new.value.as_bytes())
        .map_err(|_| BROKEN)?;
    let row = Row {
        id,
        key: new.key.clone(),
        nonce,
        sealed,
        at: 0,
    };
    reference.store.insert(row).await.map_err(|_| BROKEN)?;
    let item = Item {
        id,
        key: new.key,
        value: new.value,
        r#type: "text",
        created_at: 0,
        updated_at: 0,
    };
    Ok((StatusCode::CREATED, axum::Json(Data { data: item })))
}

type Answer<T> = Result<axum::Json<Data<T>>, Failure>;

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

#[derive(Serialize)]
struct Static {
    status: &'static str,
}

#[derive(Deserialize)]
struct NewItem {
    key: String,
    value: String,
}

/// The members of a secret as CloudKeep shows it, so that both servers write JSON of one size.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: u32,
    key: String,
    value: String,
    r#type: &'static str,
    created_at: i64,
    updated_at: i64,
}

struct Failure(StatusCode, &'static str);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

const BROKEN: Failure = Failure(
    StatusCode::INTERNAL_SERVER_ERROR,
    "the reference server failed",
);
