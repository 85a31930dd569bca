//! What is asked of integrations (contract B5).

use kluis_engine::{
    DEFAULT_NAME, DisplayName, Error, Filter, IntegrationChange, IntegrationKind, Invalid,
    ModeChange, NamedVault, NewIntegration, NewSelector, SecretId, SyncMode, Target, VaultId,
};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::filled;
use super::filter::filter;
use super::integration_config::{merged, read};
use crate::api::extract::stated;
use crate::api::ids::{Id, Kind as _};

/// What an integration is to be: all of it. What is left out is as usual.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct IntegrationPut {
    /// Unique in the account.
    #[schema(min_length = 1, max_length = 255, examples("deploy-push"))]
    name: String,
    #[serde(rename = "type")]
    #[schema(examples("http_push"))]
    kind: TypeOfIntegration,
    /// As the type's schema says.
    #[schema(value_type = Object, examples(json!({"url": "https://deploy.example.com/hook", "format": "json"})))]
    config: Map<String, Json>,
    /// True unless given.
    enabled: Option<bool>,
    /// A record that the caller can read.
    #[schema(value_type = Option<String>)]
    credential_record_id: Option<Id<SecretId>>,
    selector: Option<SelectorPut>,
    sync: Option<SyncPut>,
}

/// What to change of an integration: members that are left out stay, null resets.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct IntegrationUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    name: Option<Option<String>>,
    /// It stays what it is.
    #[serde(default, rename = "type", deserialize_with = "stated")]
    #[schema(value_type = Option<TypeOfIntegration>)]
    kind: Option<Option<TypeOfIntegration>>,
    /// Members to change; null resets one.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Object>)]
    config: Option<Option<Map<String, Json>>>,
    /// Null is as good as true.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<bool>)]
    enabled: Option<Option<bool>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>)]
    credential_record_id: Option<Option<Id<SecretId>>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<SelectorPut>)]
    selector: Option<Option<SelectorPut>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<SyncPut>)]
    sync: Option<Option<SyncPut>>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TypeOfIntegration {
    // The first is what an example of a body has.
    HttpPush,
    ChatWebhook,
    EnvFile,
    #[serde(rename = "kv_v2")]
    KvV2,
}

/// Which records are sent. A name that is misspelled must not mean all of them.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SelectorPut {
    /// Name or id of a collection; `default` unless given.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, examples("default"))]
    collection: Option<Option<String>>,
    /// As in a query; all records unless given.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Object>, examples(json!({"tags": {"$contains": "prod"}})))]
    filter: Option<Option<Map<String, Json>>>,
}

/// When records are sent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SyncPut {
    /// `manual` unless given.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<ModeOfSync>, examples("on_change"))]
    mode: Option<Option<ModeOfSync>>,
    /// For the mode `scheduled`, which needs it.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<u32>, minimum = 5, maximum = 43_200)]
    interval_minutes: Option<Option<u32>>,
}

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ModeOfSync {
    #[default]
    Manual,
    OnChange,
    Scheduled,
}

impl IntegrationPut {
    /// The integration to make.
    pub(in super::super) fn create(self) -> Result<NewIntegration, Error> {
        Ok(NewIntegration {
            name: DisplayName::parse("name", &self.name)?,
            target: read(self.kind.into(), self.config)?,
            enabled: self.enabled.unwrap_or(true),
            credential: self.credential_record_id.map(|Id(record)| record),
            selector: self.selector.unwrap_or_default().whole()?,
            mode: self.sync.unwrap_or_default().over(SyncMode::Manual)?,
        })
    }

    /// What makes any integration of its type this one.
    pub(in super::super) fn replace(self) -> Result<IntegrationChange, Error> {
        let NewIntegration {
            name,
            target,
            enabled,
            credential,
            selector,
            mode,
        } = self.create()?;
        Ok(IntegrationChange {
            name: Some(name),
            target: Some(Box::new(move |before: &Target| {
                require_kind(before, target.kind())?;
                Ok(target)
            })),
            enabled: Some(enabled),
            credential: Some(credential),
            vault: Some(selector.vault),
            filter: Some((selector.filter, selector.stated)),
            mode: Some(Box::new(move |_| Ok(mode))),
        })
    }
}

impl IntegrationUpdate {
    /// What to change.
    pub(in super::super) fn change(self) -> Result<IntegrationChange, Error> {
        let name = filled("name", self.name)?;
        let name = name.map(|name| DisplayName::parse("name", &name));
        let kind = filled("type", self.kind)?.map(IntegrationKind::from);
        let config = filled("config", self.config)?;
        let mut change = IntegrationChange {
            name: name.transpose()?,
            enabled: self.enabled.map(|enabled| enabled.unwrap_or(true)),
            credential: self
                .credential_record_id
                .map(|given| given.map(|Id(record)| record)),
            mode: self.sync.map(mode),
            ..IntegrationChange::default()
        };
        if kind.is_some() || config.is_some() {
            change.target = Some(Box::new(move |before: &Target| {
                require_kind(before, kind.unwrap_or(before.kind()))?;
                merged(before, config.unwrap_or_default())
            }));
        }
        if let Some(given) = self.selector {
            let given = given.unwrap_or_else(SelectorPut::usual);
            change.vault = given.collection.map(vault);
            change.filter = given.filter.map(stated_filter).transpose()?;
        }
        Ok(change)
    }
}

impl SelectorPut {
    /// That says of everything that it is as usual.
    fn usual() -> Self {
        Self {
            collection: Some(None),
            filter: Some(None),
        }
    }

    fn whole(self) -> Result<NewSelector, Error> {
        let (filter, stated) = stated_filter(self.filter.flatten())?;
        Ok(NewSelector {
            vault: vault(self.collection.flatten()),
            filter,
            stated,
        })
    }
}

impl SyncPut {
    /// What is given, on top of what there is; null means the usual.
    fn over(self, before: SyncMode) -> Result<SyncMode, Error> {
        let mode = match self.mode {
            Some(mode) => mode.unwrap_or_default(),
            None => match before {
                SyncMode::Manual => ModeOfSync::Manual,
                SyncMode::OnChange => ModeOfSync::OnChange,
                SyncMode::Scheduled(_) => ModeOfSync::Scheduled,
            },
        };
        let minutes = match (self.interval_minutes, mode) {
            (Some(minutes), _) => minutes,
            (None, ModeOfSync::Scheduled) => before.minutes(),
            (None, _) => None,
        };
        match (mode, minutes) {
            (ModeOfSync::Manual, None) => Ok(SyncMode::Manual),
            (ModeOfSync::OnChange, None) => Ok(SyncMode::OnChange),
            (ModeOfSync::Scheduled, Some(minutes)) => Ok(SyncMode::Scheduled(minutes)),
            (ModeOfSync::Scheduled, None) => Err(Error::missing("sync.interval_minutes")),
            (ModeOfSync::Manual | ModeOfSync::OnChange, Some(_)) => {
                let why = "is for the mode scheduled alone";
                Err(Error::invalid("sync.interval_minutes", why))
            }
        }
    }
}

fn mode(given: Option<SyncPut>) -> ModeChange {
    Box::new(move |before| match given {
        Some(given) => given.over(before),
        None => Ok(SyncMode::Manual),
    })
}

fn vault(given: Option<String>) -> NamedVault {
    let name = given.unwrap_or_else(|| DEFAULT_NAME.to_owned());
    NamedVault {
        id: VaultId::parse(&name),
        name,
    }
}

/// A filter, and its text as it was given.
fn stated_filter(given: Option<Map<String, Json>>) -> Result<(Filter, String), Error> {
    let given = given.unwrap_or_default();
    let parsed = filter(&given).map_err(|error| match error {
        Error::Invalid(invalid) => Error::Invalid(Invalid {
            field: "selector.filter".into(),
            ..invalid
        }),
        error => error,
    })?;
    Ok((parsed, Json::Object(given).to_string()))
}

fn require_kind(before: &Target, kind: IntegrationKind) -> Result<(), Error> {
    if before.kind() == kind {
        Ok(())
    } else {
        Err(Error::invalid("type", "cannot be changed"))
    }
}

impl From<TypeOfIntegration> for IntegrationKind {
    fn from(kind: TypeOfIntegration) -> Self {
        match kind {
            TypeOfIntegration::ChatWebhook => Self::ChatWebhook,
            TypeOfIntegration::EnvFile => Self::EnvFile,
            TypeOfIntegration::HttpPush => Self::HttpPush,
            TypeOfIntegration::KvV2 => Self::KvV2,
        }
    }
}
