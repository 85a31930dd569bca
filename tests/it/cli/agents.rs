//! `kluis agent`, and what policies say about agents.

use super::{caller, json_of, run, run_with};
use crate::harness::{Api, Kluis};

/// 1claw contract §9
#[tokio::test]
async fn an_agent_is_registered_with_its_ceilings_and_its_key_stands_alone_on_stdout() {
    let kluis = Kluis::start().await;
    run(&kluis, &["vault", "create", "prod"]).well();
    let made = run(
        &kluis,
        &[
            "agent",
            "create",
            "nightly",
            "--description",
            "reads the ledger",
            "--scope",
            "db/**",
            "--scope",
            "mail/*",
            "--vault",
            "prod",
            "--environment",
            "production",
            "--expires",
            "90d",
            "--key-expires",
            "2099-01-01T00:00:00Z",
            "--token-ttl",
            "15m",
            "--withhold-keys",
        ],
    )
    .well()
    .told(&["agent 'nightly' registered", "shown this once"]);
    let key = made.stdout.as_str();
    assert!(key.starts_with("ocv_") && key.len() == 47, "{key}");
    let own = Api::bearer(kluis.base(), key).get("/v1/agents/me").await;
    let own = own.expect(200);
    assert_eq!(own.at("/scopes"), serde_json::json!(["db/**", "mail/*"]));
    assert_eq!(own.at("/token_ttl_seconds"), 900);
    assert_eq!(own.at("/intents_api_enabled"), true);
    assert!(own.members("").contains(&"expires_at".to_owned()));

    let listed = json_of(&kluis, &["agent", "list"]);
    assert_eq!(listed[0]["name"], "nightly");
    assert_eq!(listed[0]["vault_ids"].as_array().map(Vec::len), Some(1));
    assert!(!listed.to_string().contains(key));
    let shown = json_of(&kluis, &["agent", "show", "nightly"]);
    assert_eq!(shown["id"], listed[0]["id"]);
    let id = shown["id"].as_str().unwrap();
    assert_eq!(json_of(&kluis, &["agent", "show", id]), shown);
    let alone = run(&kluis, &["agent", "show", "nightly", "-o", "value"]).well();
    assert_eq!(alone.stdout, id);

    // An agent sees itself.
    let url = kluis.base();
    let own = run_with(
        &kluis,
        &["agent", "show", "-o", "value"],
        "",
        &caller(&url, key),
    )
    .well();
    assert_eq!(own.stdout, id);
    run(&kluis, &["agent", "show"])
        .failed(4)
        .told(&["name an agent"]);
    let whoami = run_with(&kluis, &["whoami"], "", &caller(&url, key)).well();
    assert!(whoami.stdout.contains("nightly") && whoami.stdout.contains("agent"));
}

#[tokio::test]
async fn an_agent_is_changed_stopped_given_a_new_key_and_deleted() {
    let kluis = Kluis::start().await;
    let url = kluis.base();
    let key = run(&kluis, &["agent", "create", "bot", "--scope", "a/**"])
        .well()
        .stdout;
    let acts = |key: &str| run_with(&kluis, &["agent", "show"], "", &caller(&url, key));
    acts(&key).well();
    run(&kluis, &["agent", "deactivate", "bot"])
        .well()
        .told(&["agent 'bot' deactivated"]);
    acts(&key).failed(3);
    run(&kluis, &["agent", "activate", "bot"]).well();
    acts(&key).well();

    let rotated = run(&kluis, &["agent", "rotate-key", "bot"]).well().stdout;
    assert!(rotated.starts_with("ocv_") && rotated != key);
    acts(&key).failed(3);
    acts(&rotated).well();

    run(&kluis, &["agent", "update", "bot"])
        .failed(2)
        .told(&["nothing to change"]);
    run(
        &kluis,
        &[
            "agent",
            "update",
            "bot",
            "--name",
            "robot",
            "--no-scopes",
            "--withhold-keys",
        ],
    )
    .well();
    let shown = json_of(&kluis, &["agent", "show", "robot"]);
    assert_eq!(shown["scopes"], serde_json::json!([]));
    assert_eq!(shown["keys_withheld"], true);
    run(
        &kluis,
        &[
            "agent",
            "update",
            "robot",
            "--give-keys",
            "--expires",
            "2020-01-01T00:00:00Z",
        ],
    )
    .failed(2);

    run(&kluis, &["agent", "take-over", "robot"])
        .well()
        .told(&["you are responsible for agent 'robot'"]);
    run(&kluis, &["agent", "delete", "robot"])
        .failed(2)
        .told(&["--yes"]);
    run(&kluis, &["agent", "delete", "robot", "--yes"]).well();
    acts(&rotated).failed(3);
    run(&kluis, &["agent", "show", "robot"])
        .failed(5)
        .told(&["kluis agent list"]);
}

#[tokio::test]
async fn a_name_that_several_have_is_no_name_and_a_hostile_one_steers_no_terminal() {
    let kluis = Kluis::start().await;
    for name in ["twin", "twin", "user\u{202e}nimda"] {
        run(&kluis, &["agent", "create", name]).well();
    }
    let listed = json_of(&kluis, &["agent", "list"]);
    let refused = run(&kluis, &["agent", "deactivate", "twin"])
        .failed(2)
        .told(&["2 agents are called 'twin'"]);
    let twins = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|agent| agent["name"] == "twin");
    for twin in twins {
        assert!(refused.stderr.contains(twin["id"].as_str().unwrap()));
    }
    run(&kluis, &["agent", "show", "twim"])
        .failed(5)
        .told(&["'twin'"]);
    let table = run(&kluis, &["agent", "list"]).well();
    assert!(
        table.stdout.contains("user\\u{202e}nimda"),
        "{}",
        table.stdout
    );
    run(&kluis, &["agent", "deactivate", "user\u{202e}nimda"])
        .well()
        .told(&["user\\u{202e}nimda"]);
}

#[tokio::test]
async fn a_policy_names_an_agent_and_says_why() {
    let kluis = Kluis::start().await;
    run(&kluis, &["vault", "create", "prod"]).well();
    run_with(&kluis, &["set", "db/pw", "--vault", "prod"], "s3", &[]).well();
    let key = run(&kluis, &["agent", "create", "bot"]).well().stdout;
    let explain = [
        "policy", "explain", "db/pw", "--vault", "prod", "--agent", "bot",
    ];
    run(&kluis, &explain)
        .well()
        .told(&["denied: nothing allows it"]);
    run(
        &kluis,
        &[
            "policy", "add", "db/**", "--vault", "prod", "--agent", "bot", "--allow", "read",
        ],
    )
    .well();
    run(&kluis, &explain)
        .well()
        .told(&["allowed: a policy allows it"]);
    let url = kluis.base();
    let got = run_with(
        &kluis,
        &["get", "db/pw", "--vault", "prod"],
        "",
        &caller(&url, &key),
    )
    .well();
    assert_eq!(got.stdout, "s3");
    run(
        &kluis,
        &[
            "policy", "add", "x", "--vault", "prod", "--agent", "nobody", "--allow", "read",
        ],
    )
    .failed(5)
    .told(&["there is no agent 'nobody'"]);
    run(&kluis, &["agent", "deactivate", "bot"]).well();
    run(&kluis, &explain)
        .well()
        .told(&["denied: the user or agent is disabled"]);
}
