//! What a write changes in part: some fields of a value, some plain fields.

use serde_json::{Map, Value as Json};

use super::row::{SecretRow, VersionRow};
use super::{Availability, FieldsChange, Limit, NamedFields, Value};
use crate::clock::Timestamp;
use crate::error::{Conflict, Error};
use crate::ids::VaultId;
use crate::keys::OrganizationKeys;

/// The largest plain fields that a merge can lead to, in bytes.
pub const LARGEST_FIELDS: usize = 64 << 10;
/// What the value is called in errors.
const VALUE: &str = "secret";

/// The value of `secret`, whose current version is `version`, with `change` made; and how often that can be read.
///
/// `Conflict` when the current value has expired or is used up: parts of it do not live on in a new version. Where some
/// do, that can be read only as often as what they come from.
pub(super) fn value_changed(
    keys: &OrganizationKeys,
    vault: VaultId,
    secret: &SecretRow,
    version: Option<&VersionRow>,
    change: FieldsChange,
    now: Timestamp,
) -> Result<(Value, Limit<u32>), Error> {
    let Some(version) = version else {
        let set = change.0.into_iter();
        let set = set.filter_map(|(name, text)| text.map(|text| (name, text)));
        let value = NamedFields::new(set.collect(), VALUE)?.into_value()?;
        return Ok((value, Limit::Carried));
    };
    let stored = version
        .sealed
        .open(keys, vault, secret.id, version.info.number)?;
    let (fields, kept) = NamedFields::of(&stored)?.merged(change, VALUE)?;
    if !kept {
        return Ok((fields.into_value()?, Limit::Carried));
    }
    match version.info.availability(now) {
        Availability::Available => Ok((
            fields.into_value()?,
            Limit::Stated(version.info.reads_left()),
        )),
        _ => Err(Error::Conflict(Conflict::State)),
    }
}

/// The plain fields `stored` with the members of `change` merged in: `null` removes, an object is merged (RFC 7396).
pub(super) fn fields_changed(stored: &str, change: Map<String, Json>) -> Result<String, Error> {
    let mut fields = serde_json::from_str(stored).unwrap_or_else(|_| Map::new());
    merge(&mut fields, change);
    let merged = Json::Object(fields).to_string();
    if merged.len() > LARGEST_FIELDS {
        return Err(Error::invalid("fields", "must have at most 65536 bytes"));
    }
    Ok(merged)
}

/// The parser bounds how deep `change` is.
fn merge(target: &mut Map<String, Json>, change: Map<String, Json>) {
    for (name, value) in change {
        match value {
            Json::Null => {
                target.remove(&name);
            }
            Json::Object(inner) => {
                let within = target.entry(name).or_insert(Json::Null);
                if !within.is_object() {
                    *within = Json::Object(Map::new());
                }
                if let Json::Object(within) = within {
                    merge(within, inner);
                }
            }
            value => {
                target.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_fields_are_merged_as_rfc_7396_has_it() {
        for (stored, change, merged) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
            (
                json!({"a": 1}),
                json!({"a": {"b": 2}}),
                json!({"a": {"b": 2}}),
            ),
        ] {
            let Json::Object(change) = change else {
                unreachable!()
            };
            let made = fields_changed(&stored.to_string(), change).unwrap();
            assert_eq!(serde_json::from_str::<Json>(&made).unwrap(), merged);
        }
    }

    #[test]
    fn merging_never_leads_to_more_than_may_be_kept() {
        let half = "x".repeat(LARGEST_FIELDS / 2);
        let change = |name: &str| Map::from_iter([(name.to_owned(), Json::from(half.as_str()))]);
        let once = fields_changed("{}", change("a")).unwrap();
        assert!(fields_changed(&once, change("b")).is_err());
        assert!(fields_changed(&once, change("a")).is_ok());
    }
}
