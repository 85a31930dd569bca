//! The documents and the list of routes, held against the files that are checked in.
//!
//! `UPDATE=1 cargo test -p kluis-server openapi` writes the files anew.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use kluis_engine::Action;

use super::*;

fn docs() -> PathBuf {
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
