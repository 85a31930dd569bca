//! Examples for every operation: what it can be asked, and what comes back.
//!
//! A handler's types carry an example where their member has one of its own. What they leave out is looked up by name in
//! `examples.json`:
//!
//! | table | what it holds |
//! |---|---|
//! | `members` | members of bodies by name, `credvault.name` for those of one API; `format:uuid` for a format |
//! | `parameters` | parameters by name, `credvault.users/id` for one API's with the segment before it, `oneclaw_secret_put/path` for one operation's |
//! | `requests`, `answers` | whole bodies by operation, where members have to fit each other |
//!
//! A request holds what is required, and of the rest what has an example of its own: not all that may be said can be said
//! at once. A test fails for a member of which nothing is known.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// Put examples where there are none. Gives what it knows no example of: an operation and a member, for each.
pub(super) fn add(document: &mut Value, api: &str) -> Vec<String> {
    lift(document);
    let components = document.get("components").cloned().unwrap_or_default();
    let mut unknown = Vec::new();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        let methods = item.as_object_mut().into_iter().flatten();
        for operation in methods.filter_map(|(_, operation)| operation.as_object_mut()) {
            let id = operation.get("operationId").and_then(Value::as_str);
            let id = id.unwrap_or_default().to_owned();
            let mut examples = Examples {
                api,
                components: &components,
                given: Map::new(),
            };
            let missing = examples.complete(operation, path, &id);
            unknown.extend(missing.into_iter().map(|member| format!("{id}: {member}")));
        }
    }
    unknown
}

/// What is known while one operation is completed.
struct Examples<'a> {
    api: &'a str,
    components: &'a Value,
    /// Parameters of the path and members of the request: a member of the same name is the same thing.
    given: Map<String, Value>,
}

/// Which body is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Answer,
    Request,
}

impl Examples<'_> {
    fn complete(
        &mut self,
        operation: &mut Map<String, Value>,
        path: &str,
        id: &str,
    ) -> Vec<String> {
        let mut missing = Vec::new();
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            missing.extend(self.complete_parameter(parameter, path, id).err());
        }
        let request = operation
            .get_mut("requestBody")
            .and_then(|request| request.get_mut("content"));
        if let Some(content) = request {
            missing.extend(self.complete_content(content, Body::Request, id));
            let first = content
                .as_object()
                .and_then(|content| content.values().next());
            if let Some(Value::Object(members)) = first.and_then(|first| first.get("example")) {
                self.given.extend(members.clone());
            }
        }
        let responses = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut);
        for (status, response) in responses.into_iter().flatten() {
            if let Some(content) = response.get_mut("content")
                && status.starts_with('2')
            {
                missing.extend(self.complete_content(content, Body::Answer, id));
            }
        }
        missing
    }

    /// A required parameter has a value to begin with; the explorer would send it for an optional one, too, so there it
    /// stands in the schema.
    fn complete_parameter(
        &mut self,
        parameter: &mut Value,
        path: &str,
        id: &str,
    ) -> Result<(), String> {
        let name = text(parameter, "name").to_owned();
        let schema = parameter.get("schema").cloned().unwrap_or_default();
        let segment = path
            .split_once(&format!("/{{{name}}}"))
            .and_then(|(before, _)| before.rsplit('/').next())
            .unwrap_or_default();
        // A condition on a request is no part of it unless somebody states one.
        let stated = match text(parameter, "in") {
            "header" => parameter
                .as_object_mut()
                .and_then(|parameter| parameter.remove("example")),
            _ => parameter.get("example").cloned(),
        };
        let own = stated.or_else(|| own(&schema).cloned());
        let value = own
            .or_else(|| {
                let names = [
                    format!("{id}/{name}"),
                    format!("{}.{segment}/{name}", self.api),
                    format!("{}.{name}", self.api),
                    name.clone(),
                ];
                let found = names.iter().find_map(|name| {
                    let value = tables().get("parameters")?.get(name)?;
                    fits(&schema, value).then_some(value)
                });
                found.cloned()
            })
            .or_else(|| {
                kinds(&schema)
                    .any(|kind| kind == "boolean")
                    .then(|| true.into())
            })
            .ok_or_else(|| format!("parameter {name}"))?;
        let is_id = name == "id" && !path.ends_with("/{id}");
        if text(parameter, "in") == "path" && !is_id {
            self.given.insert(name, value.clone());
        }
        if parameter.get("required").and_then(Value::as_bool) == Some(true) {
            put(parameter, "example", value);
        } else if own_is_lacking(&schema)
            && let Some(schema) = parameter.get_mut("schema")
        {
            put(schema, "examples", json!([value]));
        }
        Ok(())
    }

    fn complete_content(&self, content: &mut Value, body: Body, id: &str) -> Vec<String> {
        let mut missing = Vec::new();
        let table = match body {
            Body::Answer => "answers",
            Body::Request => "requests",
        };
        let whole = tables().get(table).and_then(|table| table.get(id));
        for (_, media_type) in content.as_object_mut().into_iter().flatten() {
            if media_type.get("example").is_some() {
                continue;
            }
            let value = match (whole, media_type.get("schema")) {
                (Some(whole), _) => whole.clone(),
                (None, Some(schema)) => self.value(schema, "body", body, &mut missing),
                (None, None) => continue,
            };
            put(media_type, "example", value);
        }
        missing
    }

    /// An example of `schema`, for the member `name`. What is not known is null, and missing.
    fn value(&self, schema: &Value, name: &str, body: Body, missing: &mut Vec<String>) -> Value {
        if let Some(own) = own(schema) {
            return own.clone();
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.value(self.component(reference), name, body, missing);
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let mut whole = Map::new();
            for part in parts {
                if let Value::Object(members) = self.value(part, name, body, missing) {
                    whole.extend(members);
                }
            }
            return whole.into();
        }
        let choice = schema.get("oneOf").or_else(|| schema.get("anyOf"));
        if let Some(choices) = choice.and_then(Value::as_array) {
            let real = choices.iter().find(|choice| text(choice, "type") != "null");
            return self.value(real.unwrap_or(&Value::Null), name, body, missing);
        }
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            return self.object(schema, members, body, missing);
        }
        if let Some(named) = self.named(schema, name) {
            return named.clone();
        }
        if let Some(items) = schema.get("items") {
            return json!([self.value(items, name, body, missing)]);
        }
        match schema.get("additionalProperties") {
            Some(more) if more.is_object() => {
                json!({ "name": self.value(more, name, body, missing) })
            }
            _ if kinds(schema).any(|kind| kind == "boolean") => true.into(),
            _ => {
                missing.push(name.to_owned());
                Value::Null
            }
        }
    }

    fn object(
        &self,
        schema: &Value,
        members: &Map<String, Value>,
        body: Body,
        missing: &mut Vec<String>,
    ) -> Value {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        let mut object = Map::new();
        for (name, member) in members {
            if body == Body::Answer || is_required(name) || own(member).is_some() {
                object.insert(name.clone(), self.value(member, name, body, missing));
            }
        }
        object.into()
    }

    /// What the tables know of a name, if it is a value of this schema.
    fn named(&self, schema: &Value, name: &str) -> Option<&Value> {
        let members = tables().get("members")?;
        let format = format!("format:{}", text(schema, "format"));
        let of_api = members.get(format!("{}.{name}", self.api));
        [
            self.given.get(name),
            of_api,
            members.get(name),
            members.get(format),
        ]
        .into_iter()
        .flatten()
        .find(|value| fits(schema, value))
    }

    fn component(&self, reference: &str) -> &Value {
        let pointer = reference.strip_prefix("#/components").unwrap_or_default();
        self.components.pointer(pointer).unwrap_or(&Value::Null)
    }
}

/// The example that a schema carries, or the one value that it admits or begins with.
fn own(schema: &Value) -> Option<&Value> {
    let first = |name: &str| schema.get(name)?.as_array()?.first();
    let alone = ["example", "const"]
        .into_iter()
        .find_map(|name| schema.get(name));
    alone
        .or_else(|| first("examples"))
        .or_else(|| first("enum"))
        .or_else(|| schema.get("default"))
}

fn own_is_lacking(schema: &Value) -> bool {
    own(schema).is_none()
}

/// Whether a value is of the kind that a schema says.
fn fits(schema: &Value, value: &Value) -> bool {
    kinds(schema).any(|kind| match value {
        Value::Array(_) => kind == "array",
        Value::Bool(_) => kind == "boolean",
        Value::Null => kind == "null",
        Value::Number(number) => kind == "number" || kind == "integer" && !number.is_f64(),
        Value::Object(_) => kind == "object",
        Value::String(_) => kind == "string",
    })
}

fn kinds(schema: &Value) -> impl Iterator<Item = &str> {
    let kind = schema.get("type");
    let several = kind.and_then(Value::as_array).into_iter().flatten();
    several.chain(kind).filter_map(Value::as_str)
}

/// The generator writes the example of a list to the schema of its items; it belongs to the list.
fn lift(value: &mut Value) {
    if let Some(items) = value.get_mut("items").and_then(Value::as_object_mut)
        && let Some(examples) = items.get("examples").cloned()
        && examples.get(0).is_some_and(Value::is_array)
        && items.get("type").is_none_or(|kind| kind != "array")
    {
        items.remove("examples");
        put(value, "examples", examples);
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(lift),
        Value::Object(members) => members.values_mut().for_each(lift),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {}
    }
}

fn put(value: &mut Value, name: &str, member: Value) {
    if let Some(members) = value.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What `examples.json` holds.
fn tables() -> &'static Value {
    static TABLES: OnceLock<Value> = OnceLock::new();
    TABLES.get_or_init(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default())
}
