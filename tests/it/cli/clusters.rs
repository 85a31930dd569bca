//! `kluis cluster` and `kluis lease`, with a real server behind them.

use std::time::Duration;

use serde_json::json;

use super::{caller, json_of, run, run_with};
use crate::harness::{ADMIN, ADMIN_PASSWORD, DatabaseServer, Engine, Kluis};

/// A server with a registered cluster, whose administrator is the record `default/administrator`.
async fn registered() -> (Kluis, DatabaseServer) {
    let kluis = Kluis::start_with(&["--allow-loopback-webhooks"]).await;
    let database = DatabaseServer::start(Engine::Postgres).await;
    let value = ["set", "administrator"];
    run_with(&kluis, &value, ADMIN_PASSWORD, &[]).well();
    let create = [
        "cluster",
        "create",
        "billing",
        "--engine",
        "postgresql",
        "--tls",
        "disable",
        "--node",
        &database.address(),
        "--admin",
        "default/administrator",
        "--admin-user",
        ADMIN,
    ];
    run(&kluis, &create).well().told(&["'billing' registered"]);
    (kluis, database)
}

/// Contract B4
#[tokio::test]
async fn a_cluster_is_registered_tested_rotated_and_removed() {
    let (kluis, database) = registered().await;
    let listed = json_of(&kluis, &["cluster", "list"]);
    assert_eq!(listed[0]["nodes"], json!([database.address()]));
    assert_eq!(listed[0]["status"], "unknown");
    let version = run(&kluis, &["cluster", "test", "billing", "-o", "value"]).well();
    assert!(
        version.stdout.starts_with("PostgreSQL"),
        "{}",
        version.stdout
    );

    database.make_user("svc_billing", "First-Password-1");
    run_with(&kluis, &["set", "billing-rw"], "First-Password-1", &[]).well();
    let bind = [
        "cluster",
        "bind",
        "billing",
        "default/billing-rw",
        "--user",
        "svc_billing",
    ];
    run(&kluis, &bind)
        .well()
        .told(&["belongs to cluster 'billing' now"]);
    let id = listed[0]["id"].as_str().unwrap();
    let records = json_of(&kluis, &["cluster", "records", id]);
    assert_eq!(records[0]["name"], "billing-rw");
    let test = [
        "cluster",
        "test",
        "billing",
        "--record",
        "default/billing-rw",
    ];
    run(&kluis, &test).well();

    let job = json_of(
        &kluis,
        &[
            "cluster",
            "rotate",
            "billing",
            "--record",
            "default/billing-rw",
        ],
    );
    assert_eq!(job["status"], "succeeded", "{job}");
    assert!(!database.lets_in("svc_billing", "First-Password-1"));
    let record = json_of(&kluis, &["cluster", "records", "billing"]);
    assert_eq!(record[0]["version"], 2);
    let begun = json_of(&kluis, &["cluster", "rotate", "billing", "--no-wait"]);
    let job = format!("/v1/jobs/{}", begun["id"].as_str().unwrap());
    while kluis
        .owner()
        .get(&job)
        .await
        .expect(200)
        .text("/data/status")
        != "succeeded"
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let update = [
        "cluster",
        "update",
        "billing",
        "--rotate-every",
        "7",
        "--region",
        "eu-1",
    ];
    run(&kluis, &update).well();
    let shown = json_of(&kluis, &["cluster", "show", "billing"]);
    assert_eq!(shown["rotation_days"], 7);
    assert_eq!(shown["region"], "eu-1");
    let fetched = run(&kluis, &["get", "billing-rw"]).well().stdout;
    assert!(database.lets_in("svc_billing", &fetched));
    run(&kluis, &["cluster", "delete", "billing", "--yes"])
        .failed(6)
        .told(&["--force"]);
    run(&kluis, &["cluster", "unbind", "default/billing-rw"])
        .well()
        .told(&["belongs to no cluster now"]);
    run(&kluis, &["cluster", "delete", "billing", "--yes"]).well();
    run(&kluis, &["cluster", "show", "biling"])
        .failed(5)
        .told(&["kluis cluster list"]);
}

/// Contract B4
#[tokio::test]
async fn a_user_lives_as_long_as_its_lease() {
    let (kluis, database) = registered().await;
    let templates = json!([{
        "name": "read-only", "statements": Engine::Postgres.statements(), "principals": "members",
    }]);
    let update = [
        "cluster",
        "update",
        "billing",
        "--templates",
        "-",
        "--lease-ttl",
        "15m",
    ];
    run_with(&kluis, &update, &templates.to_string(), &[]).well();
    let lease = json_of(&kluis, &["lease", "create", "billing", "read-only"]);
    let (user, password) = (
        lease["username"].as_str().unwrap(),
        lease["password"].as_str().unwrap(),
    );
    assert!(database.lets_in(user, password));
    let listed = json_of(&kluis, &["lease", "list", "billing"]);
    assert_eq!(listed[0]["status"], "active");
    assert!(!listed.to_string().contains(password));
    let id = lease["id"].as_str().unwrap();
    run(&kluis, &["lease", "revoke", "billing", id]).well();
    assert!(!database.lets_in(user, password));

    run(&kluis, &["lease", "create", "billing", "write"])
        .told(&["the cluster's templates are read-only"]);
    run(
        &kluis,
        &["lease", "create", "billing", "read-only", "--ttl", "30d"],
    )
    .failed(2)
    .told(&["ttl_seconds"]);
    run(
        &kluis,
        &["lease", "revoke", "billing", "lease_0000000000000000000000"],
    )
    .failed(5)
    .told(&["kluis lease list billing"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_cluster_is_said_before_anything_is_sent() {
    let kluis = Kluis::start().await;
    for (arguments, word) in [
        (
            &[
                "cluster", "create", "x", "--engine", "oracle", "--node", "db",
            ][..],
            "oracle",
        ),
        (&["cluster", "create", "x", "--engine", "redis"], "--node"),
        (
            &[
                "cluster", "create", "x", "--engine", "redis", "--node", "db:x",
            ],
            "port",
        ),
        (
            &[
                "cluster",
                "create",
                "x",
                "--engine",
                "redis",
                "--node",
                "db",
                "--admin",
                "administrator",
            ],
            "VAULT/NAME",
        ),
        (
            &[
                "cluster",
                "create",
                "x",
                "--engine",
                "redis",
                "--node",
                "db",
                "--templates",
                "/nowhere",
            ],
            "/nowhere",
        ),
    ] {
        run(&kluis, arguments).failed(2).told(&[word]);
    }
    let create = [
        "cluster",
        "create",
        "x",
        "--engine",
        "redis",
        "--node",
        "db",
        "--templates",
        "-",
    ];
    run_with(&kluis, &create, "{\"password\": \"canary", &[])
        .failed(2)
        .told(&["line 1"])
        .silent("canary");
    let missing = [
        "cluster",
        "create",
        "x",
        "--engine",
        "redis",
        "--node",
        "db",
        "--admin",
        "default/none",
    ];
    run(&kluis, &missing).failed(5).told(&["no secret 'none'"]);
    let (url, viewer) = (kluis.base(), kluis.user("viewer").await);
    let create = [
        "cluster",
        "create",
        "x",
        "--engine",
        "redis",
        "--node",
        "db.example.test",
    ];
    run_with(&kluis, &create, "", &caller(&url, viewer.token())).failed(4);
    run(&kluis, &["cluster", "test", "none"]).failed(5);
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_told_with_its_reason() {
    let (kluis, database) = registered().await;
    drop(database);
    run(&kluis, &["cluster", "test", "billing"])
        .failed(8)
        .told(&["does not let Kluis in", "kluis cluster update"]);
}
