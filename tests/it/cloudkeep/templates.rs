//! `/api/v1/templates`.

use serde_json::json;

use crate::harness::Kluis;

#[tokio::test]
async fn the_aws_template_is_exactly_the_documented_one() {
    let kluis = Kluis::start().await;
    let list = kluis
        .owner()
        .get("/api/v1/templates")
        .await
        .expect(200)
        .json();
    let templates = list["data"].as_array().unwrap();
    let aws = templates
        .iter()
        .find(|template| template["id"] == "tpl_aws")
        .unwrap();
    assert_eq!(
        *aws,
        json!({"id": "tpl_aws", "name": "AWS Credentials", "fields": [
            {"key": "AWS_ACCESS_KEY_ID", "type": "api_key", "required": true},
            {"key": "AWS_SECRET_ACCESS_KEY", "type": "api_key", "required": true},
            {"key": "AWS_REGION", "type": "text", "required": false},
        ]})
    );
}

#[tokio::test]
async fn every_template_of_the_contract_is_there_and_well_formed() {
    let kluis = Kluis::start().await;
    let list = kluis
        .owner()
        .get("/api/v1/templates")
        .await
        .expect(200)
        .json();
    let templates = list["data"].as_array().unwrap();
    assert!(templates.len() >= 28, "{}", templates.len());
    let expected = [
        (
            "tpl_stripe",
            "Stripe",
            "STRIPE_SECRET_KEY* STRIPE_PUBLISHABLE_KEY STRIPE_WEBHOOK_SECRET",
        ),
        (
            "tpl_database",
            "Database Credentials",
            "DB_HOST* DB_PORT DB_NAME* DB_USERNAME* DB_PASSWORD* DATABASE_URL",
        ),
        ("tpl_password", "Password", "USERNAME PASSWORD* URL NOTES"),
        ("tpl_api_key", "API Key", "KEY_NAME* KEY_VALUE* SERVICE_URL"),
        (
            "tpl_ssh_key",
            "SSH Key",
            "PUBLIC_KEY PRIVATE_KEY* PASSPHRASE HOST",
        ),
        ("tpl_secure_note", "Secure Note", "TITLE* CONTENT*"),
        (
            "tpl_env_var",
            "Environment Variable",
            "KEY* VALUE* ENVIRONMENT",
        ),
    ];
    for (id, name, fields) in expected {
        let template = templates
            .iter()
            .find(|template| template["id"] == id)
            .unwrap();
        assert_eq!(template["name"], name);
        let found: Vec<String> = template["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| {
                let star = if field["required"] == true { "*" } else { "" };
                format!("{}{star}", field["key"].as_str().unwrap())
            })
            .collect();
        assert_eq!(found.join(" "), fields, "{id}");
    }
    for template in templates {
        assert!(
            template["id"].as_str().unwrap().starts_with("tpl_"),
            "{template}"
        );
        for field in template["fields"].as_array().unwrap() {
            assert!(["text", "api_key", "credential"].contains(&field["type"].as_str().unwrap()));
        }
    }
}

#[tokio::test]
async fn templates_need_a_token_and_cannot_be_changed() {
    let kluis = Kluis::start().await;
    kluis.anonymous().get("/api/v1/templates").await.expect(401);
    let answer = kluis
        .owner()
        .post("/api/v1/templates", json!({}))
        .await
        .expect(405);
    assert_eq!(
        answer.header("allow").map(|allow| allow.contains("GET")),
        Some(true)
    );
    assert_eq!(answer.text("/error/code"), "METHOD_NOT_ALLOWED");
}

/// CloudKeep contract §5
#[tokio::test]
async fn each_field_of_a_template_has_the_type_that_the_contract_gives() {
    let kluis = Kluis::start().await;
    let list = kluis.owner().get("/api/v1/templates").await.expect(200);
    assert_eq!(list.members(""), ["data"]);
    let list = list.json();
    let templates = list["data"].as_array().unwrap();
    for (id, types) in [
        ("tpl_stripe", "api_key api_key api_key"),
        ("tpl_database", "text text text text credential credential"),
        ("tpl_password", "text credential text text"),
        ("tpl_api_key", "text api_key text"),
        ("tpl_ssh_key", "text credential credential text"),
        ("tpl_secure_note", "text text"),
        ("tpl_env_var", "text credential text"),
    ] {
        let template = templates.iter().find(|one| one["id"] == id).unwrap();
        let fields = template["fields"].as_array().unwrap().iter();
        let found: Vec<&str> = fields
            .map(|field| field["type"].as_str().unwrap())
            .collect();
        assert_eq!(found.join(" "), types, "{id}");
    }
    let names = |value: &serde_json::Value| {
        let object = value.as_object().unwrap();
        object.keys().cloned().collect::<Vec<_>>()
    };
    let mut ids = std::collections::HashSet::new();
    for template in templates {
        assert_eq!(names(template), ["fields", "id", "name"], "{template}");
        let id = template["id"].as_str().unwrap();
        assert!(ids.insert(id), "{id} is there twice");
        let slug = id.strip_prefix("tpl_").unwrap();
        let is_slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(!slug.is_empty() && slug.bytes().all(is_slug), "{id}");
        for field in template["fields"].as_array().unwrap() {
            assert_eq!(names(field), ["key", "required", "type"], "{id}");
            assert!(field["required"].is_boolean(), "{id}: {field}");
        }
    }
    // The same for everybody.
    let viewer = kluis.user("viewer").await.api();
    assert_eq!(
        viewer.get("/api/v1/templates").await.expect(200).json(),
        list
    );
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let method: reqwest::Method = method.parse().unwrap();
        let owner = kluis.owner();
        owner
            .send(method.clone(), "/api/v1/templates", Some(json!({})))
            .await
            .expect(405);
        owner
            .send(method, "/api/v1/templates/tpl_aws", Some(json!({})))
            .await
            .expect(404);
    }
}
