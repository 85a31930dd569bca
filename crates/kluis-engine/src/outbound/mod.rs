//! The only way out: calls of this server to others (RULES §8, "outbound calls"; DESIGN promise 7).
//!
//! A name is resolved once, all of its addresses are judged, and the connection goes to one of those that were judged: a name
//! server that answers differently the next time is not asked a next time. Redirects are not followed and proxy variables not
//! obeyed, answers are cut, and everything has an end.
//!
//! | who calls | with |
//! |---|---|
//! | HTTP (webhooks, integrations) | [`Outbound::call`] |
//! | another protocol (database servers) | [`Outbound::addresses`], and connects to one of them, whatever name TLS checks |

mod reach;

use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, redirect};
use tokio::sync::OnceCell;

pub use reach::Reach;
pub(crate) use reqwest::{Method, Url};

/// From the first look for a name's address to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest host name (RFC 1035).
const LONGEST_HOST: usize = 253;
/// The longest URL.
const LONGEST_URL: usize = 2_048;

/// Makes calls, as far as the operator lets them reach.
#[derive(Clone)]
pub(crate) struct Outbound {
    judge: Judge,
    timeout: Duration,
    /// Made when first needed: it reads the system's certificates.
    client: Arc<OnceCell<Client>>,
}

/// A call over HTTP.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// What [`url`] has let through.
    pub(crate) url: &'a Url,
    pub(crate) headers: &'a [(&'static str, String)],
    pub(crate) body: Vec<u8>,
    /// Bytes of the answer's body that are wanted; the rest is not read.
    pub(crate) keep: usize,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why a call came to nothing. Tells neither addresses nor answers of name servers: whoever reads it may not look into the network
/// that this server stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failed {
    /// RULES §8 does not let calls go there.
    #[error("calls may not go to this address")]
    Forbidden,
    #[error("the host name has no address")]
    Unresolved,
    #[error("no connection could be made")]
    Unreachable,
    #[error("the certificate is not one to trust")]
    Untrusted,
    #[error("no answer came in time")]
    TimedOut,
    #[error("the connection ended before the answer did")]
    Broken,
}

/// Read a URL that calls are to go to: `http` or `https`, no user or password, no fragment, and no address that is forbidden as
/// it stands. The error finishes a sentence that begins with the field's name.
pub(crate) fn url(text: &str, reach: Reach) -> Result<Url, &'static str> {
    if text.len() > LONGEST_URL {
        return Err("must be at most 2048 bytes");
    }
    // The parser mends what nobody meant: blanks around it, a missing slash, line ends within.
    if text
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
    {
        return Err("must hold no blanks, backslashes and control characters");
    }
    let url = Url::parse(text).map_err(|_| "must be a URL")?;
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if !["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Err("must begin with http:// or https://");
    }
    if rest.starts_with('/') || url.port() == Some(0) {
        return Err("must name a host, and a port if not the usual one");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must hold no user name or password");
    }
    if url.fragment().is_some() {
        return Err("must have no fragment");
    }
    match literal(&url) {
        Some(address) if !reach.allows(address) => Err("must not lead to such an address"),
        _ => Ok(url),
    }
}

/// A URL without what may be a secret in it: scheme, host and port, and a sign that more follows.
pub(crate) fn origin(text: &str) -> String {
    let origin = Url::parse(text).map(|url| url.origin().ascii_serialization());
    format!("{}/…", origin.unwrap_or_default())
}

/// The address that stands in the URL in place of a name. The parser has turned every number that a system would take for an IPv4
/// address (decimal, octal, hexadecimal, with fewer parts) into its ordinary form.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

impl Outbound {
    /// Calls that go as far as `reach`, to where the system's resolver says.
    pub(crate) fn new(reach: Reach) -> Self {
        Self::with(reach, Arc::new(SystemResolver), TIMEOUT)
    }

    fn with(reach: Reach, resolver: Arc<dyn Resolver>, timeout: Duration) -> Self {
        Self {
            judge: Judge { reach, resolver },
            timeout,
            client: Arc::default(),
        }
    }

    /// How far calls may reach.
    pub(crate) fn reach(&self) -> Reach {
        self.judge.reach
    }

    /// The addresses of `host`, a name or an address, each of them one that may be connected to; at least one. Connect to these and
    /// do not resolve the name again.
    pub(crate) async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failed> {
        let found = tokio::time::timeout(self.timeout, self.judge.addresses(host)).await;
        let found = found.map_err(|_| Failed::TimedOut)??;
        Ok(found
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }

    /// Make a call. Whatever status comes back is an answer; a redirect too.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Answer, Failed> {
        // A name is judged when it is resolved, an address never is resolved.
        if literal(call.url).is_some_and(|address| !self.reach().allows(address)) {
            return Err(Failed::Forbidden);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in call.headers {
            // What cannot stand in a header would have been refused where it came from.
            let value = HeaderValue::try_from(value.as_str()).map_err(|_| Failed::Broken)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let client = self.client.get_or_try_init(async || self.client()).await?;
        let exchange = async {
            let request = client.request(call.method, call.url.clone());
            let request = request.headers(headers).body(call.body);
            let response = request.send().await.map_err(|error| failed(&error))?;
            Ok(Answer {
                status: response.status().as_u16(),
                body: first_bytes(response, call.keep).await?,
            })
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| Failed::TimedOut)?
    }

    fn client(&self) -> Result<Client, Failed> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .dns_resolver(Arc::new(self.judge.clone()))
            // Who resolves anew for every call follows a receiver that moves.
            .pool_max_idle_per_host(0)
            .user_agent("kluis");
        client.build().map_err(|cause| {
            tracing::error!(%cause, "no outbound calls can be made");
            Failed::Untrusted
        })
    }
}

/// At most `keep` bytes of the body, and no more of it than that from the network.
async fn first_bytes(mut response: Response, keep: usize) -> Result<Vec<u8>, Failed> {
    let mut body = Vec::new();
    while body.len() < keep {
        let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? else {
            break;
        };
        body.extend(chunk.iter().take(keep - body.len()));
    }
    Ok(body)
}

/// What an error of the client means. Its text may hold the URL, so it goes nowhere.
fn failed(error: &reqwest::Error) -> Failed {
    for cause in causes(error) {
        if let Some(own) = cause.downcast_ref::<Failed>() {
            return *own;
        }
        if cause.is::<rustls::Error>() {
            return Failed::Untrusted;
        }
    }
    if error.is_connect() {
        Failed::Unreachable
    } else {
        Failed::Broken
    }
}

/// The error and what caused it. An I/O error hides what it wraps from its list of causes.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |&cause| below(cause))
}

fn below<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Says which addresses a name has.
trait Resolver: Send + Sync {
    fn lookup(&self, host: String) -> Addresses;
}

/// The resolver of the system, with its hosts file and its search list.
struct SystemResolver;

impl Resolver for SystemResolver {
    fn lookup(&self, host: String) -> Addresses {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Resolves names and judges every address of the answer.
#[derive(Clone)]
struct Judge {
    reach: Reach,
    resolver: Arc<dyn Resolver>,
}

impl Judge {
    /// All addresses of `host`. One that is forbidden refuses the others too: an honest name has no such.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Failed> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = match bare.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) if host.is_empty() || host.len() > LONGEST_HOST => {
                return Err(Failed::Unresolved);
            }
            Err(_) => {
                let found = self.resolver.lookup(host.to_owned()).await;
                found.map_err(|_| Failed::Unresolved)?
            }
        };
        if addresses.is_empty() {
            return Err(Failed::Unresolved);
        }
        if addresses.iter().all(|address| self.reach.allows(*address)) {
            Ok(addresses)
        } else {
            Err(Failed::Forbidden)
        }
    }
}

impl Resolve for Judge {
    fn resolve(&self, name: Name) -> Resolving {
        let judge = self.clone();
        Box::pin(async move {
            let found = judge.addresses(name.as_str()).await?;
            // Port 0 stands for the port of the URL.
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.judge.reach.fmt(f)
    }
}

#[cfg(test)]
mod tests;
