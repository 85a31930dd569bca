//! Who one is.

use super::{UserProfile, user_find};
use crate::action::Action;
use crate::api_keys::{ApiKey, api_key_find};
use crate::caller::{Caller, Credential, ScopeSet, User};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::ApiKeyId;
use crate::store::params;
use crate::store::sql::{api_keys, organizations, sessions};

/// Who one is.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The user, or the one whose key it is.
    pub user: UserProfile,
    /// The API key, if one was used.
    pub api_key: Option<ApiKey>,
    /// The scopes that the role brings, within the key's.
    pub scopes: ScopeSet,
}

impl Engine {
    /// Who the caller is.
    pub async fn profile(&self, caller: &Caller) -> Result<Profile, Error> {
        self.look(caller, Action::ProfileRead, async |conn, act| {
            let User { id, role, .. } = *act.caller.user().ok_or(Error::Forbidden)?;
            let user = user_find(conn, act.caller.organization, id).await?;
            let api_key = match act.caller.credential {
                Credential::ApiKey(key) => {
                    Some(api_key_find(conn, act, key, api_keys::BY_ID).await?)
                }
                Credential::Exchanged(token) => {
                    let row = conn
                        .query_one(sessions::KEY, params![token.bytes()])
                        .await?;
                    let key = ApiKeyId::from_bytes(row.ok_or(Error::NotFound)?.array()?);
                    Some(api_key_find(conn, act, key, api_keys::BY_ID).await?)
                }
                Credential::Session(_) => None,
            };
            act.names("user", *id.bytes());
            let scopes = act
                .caller
                .scopes
                .map_or(role.scopes(), |own| own.and(role.scopes()));
            Ok(Profile {
                user,
                api_key,
                scopes,
            })
        })
        .await
    }

    /// Who the caller is, with the name of its organization, for owners and admins.
    pub async fn profile_of_admin(&self, caller: &Caller) -> Result<(UserProfile, String), Error> {
        self.look(caller, Action::ProfileReadAsAdmin, async |conn, act| {
            let organization = act.caller.organization;
            let id = act.caller.user().ok_or(Error::Forbidden)?.id;
            act.names("user", *id.bytes());
            let user = user_find(conn, organization, id).await?;
            let row = conn
                .query_one(organizations::NAME, params![organization.bytes()])
                .await?;
            Ok((user, row.ok_or(Error::NotFound)?.text()?))
        })
        .await
    }
}
