//! One connection to one server: addresses, the credential, time limits, and the reading of answers.

use std::error::Error as _;
use std::time::Duration;

use kluis_crypto::hash;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Method, Response, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::address::{address, base_url};
use crate::{Error, Refusal, SecretText};

/// A client of one Kluis server. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
    /// The same credential for the API that has a header of its own.
    api_key: Option<HeaderValue>,
}

/// Settings of a [`Client`] before it is built.
pub struct Builder {
    base: String,
    token: Option<SecretText>,
    certificate_authorities: Vec<u8>,
    timeout: Duration,
}

impl Builder {
    /// The credential: an API key of any style, a session or an access token.
    #[must_use]
    pub fn token(mut self, token: impl Into<SecretText>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Certificates in PEM that are trusted beside the system's, for a server with a certificate of its own making.
    #[must_use]
    pub fn certificate_authorities(mut self, pem: Vec<u8>) -> Self {
        self.certificate_authorities = pem;
        self
    }

    /// How long one call may take from connecting to the last byte; 30 s unless set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The client. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::Request`] when the base URL, the token or the certificates cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let base = base_url(&self.base)?;
        let header = |scheme| {
            let token = self.token.as_ref();
            token.map(|token| credential(scheme, token)).transpose()
        };
        let (authorization, api_key) = (header("Bearer ")?, header("")?);
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("kluis/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(self.timeout)
            .timeout(self.timeout);
        if base.scheme() == "http" {
            // Reading the system's certificates takes longer than the rest of a call; plain HTTP has no use for them.
            http = http.tls_certs_only([]);
        } else if !self.certificate_authorities.is_empty() {
            let trusted =
                Certificate::from_pem_bundle(&self.certificate_authorities).map_err(|error| {
                    Error::Request(format!(
                        "the certificates cannot be read: {}",
                        innermost(&error)
                    ))
                })?;
            if trusted.is_empty() {
                return Err(Error::Request(
                    "the certificate file holds no PEM certificate".to_owned(),
                ));
            }
            http = http.tls_certs_merge(trusted);
        }
        let http = http.build().map_err(|error| {
            Error::Request(format!("TLS cannot be set up: {}", innermost(&error)))
        })?;
        Ok(Client {
            http,
            base,
            authorization,
            api_key,
        })
    }
}

impl Client {
    /// Starts a client of the server at `base`, such as `https://kluis.example.org` or `http://127.0.0.1:8200`.
    #[must_use]
    pub fn builder(base: impl Into<String>) -> Builder {
        Builder {
            base: base.into(),
            token: None,
            certificate_authorities: Vec::new(),
            timeout: CALL_TIMEOUT,
        }
    }

    /// Base URL of the server, as used.
    #[must_use]
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    /// A short text by which the same credential is known again, and from which nothing can be learned of it: it is made of
    /// 32 random bytes.
    pub(crate) fn caller_mark(&self) -> String {
        let credential = self.api_key.as_ref().map(HeaderValue::as_bytes);
        let digest = hash::sha256(&[b"kluis: mark of a caller", credential.unwrap_or_default()]);
        hash::hex(digest.first_chunk::<8>().unwrap_or(&[0; 8]))
    }

    /// One call: `segments` are the decoded parts of the path, each percent-encoded as a whole, so a slash inside one
    /// does not divide it.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, Error> {
        let body = self.exchange(call).await?;
        serde_json::from_slice(&body).map_err(|error| {
            // serde's sentence quotes the offending value, which may be a secret: only its place is passed on.
            self.malformed(format!(
                "its JSON is not what the API describes (line {}, column {})",
                error.line(),
                error.column()
            ))
        })
    }

    /// One call whose answer has no body, or one that nobody needs.
    pub(crate) async fn call_unit(&self, call: Call<'_>) -> Result<(), Error> {
        self.exchange(call).await.map(drop)
    }

    /// One call whose answer may be long and is handed on as it comes. It may take as long as it wants, as long as something
    /// comes.
    pub(crate) async fn stream(&self, call: Call<'_>) -> Result<Stream, Error> {
        let answer = self.send(call, Some(STREAM_TIMEOUT)).await?;
        if answer.status().is_success() {
            let client = self.clone();
            return Ok(Stream { client, answer });
        }
        Err(self.refusal(answer).await)
    }

    async fn exchange(&self, call: Call<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let limit = call.limit;
        let answer = self.send(call, None).await?;
        if answer.status().is_success() {
            return self.body(answer, limit).await;
        }
        Err(self.refusal(answer).await)
    }

    async fn send(&self, call: Call<'_>, timeout: Option<Duration>) -> Result<Response, Error> {
        let url = address(&self.base, call.segments, call.query)?;
        let mut request = self.http.request(call.method, url);
        let (name, credential) = match call.credential {
            Credential::ApiKey => (API_KEY, &self.api_key),
            Credential::Bearer => (AUTHORIZATION, &self.authorization),
        };
        if let Some(credential) = credential {
            request = request.header(name, credential.clone());
        }
        if let Some(body) = call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        request.send().await.map_err(|error| self.no_answer(&error))
    }

    /// What an answer that is no success says.
    async fn refusal(&self, answer: Response) -> Error {
        let status = answer.status();
        let retry_after = retry_after(&answer);
        let body = match self.body(answer, MAX_REFUSAL).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        if !status.is_client_error() && !status.is_server_error() {
            return self.malformed(format!(
                "status {}, and redirects are not followed",
                status.as_u16()
            ));
        }
        let refusal = Refusal::parse(status.as_u16(), &body);
        if status.as_u16() == 429 {
            Error::RateLimited {
                retry_after,
                refusal,
            }
        } else {
            Error::Refused(refusal)
        }
    }

    /// The whole body, up to `limit` bytes.
    async fn body(&self, mut answer: Response, limit: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        let announced = answer.content_length().unwrap_or(0).min(FIRST_BUFFER);
        let mut body = Zeroizing::new(Vec::with_capacity(usize::try_from(announced).unwrap_or(0)));
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|error| self.no_answer(&error))?
        {
            if body.len() + chunk.len() > limit {
                return Err(Error::TooLong {
                    url: self.base.to_string(),
                    limit,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn no_answer(&self, error: &reqwest::Error) -> Error {
        let url = self.base.to_string();
        let why = innermost(error);
        if error.is_timeout() {
            Error::TimedOut { url, why }
        } else if error.is_connect() && is_tls(error) {
            Error::Tls { url, why }
        } else {
            Error::Unreachable { url, why }
        }
    }

    fn malformed(&self, why: String) -> Error {
        Error::Malformed {
            url: self.base.to_string(),
            why,
        }
    }

    /// What an answer is that fails a check.
    pub(crate) fn integrity(&self, why: &str) -> Error {
        Error::Integrity {
            url: self.base.to_string(),
            why: why.to_owned(),
        }
    }
}

/// An answer that is read as it comes.
pub(crate) struct Stream {
    client: Client,
    answer: Response,
}

impl Stream {
    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match self.answer.chunk().await {
            Ok(chunk) => Ok(chunk.map(|chunk| chunk.to_vec())),
            Err(error) => Err(self.client.no_answer(&error)),
        }
    }

    /// What an answer is that cannot be used.
    pub(crate) fn malformed(&self, why: &str) -> Error {
        self.client.malformed(why.to_owned())
    }
}

/// One request, before the credential and the base URL are added.
pub(crate) struct Call<'a> {
    method: Method,
    segments: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<Vec<u8>>,
    credential: Credential,
    limit: usize,
}

/// Which header the credential goes in.
enum Credential {
    ApiKey,
    Bearer,
}

impl<'a> Call<'a> {
    pub(crate) fn get(segments: &'a [&'a str]) -> Self {
        Self::new(Method::GET, segments)
    }

    pub(crate) fn post(segments: &'a [&'a str]) -> Self {
        Self::new(Method::POST, segments)
    }

    pub(crate) fn put(segments: &'a [&'a str]) -> Self {
        Self::new(Method::PUT, segments)
    }

    pub(crate) fn patch(segments: &'a [&'a str]) -> Self {
        Self::new(Method::PATCH, segments)
    }

    pub(crate) fn delete(segments: &'a [&'a str]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    pub(crate) fn query(mut self, query: &'a [(&'a str, &'a str)]) -> Self {
        self.query = query;
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|_| Error::Request("the body cannot be written as JSON".to_owned()))?;
        self.body = Some(body);
        Ok(self)
    }

    /// The credential goes in `X-API-Key`.
    pub(crate) fn with_api_key(mut self) -> Self {
        self.credential = Credential::ApiKey;
        self
    }

    /// Reads at most this many bytes of an answer.
    pub(crate) fn at_most(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    fn new(method: Method, segments: &'a [&'a str]) -> Self {
        Self {
            method,
            segments,
            query: &[],
            body: None,
            credential: Credential::Bearer,
            limit: MAX_ANSWER,
        }
    }
}

fn credential(scheme: &str, token: &SecretText) -> Result<HeaderValue, Error> {
    let token = token.expose();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Request(
            "the token is empty or holds a blank or a character outside ASCII".to_owned(),
        ));
    }
    let line = Zeroizing::new(format!("{scheme}{token}"));
    let mut value = HeaderValue::from_str(&line)
        .map_err(|_| Error::Request("the token cannot stand in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// `Retry-After` in whole seconds; its date form is not read, the server never sends it.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// The cause at the bottom of a chain: it says what happened, the layers above only where.
fn innermost(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// While connecting, invalid data can only have come from the TLS handshake.
fn is_tls(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::InvalidData)
}

/// An error's causes, outermost first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = Cause<'_>> {
    std::iter::successors(error.source(), |cause| below(*cause))
}

/// The next cause; `source` of an I/O error that wraps another error would pass over that one.
fn below(cause: Cause<'_>) -> Option<Cause<'_>> {
    match cause
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

type Cause<'a> = &'a (dyn std::error::Error + 'static);

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const STREAM_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest answer that is read: 256 MiB, four thousand secrets of the largest size.
const MAX_ANSWER: usize = 256 << 20;

/// Longest explanation of a refusal that is read.
const MAX_REFUSAL: usize = 1 << 20;

/// An announced length is believed up to here when the buffer is made.
const FIRST_BUFFER: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_token_is_refused_without_being_shown() {
        for token in ["", "two words", "line\nbreak", "\u{e9}clair"] {
            let Err(Error::Request(why)) =
                Client::builder("http://h").token(token.to_owned()).build()
            else {
                panic!("{token:?} was taken");
            };
            assert!(token.is_empty() || !why.contains(token), "{why}");
        }
    }
}
