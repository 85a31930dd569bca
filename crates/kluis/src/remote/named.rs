//! Things that an argument names, by their name or by their id.

use kluis_client::credvault::{Cluster, Integration, Record};

use super::Remote;
use crate::failure::{Code, Failure};
use crate::suggest::did_you_mean;

/// Something that has an id and a name.
trait Named {
    /// What one of them is called.
    const NOUN: &'static str;
    /// Where to see them.
    const SEE: &'static str;
    fn id(&self) -> &str;
    fn name(&self) -> &str;
}

impl Named for Cluster {
    const NOUN: &'static str = "cluster";
    const SEE: &'static str = "see the clusters with kluis cluster list";

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Integration {
    const NOUN: &'static str = "integration";
    const SEE: &'static str = "see the integrations with kluis integration list";

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Remote {
    /// The cluster with this id or name. `what` is what could not be done without it.
    pub(crate) async fn cluster(&self, cluster: &str, what: &str) -> Result<Cluster, Failure> {
        let clusters = self.client.credvault().clusters().await;
        let clusters = clusters.map_err(|error| self.failure(what, &error))?;
        self.meant(cluster, clusters)
    }

    /// The integration with this id or name. `what` is what could not be done without it.
    pub(crate) async fn integration(
        &self,
        integration: &str,
        what: &str,
    ) -> Result<Integration, Failure> {
        let integrations = self.client.credvault().integrations().await;
        let integrations = integrations.map_err(|error| self.failure(what, &error))?;
        self.meant(integration, integrations)
    }

    /// The one of `things` that has this id, or else this name.
    fn meant<T: Named>(&self, given: &str, things: Vec<T>) -> Result<T, Failure> {
        let by_id = things.iter().position(|thing| thing.id() == given);
        let found = by_id.or_else(|| things.iter().position(|thing| thing.name() == given));
        let hint = did_you_mean(given, things.iter().map(T::name));
        found
            .and_then(|position| things.into_iter().nth(position))
            .ok_or_else(|| {
                Failure::new(
                    Code::NotFound,
                    format!("there is no {} '{given}'", T::NOUN),
                    format!("{} shows you none of that name or id{hint}", self.name),
                    T::SEE,
                )
            })
    }

    /// The id of a record: as given, or looked up where `VAULT/NAME` was given. `what` is what could not be done without it.
    pub(crate) async fn record_id(&self, record: &str, what: &str) -> Result<String, Failure> {
        if is_record_id(record) {
            return Ok(record.to_owned());
        }
        Ok(self.record(record, what).await?.id)
    }

    /// The record at `VAULT/NAME`. `what` is what could not be done without it.
    pub(crate) async fn record(&self, place: &str, what: &str) -> Result<Record, Failure> {
        let Some((vault, name)) = place.split_once('/') else {
            return Err(Failure::usage(
                what,
                format!("'{place}' does not say in which vault it is"),
                "give it as VAULT/NAME",
            ));
        };
        let found = self.client.credvault().record_named(vault, name).await;
        let found = found.map_err(|error| self.secret_failure(what, &error))?;
        found.ok_or_else(|| {
            Failure::new(
                Code::NotFound,
                what,
                format!(
                    "{} shows you no secret '{name}' in vault '{vault}'",
                    self.name
                ),
                "see what there is with kluis secret list --vault VAULT",
            )
        })
    }
}

/// `resource_` and 22 base-62 characters.
fn is_record_id(text: &str) -> bool {
    text.strip_prefix("resource_").is_some_and(|body| {
        body.len() == 22 && body.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
