//! What a client of a released document would notice of a newer one (contract A1): nothing may go, change, or be asked for
//! that was not. What is added is fine.
//!
//! The released documents are in `docs/openapi/released`. `UPDATE=released cargo xtask test -E 'test(released)'` makes those of
//! today the released ones.

mod shape;
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use self::shape::Shape;

/// What breaks clients of `old`: a line for each, by operation and place.
pub(super) fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison {
        old,
        new,
        breaks: Vec::new(),
    };
    let news = operations(new);
    for (name, operation) in operations(old) {
        match news.get(&name) {
            Some(now) => comparison.operation(&name, operation, now),
            None => comparison.tell(&name, "is gone"),
        }
    }
    let schemes = |document: &Value| members(document, "/components/securitySchemes");
    for (name, scheme) in schemes(old) {
        let now = schemes(new).remove(&name);
        let essence = |scheme: &Value| {
            ["type", "in", "name", "scheme"].map(|member| scheme.get(member).cloned())
        };
        if now.as_ref().map(essence) != Some(essence(&scheme)) {
            comparison.tell(&name, "is another way to prove who one is");
        }
    }
    comparison.breaks
}

/// Which way data goes: what a client sends may only be asked for less, what it gets may only hold more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Answer,
    Request,
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    breaks: Vec<String>,
}

impl Comparison<'_> {
    fn tell(&mut self, at: &str, what: &str) {
        self.breaks.push(format!("{at} {what}"));
    }

    fn operation(&mut self, name: &str, old: &Value, new: &Value) {
        self.parameters(name, old, new);
        self.request(name, old, new);
        self.responses(name, old, new);
        let ways = |operation: &Value| operation.get("security").map(ToString::to_string);
        if ways(old).is_none() && ways(new).is_some() {
            self.tell(name, "asks for credentials");
        }
        for way in list(old, "security") {
            if new.get("security").is_some() && !list(new, "security").contains(way) {
                self.tell(name, &format!("does not take {way} any more"));
            }
        }
    }

    fn parameters(&mut self, name: &str, old: &Value, new: &Value) {
        let (olds, news) = (parameters(old), parameters(new));
        for (key, parameter) in &olds {
            let at = format!("{name}, parameter {key}");
            match news.get(key) {
                Some(now) => {
                    if is_required(now) && !is_required(parameter) {
                        self.tell(&at, "is required");
                    }
                    let (old, new) = (schema(parameter), schema(now));
                    self.schemas(&at, old, new, Way::Request, 0);
                }
                None => self.tell(&at, "is gone"),
            }
        }
        for (key, parameter) in &news {
            if is_required(parameter) && !olds.contains_key(key) {
                self.tell(&format!("{name}, parameter {key}"), "is new and required");
            }
        }
    }

    fn request(&mut self, name: &str, old: &Value, new: &Value) {
        let at = format!("{name}, request");
        let (body, now) = (old.get("requestBody"), new.get("requestBody"));
        if now.is_some_and(is_required) && !body.is_some_and(is_required) {
            self.tell(&at, "needs a body");
        }
        if let Some(body) = body {
            let now = now.unwrap_or(&Value::Null);
            self.contents(&at, body, now, Way::Request);
        }
    }

    fn responses(&mut self, name: &str, old: &Value, new: &Value) {
        let news = members(new, "/responses");
        for (status, response) in members(old, "/responses") {
            let at = format!("{name}, answer {status}");
            match news.get(&status) {
                Some(now) => {
                    let old = shape::resolved(self.old, &response).clone();
                    let new = shape::resolved(self.new, now).clone();
                    self.contents(&at, &old, &new, Way::Answer);
                }
                // A refusal that cannot come any more is missed by nobody.
                None if status.starts_with('2') => self.tell(&at, "is gone"),
                None => {}
            }
        }
    }

    fn contents(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        let news = members(new, "/content");
        for (media_type, content) in members(old, "/content") {
            let at = format!("{at} {media_type}");
            match news.get(&media_type) {
                Some(now) => self.schemas(&at, schema(&content), schema(now), way, 0),
                None => self.tell(&at, "is gone"),
            }
        }
    }

    /// Compare what two schemas admit. They may lead into themselves, so there is an end to it.
    fn schemas(&mut self, at: &str, old: &Value, new: &Value, way: Way, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let (old, new) = (Shape::of(self.old, old), Shape::of(self.new, new));
        for why in old.differences(&new, way) {
            self.tell(at, &why);
        }
        for (member, schema) in &old.properties {
            let at = format!("{at}, {member}");
            match new.properties.get(member) {
                Some(now) => self.schemas(&at, schema, now, way, depth + 1),
                None => self.tell(&at, "is gone"),
            }
        }
        let inner = [(&old.items, &new.items), (&old.additional, &new.additional)];
        for (old, new) in inner {
            if let (Some(old), Some(new)) = (old, new) {
                self.schemas(&format!("{at}[]"), old, new, way, depth + 1);
            }
        }
        for (place, choice) in old.choices.iter().enumerate() {
            let at = format!("{at}, choice {place}");
            match new.choices.get(place) {
                Some(now) => self.schemas(&at, choice, now, way, depth + 1),
                None => self.tell(&at, "is gone"),
            }
        }
    }
}

/// Operations by method and path; the names of parameters in a path are nobody's business.
fn operations(document: &Value) -> BTreeMap<String, &Value> {
    let paths = document.get("paths").and_then(Value::as_object);
    let mut operations = BTreeMap::new();
    for (path, item) in paths.into_iter().flatten() {
        let segments = path.split('/').map(|segment| {
            if segment.starts_with('{') {
                "{}"
            } else {
                segment
            }
        });
        let path = segments.collect::<Vec<_>>().join("/");
        for (method, operation) in item.as_object().into_iter().flatten() {
            operations.insert(format!("{} {path}", method.to_uppercase()), operation);
        }
    }
    operations
}

/// Parameters outside of the path, by place and name.
fn parameters(operation: &Value) -> BTreeMap<String, &Value> {
    let parameters = list(operation, "parameters").iter();
    let outside = parameters.filter(|parameter| text(parameter, "in") != "path");
    outside
        .map(|parameter| {
            let key = format!("{} {}", text(parameter, "in"), text(parameter, "name"));
            (key, parameter)
        })
        .collect()
}

fn members(value: &Value, pointer: &str) -> Map<String, Value> {
    let members = value.pointer(pointer).and_then(Value::as_object);
    members.cloned().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn schema(value: &Value) -> &Value {
    value.get("schema").unwrap_or(&Value::Null)
}

fn is_required(value: &Value) -> bool {
    value.get("required").and_then(Value::as_bool) == Some(true)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// No body of ours is nested deeper.
const DEEPEST: usize = 24;
