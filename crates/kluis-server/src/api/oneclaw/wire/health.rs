//! How the server is (contract §12).

use serde::Serialize;
use utoipa::ToSchema;

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Health {
    #[schema(examples("healthy"))]
    status: &'static str,
    version: &'static str,
}

/// How its keys are.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct KeyHealth {
    #[schema(examples("ok"))]
    status: &'static str,
}

impl Health {
    /// It answers.
    pub(in super::super) const fn well() -> Self {
        Self {
            status: "healthy",
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

impl KeyHealth {
    /// They can be used.
    pub(in super::super) const fn well() -> Self {
        Self { status: "ok" }
    }
}
