//! The messages and services of `proto/`, generated. A crate of their own, since the package `crate.v1` is `crate::v1` to them, and
//! so that nothing else is compiled when they are not changed.

/// The package `crate.v1`.
#[allow(missing_docs, non_camel_case_types, unused_imports, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/crate.v1.mod.rs"));
}

/// All files as a `FileDescriptorSet`, with what they import.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors"));
