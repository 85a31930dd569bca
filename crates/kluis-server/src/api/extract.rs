//! What a request holds, parsed: bodies, paths and queries, refused in the dialect's own shape.
//!
//! A message names the member that is wrong and what it has to be. It never repeats what was sent, since that may be a
//! secret (NT-40).

use axum::extract::{FromRequestParts, Request};
use http::request::Parts;
use kluis_engine::Error;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde_json::error::Category;

use super::Dialect;
use super::body::{BODY, body_of, is_json};
use crate::app::App;

/// The JSON object that is a request's body.
pub(crate) async fn json<T>(request: Request, app: &App, dialect: Dialect) -> Result<T, Error>
where
    T: DeserializeOwned,
{
    if !is_json(request.headers()) {
        return Err(Error::invalid(BODY, "must be sent as application/json"));
    }
    object(&body_of(request, dialect, app).await?)
}

/// One JSON object as a body, or a list of them.
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// The JSON object, or the list of objects, that is a request's body.
pub(crate) async fn one_or_many<T>(
    request: Request,
    app: &App,
    dialect: Dialect,
) -> Result<OneOrMany<T>, Error>
where
    T: DeserializeOwned,
{
    if !is_json(request.headers()) {
        return Err(Error::invalid(BODY, "must be sent as application/json"));
    }
    let body = body_of(request, dialect, app).await?;
    if body.trim_ascii_start().starts_with(b"[") {
        parsed(text(&body)?).map(OneOrMany::Many)
    } else {
        object(&body).map(OneOrMany::One)
    }
}

/// The body of a request that needs none: nothing, under whatever content type, or a JSON object whose members are ignored.
pub(crate) async fn no_body(request: Request, app: &App, dialect: Dialect) -> Result<(), Error> {
    let said_json = is_json(request.headers());
    let body = body_of(request, dialect, app).await?;
    if is_none(&body) {
        return Ok(());
    }
    if !said_json {
        return Err(Error::invalid(BODY, "must be sent as application/json"));
    }
    object::<IgnoredAny>(&body).map(drop)
}

/// The JSON object that is a request's body, if it has one (1claw contract C3).
pub(crate) async fn optional_json<T>(
    request: Request,
    app: &App,
    dialect: Dialect,
) -> Result<Option<T>, Error>
where
    T: DeserializeOwned,
{
    let said_json = is_json(request.headers());
    let body = body_of(request, dialect, app).await?;
    if is_none(&body) {
        return Ok(None);
    }
    if !said_json {
        return Err(Error::invalid(BODY, "must be sent as application/json"));
    }
    object(&body).map(Some)
}

/// Whether a body says nothing: `null` is as good as absent (1claw contract C5).
fn is_none(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"null")
}

/// The parameters in a request's path; nothing when they are not UTF-8.
pub(crate) async fn path<T>(parts: &mut Parts) -> Option<T>
where
    T: DeserializeOwned + Send,
{
    axum::extract::Path::from_request_parts(parts, &())
        .await
        .ok()
        .map(|path| path.0)
}

/// The parameters in a request's query.
pub(crate) fn query<T: DeserializeOwned>(parts: &Parts) -> Result<T, Error> {
    let text = parts.uri.query().unwrap_or_default();
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(pairs)
        .map_err(|error| located(&error.path().to_string(), error.inner()))
}

/// Gives a dialect those extractors of its own that it names, of `Json`, `JsonOneOrMany`, `NoBody`, `OptionalJson`, `Path` and `Query`; they refuse in its
/// shape. `$unreadable` is what a path is that is not UTF-8.
macro_rules! extractors {
    ($dialect:expr, $failure:ty, $unreadable:expr; $($name:ident),+) => {
        $(crate::api::extract::extractor!($name, $dialect, $failure, $unreadable);)+
    };
}

macro_rules! extractor {
    (Json, $dialect:expr, $failure:ty, $unreadable:expr) => {
        /// A JSON object as the body.
        pub(crate) struct Json<T>(pub(crate) T);

        impl<T: serde::de::DeserializeOwned> axum::extract::FromRequest<crate::app::App>
            for Json<T>
        {
            type Rejection = $failure;

            async fn from_request(
                request: axum::extract::Request,
                app: &crate::app::App,
            ) -> Result<Self, $failure> {
                Ok(Self(
                    crate::api::extract::json(request, app, $dialect).await?,
                ))
            }
        }
    };
    (JsonOneOrMany, $dialect:expr, $failure:ty, $unreadable:expr) => {
        /// A JSON object as the body, or a list of them.
        pub(crate) struct JsonOneOrMany<T>(pub(crate) crate::api::extract::OneOrMany<T>);

        impl<T: serde::de::DeserializeOwned> axum::extract::FromRequest<crate::app::App>
            for JsonOneOrMany<T>
        {
            type Rejection = $failure;

            async fn from_request(
                request: axum::extract::Request,
                app: &crate::app::App,
            ) -> Result<Self, $failure> {
                Ok(Self(
                    crate::api::extract::one_or_many(request, app, $dialect).await?,
                ))
            }
        }
    };
    (OptionalJson, $dialect:expr, $failure:ty, $unreadable:expr) => {
        /// A JSON object as the body, or none.
        pub(crate) struct OptionalJson<T>(pub(crate) Option<T>);

        impl<T: serde::de::DeserializeOwned> axum::extract::FromRequest<crate::app::App>
            for OptionalJson<T>
        {
            type Rejection = $failure;

            async fn from_request(
                request: axum::extract::Request,
                app: &crate::app::App,
            ) -> Result<Self, $failure> {
                Ok(Self(
                    crate::api::extract::optional_json(request, app, $dialect).await?,
                ))
            }
        }
    };
    (NoBody, $dialect:expr, $failure:ty, $unreadable:expr) => {
        /// No body, or one without a meaning.
        pub(crate) struct NoBody;

        impl axum::extract::FromRequest<crate::app::App> for NoBody {
            type Rejection = $failure;

            async fn from_request(
                request: axum::extract::Request,
                app: &crate::app::App,
            ) -> Result<Self, $failure> {
                crate::api::extract::no_body(request, app, $dialect).await?;
                Ok(Self)
            }
        }
    };
    (Path, $dialect:expr, $failure:ty, $unreadable:expr) => {
        /// The parameters in the path.
        pub(crate) struct Path<T>(pub(crate) T);

        impl<T> axum::extract::FromRequestParts<crate::app::App> for Path<T>
        where
            T: serde::de::DeserializeOwned + Send,
        {
            type Rejection = $failure;

            async fn from_request_parts(
                parts: &mut http::request::Parts,
                _: &crate::app::App,
            ) -> Result<Self, $failure> {
                let path = crate::api::extract::path(parts).await;
                Ok(Self(path.ok_or_else(|| $unreadable)?))
            }
        }
    };
    (Query, $dialect:expr, $failure:ty, $unreadable:expr) => {
        /// The parameters in the query.
        pub(crate) struct Query<T>(pub(crate) T);

        impl<T: serde::de::DeserializeOwned> axum::extract::FromRequestParts<crate::app::App>
            for Query<T>
        {
            type Rejection = $failure;

            async fn from_request_parts(
                parts: &mut http::request::Parts,
                _: &crate::app::App,
            ) -> Result<Self, $failure> {
                Ok(Self(crate::api::extract::query(parts)?))
            }
        }
    };
}

pub(crate) use {extractor, extractors};

/// The JSON object in `bytes`. Nesting is bounded by the library (128 levels); a member given twice is refused.
fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let text = text(bytes)?;
    // A list would pass for an object whose members are given in order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Error::invalid(BODY, "must be a JSON object"));
    }
    parsed(text)
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    str::from_utf8(bytes).map_err(|_| Error::invalid(BODY, "is not UTF-8"))
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => misfit::<T>(text),
        // A type may call a value that it did not expect a fault of the syntax.
        Category::Syntax if serde_json::from_str::<IgnoredAny>(text).is_ok() => misfit::<T>(text),
        Category::Syntax | Category::Eof | Category::Io => {
            let (line, column) = (error.line(), error.column());
            Error::invalid(
                BODY,
                format!("is not valid JSON (line {line}, column {column})"),
            )
        }
    })
}

/// Where JSON does not fit `T`. It is read a second time for that, so that what fits pays nothing.
fn misfit<T: DeserializeOwned>(text: &str) -> Error {
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(_) => Error::invalid(BODY, "does not fit"),
        Err(error) => located(&error.path().to_string(), error.inner()),
    }
}

/// An error at `path`, in words of our own. Of serde's message only those parts are used that come from our types.
pub(super) fn located(path: &str, error: &impl ToString) -> Error {
    let message = error.to_string();
    let field = if path.len() <= LONGEST_FIELD && path != "." {
        path
    } else {
        BODY
    };
    if let Some(member) = quoted(&message, "missing field `") {
        return Error::missing(joined(field, member));
    }
    if message.starts_with("unknown field `") {
        let within = field.rsplit_once('.').map_or(field, |(within, _)| within);
        return Error::invalid(within.to_owned(), "has a member that is not known there");
    }
    if let Some(member) = quoted(&message, "duplicate field `") {
        return Error::invalid(joined(field, member), "is given twice");
    }
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| {
        expected
            .split_once(" at line ")
            .map_or(expected, |(expected, _)| expected)
    });
    match expected {
        Some(expected) => {
            // In words of the format, not of our types.
            let expected = match expected {
                "u8" | "u16" | "u32" | "u64" | "usize" => {
                    "a whole number, 0 or more, that is not too large"
                }
                "a sequence" => "a list",
                "a map" => "an object",
                expected if expected.starts_with("struct ") => "an object",
                "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number that is not too large",
                expected => expected,
            };
            Error::invalid(field.to_owned(), format!("must be {expected}"))
        }
        None => Error::invalid(field.to_owned(), "has a wrong value"),
    }
}

fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    message
        .strip_prefix(before)?
        .split_once('`')
        .map(|(member, _)| member)
}

fn joined(parent: &str, member: &str) -> String {
    if parent == BODY {
        member.to_owned()
    } else {
        format!("{parent}.{member}")
    }
}

/// For a member whose absence and whose `null` differ: absent is `None`, `null` is `Some(None)`.
pub(crate) fn stated<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

const LONGEST_FIELD: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its reading is looked at")]
    struct Sample {
        name: String,
        count: Option<u32>,
        #[serde(default)]
        kind: Kind,
        #[serde(default)]
        tags: Vec<String>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        #[default]
        One,
        Two,
    }

    fn refused(body: &[u8]) -> String {
        object::<Sample>(body).unwrap_err().to_string()
    }

    #[test]
    fn a_refusal_names_the_member_and_what_it_has_to_be() {
        for (body, message) in [
            (r"{}", "name is required."),
            (r#"{"name":null}"#, "name must be a string."),
            (r#"{"name":{}}"#, "name must be a string."),
            (
                r#"{"name":"a","count":"b"}"#,
                "count must be a whole number, 0 or more, that is not too large.",
            ),
            (
                r#"{"name":"a","count":-1}"#,
                "count must be a whole number, 0 or more, that is not too large.",
            ),
            (r#"{"name":"a","kind":"x"}"#, "kind must be `one` or `two`."),
            (r#"{"name":"a","kind":null}"#, "kind has a wrong value."),
            (
                r#"{"name":"a","tags":["a",1]}"#,
                "tags[1] must be a string.",
            ),
            (r#"{"name":"a","name":"b"}"#, "name is given twice."),
            (r#"["a",1]"#, "body must be a JSON object."),
            (r#""a""#, "body must be a JSON object."),
            ("", "body must be a JSON object."),
            (
                r#"{"name":"a"} x"#,
                "body is not valid JSON (line 1, column 14).",
            ),
            (
                r#"{"name":"a""#,
                "body is not valid JSON (line 1, column 11).",
            ),
            (r#"{"name":"\ud800"}"#, "name has a wrong value."),
        ] {
            assert_eq!(refused(body.as_bytes()), message, "{body}");
        }
        assert_eq!(refused(b"{\"name\":\"\xff\"}"), "body is not UTF-8.");
        assert_eq!(
            refused(b"{\"name\":\"a\",\"x\":\"\xff\"}"),
            "body is not UTF-8."
        );
    }

    /// NT-40
    #[test]
    fn a_refusal_never_repeats_what_was_sent() {
        for body in [
            r#"{"name":"a","count":"canary"}"#,
            r#"{"name":"a","count":"canary, expected nothing"}"#,
            r#"{"name":"a","kind":"canary"}"#,
            r#"{"name":"a","tags":"canary"}"#,
            r#"{"name":["canary"]}"#,
            r#"{"canary"#,
        ] {
            assert!(
                !refused(body.as_bytes()).contains("canary"),
                "{}",
                refused(body.as_bytes())
            );
        }
    }

    /// NT-55
    #[test]
    fn depth_is_bounded() {
        let deep = format!(r#"{{"name":{}"#, "[".repeat(200_000));
        assert!(object::<Sample>(deep.as_bytes()).is_err());
        let deep = format!(
            r#"{{"name":"a","x":{}1{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        // What no member asks for is skipped without a stack.
        assert!(object::<Sample>(deep.as_bytes()).is_ok());
    }
}
