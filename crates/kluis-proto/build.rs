//! Compiles the `.proto` files into messages and services, and into descriptors for reflection; without protoc.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;

const PROTO: &str = "../../proto";
/// Described only: a library answers it.
const HEALTH: &str = "grpc/health/v1/health.proto";
const FILES: [&str; 3] = [
    "crate/v1/profile.proto",
    "crate/v1/secrets.proto",
    "crate/v1/tags.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={PROTO}");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let descriptors = out.join("descriptors");
    let described = protox::compile(FILES.into_iter().chain([HEALTH]), [PROTO])?;
    fs::write(&descriptors, described.encode_to_vec())?;
    connectrpc_build::Config::new()
        .files(&FILES)
        .descriptor_set(descriptors)
        .compile()?;
    Ok(())
}
