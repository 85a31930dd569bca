//! When a policy applies: `conditions` and `attribute_conditions` (1claw contract §8).
//!
//! What is not evaluated is refused when the policy is written, never ignored (RULES §2, step 4). A fact that a
//! request does not have satisfies no condition about it.

use serde_json::Value;

use super::facts::{AUTH_METHODS, Facts};
use super::json::{Members, text_or_texts, texts};
use super::network::Network;
use super::time_window::TimeWindow;
use crate::caller::Role;
use crate::error::Error;

/// Where, when and in which environment a policy applies.
#[derive(Clone, Debug, Default)]
pub struct Conditions(Option<Box<Stated<Circumstances>>>);

/// To which secrets, roles and ways of authentication a policy applies.
#[derive(Clone, Debug, Default)]
pub struct AttributeConditions(Option<Box<Stated<Attributes>>>);

/// Conditions with the JSON that they were read from.
#[derive(Clone, Debug)]
struct Stated<T> {
    json: Box<str>,
    conditions: T,
}

#[derive(Clone, Debug)]
struct Circumstances {
    networks: Option<Box<[Network]>>,
    window: Option<TimeWindow>,
    environments: Option<Box<[Box<str>]>>,
}

#[derive(Clone, Debug)]
struct Attributes {
    tags: Option<Box<[Box<str>]>>,
    roles: Option<Box<[Role]>>,
    auth_methods: Option<Box<[Box<str>]>>,
}

impl Conditions {
    /// Read the member `conditions` of a policy; `null` and `{}` are no conditions.
    ///
    /// Invalid: a member that is unknown or malformed, and an empty list (NT-50).
    pub fn parse(value: &Value) -> Result<Self, Error> {
        stated("conditions", value, |members| {
            Ok(Circumstances {
                networks: members.take("ip_allowlist", networks)?,
                window: members.take_nested("time_window", TimeWindow::parse)?,
                environments: members.take("environment_in", texts)?,
            })
        })
        .map(Self)
    }

    /// Read back what [`as_json`](Self::as_json) gave. Internal: text that it never gave.
    pub fn from_stored(json: &str) -> Result<Self, Error> {
        from_stored(json, Self::parse)
    }

    /// The object as it was given, `{}` for no conditions.
    pub fn as_json(&self) -> &str {
        self.0.as_ref().map_or(NONE, |stated| &stated.json)
    }

    /// Whether nothing is asked for.
    pub(super) fn are_none(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn hold(&self, facts: &Facts<'_>) -> bool {
        let Some(stated) = &self.0 else {
            return true;
        };
        let Circumstances {
            networks,
            window,
            environments,
        } = &stated.conditions;
        holds(networks.as_deref(), |networks| {
            facts
                .address
                .is_some_and(|address| networks.iter().any(|one| one.contains(address)))
        }) && holds(environments.as_deref(), |environments| {
            facts
                .environment
                .is_some_and(|environment| is_among(environment, environments))
        }) && holds(window.as_ref(), |window| window.contains(facts.now))
    }
}

impl AttributeConditions {
    /// Read the member `attribute_conditions` of a policy; `null` and `{}` are no conditions.
    ///
    /// Invalid: as for [`Conditions::parse`], and `risk_verdict_max` and `device_known`, of which Kluis knows nothing.
    pub fn parse(value: &Value) -> Result<Self, Error> {
        stated("attribute_conditions", value, |members| {
            members.refuse("risk_verdict_max", "is not evaluated")?;
            members.refuse("device_known", "is not evaluated")?;
            Ok(Attributes {
                tags: members.take("required_tags", texts)?,
                roles: members.take("principal_role", roles)?,
                auth_methods: members.take("auth_method", auth_methods)?,
            })
        })
        .map(Self)
    }

    /// Read back what [`as_json`](Self::as_json) gave. Internal: text that it never gave.
    pub fn from_stored(json: &str) -> Result<Self, Error> {
        from_stored(json, Self::parse)
    }

    /// The object as it was given, `{}` for no conditions.
    pub fn as_json(&self) -> &str {
        self.0.as_ref().map_or(NONE, |stated| &stated.json)
    }

    /// Whether nothing is asked for.
    pub(super) fn are_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether all that is asked of the caller holds; an agent has no role.
    pub(super) fn hold(&self, facts: &Facts<'_>) -> bool {
        let Some(stated) = &self.0 else {
            return true;
        };
        let Attributes {
            tags: _,
            roles,
            auth_methods,
        } = &stated.conditions;
        holds(roles.as_deref(), |roles| {
            facts.role.is_some_and(|role| roles.contains(&role))
        }) && holds(auth_methods.as_deref(), |methods| {
            is_among(facts.auth_method, methods)
        })
    }

    /// Whether a secret with these tags has all that are required.
    pub(super) fn hold_for(&self, tags: &[String]) -> bool {
        let required = self
            .0
            .as_ref()
            .and_then(|stated| stated.conditions.tags.as_deref());
        holds(required, |required| {
            required
                .iter()
                .all(|required| tags.iter().any(|tag| **tag == **required))
        })
    }

    /// Whether which secret it is makes a difference.
    pub(super) fn ask_for_tags(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|stated| stated.conditions.tags.is_some())
    }
}

/// No conditions, as JSON.
const NONE: &str = "{}";

fn stated<T>(
    field: &str,
    value: &Value,
    read: impl FnOnce(&mut Members<'_>) -> Result<T, Error>,
) -> Result<Option<Box<Stated<T>>>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    let mut members = Members::of(field, value)?;
    let conditions = read(&mut members)?;
    members.end()?;
    let json = value.to_string();
    Ok((json != NONE).then(|| {
        Box::new(Stated {
            json: json.into(),
            conditions,
        })
    }))
}

fn from_stored<T>(json: &str, parse: impl FnOnce(&Value) -> Result<T, Error>) -> Result<T, Error> {
    let value = serde_json::from_str(json)
        .map_err(|_| Error::internal("stored conditions are not JSON"))?;
    parse(&value).map_err(|error| Error::internal(format!("stored conditions: {error}")))
}

/// A condition that is not given holds.
fn holds<T: ?Sized>(condition: Option<&T>, check: impl FnOnce(&T) -> bool) -> bool {
    condition.is_none_or(check)
}

fn is_among(text: &str, list: &[Box<str>]) -> bool {
    list.iter().any(|one| **one == *text)
}

fn networks(value: &Value) -> Result<Box<[Network]>, &'static str> {
    let all: Option<_> = texts(value)?
        .iter()
        .map(|text| Network::parse(text))
        .collect();
    all.ok_or("must be a list of addresses and networks, such as 192.0.2.7 or 10.0.0.0/8")
}

fn roles(value: &Value) -> Result<Box<[Role]>, &'static str> {
    let all: Option<_> = text_or_texts(value)?
        .iter()
        .map(|word| Role::parse(word))
        .collect();
    all.ok_or("must be of owner, admin, member, viewer")
}

fn auth_methods(value: &Value) -> Result<Box<[Box<str>]>, &'static str> {
    let methods = text_or_texts(value)?;
    if methods
        .iter()
        .all(|method| AUTH_METHODS.contains(&&**method))
    {
        Ok(methods)
    } else {
        Err("must be of api_key, password, mtls, oidc_client_credentials")
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;

    fn facts() -> Facts<'static> {
        Facts {
            address: Some(IpAddr::from([10, 1, 2, 3])),
            auth_method: "api_key",
            environment: Some("prod"),
            role: Some(Role::Member),
            now: Timestamp::parse("2026-03-02T12:00:00Z").unwrap(),
        }
    }

    fn hold(conditions: &Value, facts: &Facts<'_>) -> bool {
        Conditions::parse(conditions).unwrap().hold(facts)
    }

    fn attributes_hold(conditions: &Value, facts: &Facts<'_>, tags: &[&str]) -> bool {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let conditions = AttributeConditions::parse(conditions).unwrap();
        conditions.hold(facts) && conditions.hold_for(&tags)
    }

    /// NT-04: of conditions that all have to hold, each alone being false is enough.
    #[test]
    fn every_condition_has_to_hold() {
        let here = json!(["192.0.2.1", "10.0.0.0/8"]);
        let elsewhere = json!(["192.0.2.1", "11.0.0.0/8"]);
        let open = json!({"after": "08:00", "before": "20:00"});
        let closed = json!({"after": "20:00", "before": "08:00"});
        for (address, window, environment, expected) in [
            (&here, &open, "prod", true),
            (&elsewhere, &open, "prod", false),
            (&here, &closed, "prod", false),
            (&here, &open, "staging", false),
        ] {
            let conditions = json!({
                "ip_allowlist": address, "time_window": window, "environment_in": ["dev", environment],
            });
            assert_eq!(hold(&conditions, &facts()), expected);
        }
        for (role, method, tags, expected) in [
            (
                json!(["owner", "member"]),
                json!("api_key"),
                &["a", "b", "c"][..],
                true,
            ),
            (json!("admin"), json!("api_key"), &["a", "b"], false),
            (
                json!("member"),
                json!(["mtls", "password"]),
                &["a", "b"],
                false,
            ),
            (json!("member"), json!("api_key"), &["a"], false),
            (json!("member"), json!("api_key"), &[], false),
        ] {
            let conditions =
                json!({"required_tags": ["a", "b"], "principal_role": role, "auth_method": method});
            assert_eq!(attributes_hold(&conditions, &facts(), tags), expected);
        }
    }

    #[test]
    fn null_is_as_good_as_absent() {
        for none in [
            json!(null),
            json!({}),
            json!({"ip_allowlist": null, "time_window": null, "environment_in": null}),
        ] {
            assert!(hold(&none, &facts()));
        }
        let none = json!({"required_tags": null, "risk_verdict_max": null, "device_known": null});
        assert!(attributes_hold(&none, &facts(), &[]));
    }

    #[test]
    fn a_missing_fact_satisfies_nothing() {
        let unknown = Facts {
            address: None,
            environment: None,
            role: None,
            ..facts()
        };
        assert!(!hold(
            &json!({"ip_allowlist": ["0.0.0.0/0", "::/0"]}),
            &unknown
        ));
        assert!(!hold(&json!({"environment_in": ["prod"]}), &unknown));
        let everyone = json!({"principal_role": ["viewer", "member", "admin", "owner"]});
        assert!(!attributes_hold(&everyone, &unknown, &[]));
    }

    /// NT-52, its part on spellings: an IPv4 address in IPv6 clothes is the same address.
    #[test]
    fn addresses_are_compared_and_not_spellings() {
        let mapped = Facts {
            address: "::ffff:10.1.2.3".parse().ok(),
            ..facts()
        };
        assert!(hold(&json!({"ip_allowlist": ["10.0.0.0/8"]}), &mapped));
        assert!(hold(
            &json!({"ip_allowlist": ["::ffff:10.1.2.3"]}),
            &facts()
        ));
    }

    /// NT-50: an empty list is not everyone. NT-70: an unknown word is refused.
    #[test]
    fn what_is_not_evaluated_is_refused() {
        for conditions in [
            json!([]),
            json!("x"),
            json!(true),
            json!({"ip_allowlist": []}),
            json!({"ip_allowlist": "10.0.0.0/8"}),
            json!({"ip_allowlist": ["10.0.0.0/8", ""]}),
            json!({"ip_allowlist": ["10.0.0.0/8", "localhost"]}),
            json!({"ip_allowlist": [null]}),
            json!({"ip_allowlist": {}}),
            json!({"environment_in": []}),
            json!({"environment_in": [""]}),
            json!({"environment_in": "prod"}),
            json!({"time_window": {}}),
            json!({"ip_allow_list": ["10.0.0.0/8"]}),
            json!({"IP_ALLOWLIST": ["10.0.0.0/8"]}),
            json!({"unknown": null}),
            json!({"": 1}),
        ] {
            let refused = Conditions::parse(&conditions);
            assert!(matches!(refused, Err(Error::Invalid(_))), "{conditions}");
        }
        for conditions in [
            json!(1),
            json!({"required_tags": []}),
            json!({"required_tags": "a"}),
            json!({"required_tags": ["a", 1]}),
            json!({"principal_role": []}),
            json!({"principal_role": ""}),
            json!({"principal_role": "operator"}),
            json!({"principal_role": ["admin", "Owner"]}),
            json!({"auth_method": []}),
            json!({"auth_method": "none"}),
            json!({"risk_verdict_max": "low"}),
            json!({"device_known": true}),
            json!({"device_known": false}),
            json!({"expression": "true"}),
        ] {
            let refused = AttributeConditions::parse(&conditions);
            assert!(matches!(refused, Err(Error::Invalid(_))), "{conditions}");
        }
    }

    /// The error names the member in full and never quotes what was given.
    #[test]
    fn an_error_names_the_member() {
        let error = Conditions::parse(&json!({"time_window": {"after": "noon"}})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "conditions.time_window.after must be a time of day from 00:00 to 23:59."
        );
    }

    #[test]
    fn the_given_json_comes_back() {
        for given in [
            json!({"ip_allowlist": ["10.0.0.5/8", "::FFFF:1.2.3.4"], "environment_in": null}),
            json!({"time_window": {"after": "08:00", "timezone": "europe/amsterdam", "weekdays": ["Mon", 3]}}),
        ] {
            let stored = Conditions::parse(&given).unwrap().as_json().to_owned();
            let again = Conditions::from_stored(&stored).unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(again.as_json()).unwrap(),
                given
            );
        }
        let given = json!({"principal_role": "admin", "auth_method": ["mtls"]});
        let stored = AttributeConditions::parse(&given)
            .unwrap()
            .as_json()
            .to_owned();
        let again = AttributeConditions::from_stored(&stored).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(again.as_json()).unwrap(),
            given
        );
        assert_eq!(Conditions::default().as_json(), "{}");
        assert_eq!(
            AttributeConditions::parse(&json!({})).unwrap().as_json(),
            "{}"
        );
    }

    /// Conditions of another release than this one close the policy's vault rather than open it.
    #[test]
    fn stored_conditions_that_are_not_understood_are_an_error() {
        for stored in ["", "[]", "{\"ip_allowlist\":[]}", "{\"new_condition\":1}"] {
            assert!(
                matches!(Conditions::from_stored(stored), Err(Error::Internal(_))),
                "{stored}"
            );
            let attributes = AttributeConditions::from_stored(stored);
            assert!(matches!(attributes, Err(Error::Internal(_))), "{stored}");
        }
    }
}
