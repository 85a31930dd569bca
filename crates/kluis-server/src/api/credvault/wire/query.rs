//! Queries, and what is done to all records that one finds (contract B3).

use kluis_engine::{Error, Filter, Invalid};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::filter::{filter, member_of};
use super::record::{Record, RecordUpdate};

/// A query of the records of a collection.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct Query {
    /// Conditions on the records: equality by member, `$eq $ne $gt $gte $lt $lte $in $nin $exists $contains`, joined by
    /// `$and $or $not`. All records, unless given.
    #[serde(default)]
    #[schema(value_type = Option<Object>, examples(json!({"type": "database", "fields.port": {"$gte": 5000}})))]
    filter: Option<Map<String, Json>>,
    /// Up to three members, each with `-` before it to descend.
    #[schema(max_items = 3, examples(json!(["-updated_at"])))]
    pub(in super::super) sort: Option<Vec<String>>,
    #[schema(minimum = 1, examples(20))]
    pub(in super::super) limit: Option<i64>,
    /// A cursor of an earlier answer.
    pub(in super::super) cursor: Option<String>,
    /// Which members the answer has beside `id`; all, unless given.
    #[schema(max_items = 50, examples(json!(["name", "fields.host"])))]
    fields: Option<Vec<String>>,
}

/// A change of all records that a filter finds.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct UpdateMany {
    /// As in a query, and not empty.
    #[schema(value_type = Object, examples(json!({"tags": "staging"})))]
    filter: Map<String, Json>,
    /// As in a change of one record, but for the name.
    pub(in super::super) changes: RecordUpdate,
}

/// A deletion of all records that a filter finds.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct DeleteMany {
    /// As in a query, and not empty.
    #[schema(value_type = Object, examples(json!({"tags": "staging"})))]
    filter: Map<String, Json>,
}

/// What became of the records that were found.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Updated {
    /// How many were found.
    #[schema(examples(3))]
    matched: usize,
    /// How many of them were changed: the others may not be, or the change does not fit them.
    #[schema(examples(3))]
    modified: usize,
}

/// How many records are gone.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct DeletedMany {
    #[schema(examples(3))]
    pub(in super::super) deleted: usize,
}

/// Those members of a record that a query asks for, and its id.
#[derive(Serialize, ToSchema)]
#[schema(value_type = Object)]
pub(in super::super) struct RecordPart(Map<String, Json>);

/// Which members of a record an answer has.
pub(in super::super) struct Parts(Option<Vec<Vec<String>>>);

impl Query {
    /// The filter, and its text as it was given: what a cursor is bound to.
    pub(in super::super) fn filter(&self) -> Result<(Filter, String), Error> {
        let given = self.filter.as_ref();
        let parsed = given.map_or_else(|| Ok(Filter::All(Vec::new())), filter)?;
        let text = given.map(|given| Json::Object(given.clone()).to_string());
        Ok((parsed, text.unwrap_or_default()))
    }

    /// The members that the answer has. `Invalid` names one that no record has.
    pub(in super::super) fn parts(&self) -> Result<Parts, Error> {
        let Some(fields) = &self.fields else {
            return Ok(Parts(None));
        };
        if fields.len() > MOST_PARTS {
            return Err(Error::invalid("fields", "must name at most 50 members"));
        }
        let paths = fields.iter().map(|path| {
            member_of(path).map_err(|error| match error {
                Error::Invalid(invalid) => Error::Invalid(Invalid {
                    field: "fields".into(),
                    ..invalid
                }),
                error => error,
            })?;
            Ok(path.split('.').map(str::to_owned).collect())
        });
        Ok(Parts(Some(paths.collect::<Result<_, Error>>()?)))
    }
}

impl UpdateMany {
    /// The filter. `Invalid` when it is empty.
    pub(in super::super) fn filter(&self) -> Result<Filter, Error> {
        narrowing(&self.filter)
    }
}

impl DeleteMany {
    /// The filter. `Invalid` when it is empty.
    pub(in super::super) fn filter(&self) -> Result<Filter, Error> {
        narrowing(&self.filter)
    }
}

impl Parts {
    /// These members of `record`.
    pub(in super::super) fn of(&self, record: &Record) -> Result<RecordPart, Error> {
        let whole =
            serde_json::to_value(record).map_err(|cause| Error::internal(cause.to_string()))?;
        let Some(paths) = &self.0 else {
            return Ok(RecordPart(match whole {
                Json::Object(members) => members,
                _ => Map::new(),
            }));
        };
        let mut part = Map::new();
        part.insert(ID.to_owned(), record.id.as_str().into());
        for path in paths {
            copy(&whole, &mut part, path);
        }
        Ok(RecordPart(part))
    }
}

/// Copy what stands at `path`, if anything does.
fn copy(from: &Json, into: &mut Map<String, Json>, path: &[String]) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    let Some(member) = from.get(name) else {
        return;
    };
    if rest.is_empty() {
        into.insert(name.clone(), member.clone());
        return;
    }
    let within = into
        .entry(name.clone())
        .or_insert_with(|| Json::Object(Map::new()));
    if let Json::Object(within) = within {
        copy(member, within, rest);
    }
}

fn narrowing(given: &Map<String, Json>) -> Result<Filter, Error> {
    if given.is_empty() {
        return Err(Error::invalid("filter", "must not be empty"));
    }
    filter(given)
}

impl From<kluis_engine::Updated> for Updated {
    fn from(updated: kluis_engine::Updated) -> Self {
        Self {
            matched: updated.matched,
            modified: updated.modified,
        }
    }
}

const ID: &str = "id";
const MOST_PARTS: usize = 50;
