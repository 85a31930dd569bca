//! Changing passwords as a job: asked for, or when it is time.

use serde::{Deserialize, Serialize};

use super::RotationOutcome;
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::clusters::{Cluster, cluster_to_change};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ClusterId, SecretId};
use crate::jobs::{Ended, Job, JobKind, NewJob, Running, Step};
use crate::store::sql::clusters as sql;
use crate::store::{Tx, params};

/// What the job is asked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    cluster: [u8; 16],
    /// One of the secrets that are bound to it; all of them unless given.
    secret: Option<[u8; 16]>,
}

/// What the job has done, and in the end its result.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    rotated: usize,
    skipped: usize,
    failed: usize,
    secrets: Vec<Told>,
}

/// What became of one secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    /// The secret, as a UUID.
    secret: String,
    /// `rotated`, `skipped` or `failed`.
    outcome: String,
    /// Why, where it is not rotated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reason: Option<String>,
    /// Its version, where it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    version: Option<u32>,
}

impl Engine {
    /// Have the passwords of a cluster's secrets changed, or of one of them. `Invalid` for a secret that is not bound to it.
    pub async fn cluster_rotate(
        &self,
        caller: &Caller,
        id: ClusterId,
        secret: Option<SecretId>,
    ) -> Result<Job, Error> {
        let engine = self.clone();
        self.change(caller, Action::ClusterRotate, move |tx, act| {
            Box::pin(async move {
                let cluster = cluster_to_change(tx.conn(), act, id).await?;
                cluster.require_served()?;
                act.calls_it(&cluster.name);
                if let Some(secret) = secret {
                    let row = tx
                        .conn()
                        .query_one(sql::BINDING, params![secret.bytes()])
                        .await?;
                    let binding = row.map(crate::clusters::Binding::from_row).transpose()?;
                    if binding.is_none_or(|binding| binding.cluster != id) {
                        let why = "must be a record of this cluster";
                        return Err(Error::invalid("record_id", why));
                    }
                }
                engine.job_create(tx, act, asked(id, secret)?).await
            })
        })
        .await
    }

    /// The same when it is time. A job more than there can be is not made, and the next time is the next chance.
    pub(crate) async fn rotation_schedule(
        &self,
        tx: &mut Tx,
        cluster: &Cluster,
        now: Timestamp,
    ) -> Result<(), Error> {
        let job = asked(cluster.id, None)?;
        match self.job_schedule(tx, cluster.organization, job, now).await {
            Ok(_) => Ok(()),
            Err(Error::Conflict(_)) => {
                tracing::error!(cluster = %cluster.id, "passwords are not changed: too many jobs wait");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// Do the work of such a job.
pub(crate) async fn run(engine: &Engine, job: &mut Running) -> Result<Step, Ended> {
    let asked: Asked = job.payload()?;
    let mut done: Done = job.state()?.unwrap_or_default();
    let cluster = ClusterId::from_bytes(asked.cluster);
    let only = asked.secret.map(SecretId::from_bytes);
    let bindings = match engine.bindings_of(cluster, only).await {
        Err(Error::NotFound) => {
            return Err(Ended::failed("The secret is not of this cluster any more."));
        }
        bindings => bindings?,
    };
    let count = bindings.len().max(1);
    for binding in bindings {
        let id = binding.secret.to_string();
        if done.secrets.iter().any(|told| told.secret == id) {
            continue;
        }
        let percent = 100 * done.secrets.len() / count;
        job.progress(engine, u8::try_from(percent).unwrap_or(100))
            .await?;
        let outcome = engine.bound_password_change(&binding).await?;
        done.tell(id, outcome);
        job.keep(engine, &done).await?;
    }
    match done.secrets.as_slice() {
        [
            Told {
                outcome,
                reason: Some(reason),
                ..
            },
        ] if only.is_some() && outcome == FAILED => Err(Ended::failed(format!(
            "The password is not changed: {reason}."
        ))),
        _ => Step::done(&done),
    }
}

const FAILED: &str = "failed";

impl Done {
    fn tell(&mut self, id: String, outcome: RotationOutcome) {
        let (count, word, reason, version) = match outcome {
            RotationOutcome::Rotated(version) => {
                (&mut self.rotated, "rotated", None, Some(version))
            }
            RotationOutcome::Skipped(why) => {
                (&mut self.skipped, "skipped", Some(why.to_owned()), None)
            }
            RotationOutcome::Failed(why) | RotationOutcome::Unsettled(why) => {
                (&mut self.failed, FAILED, Some(why), None)
            }
        };
        *count += 1;
        self.secrets.push(Told {
            secret: id,
            outcome: word.to_owned(),
            reason,
            version,
        });
    }
}

fn asked(cluster: ClusterId, secret: Option<SecretId>) -> Result<NewJob, Error> {
    let asked = Asked {
        cluster: *cluster.bytes(),
        secret: secret.map(|secret| *secret.bytes()),
    };
    NewJob::new(JobKind::Rotation, &asked)
}
