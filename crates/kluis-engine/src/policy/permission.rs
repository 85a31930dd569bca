//! What a policy permits or denies: four words (1claw contract §8).

use crate::error::Error;

/// A right on the secrets that a policy's pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// `read`: values, and versions.
    Read,
    /// `write`: new values and what is kept beside them; deleting and rotating too.
    Write,
    /// `delete`: deleting alone.
    Delete,
    /// `rotate`: having the server rotate a value.
    Rotate,
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(u8);

impl Permission {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Delete, Self::Rotate];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Rotate => "rotate",
        }
    }

    /// The permission that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == word)
    }
}

impl PermissionSet {
    /// Read the words of a policy. Invalid: no word at all, or one that names no permission.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let set: Option<Self> = words.into_iter().map(Permission::parse).collect();
        match set {
            None => Err(Error::invalid(
                "permissions",
                "must be of read, write, delete, rotate",
            )),
            Some(set) if set.is_empty() => Err(Error::invalid("permissions", "must not be empty")),
            Some(set) => Ok(set),
        }
    }

    /// Whether `permission` is in it.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the two sets share a permission.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in `self` and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The permissions in it, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |permission| self.contains(*permission))
    }

    const fn bit(permission: Permission) -> u8 {
        1 << permission as u8
    }
}

impl From<Permission> for PermissionSet {
    fn from(permission: Permission) -> Self {
        Self(Self::bit(permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions
            .into_iter()
            .fold(Self::default(), |set, one| Self(set.0 | Self::bit(one)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NT-50: no permission is not every permission. NT-70: an unknown word is refused, not dropped.
    #[test]
    fn words_are_known_and_not_none() {
        let set = PermissionSet::parse(["rotate", "read", "read"]).unwrap();
        assert_eq!(
            set.iter().map(Permission::as_str).collect::<Vec<_>>(),
            ["read", "rotate"]
        );
        assert!(PermissionSet::parse([]).is_err());
        for unknown in ["", "Read", "read ", "admin", "*", "list"] {
            assert!(
                PermissionSet::parse(["read", unknown]).is_err(),
                "{unknown:?}"
            );
        }
        for permission in Permission::ALL {
            let alone = PermissionSet::from(permission);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [permission]);
        }
    }
}
