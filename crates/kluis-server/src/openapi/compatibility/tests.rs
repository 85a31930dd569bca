//! What is noticed, and the released documents held against those of today.

use serde_json::json;

use super::super::documents;
use super::super::tests::docs;
use super::*;

/// Contract A1: what is released stays. `UPDATE=released` releases what is there.
#[test]
fn what_is_released_neither_changes_nor_goes() {
    for (api, document) in documents() {
        let path = docs().join(format!("openapi/released/{api}.json"));
        if std::env::var_os("UPDATE").is_some_and(|what| what == "released") {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
            std::fs::write(&path, text).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let released: Value = serde_json::from_str(&text).unwrap();
        let breaks = breaks(&released, &document);
        assert!(
            breaks.is_empty(),
            "clients of {api} would notice:\n{}\nA released API keeps what it has (docs/adding-an-endpoint.md).",
            breaks.join("\n")
        );
    }
}

/// A document with one of everything.
fn base() -> Value {
    json!({
        "paths": {"/v1/things/{id}": {"post": {
            "security": [{"Key": []}, {"Bearer": []}],
            "parameters": [
                {"in": "path", "name": "id", "required": true, "schema": {"type": "string"}},
                {"in": "query", "name": "limit", "required": false, "schema": {"type": "integer", "maximum": 200}},
                {"in": "query", "name": "order", "required": true, "schema": {"enum": ["asc", "desc"]}},
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Make"}}}},
            "responses": {
                "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "404": {"$ref": "#/components/responses/404"},
            },
        }}},
        "components": {
            "securitySchemes": {"Key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
            "responses": {"404": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}},
            "schemas": {
                "Error": {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]},
                "Make": {
                    "type": "object", "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "maxLength": 64},
                        "kind": {"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}]},
                        "tags": {"type": "array", "items": {"type": "string"}},
                    },
                },
                "Kind": {"type": "string", "enum": ["big", "small"]},
                "Thing": {"allOf": [
                    {"$ref": "#/components/schemas/Make"},
                    {"type": "object", "required": ["id"], "properties": {
                        "id": {"type": "string", "format": "uuid"},
                        "more": {"type": "object", "additionalProperties": {"type": "integer"}},
                        "part": {"$ref": "#/components/schemas/Thing"},
                    }},
                ]},
            },
        },
    })
}

/// What is noticed when the value at `pointer` becomes `value`; nothing stands there when it is null.
fn noticed(pointer: &str, value: Value) -> String {
    let mut new = base();
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = new.pointer_mut(parent).unwrap();
    let member = member.replace("~1", "/");
    match parent {
        Value::Array(items) if value.is_null() => drop(items.remove(member.parse().unwrap())),
        Value::Array(items) if member == "-" => items.push(value),
        Value::Array(items) => items[member.parse::<usize>().unwrap()] = value,
        Value::Object(members) if value.is_null() => drop(members.remove(&member).unwrap()),
        Value::Object(members) => drop(members.insert(member, value)),
        _ => panic!("{pointer}"),
    }
    breaks(&base(), &new).join("; ")
}

const POST: &str = "/paths/~1v1~1things~1{id}/post";
const SCHEMAS: &str = "/components/schemas";

#[test]
fn a_document_breaks_nobody_who_knows_it() {
    assert_eq!(breaks(&base(), &base()), [""; 0]);
}

#[test]
fn what_is_gone_is_noticed() {
    let cases = [
        (
            "/paths/~1v1~1things~1{id}".to_owned(),
            "POST /v1/things/{} is gone",
        ),
        (
            format!("{POST}/parameters/1"),
            "parameter query limit is gone",
        ),
        (format!("{POST}/responses/201"), "answer 201 is gone"),
        (
            format!("{POST}/responses/201/content/application~1json"),
            "answer 201 application/json is gone",
        ),
        (
            format!("{POST}/security/0"),
            r#"does not take {"Key":[]} any more"#,
        ),
        (
            "/components/securitySchemes/Key".to_owned(),
            "Key is another way to prove who one is",
        ),
        (
            format!("{SCHEMAS}/Thing/allOf/1/properties/more"),
            "answer 201 application/json, more is gone",
        ),
        (
            format!("{SCHEMAS}/Error/properties/code"),
            "answer 404 application/json, code is gone",
        ),
        (
            format!("{SCHEMAS}/Kind/enum/0"),
            r#"does not know "big" any more"#,
        ),
        (
            format!("{SCHEMAS}/Make/properties/tags"),
            "request application/json, tags is gone",
        ),
        (
            format!("{SCHEMAS}/Thing/allOf/1/required"),
            "can be without id",
        ),
    ];
    for (pointer, expected) in cases {
        let noticed = noticed(&pointer, Value::Null);
        assert!(noticed.contains(expected), "{pointer}: {noticed}");
    }
}

#[test]
fn what_changes_or_is_asked_for_is_noticed() {
    let required =
        json!({"in": "header", "name": "If-Match", "required": true, "schema": {"type": "string"}});
    let cases = [
        (
            format!("{POST}/parameters/-"),
            required,
            "parameter header If-Match is new and required",
        ),
        (
            format!("{POST}/parameters/1/required"),
            json!(true),
            "parameter query limit is required",
        ),
        (
            format!("{POST}/parameters/1/schema/type"),
            json!("string"),
            "is string instead of integer",
        ),
        (
            format!("{POST}/parameters/1/schema/maximum"),
            json!(100),
            "has a tighter maximum",
        ),
        (
            format!("{SCHEMAS}/Make/required"),
            json!(["name", "kind"]),
            "request application/json cannot be without kind",
        ),
        (
            format!("{SCHEMAS}/Make/properties/name/minLength"),
            json!(3),
            "request application/json, name has a tighter minLength",
        ),
        (
            format!("{SCHEMAS}/Make/properties/name/pattern"),
            json!("^a"),
            "request application/json, name has another pattern",
        ),
        (
            format!("{SCHEMAS}/Make/properties/tags/items/type"),
            json!("integer"),
            "tags[] is integer instead of string",
        ),
        (
            format!("{SCHEMAS}/Thing/allOf/1/properties/id/type"),
            json!(["string", "null"]),
            "id is null or string instead of string",
        ),
        (
            format!("{SCHEMAS}/Thing/allOf/1/properties/id/format"),
            json!("uri"),
            "id has the format uri instead of uuid",
        ),
        (
            format!("{SCHEMAS}/Thing/allOf/1/properties/more/additionalProperties/type"),
            json!("string"),
            "more[] is string instead of integer",
        ),
        (
            "/components/securitySchemes/Key/name".to_owned(),
            json!("X-Other"),
            "Key is another way",
        ),
    ];
    for (pointer, value, expected) in cases {
        let noticed = noticed(&pointer, value);
        assert!(noticed.contains(expected), "{pointer}: {noticed}");
    }
}

#[test]
fn an_open_operation_that_asks_for_credentials_is_noticed() {
    let mut open = base();
    let operation = open.pointer_mut(POST).unwrap().as_object_mut().unwrap();
    operation.remove("security");
    assert_eq!(
        breaks(&open, &base()),
        ["POST /v1/things/{} asks for credentials"]
    );
}

#[test]
fn what_is_added_or_eased_is_not() {
    let optional =
        json!({"in": "query", "name": "skip", "required": false, "schema": {"type": "integer"}});
    let cases = [
        (format!("{POST}/parameters/-"), optional),
        (format!("{POST}/parameters/2/required"), json!(false)),
        (format!("{POST}/parameters/1/schema/maximum"), json!(500)),
        (
            format!("{POST}/responses/409"),
            json!({"description": "Taken"}),
        ),
        (format!("{POST}/security/-"), json!({"Other": []})),
        (
            "/paths/~1v1~1others".to_owned(),
            json!({"get": {"responses": {}}}),
        ),
        (
            format!("{SCHEMAS}/Make/properties/name/maxLength"),
            json!(128),
        ),
        (
            format!("{SCHEMAS}/Make/properties/colour"),
            json!({"type": "string"}),
        ),
        (
            format!("{SCHEMAS}/Thing/allOf/1/properties/colour"),
            json!({"type": "string"}),
        ),
        (format!("{SCHEMAS}/Kind/enum/-"), json!("huge")),
    ];
    for (pointer, value) in cases {
        assert_eq!(noticed(&pointer, value), "", "{pointer}");
    }
}
