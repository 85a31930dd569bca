//! `kluis whoami`

use clap::Args;

use super::Context;
use crate::failure::Failure;
use crate::output::{LISTING, Records};

/// Say as whom, and where, commands act
#[derive(Debug, Args)]
pub(crate) struct Whoami {}

const COLUMNS: &[&str] = &[
    "name",
    "type",
    "role",
    "id",
    "org_id",
    "server",
    "token_from",
];

impl Whoami {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = "cannot ask who this is";
        let oneclaw = server.client.oneclaw();
        let (name, kind, role, id, organization) = match oneclaw.me().await {
            Ok(me) => (me.email, "user", Some(me.role), me.id, Some(me.org_id)),
            // Users have accounts, agents are asked for elsewhere.
            Err(error) if error.status() == Some(403) => {
                let agent = oneclaw.agent_self().await;
                let agent = agent.map_err(|_| server.failure(what, &error))?;
                (agent.name, "agent", None, agent.id, agent.org_id)
            }
            Err(error) => return Err(server.failure(what, &error)),
        };
        let row = vec![
            name.into(),
            kind.into(),
            role.into(),
            id.into(),
            organization.into(),
            server.url.as_str().into(),
            server.token_from().into(),
        ];
        Records::one(COLUMNS, row).print(format)
    }
}
