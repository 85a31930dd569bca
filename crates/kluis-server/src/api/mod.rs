//! The APIs: one module per dialect, each with its resources, its wire types and its one shape of an error.
//!
//! A handler parses what its contract says, makes one call of the engine, and shapes the answer. The rules are in the
//! engine, in nobody's words but its own.

pub(crate) mod body;
pub(crate) mod cloudkeep;
pub(crate) mod crate_io;
pub(crate) mod credvault;
pub(crate) mod extract;
pub(crate) mod given;
pub(crate) mod ids;
pub(crate) mod inkbox;
pub(crate) mod lines;
pub(crate) mod nested;
pub(crate) mod oneclaw;
pub(crate) mod reply;
pub(crate) mod revealed;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use kluis_engine::Error;

/// One of the five APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/api/v1`
    CloudKeep,
    /// `/organization/…`, `/crate.v1.…`
    Crate,
    /// `/v1`, the platform's share of it
    CredVault,
    /// `/api/v1/vault`, `/vault` and more
    Inkbox,
    /// `/v1`, the vaults' share of it
    OneClaw,
}

impl Dialect {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::CloudKeep,
        Self::Crate,
        Self::CredVault,
        Self::Inkbox,
        Self::OneClaw,
    ];

    /// Its name in the record, in metrics and in documents.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CloudKeep => "cloudkeep",
            Self::Crate => "crate",
            Self::CredVault => "credvault",
            Self::Inkbox => "inkbox",
            Self::OneClaw => "oneclaw",
        }
    }

    /// Bytes of the largest body that its contract takes.
    pub(crate) const fn body_limit(self) -> usize {
        match self {
            Self::CloudKeep | Self::CredVault => 1 << 20,
            Self::Crate | Self::Inkbox | Self::OneClaw => 5 << 20,
        }
    }

    /// Whether it tells a limited caller how much is left (RULES §6).
    pub(crate) const fn tells_limits(self) -> bool {
        match self {
            Self::CloudKeep | Self::CredVault => true,
            Self::Crate | Self::Inkbox | Self::OneClaw => false,
        }
    }

    /// `error` in its shape.
    pub(crate) fn refuse(self, error: Error) -> Response {
        match self {
            Self::CloudKeep => cloudkeep::error::Failure(error).into_response(),
            Self::Crate => crate_io::error::Failure(error).into_response(),
            Self::CredVault => credvault::error::Failure(error).into_response(),
            Self::Inkbox => inkbox::error::Failure::from(error).into_response(),
            Self::OneClaw => oneclaw::error::Failure(error).into_response(),
        }
    }

    /// A 404 in its shape, for a path that leads nowhere.
    pub(crate) fn refuse_path(self, path: &str) -> Response {
        match self {
            Self::OneClaw => self.refuse(oneclaw::unrouted(path)),
            Self::Crate if crate_io::is_rpc(path) => crate_io::error::no_such_procedure(),
            Self::CloudKeep | Self::Crate | Self::CredVault | Self::Inkbox => {
                self.refuse(Error::NotFound)
            }
        }
    }

    /// A 405 in its shape; `allow` lists the methods that the path has.
    pub(crate) fn refuse_method(self, allow: HeaderValue) -> Response {
        let mut response = match self {
            Self::CloudKeep => cloudkeep::error::method_not_allowed(),
            Self::Crate => crate_io::error::method_not_allowed(),
            Self::CredVault => credvault::error::method_not_allowed(),
            Self::Inkbox => inkbox::error::method_not_allowed(),
            Self::OneClaw => oneclaw::error::method_not_allowed(),
        };
        response.headers_mut().insert(http::header::ALLOW, allow);
        response
    }
}
