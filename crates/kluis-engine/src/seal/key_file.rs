//! The key-file seal: 64 hexadecimal digits in a file that only its owner can read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use kluis_crypto::{SealingKey, hash};
use zeroize::Zeroizing;

use crate::error::Error;

/// Make a new key file; one that is there already is used as it is.
///
/// It appears whole and durable, or not at all: half a key would stand in the way of every later start, and a key that a
/// power loss takes away would take all values with it.
pub(super) fn make(path: &Path) -> Result<SealingKey, Error> {
    if path.exists() {
        return read(path);
    }
    let key = SealingKey::generate()?;
    let text = Zeroizing::new(hash::hex(key.expose()));
    let unfinished = path.with_extension("new");
    let written = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        match path.parent() {
            Some(directory) if directory != Path::new("") => File::open(directory)?.sync_all(),
            _ => Ok(()),
        }
    };
    written().map_err(|cause| {
        Error::storage(format!(
            "the key file {} cannot be made: {cause}",
            path.display()
        ))
    })?;
    Ok(key)
}

/// Read a key file; one that others can read is refused.
pub(super) fn read(path: &Path) -> Result<SealingKey, Error> {
    let unusable = |why: &str| Error::storage(format!("the key file {} {why}", path.display()));
    let mut file =
        File::open(path).map_err(|cause| unusable(&format!("cannot be read: {cause}")))?;
    let mode = file
        .metadata()
        .map_err(|cause| unusable(&format!("cannot be read: {cause}")))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(unusable("can be read by others. Run: chmod 600 on it"));
    }
    let mut text = Zeroizing::new(String::with_capacity(128));
    Read::take(&mut file, 128)
        .read_to_string(&mut text)
        .map_err(|cause| unusable(&format!("cannot be read: {cause}")))?;
    let bytes = decode(text.trim()).ok_or_else(|| unusable("is not 64 hexadecimal digits"))?;
    Ok(SealingKey::from_bytes(*bytes))
}

fn decode(hex: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}
