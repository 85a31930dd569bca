//! The four types that both databases share: integer, text, bytes, nothing.
//!
//! No floats, no native JSON, no native times: milliseconds are integers, JSON is text, ids are 16 bytes.

use super::Failure;
use crate::clock::Timestamp;

/// A parameter of a statement.
#[derive(Clone, Copy)]
pub(crate) enum Param<'a> {
    Blob(&'a [u8]),
    Int(i64),
    Null,
    Text(&'a str),
}

/// A column of a row.
pub(crate) enum Value {
    Blob(Vec<u8>),
    Int(i64),
    Null,
    Text(String),
}

/// A row, read column by column in the order of its `SELECT`.
pub(crate) struct Row {
    columns: std::vec::IntoIter<Value>,
}

impl Row {
    pub(super) fn new(columns: Vec<Value>) -> Self {
        Self {
            columns: columns.into_iter(),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64, Failure> {
        self.optional_int()?.ok_or_else(unexpected)
    }

    pub(crate) fn optional_int(&mut self) -> Result<Option<i64>, Failure> {
        match self.columns.next() {
            Some(Value::Int(int)) => Ok(Some(int)),
            Some(Value::Null) => Ok(None),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Failure> {
        Ok(self.int()? != 0)
    }

    /// A count or version number that fits 32 bits.
    pub(crate) fn number(&mut self) -> Result<u32, Failure> {
        u32::try_from(self.int()?).map_err(|_| unexpected())
    }

    pub(crate) fn optional_number(&mut self) -> Result<Option<u32>, Failure> {
        self.optional_int()?
            .map(u32::try_from)
            .transpose()
            .map_err(|_| unexpected())
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, Failure> {
        self.int().map(Timestamp::from_millis)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>, Failure> {
        Ok(self.optional_int()?.map(Timestamp::from_millis))
    }

    pub(crate) fn text(&mut self) -> Result<String, Failure> {
        self.optional_text()?.ok_or_else(unexpected)
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, Failure> {
        match self.columns.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn blob(&mut self) -> Result<Vec<u8>, Failure> {
        self.optional_blob()?.ok_or_else(unexpected)
    }

    pub(crate) fn optional_blob(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        match self.columns.next() {
            Some(Value::Blob(blob)) => Ok(Some(blob)),
            Some(Value::Null) => Ok(None),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        self.blob()?.try_into().map_err(|_| unexpected())
    }

    pub(crate) fn optional_array<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Failure> {
        self.optional_blob()?
            .map(TryInto::try_into)
            .transpose()
            .map_err(|_| unexpected())
    }

    /// JSON that an own statement stored; `T` is what it was stored from.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Failure> {
        serde_json::from_str(&self.text()?).map_err(|_| unexpected())
    }
}

/// A row that does not look as its statement says: another release's schema, or a damaged database.
pub(crate) fn unexpected() -> Failure {
    Failure::Other("a row does not have the expected shape".to_owned())
}

impl From<bool> for Param<'_> {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl From<i64> for Param<'_> {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<u32> for Param<'_> {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

impl From<Timestamp> for Param<'_> {
    fn from(at: Timestamp) -> Self {
        Self::Int(at.millis())
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Blob(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Param<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Blob(bytes)
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement, each turned into a [`Param`].
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::Param::from($value)),*]
    };
}
pub(crate) use params;
