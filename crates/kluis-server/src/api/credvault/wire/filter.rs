//! The query language over records (contract B3): read into the engine's conditions.

use kluis_engine::{ClusterId, Error, Filter, Place, SecretId, State, Test};
use serde_json::{Map, Value as Json};

use super::instant;
use super::record::{GENERIC, TYPES};
use crate::api::ids::Kind as _;

/// The conditions that `given` states. `Invalid` says what in it is not of the language, or that it is too deep or too large.
pub(in super::super) fn filter(given: &Map<String, Json>) -> Result<Filter, Error> {
    Reader { nodes: 0 }.object(given, 1)
}

/// Something of a record that a filter or a selection of members can name.
pub(in super::super) enum Member {
    /// Its collection, the same for all that a query finds.
    Collection,
    Place(Place),
    Status,
    Type,
}

/// The member that a dotted path names. `Invalid` when no record has it, or nobody may search it.
pub(in super::super) fn member_of(path: &str) -> Result<Member, Error> {
    let place = match path {
        "cluster_id" => Place::Cluster,
        "created_at" => Place::CreatedAt,
        "expires_at" => Place::ExpiresAt,
        "has_secret" => Place::HasValue,
        "id" => Place::Id,
        "last_rotated_at" => Place::RotatedAt,
        "name" => Place::Path,
        "tags" => Place::Tags,
        "updated_at" => Place::UpdatedAt,
        "version" => Place::Version,
        "collection" => return Ok(Member::Collection),
        "status" => return Ok(Member::Status),
        "type" => return Ok(Member::Type),
        _ => Place::Member(within_fields(path)?),
    };
    Ok(Member::Place(place))
}

fn within_fields(path: &str) -> Result<Vec<String>, Error> {
    let mut names = path.split('.');
    match names.next() {
        Some("fields") => {}
        Some("secret") => return Err(wrong("names a secret, and those cannot be searched")),
        _ => return Err(wrong("names a member that records do not have")),
    }
    let names: Vec<_> = names.map(str::to_owned).collect();
    if names.len() > MOST_NAMES || names.iter().any(String::is_empty) {
        return Err(wrong(
            "names members of fields with dots between, at most eight deep",
        ));
    }
    Ok(names)
}

/// Reads a filter, and counts what is in it.
struct Reader {
    nodes: usize,
}

impl Reader {
    fn object(&mut self, given: &Map<String, Json>, depth: usize) -> Result<Filter, Error> {
        if depth > DEEPEST {
            return Err(wrong("must be at most 5 deep"));
        }
        let filters = given.iter().map(|(name, value)| match name.as_str() {
            "$and" => self.each(value, depth).map(Filter::All),
            "$or" => self.each(value, depth).map(Filter::Any),
            "$not" => {
                self.count()?;
                let inner = self.nested(value, depth)?;
                Ok(Filter::Not(Box::new(inner)))
            }
            path => self.member(path, value),
        });
        Ok(all_of(filters.collect::<Result<_, _>>()?))
    }

    fn each(&mut self, value: &Json, depth: usize) -> Result<Vec<Filter>, Error> {
        self.count()?;
        let items = value.as_array().filter(|items| !items.is_empty());
        let items = items.ok_or_else(|| wrong("needs a list of filters behind $and and $or"))?;
        items.iter().map(|item| self.nested(item, depth)).collect()
    }

    /// A filter within another: never an empty one, which would let everything through unnoticed.
    fn nested(&mut self, value: &Json, depth: usize) -> Result<Filter, Error> {
        let inner = value.as_object().filter(|inner| !inner.is_empty());
        let inner = inner.ok_or_else(|| wrong("needs filters behind $and, $or and $not"))?;
        self.object(inner, depth + 1)
    }

    fn member(&mut self, path: &str, value: &Json) -> Result<Filter, Error> {
        if path.starts_with('$') {
            return Err(wrong(
                "knows $and, $or and $not, and the other operators behind a member",
            ));
        }
        let member = member_of(path)?;
        let operators = value.as_object().filter(|members| {
            let mut names = members.keys();
            names.any(|name| name.starts_with('$'))
        });
        let Some(operators) = operators else {
            self.count()?;
            return condition(&member, "$eq", value);
        };
        let conditions = operators.iter().map(|(operator, operand)| {
            self.count()?;
            condition(&member, operator, operand)
        });
        Ok(all_of(conditions.collect::<Result<_, _>>()?))
    }

    fn count(&mut self) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(wrong("must have at most 50 conditions"));
        }
        Ok(())
    }
}

fn all_of(mut filters: Vec<Filter>) -> Filter {
    match filters.len() {
        1 => filters.remove(0),
        _ => Filter::All(filters),
    }
}

/// One operator on one member.
fn condition(member: &Member, operator: &str, operand: &Json) -> Result<Filter, Error> {
    match operator {
        "$ne" => return Ok(not(condition(member, "$eq", operand)?)),
        "$nin" => return Ok(not(condition(member, "$in", operand)?)),
        "$in" => {
            let words = operand
                .as_array()
                .filter(|items| (1..=MOST_WORDS).contains(&items.len()))
                .ok_or_else(|| wrong("needs a list of 1 to 100 behind $in and $nin"))?;
            let each = words.iter().map(|word| condition(member, "$eq", word));
            return Ok(Filter::Any(each.collect::<Result<_, _>>()?));
        }
        _ => {}
    }
    match member {
        Member::Collection => Err(wrong("is about the collection that the path names")),
        Member::Place(place) => {
            let operand = match (place, operator) {
                (_, "$exists") => operand.clone(),
                (Place::CreatedAt | Place::ExpiresAt | Place::RotatedAt | Place::UpdatedAt, _)
                    if !operand.is_null() =>
                {
                    time(operand)?
                }
                (Place::Cluster, _) if !operand.is_null() => id(operand, ClusterId::parse),
                (Place::Id, _) => id(operand, SecretId::parse),
                _ => operand.clone(),
            };
            Ok(Filter::Test(place.clone(), test(operator, operand)?))
        }
        // These are few words, so what holds of them is known now.
        Member::Status => {
            let test = test(operator, operand.clone())?;
            let states = State::ALL.into_iter();
            let admitted = states.filter(|state| test.holds(Some(&state.as_str().into())));
            Ok(Filter::State(admitted.collect()))
        }
        Member::Type => {
            let test = test(operator, operand.clone())?;
            let holds = |word: &&'static str| test.holds(Some(&Json::from(*word)));
            let any_of = TYPES.into_iter().filter(&holds);
            let others = holds(&GENERIC).then(|| TYPES.map(str::to_owned).to_vec());
            Ok(Filter::Kind {
                any_of: any_of.map(str::to_owned).collect(),
                unless: others,
            })
        }
    }
}

fn test(operator: &str, operand: Json) -> Result<Test, Error> {
    Ok(match operator {
        "$eq" => Test::Equal(operand),
        "$gt" => Test::Above(operand),
        "$gte" => Test::AtLeast(operand),
        "$lt" => Test::Below(operand),
        "$lte" => Test::AtMost(operand),
        // Every text has nothing in it: such a filter would let all through and look narrow.
        "$contains" if operand == "" => return Err(wrong("needs something behind $contains")),
        "$contains" => Test::Contains(operand),
        "$exists" => Test::Exists(
            operand
                .as_bool()
                .ok_or_else(|| wrong("needs true or false behind $exists"))?,
        ),
        _ => {
            return Err(wrong(
                "knows the operators $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists and $contains",
            ));
        }
    })
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

fn time(operand: &Json) -> Result<Json, Error> {
    let text = operand
        .as_str()
        .ok_or_else(|| wrong("compares a time with RFC 3339 or YYYY-MM-DD"))?;
    Ok(instant("filter", text)?.into())
}

/// The id that is spelled, in the spelling that the engine compares; what is none is equal to no id.
fn id<T: ToString>(operand: &Json, parse: impl Fn(&str) -> Option<T>) -> Json {
    let spelled = operand.as_str().and_then(parse);
    spelled.map_or(Json::Bool(false), |id| id.to_string().into())
}

fn wrong(why: &'static str) -> Error {
    Error::invalid("filter", why)
}

const DEEPEST: usize = 5;
const MOST_NODES: usize = 50;
const MOST_WORDS: usize = 100;
const MOST_NAMES: usize = 8;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(given: &Json) -> Result<Filter, String> {
        filter(given.as_object().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_of_the_language_is_refused_and_named() {
        for (given, says) in [
            (json!({"secret": "x"}), "a secret"),
            (json!({"secret.password": {"$exists": true}}), "a secret"),
            (json!({"colour": "x"}), "do not have"),
            (json!({"fields.": 1}), "dots between"),
            (json!({"fields..a": 1}), "dots between"),
            (json!({"name": {"$regex": "x"}}), "knows the operators"),
            (json!({"name": {"$eq": "x", "y": 1}}), "knows the operators"),
            (json!({"$nor": []}), "knows $and"),
            (json!({"$and": []}), "list of filters"),
            (json!({"$or": [{}]}), "needs filters"),
            (json!({"$not": {}}), "needs filters"),
            (json!({"$and": {"name": "x"}}), "list of filters"),
            (json!({"name": {"$in": "x"}}), "list of 1 to 100"),
            (json!({"name": {"$nin": []}}), "list of 1 to 100"),
            (json!({"name": {"$contains": ""}}), "something behind"),
            (json!({"name": {"$exists": 1}}), "true or false"),
            (json!({"created_at": 5}), "RFC 3339"),
            (json!({"created_at": {"$gt": "yesterday"}}), "RFC 3339"),
            (json!({"collection": "x"}), "the path names"),
        ] {
            let error = parsed(&given).unwrap_err();
            assert!(error.contains(says), "{given}: {error}");
            assert!(error.starts_with("filter "), "{given}: {error}");
        }
    }

    /// NT-55
    #[test]
    fn depth_and_size_are_bounded() {
        let nested =
            |depth: usize| (1..depth).fold(json!({"name": "x"}), |inner, _| json!({"$not": inner}));
        assert!(parsed(&nested(5)).is_ok());
        assert!(parsed(&nested(6)).unwrap_err().contains("5 deep"));
        let wide = |nodes: usize| {
            let each: Vec<_> = (1..nodes)
                .map(|number| json!({"version": number}))
                .collect();
            json!({"$or": each})
        };
        assert!(parsed(&wide(50)).is_ok());
        assert!(parsed(&wide(51)).unwrap_err().contains("50 conditions"));
    }

    #[test]
    fn a_type_that_is_not_listed_reads_as_generic() {
        let Filter::Kind { any_of, unless } = parsed(&json!({"type": "generic"})).unwrap() else {
            panic!("a condition on the type");
        };
        assert_eq!(any_of, ["generic"]);
        assert_eq!(unless.unwrap(), TYPES);
        let Filter::Kind { any_of, unless } = parsed(&json!({"type": {"$gt": "m"}})).unwrap()
        else {
            panic!("a condition on the type");
        };
        assert_eq!(any_of, ["password", "ssh_key"]);
        assert_eq!(unless, None);
    }
}
