//! New values that the server makes, and versions that are taken out of use (1claw contract §7).

use kluis_crypto::{Secret, random};
use zeroize::Zeroizing;

use super::{Expect, Form, Path, SecretAt, SecretWrite, SecretWritten, Value};
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::VaultId;
use crate::policy::Permission;
use crate::store::params;
use crate::store::sql::secrets as sql;

/// How to make a new value.
#[derive(Clone, Debug)]
pub struct Rotate {
    /// Its characters.
    pub length: u32,
    /// Which ones.
    pub charset: Charset,
    /// The type it gets; the stored one unless given.
    pub kind: Option<String>,
}

/// Characters that a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Letters and digits.
    Alphanumeric,
    /// Every printable ASCII character but the blank.
    Ascii,
    /// Those of base64 (RFC 4648 §4), without padding.
    Base64,
    /// Hexadecimal digits in lower case.
    Hex,
}

/// The longest value that is made, in characters.
const LONGEST: u32 = 1_024;
/// Either permission is enough to rotate.
const MAY_ROTATE: &[Permission] = &[Permission::Rotate, Permission::Write];

impl Engine {
    /// Give a secret a new random value. Its metadata stay, as does an expiry still ahead; a limit counts afresh.
    pub async fn secret_rotate(
        &self,
        caller: &Caller,
        vault: VaultId,
        path: Path,
        rotate: Rotate,
    ) -> Result<SecretWritten, Error> {
        let write = SecretWrite {
            value: Some(Value {
                text: generate(rotate.charset, rotate.length)?,
                form: Form::Text,
            }),
            kind: rotate.kind,
            ..SecretWrite::new("generic", Expect::Present)
        };
        let (engine, at) = (self.clone(), SecretAt::Path(path));
        self.change_secrets(caller, Action::SecretRotate, vault, move |tx, act| {
            Box::pin(async move {
                engine
                    .secret_write_in(tx, act, vault, &at, write, MAY_ROTATE)
                    .await
            })
        })
        .await
    }

    /// Take one version out of use; it is kept, and the newest that is still in use is the current one then.
    pub async fn secret_version_disable(
        &self,
        caller: &Caller,
        vault: VaultId,
        path: &Path,
        number: u32,
    ) -> Result<(), Error> {
        let (engine, at) = (self.clone(), SecretAt::Path(path.clone()));
        self.change_secrets(caller, Action::SecretDisable, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let sought = engine.secret_find_to_change(conn, act, vault, &at).await?;
                let found = sought.permitted(act, &at, &[Permission::Write])?;
                if found.secret.closed_at.is_some() {
                    return Err(Error::NotFound);
                }
                let secret = found.secret.id;
                act.finds_secret(secret, &found.secret.path, Some(number));
                let version = params![secret.bytes(), number];
                if conn.execute(sql::DISABLE_VERSION, version).await? == 0 {
                    return Err(Error::NotFound);
                }
                conn.execute(sql::CHOOSE_CURRENT, params![secret.bytes(), act.now])
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

impl Charset {
    fn characters(self) -> &'static [u8] {
        match self {
            Self::Alphanumeric => ALPHANUMERIC,
            Self::Ascii => ASCII,
            Self::Base64 => BASE64,
            Self::Hex => HEX,
        }
    }
}

/// `length` characters, each of the charset with the same probability.
pub(super) fn generate(charset: Charset, length: u32) -> Result<Secret, Error> {
    let characters = charset.characters();
    let count = characters.len();
    // Bytes beyond the last whole multiple are drawn anew: none is likelier than another.
    let fair = 256 - 256 % count;
    let length = usize::try_from(length.min(LONGEST)).unwrap_or(0);
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    let mut drawn = Zeroizing::new([0; 64]);
    while text.len() < length {
        random::fill(drawn.as_mut_slice())?;
        let fitting = drawn.iter().map(|&byte| usize::from(byte));
        let fitting = fitting.filter(|&byte| byte < fair);
        let made = fitting.filter_map(|byte| characters.get(byte % count));
        let missing = length - text.len();
        text.extend(made.take(missing));
    }
    Ok(Secret::new(std::mem::take(&mut *text)))
}

const HEX: &[u8] = b"0123456789abcdef";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ASCII: &[u8] = b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const ALL: [Charset; 4] = [
        Charset::Alphanumeric,
        Charset::Ascii,
        Charset::Base64,
        Charset::Hex,
    ];

    #[test]
    fn the_charsets_are_what_they_are_called() {
        let sizes = ALL.map(|charset| charset.characters().len());
        assert_eq!(sizes, [62, 94, 64, 16]);
        for charset in ALL {
            let characters = charset.characters();
            assert!(characters.iter().all(u8::is_ascii_graphic));
            let mut each = characters.to_vec();
            each.sort_unstable();
            each.dedup();
            assert_eq!(each.len(), characters.len());
        }
    }

    #[test]
    fn every_character_is_about_as_likely() {
        for charset in ALL {
            let mut seen = BTreeMap::new();
            for _ in 0..100 {
                for &byte in generate(charset, 1_024).unwrap().expose() {
                    *seen.entry(byte).or_insert(0_u32) += 1;
                }
            }
            let expected =
                102_400.0 / f64::from(u32::try_from(charset.characters().len()).unwrap());
            assert_eq!(seen.len(), charset.characters().len());
            for (byte, count) in seen {
                let ratio = f64::from(count) / expected;
                // Seven standard deviations of the largest charset.
                assert!((0.78..1.22).contains(&ratio), "{charset:?} {byte}: {ratio}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_value_is_as_long_as_asked_and_of_its_charset(length in 0_u32..2_000, which in 0_usize..4) {
            let charset = ALL[which];
            let value = generate(charset, length).unwrap();
            prop_assert_eq!(value.len(), usize::try_from(length.min(LONGEST)).unwrap());
            prop_assert!(value.expose().iter().all(|byte| charset.characters().contains(byte)));
        }
    }
}
