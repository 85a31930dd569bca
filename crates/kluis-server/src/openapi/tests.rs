//! The documents and the list of routes, held against the files that are checked in.
//!
//! `UPDATE=1 cargo test -p kluis-server openapi` writes the files anew.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use kluis_engine::Action;

use super::*;

pub(super) fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// Hold `text` against a file, or write it.
fn held(name: &str, text: &str) {
    let path = docs().join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "{} is not what the handlers say. Write it with: UPDATE=1 cargo test -p kluis-server openapi",
        path.display()
    );
}

#[test]
fn documents_are_as_checked_in() {
    for (api, document) in documents() {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        held(&format!("openapi/{api}.json"), &text);
    }
}

#[test]
fn the_list_of_routes_is_as_checked_in() {
    held("ROUTES.md", &routes_text());
}

#[test]
fn every_route_names_a_handler_that_is_there_and_an_action_that_exists() {
    let known: HashSet<_> = Action::ALL
        .iter()
        .map(|action| action.rule().name)
        .collect();
    for route in routes() {
        let below = if route.api == SERVER {
            "src"
        } else {
            "src/api"
        };
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(below)
            .join(&route.file);
        let code = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            code.contains(&format!("async fn {}(", route.handler)),
            "{route:?}"
        );
        if route.api == SERVER || PUBLIC.iter().any(|(_, path)| *path == route.path) {
            continue;
        }
        assert!(known.contains(route.action.as_str()), "{route:?}");
    }
}

#[test]
fn every_operation_has_examples_of_all_that_it_takes_and_gives() {
    for (dialect, document) in all() {
        let mut document = serde_json::to_value(&document).unwrap();
        let unknown = examples::add(&mut document, name(dialect));
        assert!(
            unknown.is_empty(),
            "give these members an example on their type, or by name in openapi/examples.json: {unknown:#?}"
        );
        for methods in document["paths"].as_object().unwrap().values() {
            for operation in methods.as_object().unwrap().values() {
                let id = &operation["operationId"];
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let schema = &parameter["schema"];
                    let places = [parameter.get("example"), schema.get("examples")];
                    let has = places.into_iter().flatten().next().is_some();
                    assert!(
                        has || schema.get("default").is_some() || schema.get("enum").is_some(),
                        "{id}: {parameter}"
                    );
                }
                let mut bodies = vec![&operation["requestBody"]];
                let responses = operation["responses"].as_object().unwrap();
                bodies.extend(
                    responses
                        .iter()
                        .filter(|(status, _)| status.starts_with('2'))
                        .map(|(_, response)| response),
                );
                for body in bodies {
                    for media_type in body["content"].as_object().into_iter().flatten() {
                        assert!(
                            media_type.1.get("example").is_some(),
                            "{id}: {media_type:?}"
                        );
                    }
                }
            }
        }
    }
}

/// What searches for secrets must find none in what we publish.
#[test]
fn no_example_looks_like_a_live_credential() {
    let merged = merged();
    let mut texts = Vec::new();
    collect_texts(&merged, &mut texts);
    for text in texts {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            let is_digest = word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
            let is_filler = word.chars().all(|c| c == 'A');
            assert!(word.len() < 40 || is_digest || is_filler, "{text}");
        }
    }
}

fn collect_texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                if name != "operationId" && name != "$ref" {
                    collect_texts(member, found);
                }
            }
        }
        Value::String(text) => found.push(text),
        Value::Bool(_) | Value::Null | Value::Number(_) => {}
    }
}

/// Contract A9: the groups, in the page's order.
#[test]
fn the_groups_of_credvault_stand_in_its_contracts_order_and_every_operation_is_in_a_known_one() {
    let merged = merged();
    let groups: Vec<_> = merged["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let expected: Vec<_> = [
        "Data operations",
        "Cluster management",
        "Integrations",
        "Intelligence engine",
        "Webhooks",
        "Authentication",
        "Resources",
        "Jobs and logs",
        "Users",
    ]
    .into_iter()
    .filter(|group| groups.contains(group))
    .collect();
    assert_eq!(groups[..expected.len()], expected);
    for methods in merged["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            let group = operation["tags"][0].as_str().unwrap();
            assert!(groups.contains(&group), "{group}");
        }
    }
}

#[test]
fn ids_are_unique_and_every_reference_leads_somewhere() {
    let merged = merged();
    let mut ids = HashSet::new();
    for methods in merged["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{id}");
        }
    }
    assert_eq!(ids.len(), routes().len());
    let mut references = Vec::new();
    collect_references(&merged, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(merged.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect_references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.push(reference);
            }
            members
                .values()
                .for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
