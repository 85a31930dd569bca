//! The parameters of a list as documentation.

use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};

use super::query::{AFTER, BEFORE, CONTAINS, DEFAULT_LIMIT, List, MOST, sortable};
use super::{Field, Kind, ListItem};

impl<T: ListItem> IntoParams for List<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let names: Vec<_> = sortable::<T>().map(|field| field.name).collect();
        let selectors = T::SELECTORS
            .iter()
            .map(|&(name, what)| parameter(name, what, text()));
        let filters = T::FIELDS.iter().flat_map(Field::parameters);
        let paging = [
            (
                "limit",
                "How many at most.".to_owned(),
                number(1, Some(DEFAULT_LIMIT), Some(MOST)),
            ),
            (
                "offset",
                "How many to leave out; none unless given.".to_owned(),
                number(0, None, None),
            ),
            (
                "skip",
                "The same as `offset`.".to_owned(),
                number(0, None, None),
            ),
            (
                "cursor",
                "A cursor of an earlier answer, instead of `offset`.".to_owned(),
                text(),
            ),
            ("sort", sort_description(&names), text()),
            (
                "order",
                "`asc` or `desc`, where `sort` is one field without a sign.".to_owned(),
                text(),
            ),
        ];
        selectors
            .chain(filters)
            .chain(
                paging
                    .into_iter()
                    .map(|(name, what, schema)| parameter(name, &what, schema)),
            )
            .collect()
    }
}

impl<T> Field<T> {
    fn parameters(&self) -> Vec<Parameter> {
        let (name, stem) = (self.name, self.stem());
        let equal = || {
            parameter(
                name,
                "Equal to this, or to one of these with commas between.",
                text(),
            )
        };
        let time = |suffix: &str, what: &str| parameter(&format!("{stem}{suffix}"), what, text());
        match self.kind {
            Kind::Number => Vec::new(),
            Kind::Text => {
                let contains = parameter(
                    &format!("{name}{CONTAINS}"),
                    "Has this in it, in any case.",
                    text(),
                );
                vec![equal(), contains]
            }
            Kind::Time => vec![
                time(
                    AFTER,
                    "At this instant (RFC 3339) or day (`YYYY-MM-DD`), or after it.",
                ),
                time(
                    BEFORE,
                    "Before this instant (RFC 3339) or day (`YYYY-MM-DD`).",
                ),
            ],
            Kind::Word => vec![equal()],
            Kind::Words => {
                let what = "Has this word, or one of these with commas between.";
                vec![parameter(name, what, text())]
            }
        }
    }
}

fn parameter(name: &str, description: &str, schema: Object) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn sort_description(names: &[&str]) -> String {
    let first = names.first().copied().unwrap_or_default();
    format!(
        "Up to three of `{}` with commas between, each with `-` before it to descend; `{first}` unless given.",
        names.join("`, `")
    )
}

fn text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

/// A default is sent by the explorer, so there is none where it cannot stand beside another parameter.
fn number(least: usize, default: Option<usize>, most: Option<usize>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(least))
        .maximum(most)
        .default(default.map(Into::into))
        .build()
}
