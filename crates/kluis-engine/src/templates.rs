//! Templates: the fields that a service's credentials are made of, as data (`catalog/templates.toml`).

use std::sync::LazyLock;

use serde::Deserialize;

use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;

/// A template: the secrets that one service's credentials are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its id, a word that stays.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its fields, in the order to ask for them.
    pub fields: Vec<Field>,
}

/// One secret of a template.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The path to store it at.
    pub key: String,
    /// The type to store it with.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the credentials are of no use without it.
    pub required: bool,
}

impl Engine {
    /// The templates, in the order of the catalog.
    pub async fn template_list(&self, caller: &Caller) -> Result<&'static [Template], Error> {
        self.look(caller, Action::TemplateList, async |_, _| match &*CATALOG {
            Ok(catalog) => Ok(catalog.template.as_slice()),
            Err(cause) => Err(Error::internal(cause.as_str())),
        })
        .await
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalog {
    template: Vec<Template>,
}

static CATALOG: LazyLock<Result<Catalog, String>> = LazyLock::new(|| {
    let text = include_str!("../../../catalog/templates.toml");
    toml::from_str(text).map_err(|cause| format!("the catalog of templates: {cause}"))
});

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn catalog() -> &'static [Template] {
        &CATALOG.as_ref().unwrap().template
    }

    #[test]
    fn ids_are_unique_slugs_and_every_template_has_fields() {
        let mut ids = HashSet::new();
        for template in catalog() {
            let slug = template.id.strip_prefix("tpl_").unwrap();
            assert!(
                slug.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            );
            assert!(!slug.is_empty() && !template.name.is_empty() && !template.fields.is_empty());
            assert!(ids.insert(&template.id), "{}", template.id);
        }
    }

    #[test]
    fn keys_are_unique_in_a_template_and_types_are_the_three_known_ones() {
        for template in catalog() {
            let mut keys = HashSet::new();
            for field in &template.fields {
                assert!(keys.insert(&field.key), "{} {}", template.id, field.key);
                assert!(
                    ["api_key", "credential", "text"].contains(&field.kind.as_str()),
                    "{}",
                    field.key
                );
            }
            assert!(
                template.fields.iter().any(|field| field.required),
                "{}",
                template.id
            );
        }
    }
}
