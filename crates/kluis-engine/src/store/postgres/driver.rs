//! Statements, parameters, rows and errors of PostgreSQL's driver, as the store knows them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::task::Poll;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::Client;
use crate::store::value::{Value, unexpected};
use crate::store::{Failure, Param, Row};

/// Run a statement once for each row of parameters. They are sent without waiting for each other's answers, so all of
/// them take one round trip.
pub(in crate::store) async fn execute_each(
    client: &Client,
    sql: &'static str,
    rows: &[Vec<Param<'_>>],
) -> Result<(), Failure> {
    let statement = client.prepare_cached(&dialect(sql)).await?;
    let mut running: Vec<_> = rows
        .iter()
        .map(|row| Box::pin(client.execute_raw(&statement, row)))
        .collect();
    let mut first = Ok(());
    std::future::poll_fn(|context| {
        running.retain_mut(|running| match running.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                if let (Ok(()), Err(error)) = (&first, outcome) {
                    first = Err(Failure::from(error));
                }
                false
            }
        });
        if running.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    first
}

/// Every row of a statement.
pub(in crate::store) async fn query(
    client: &Client,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<Vec<Row>, Failure> {
    let statement = client.prepare_cached(&dialect(sql)).await?;
    let rows = client.query(&statement, &bound(params)).await?;
    rows.iter().map(read).collect()
}

/// The number of rows that a statement changed.
pub(in crate::store) async fn execute(
    client: &Client,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<u64, Failure> {
    let statement = client.prepare_cached(&dialect(sql)).await?;
    Ok(client.execute(&statement, &bound(params)).await?)
}

/// Take the rows that `sql` selects, until the transaction ends; whether there are any.
pub(in crate::store) async fn lock(
    client: &Client,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<bool, Failure> {
    let statement = client
        .prepare_cached(&format!("{} FOR UPDATE", dialect(sql)))
        .await?;
    Ok(!client.query(&statement, &bound(params)).await?.is_empty())
}

/// The rows that `sql` selects and that no other transaction has taken; taken until this one ends.
pub(in crate::store) async fn take(
    client: &Client,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<Vec<Row>, Failure> {
    let statement = client
        .prepare_cached(&format!("{} FOR UPDATE SKIP LOCKED", dialect(sql)))
        .await?;
    let rows = client.query(&statement, &bound(params)).await?;
    rows.iter().map(read).collect()
}

/// Parameters as the driver takes them.
fn bound<'p>(params: &'p [Param<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    let bound = params.iter().map(|param| param as &(dyn ToSql + Sync));
    bound.collect()
}

fn read(row: &tokio_postgres::Row) -> Result<Row, Failure> {
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        values.push(match *column.type_() {
            Type::BYTEA => row
                .try_get::<_, Option<Vec<u8>>>(index)?
                .map_or(Value::Null, Value::Blob),
            Type::INT8 => row
                .try_get::<_, Option<i64>>(index)?
                .map_or(Value::Null, Value::Int),
            Type::INT4 => row
                .try_get::<_, Option<i32>>(index)?
                .map_or(Value::Null, |int| Value::Int(int.into())),
            Type::TEXT => row
                .try_get::<_, Option<String>>(index)?
                .map_or(Value::Null, Value::Text),
            _ => return Err(unexpected()),
        });
    }
    Ok(Row::new(values))
}

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match *self {
            Self::Blob(bytes) => bytes.to_sql(ty, out),
            Self::Int(int) if *ty == Type::INT4 => i32::try_from(int)?.to_sql(ty, out),
            Self::Int(int) => int.to_sql(ty, out),
            Self::Null => Ok(IsNull::Yes),
            Self::Text(text) => text.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::BYTEA | Type::INT8 | Type::INT4 | Type::TEXT)
    }

    to_sql_checked!();
}

impl std::fmt::Debug for Param<'_> {
    /// Parameters hold secrets' ciphertexts and digests of tokens: only the type is told.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Blob(_) => "Blob",
            Self::Int(_) => "Int",
            Self::Null => "Null",
            Self::Text(_) => "Text",
        })
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            let lost = error.is_closed()
                || std::error::Error::source(&error)
                    .is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
            return if lost {
                Self::Unavailable(with_causes(&error))
            } else {
                Self::Other(with_causes(&error))
            };
        };
        let code = database.code();
        // The message of a constraint quotes values, so only its name is kept.
        let told = format!(
            "{} {}",
            code.code(),
            database.constraint().unwrap_or_default()
        );
        if *code == SqlState::UNIQUE_VIOLATION {
            return Self::Unique;
        }
        if *code == SqlState::FOREIGN_KEY_VIOLATION {
            return Self::Parent;
        }
        let class = code.code().get(..2).unwrap_or_default();
        match class {
            // Connection, resources, operator intervention, system error, serialization.
            "08" | "53" | "57" | "58" | "40" => Self::Unavailable(told),
            _ => Self::Other(told),
        }
    }
}

/// `sql` with PostgreSQL's spelling of parameters; each statement is translated once.
pub(in crate::store) fn dialect(sql: &'static str) -> Cow<'static, str> {
    static SPELLED: OnceLock<RwLock<HashMap<&'static str, &'static str>>> = OnceLock::new();
    if !sql.contains('?') {
        return Cow::Borrowed(sql);
    }
    let spelled = SPELLED.get_or_init(RwLock::default);
    if let Some(known) = spelled
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(sql)
    {
        return Cow::Borrowed(known);
    }
    let text: &'static str = String::leak(sql.replace('?', "$"));
    spelled
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(sql, text);
    Cow::Borrowed(text)
}

/// A migration in PostgreSQL's types.
pub(in crate::store) fn ddl(sql: &str) -> String {
    sql.replace("BLOB", "BYTEA")
        .replace("INTEGER", "BIGINT")
        .replace(") STRICT, WITHOUT ROWID", ")")
        .replace(") STRICT", ")")
}

/// An error of the driver says little without its causes: "error connecting to server".
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_told = cause.to_string();
        if !told.contains(&cause_told) {
            told.push_str(": ");
            told.push_str(&cause_told);
        }
        next = cause.source();
    }
    told
}
