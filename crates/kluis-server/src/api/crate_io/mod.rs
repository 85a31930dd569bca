//! Crate: environments, tags, sealed transport (`/organization/…`, `/crate.v1.*`). So far the shape of its refusals.

pub(crate) mod error;
