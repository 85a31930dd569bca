//! `/v1/clusters/{id}/leases` (contract B4), on real servers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster_servers::{cluster, reaching};
use super::clusters::nowhere;
use crate::harness::{
    Answer, Api, Backend, DatabaseServer, Engine, Gate, Kluis, Stop, on_both, proxy::Proxy,
};

async fn lease(api: &Api, cluster: &str, seconds: u64) -> Answer {
    let body = json!({"template": "read-only", "ttl_seconds": seconds});
    api.post(&format!("/v1/clusters/{cluster}/leases"), body)
        .await
}

async fn revoke(api: &Api, cluster: &str, lease: &str) -> Answer {
    api.delete(&format!("/v1/clusters/{cluster}/leases/{lease}"))
        .await
}

async fn status(api: &Api, cluster: &str, lease: &str) -> String {
    let listed = api
        .get(&format!("/v1/clusters/{cluster}/leases"))
        .await
        .expect(200);
    let found = listed.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == lease)
        .cloned();
    found.unwrap()["status"].as_str().unwrap().to_owned()
}

/// Wait until `is_so`; a failure of the test when that takes long.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < deadline, "it never was so: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

on_both! {
    /// NT-34, NT-72: never before its time, and soon after it.
    async fn a_lease_is_a_user_until_its_time_is_over(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        for engine in Engine::ALL {
            let server = DatabaseServer::start(engine).await;
            let id = cluster(&admin, &server, server.port, json!({})).await;
            let member = kluis.user("member").await.admin_api();
            let leased = lease(&member, &id, 600).await.expect(201);
            let (lease_id, user, password) = (
                leased.text("/data/id"), leased.text("/data/username"), leased.text("/data/password"),
            );
            assert!(lease_id.starts_with("lease_"));
            assert!(user.starts_with("v_readonly_") && user.len() <= 32, "{user}");
            assert_eq!(leased.text("/data/status"), "active");
            assert!(server.lets_in(&user, &password), "{engine:?}: {}", server.log());
            let listed = member.get(&format!("/v1/clusters/{id}/leases")).await.expect(200);
            assert_eq!(listed.text("/data/0/id"), lease_id);
            assert!(!listed.string().contains(&password));
            assert!(engine != Engine::Postgres || !server.log().contains(&password));

            let another = lease(&member, &id, 1_200).await.expect(201).text("/data/username");
            kluis.advance_clock(598).await;
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            assert!(server.lets_in(&user, &password), "{engine:?}: before its time");
            kluis.advance_clock(3).await;
            until("the user is gone", async || !server.leased_users().contains(&user)).await;
            assert!(!server.lets_in(&user, &password));
            until("it has expired", async || status(&admin, &id, &lease_id).await == "expired").await;
            assert_eq!(server.leased_users(), [another]);
            let refused = revoke(&member, &id, &lease_id).await.expect(404);
            assert_eq!(refused.text("/code"), "NOT_FOUND");
            let over = json!({"template": "read-only", "ttl_seconds": 86_401});
            member.post(&format!("/v1/clusters/{id}/leases"), over).await.expect(400);
        }
    }

    /// NT-32, NT-35, NT-46: a user who owns something, is logged in, or whose cluster goes, is gone when it is said so.
    async fn a_lease_that_is_revoked_is_gone_at_once(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        for engine in Engine::ALL {
            let server = DatabaseServer::start(engine).await;
            let id = cluster(&admin, &server, server.port, json!({})).await;
            let leased = lease(&admin, &id, 600).await.expect(201);
            let (user, password) = (leased.text("/data/username"), leased.text("/data/password"));
            let mut session = None;
            if engine == Engine::Postgres {
                let made = std::process::Command::new("psql")
                    .env("PGPASSWORD", &password)
                    .args(["-X", "-q", "-w", "-h", "127.0.0.1", "-p", &server.port.to_string()])
                    .args(["-U", &user, "-d", "postgres", "-c", "CREATE TABLE kept (id int)"])
                    .status();
                assert!(made.unwrap().success());
                let sleeping = std::process::Command::new("psql")
                    .env("PGPASSWORD", &password)
                    .args(["-X", "-q", "-w", "-h", "127.0.0.1", "-p", &server.port.to_string()])
                    .args(["-U", &user, "-d", "postgres", "-c", "SELECT pg_sleep(600)"])
                    .stderr(std::process::Stdio::null())
                    .spawn()
                    .unwrap();
                let count = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}'");
                until("it is logged in", async || server.run(&count).trim() == "1").await;
                session = Some(sleeping);
            }
            revoke(&admin, &id, &leased.text("/data/id")).await.expect(200);
            assert!(!server.lets_in(&user, &password));
            assert_eq!(server.leased_users(), Vec::<String>::new(), "{engine:?}");
            if let Some(mut session) = session {
                assert!(!session.wait().unwrap().success(), "its session was ended");
                let owner = server.run("SELECT tableowner FROM pg_tables WHERE tablename = 'kept'");
                assert_eq!(owner.trim(), crate::harness::ADMIN);
            }
            assert_eq!(status(&admin, &id, &leased.text("/data/id")).await, "revoked");

            let leased = lease(&admin, &id, 600).await.expect(201);
            admin.delete(&format!("/v1/clusters/{id}")).await.expect(409);
            admin.delete(&format!("/v1/clusters/{id}?force=true")).await.expect(200);
            assert!(!server.lets_in(&leased.text("/data/username"), &leased.text("/data/password")));
            assert_eq!(server.leased_users(), Vec::<String>::new(), "{engine:?}");
        }
    }

    /// NT-71: a server that is down for a day, and users of a cluster that is deleted meanwhile.
    async fn what_cannot_be_revoked_is_revoked_when_the_server_answers(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        let server = DatabaseServer::start(Engine::Redis).await;
        let proxy = Proxy::to(&server.address()).await;
        let [one, other] = [
            cluster(&admin, &server, proxy.port(), json!({})).await,
            cluster(&admin, &server, proxy.port(), json!({})).await,
        ];
        lease(&admin, &one, 600).await.expect(201);
        let revoked = lease(&admin, &one, 6_000).await.expect(201).text("/data/id");
        lease(&admin, &other, 6_000).await.expect(201);
        proxy.cut();
        let refused = lease(&admin, &one, 600).await.expect(503);
        assert!(refused.text("/message").contains("the server cannot be reached"), "{refused}");
        // It answers well only when it is done.
        revoke(&admin, &one, &revoked).await.expect(503);
        admin.delete(&format!("/v1/clusters/{other}?force=true")).await.expect(200);
        admin.get(&format!("/v1/clusters/{other}")).await.expect(404);
        for _ in 0..24 {
            kluis.advance_clock(3_600).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(server.leased_users().len(), 3);
        until("somebody is told", async || kluis.log().contains("cannot be dropped") || kluis.log().contains("not dropped yet")).await;
        proxy.mend().await;
        kluis.advance_clock(3_600).await;
        until("all are gone", async || server.leased_users().is_empty()).await;
    }

    async fn a_template_is_for_those_whom_it_names(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        let server = DatabaseServer::start(Engine::Redis).await;
        let (named, other) = (kluis.user("member").await, kluis.user("member").await);
        let viewer = kluis.user("viewer").await;
        let agent = kluis.owner().post("/v1/agents", json!({"name": "worker"})).await.expect(201);
        let stranger = kluis.owner().post("/v1/agents", json!({"name": "other"})).await.expect(201);
        let statements = server.engine.statements();
        let change = json!({"lease": {"templates": [
            {"name": "read-only", "statements": statements, "principals": [named.id, agent.text("/agent/id")]},
            {"name": "for-members", "statements": statements, "principals": "members"},
            {"name": "for-nobody", "statements": statements},
        ]}});
        let id = cluster(&admin, &server, server.port, change).await;
        let path = format!("/v1/clusters/{id}/leases");
        let asked = async |api: &Api, template: &str| {
            api.post(&path, json!({"template": template})).await.status
        };
        let agent_api = Api::api_key(kluis.base(), agent.text("/api_key"));
        let stranger_api = Api::api_key(kluis.base(), stranger.text("/api_key"));
        for (api, statuses) in [
            (&admin, [201, 201, 201, 400]),
            (&named.admin_api(), [201, 201, 403, 403]),
            (&other.admin_api(), [403, 201, 403, 403]),
            (&viewer.admin_api(), [403, 403, 403, 403]),
            (&agent_api, [201, 403, 403, 403]),
            (&stranger_api, [404, 404, 404, 404]),
        ] {
            let mut answered = Vec::new();
            for template in ["read-only", "for-members", "for-nobody", "no-such"] {
                answered.push(asked(api, template).await);
            }
            assert_eq!(answered, statuses);
        }
        // Each sees and ends its own; an agent sees nothing else of clusters.
        let own = agent_api.get(&path).await.expect(200);
        assert_eq!(own.at("/pagination/total"), 1);
        assert_eq!(admin.get(&path).await.expect(200).at("/pagination/total"), 7);
        let lease_id = own.text("/data/0/id");
        revoke(&other.admin_api(), &id, &lease_id).await.expect(404);
        stranger_api.get(&path).await.expect(404);
        agent_api.get(&format!("/v1/clusters/{id}")).await.expect(403);
        revoke(&agent_api, &id, &lease_id).await.expect(200);

        // Who does not act any more has none.
        let user = admin.get(&path).await.expect(200);
        let of_named = user.json()["data"].as_array().unwrap().iter()
            .filter(|lease| lease["principal_id"] == json!(named.id) && lease["status"] == "active").count();
        assert_eq!(of_named, 2);
        let before = server.leased_users().len();
        let disable = json!({"status": "disabled"});
        admin.patch(&format!("/v1/users/{}", named.id), disable).await.expect(200);
        until("theirs are gone", async || server.leased_users().len() == before - 2).await;
    }

    async fn what_fails_leaves_nothing_behind(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        let server = DatabaseServer::start(Engine::Postgres).await;
        let statements = json!([
            "CREATE ROLE {{username}} LOGIN PASSWORD {{password}}", "GRANT no_such_role TO {{username}}",
        ]);
        let change = json!({"lease": {"templates": [{"name": "read-only", "statements": statements}]}});
        let id = cluster(&admin, &server, server.port, change).await;
        let refused = lease(&admin, &id, 600).await.expect(503);
        let message = refused.text("/message");
        assert!(message.contains("42704") && !message.contains("no_such_role"), "{message}");
        assert_eq!(server.leased_users(), Vec::<String>::new());
    }
}

/// NT-72: killed before the server has made the user, and after; nothing is left, and nothing of others goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_user_is_made_it_is_dropped_after_the_restart() {
    for engine in Engine::ALL {
        let server = DatabaseServer::start(engine).await;
        server.make_user("v_of_somebody_else_abcdefgh", "Else-Password-1");
        for stop in [Stop::Before, Stop::After] {
            let gate = Gate::to(&server.address()).await;
            let mut kluis = reaching(Backend::Sqlite).await;
            let admin = kluis.admin_api();
            let id = cluster(&admin, &server, gate.port(), json!({})).await;
            gate.stop_at("v_readonly_", stop);
            let path = format!("/v1/clusters/{id}/leases");
            let body = Some(json!({"template": "read-only"}));
            let asking = tokio::spawn(async move { admin.attempt("POST", &path, body).await });
            gate.has_stopped().await;
            kluis.kill();
            assert!(asking.await.unwrap().is_none());
            let made = server.leased_users().len() - 1;
            assert_eq!(
                made,
                usize::from(stop == Stop::After),
                "{engine:?} {stop:?}"
            );
            gate.open();
            kluis.begin().await;
            kluis.advance_clock(61).await;
            let left = ["v_of_somebody_else_abcdefgh".to_owned()];
            until("it is dropped", async || server.leased_users() == left).await;
            let listed = kluis
                .admin_api()
                .get(&format!("/v1/clusters/{id}/leases"))
                .await
                .expect(200);
            until("it is over", async || {
                status(&kluis.admin_api(), &id, &listed.text("/data/0/id")).await == "revoked"
            })
            .await;
        }
        assert!(server.lets_in("v_of_somebody_else_abcdefgh", "Else-Password-1"));
    }
}

/// NT-72: a database that was restored from a copy knows no lease of the time after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_no_lease_knows_is_found_and_dropped() {
    let server = DatabaseServer::start(Engine::Postgres).await;
    server.make_user("v_readonly_abcdefghabcdefgh", "Else-Password-1");
    let mut kluis = reaching(Backend::Sqlite).await;
    let admin = kluis.admin_api();
    let id = cluster(&admin, &server, server.port, json!({})).await;
    let forgotten = lease(&admin, &id, 600)
        .await
        .expect(201)
        .text("/data/username");
    let known = lease(&admin, &id, 80_000)
        .await
        .expect(201)
        .text("/data/username");
    kluis.stop();
    let database = rusqlite::Connection::open(kluis.data_dir().join("kluis.db")).unwrap();
    let deleted = database.execute("DELETE FROM lease WHERE username = ?1", [&forgotten]);
    assert_eq!(deleted.unwrap(), 1);
    drop(database);
    kluis.begin().await;
    kluis.advance_clock(3_700).await;
    until("it is dropped", async || {
        !server.leased_users().contains(&forgotten)
    })
    .await;
    let mut left = server.leased_users();
    left.sort();
    let mut expected = vec!["v_readonly_abcdefghabcdefgh".to_owned(), known];
    expected.sort();
    assert_eq!(left, expected);
}

/// NT-57: a hundred thousand leases whose time was over long ago, and a server that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_expired_leases_of_a_dead_server_hold_up_nothing() {
    const MANY: i64 = 100_000;
    let mut kluis = reaching(Backend::Sqlite).await;
    let admin = kluis.admin_api();
    let server = DatabaseServer::start(Engine::Redis).await;
    let gate = Gate::to(&server.address()).await;
    let dead = cluster(&admin, &server, gate.port(), json!({})).await;
    let alive = cluster(&admin, &server, server.port, json!({})).await;
    lease(&admin, &dead, 600).await.expect(201);
    lease(&admin, &alive, 600).await.expect(201);
    kluis.stop();
    let began = Instant::now();
    kluis.begin().await;
    let without = began.elapsed();
    kluis.stop();
    let database = rusqlite::Connection::open(kluis.data_dir().join("kluis.db")).unwrap();
    let made = database.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        INSERT INTO lease SELECT CAST(printf('%016d', i) AS BLOB), l.organization_id, l.cluster_id, l.template,
        'v_gone_' || i, l.principal_type, l.principal_id, l.revocation, 'active', NULL, 1, 0, 1, NULL, l.created_at
        FROM n, (SELECT * FROM lease ORDER BY created_at LIMIT 1) l",
        [MANY],
    );
    assert_eq!(made.unwrap(), usize::try_from(MANY).unwrap());
    drop(database);
    // Nobody answers there.
    gate.shut();
    let began = Instant::now();
    kluis.begin().await;
    let with = began.elapsed();
    assert!(
        with < without + Duration::from_secs(1),
        "{with:?} instead of {without:?}"
    );
    let connected = gate.connections();
    kluis.advance_clock(601).await;
    let admin = kluis.admin_api();
    // The other cluster's are revoked meanwhile, and requests are served.
    until("the live server's are gone", async || {
        server.leased_users().len() <= 1
    })
    .await;
    let began = Instant::now();
    admin.get("/v1/me").await.expect(200);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert!(
        gate.connections() - connected <= 4,
        "it is asked now and then"
    );
    kluis.stop();
    let database = rusqlite::Connection::open(kluis.data_dir().join("kluis.db")).unwrap();
    let left: i64 = database
        .query_row(
            "SELECT count(*) FROM lease WHERE username LIKE 'v_gone_%' AND due_at IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, MANY, "none is given up");
}

/// Leases need a server that is served, and somebody who administers it.
#[tokio::test]
async fn a_cluster_without_an_admin_record_leases_nothing() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let mut body = nowhere();
    let statements = Engine::Postgres.statements();
    body["lease"] = json!({"templates": [{"name": "read-only", "statements": statements}]});
    let id = admin
        .post("/v1/clusters", body)
        .await
        .expect(201)
        .text("/data/id");
    let refused = lease(&admin, &id, 600).await.expect(503);
    assert!(
        refused
            .text("/message")
            .contains("no secret to log in with"),
        "{refused}"
    );
    let missing = admin
        .post(&format!("/v1/clusters/{id}/leases"), json!({}))
        .await
        .expect(400);
    assert_eq!(missing.text("/code"), "MISSING_PARAMETER");
    let unknown = json!({"template": "read-onyl"});
    let unknown = admin
        .post(&format!("/v1/clusters/{id}/leases"), unknown)
        .await
        .expect(400);
    assert!(unknown.text("/message").contains("read-only"), "{unknown}");
    assert_eq!(unknown.at("/data"), Value::Null);
}
