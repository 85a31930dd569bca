//! No type that holds a secret can be printed, copied or compared by accident. Checked by the compiler, so a derive that
//! brings one of these traits back fails here.

use std::fmt;
use std::hash::Hash;
use std::ops::Deref;

use crate::envelope::{Cipher, KeyBytes};
use crate::shamir::Share;
use crate::signing::SigningKey;
use crate::zk::{AuthHash, MasterKey, PayloadKey};
use crate::{DataKey, MacKey, OrganizationKey, RootKey, SealingKey, Secret, Token, TokenDigester};

/// Whether a type lacks a trait: an inherent constant, there only for types that have it, hides the constant of a trait that
/// all types have. `String` has every trait asked for here; that the probe sees it there is checked each time.
macro_rules! lacks {
    ($type:ty: $($bound:tt)+) => {{
        struct Probe<T>(std::marker::PhantomData<T>);
        trait Lacking {
            const HAS: bool = false;
        }
        impl<T> Lacking for Probe<T> {}
        impl<T: $($bound)+> Probe<T> {
            const HAS: bool = true;
        }
        assert!(<Probe<String>>::HAS, "the probe is blind to {}", stringify!($($bound)+));
        !<Probe<$type>>::HAS
    }};
}

macro_rules! assert_opaque {
    ($($type:ty),+ $(,)?) => {$(
        let name = stringify!($type);
        assert!(lacks!($type: fmt::Debug), "{name} has Debug");
        assert!(lacks!($type: fmt::Display), "{name} has Display");
        assert!(lacks!($type: Clone), "{name} has Clone");
        assert!(lacks!($type: PartialEq), "{name} has PartialEq");
        assert!(lacks!($type: PartialOrd), "{name} has PartialOrd");
        assert!(lacks!($type: Hash), "{name} has Hash");
        assert!(lacks!($type: AsRef<[u8]>), "{name} has AsRef<[u8]>");
        assert!(lacks!($type: Deref), "{name} has Deref");
    )+};
}

#[test]
fn secrets_are_opaque() {
    assert_opaque!(
        AuthHash,
        Cipher,
        DataKey,
        KeyBytes,
        MacKey,
        MasterKey,
        OrganizationKey,
        PayloadKey,
        RootKey,
        SealingKey,
        Secret,
        Share,
        SigningKey,
        Token,
        TokenDigester,
    );
}
