//! `kluis template`

use clap::Subcommand;

use super::Context;
use crate::failure::Failure;
use crate::output::{Cell, LISTING, Records};

/// Look up which secrets a service needs
#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    /// List the templates; keys that a service cannot do without end in `*`
    List,
}

impl Template {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Self::List = self;
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let templates = server.client.cloudkeep().templates().await;
        let templates =
            templates.map_err(|error| server.failure("cannot list the templates", &error))?;
        let rows = templates
            .into_iter()
            .map(|template| {
                let keys = template
                    .fields
                    .into_iter()
                    .map(|field| field.key + if field.required { "*" } else { "" });
                vec![
                    template.id.into(),
                    template.name.into(),
                    Cell::List(keys.collect()),
                ]
            })
            .collect();
        Records::list(&["id", "name", "keys"], rows).print(format)
    }
}
