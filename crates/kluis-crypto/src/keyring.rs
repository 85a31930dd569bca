//! The key chain (DESIGN §4): one type for each role, so that no key can be used in another's place.
//!
//! ```text
//! SealingKey ─wraps─► RootKey ─wraps─► OrganizationKey ─wraps─► DataKey ─seals─► the value of one version
//!                        └─seals─► server keys   └─seals─► fields (notes, webhook secrets, …)
//! ```
//!
//! Each key is 32 random bytes for AES-256-GCM, kept in one place and wiped when dropped. What it seals is bound to its role
//! and place (see [`Address`], [`FieldAddress`]) and opens nowhere else. Root and organization keys carry version numbers, so
//! that they can be rotated: the number is part of what a wrapped key is bound to.

use zeroize::Zeroize;

use crate::associated::AssociatedData;
use crate::envelope::{Cipher, KeyBytes};
use crate::{Address, Error, FieldAddress, Secret};

/// The key that a seal yields: read from a key file, derived from a passphrase, combined from shares. It wraps root keys and
/// does nothing else.
pub struct SealingKey(KeyBytes);

impl SealingKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn generate() -> Result<Self, Error> {
        KeyBytes::generate().map(Self)
    }

    /// The key with these bytes. The argument is wiped; a copy that the caller keeps is the caller's to wipe.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self::copy_of(&bytes);
        bytes.zeroize();
        key
    }

    /// The key with these bytes, which stay the caller's to wipe.
    pub(crate) fn copy_of(bytes: &[u8; 32]) -> Self {
        Self(KeyBytes::copy_of(bytes))
    }

    /// The bytes, for the key file.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// Wraps the root key of this version.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn wrap_root(&self, version: u32, root: &RootKey) -> Result<Vec<u8>, Error> {
        // A sealing key is used once, at unsealing: it keeps no key schedule.
        Cipher::new(&self.0)?.seal(&AssociatedData::root_key(version)?, root.0.bytes())
    }

    /// Unwraps what [`SealingKey::wrap_root`] made for this version.
    ///
    /// # Errors
    /// [`Error::Open`] if it does not open, [`Error::UnknownFormat`] if another release wrote it.
    pub fn unwrap_root(&self, version: u32, wrapped: &[u8]) -> Result<RootKey, Error> {
        let opened = Cipher::new(&self.0)?.open(&AssociatedData::root_key(version)?, wrapped)?;
        PreparedKey::from_opened(&opened).map(RootKey)
    }
}

/// The server's root key of one version. It wraps organization keys and seals the server's own keys.
pub struct RootKey(PreparedKey);

impl RootKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn generate() -> Result<Self, Error> {
        PreparedKey::generate().map(Self)
    }

    /// Wraps the key of this version of this organization.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn wrap_organization(
        &self,
        organization: [u8; 16],
        version: u32,
        key: &OrganizationKey,
    ) -> Result<Vec<u8>, Error> {
        let place = AssociatedData::organization_key(&organization, version)?;
        self.0.cipher.seal(&place, key.0.bytes())
    }

    /// Unwraps what [`RootKey::wrap_organization`] made for this organization and version.
    ///
    /// # Errors
    /// [`Error::Open`] if it does not open, [`Error::UnknownFormat`] if another release wrote it.
    pub fn unwrap_organization(
        &self,
        organization: [u8; 16],
        version: u32,
        wrapped: &[u8],
    ) -> Result<OrganizationKey, Error> {
        let place = AssociatedData::organization_key(&organization, version)?;
        let opened = self.0.cipher.open(&place, wrapped)?;
        PreparedKey::from_opened(&opened).map(OrganizationKey)
    }

    /// Seals a key that belongs to the server itself, such as a signing seed. `purpose` is 1 to 64 bytes, one spelling for
    /// each use; `version` counts that key's rotations.
    ///
    /// # Errors
    /// [`Error::Encoding`] if `purpose` is empty or too long, [`Error::Random`] if there are no random bytes.
    pub fn seal_server_key(
        &self,
        purpose: &str,
        version: u32,
        key: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let place = AssociatedData::server_key(purpose, version)?;
        self.0.cipher.seal(&place, key)
    }

    /// Opens what [`RootKey::seal_server_key`] made for this purpose and version.
    ///
    /// # Errors
    /// [`Error::Open`] if it does not open, [`Error::UnknownFormat`] if another release wrote it, [`Error::Encoding`] if
    /// `purpose` is empty or too long.
    pub fn open_server_key(
        &self,
        purpose: &str,
        version: u32,
        sealed: &[u8],
    ) -> Result<Secret, Error> {
        let place = AssociatedData::server_key(purpose, version)?;
        self.0.cipher.open(&place, sealed)
    }
}

/// An organization's key of one version. It wraps data keys and seals fields.
pub struct OrganizationKey(PreparedKey);

impl OrganizationKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn generate() -> Result<Self, Error> {
        PreparedKey::generate().map(Self)
    }

    /// Wraps the data key of the version at `address`.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn wrap_data(&self, address: &Address, key: &DataKey) -> Result<Vec<u8>, Error> {
        let place = AssociatedData::data_key(address)?;
        self.0.cipher.seal(&place, key.0.bytes())
    }

    /// Unwraps what [`OrganizationKey::wrap_data`] made for `address`.
    ///
    /// # Errors
    /// [`Error::Open`] if it does not open, [`Error::UnknownFormat`] if another release wrote it.
    pub fn unwrap_data(&self, address: &Address, wrapped: &[u8]) -> Result<DataKey, Error> {
        let place = AssociatedData::data_key(address)?;
        let opened = self.0.cipher.open(&place, wrapped)?;
        PreparedKey::from_opened(&opened).map(DataKey)
    }

    /// Seals a field that is not a secret's value.
    ///
    /// # Errors
    /// [`Error::Encoding`] if the address's `kind` is empty or too long, [`Error::Random`] if there are no random bytes.
    pub fn seal_field(&self, address: &FieldAddress, field: &[u8]) -> Result<Vec<u8>, Error> {
        let place = AssociatedData::field(address)?;
        self.0.cipher.seal(&place, field)
    }

    /// Opens what [`OrganizationKey::seal_field`] made for `address`.
    ///
    /// # Errors
    /// [`Error::Open`] if it does not open, [`Error::UnknownFormat`] if another release wrote it, [`Error::Encoding`] if the
    /// address's `kind` is empty or too long.
    pub fn open_field(&self, address: &FieldAddress, sealed: &[u8]) -> Result<Secret, Error> {
        let place = AssociatedData::field(address)?;
        self.0.cipher.open(&place, sealed)
    }
}

/// The key of one version of one secret: made for it, used for no other.
pub struct DataKey(PreparedKey);

impl DataKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn generate() -> Result<Self, Error> {
        PreparedKey::generate().map(Self)
    }

    /// Seals the value of the version at `address`.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes, [`Error::Encoding`] for more than 64 GiB.
    pub fn seal(&self, address: &Address, value: &[u8]) -> Result<Vec<u8>, Error> {
        let place = AssociatedData::value(address)?;
        self.0.cipher.seal(&place, value)
    }

    /// Opens what [`DataKey::seal`] made for `address`.
    ///
    /// # Errors
    /// [`Error::Open`] if it does not open, [`Error::UnknownFormat`] if another release wrote it.
    pub fn open(&self, address: &Address, sealed: &[u8]) -> Result<Secret, Error> {
        let place = AssociatedData::value(address)?;
        self.0.cipher.open(&place, sealed)
    }
}

/// A key's bytes, which its parent wraps, beside the schedule made from them once.
struct PreparedKey {
    bytes: KeyBytes,
    cipher: Cipher,
}

impl PreparedKey {
    fn generate() -> Result<Self, Error> {
        Self::prepare(KeyBytes::generate()?)
    }

    /// The key that was inside a wrapped one. Anything but 32 bytes was never wrapped by us.
    fn from_opened(opened: &Secret) -> Result<Self, Error> {
        let bytes = opened.expose().try_into().map_err(|_| Error::Open)?;
        Self::prepare(KeyBytes::copy_of(bytes))
    }

    fn prepare(bytes: KeyBytes) -> Result<Self, Error> {
        let cipher = Cipher::new(&bytes)?;
        Ok(Self { bytes, cipher })
    }

    fn bytes(&self) -> &[u8; 32] {
        self.bytes.expose()
    }
}

#[cfg(test)]
mod tests;
