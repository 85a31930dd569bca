//! Trying out whether the target of an integration can be reached; no secret but the credential leaves.

use super::integration::Target;
use super::sync::Trouble;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::IntegrationId;
use crate::jobs::Ended;

/// What trying has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// How long it took.
    pub duration_millis: u64,
    /// Why it came to nothing; a sentence.
    pub error: Option<String>,
}

impl Engine {
    /// Find out whether a sync could succeed: an empty push, an empty file that goes again, a question to the KV engine, or a message.
    /// With the rights of the user that the integration acts for, as in a run. A failed trial is no error.
    pub async fn integration_test(
        &self,
        caller: &Caller,
        id: IntegrationId,
    ) -> Result<Trial, Error> {
        let integration = self
            .look(caller, Action::IntegrationTest, async |conn, act| {
                self.integration_find(conn, act, id).await
            })
            .await?;
        let began = self.clock().now();
        let tried = match self.integration_read_credential(&integration).await? {
            Err(trouble) => Err(trouble),
            Ok(source) => match &integration.target {
                Target::ChatWebhook(chat) => chat.try_out(self, &integration.name, &source).await,
                Target::EnvFile(_) => self.env_file_try(integration.organization).await,
                Target::HttpPush(push) => push.try_out(self, &integration, &source).await,
                Target::KvV2(kv) => kv.try_out(self, &source).await,
            },
        };
        let error = match tried {
            Ok(()) => None,
            Err(Trouble::Lasting(why) | Trouble::Passing(why)) => Some(why),
            Err(Trouble::Ended(Ended::Error(error))) => return Err(error),
            Err(Trouble::Overtaken | Trouble::Ended(_)) => return Err(Error::NotFound),
        };
        let spent = self.clock().now().millis() - began.millis();
        Ok(Trial {
            duration_millis: u64::try_from(spent).unwrap_or(0),
            error,
        })
    }
}
