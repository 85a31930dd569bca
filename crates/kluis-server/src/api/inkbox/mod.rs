//! Inkbox: the zero-knowledge vault (`/api/v1/vault`, `/vault/…`). So far the shape of its refusals.

pub(crate) mod error;
