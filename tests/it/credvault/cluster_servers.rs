//! Clusters of real servers: PostgreSQL, MariaDB and Redis (contract B4).

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

use super::clusters::record;
use crate::harness::{
    ADMIN, ADMIN_PASSWORD, Answer, Api, Backend, DatabaseServer, Engine, Kluis, on_both, unique,
};

/// A cluster of a server, administered; through a port of its own if given. Its id.
pub(super) async fn cluster(
    api: &Api,
    server: &DatabaseServer,
    port: u16,
    change: Value,
) -> String {
    let admin = record(api, ADMIN, ADMIN_PASSWORD).await;
    let mut body = json!({
        "name": format!("cluster {}", unique()), "engine": server.engine.word(),
        "nodes": [{"host": "127.0.0.1", "port": port}],
        "tls": {"mode": "disable"}, "admin_record_id": admin,
        "lease": {"templates": [{
            "name": "read-only", "statements": server.engine.statements(), "principals": "members",
        }]},
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    let made = api.post("/v1/clusters", body).await.expect(201);
    made.text("/data/id")
}

/// A server that lets itself be reached on this machine, and whose clock can be moved.
pub(super) async fn reaching(backend: Backend) -> Kluis {
    backend
        .start_with(&["--allow-loopback-webhooks", "--test-clock"])
        .await
}

async fn test(api: &Api, cluster: &str, body: Value) -> Answer {
    let path = format!("/v1/clusters/{cluster}/test");
    api.post(&path, body).await
}

on_both! {
    async fn a_test_tells_whether_and_how_a_server_answers(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        for engine in Engine::ALL {
            let server = DatabaseServer::start(engine).await;
            let id = cluster(&admin, &server, server.port, json!({})).await;
            let tested = test(&admin, &id, json!({})).await.expect(200);
            assert_eq!(tested.at("/data/error"), Value::Null, "{engine:?}");
            assert_eq!(tested.at("/data/reachable"), true);
            assert!(tested.at("/data/latency_ms").is_u64());
            let version = tested.text("/data/server_version").to_lowercase();
            let name = match engine {
                Engine::MariaDb => "mariadb",
                Engine::Postgres => "postgresql 1",
                Engine::Redis => "redis ",
            };
            assert!(version.contains(name), "{version}");
            let status = admin.get(&format!("/v1/clusters/{id}")).await.expect(200);
            assert_eq!(status.text("/data/status"), "healthy");

            // A record of a member's own tells whether it is right, and nothing of the cluster.
            let member = kluis.user("member").await.admin_api();
            server.make_user("svc_app", "App-Password-1");
            for (password, error) in [
                ("App-Password-1", Value::Null),
                ("wrong", "the server refuses the credentials".into()),
            ] {
                let login = record(&member, "svc_app", password).await;
                let tested = test(&member, &id, json!({"record_id": login})).await.expect(200);
                assert_eq!(tested.at("/data/error"), error, "{engine:?}");
                assert_eq!(tested.at("/data/reachable"), error == Value::Null);
            }
            let status = admin.get(&format!("/v1/clusters/{id}")).await.expect(200);
            assert_eq!(status.text("/data/status"), "healthy");
            let foreign = kluis.stranger().await.admin_api();
            let login = record(&foreign, "svc_app", "App-Password-1").await;
            test(&member, &id, json!({"record_id": login})).await.expect(404);

            // A second server that is not there.
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let nodes = json!([
                {"host": "127.0.0.1", "port": server.port},
                {"host": "127.0.0.1", "port": free, "role": "replica"},
            ]);
            admin.patch(&format!("/v1/clusters/{id}"), json!({"nodes": nodes})).await.expect(200);
            test(&admin, &id, json!({})).await.expect(200);
            let status = admin.get(&format!("/v1/clusters/{id}")).await.expect(200);
            assert_eq!(status.text("/data/status"), "degraded");
            drop(server);
            let tested = test(&admin, &id, json!({})).await.expect(200);
            assert_eq!(tested.text("/data/error"), "the server cannot be reached");
            let status = admin.get(&format!("/v1/clusters/{id}")).await.expect(200);
            assert_eq!(status.text("/data/status"), "unreachable");
        }
        assert!(!kluis.log().contains(ADMIN_PASSWORD));
    }
}

/// A certificate authority, and a certificate of its for a name, with the key: all in PEM.
fn certificate_for(name: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mode_of_tls_trusts_as_far_as_it_says() {
    let kluis = reaching(Backend::Sqlite).await;
    let admin = kluis.admin_api();
    let (authority, certificate, key) = certificate_for("localhost");
    let (other, _, _) = certificate_for("localhost");
    let untrusted: Value = "the server's certificate is not trusted".into();
    for engine in Engine::ALL {
        let tls = Some((certificate.as_str(), key.as_str()));
        let server = DatabaseServer::start_with_tls(engine, tls).await;
        let id = cluster(&admin, &server, server.port, json!({})).await;
        for (mode, ca, host, error) in [
            ("require", None, "127.0.0.1", Value::Null),
            ("verify-ca", Some(&authority), "127.0.0.1", Value::Null),
            ("verify-ca", Some(&other), "127.0.0.1", untrusted.clone()),
            ("verify-ca", None, "127.0.0.1", untrusted.clone()),
            ("verify-full", Some(&authority), "localhost", Value::Null),
            (
                "verify-full",
                Some(&authority),
                "127.0.0.1",
                untrusted.clone(),
            ),
            ("verify-full", Some(&other), "localhost", untrusted.clone()),
            ("verify-full", None, "localhost", untrusted.clone()),
        ] {
            let change = json!({
                "tls": {"mode": mode, "ca_pem": ca}, "nodes": [{"host": host, "port": server.port}],
            });
            admin
                .patch(&format!("/v1/clusters/{id}"), change)
                .await
                .expect(200);
            let tested = test(&admin, &id, json!({})).await.expect(200);
            let case = format!("{engine:?} {mode} {host} {}", ca.is_some());
            assert_eq!(tested.at("/data/error"), error, "{case}: {}", server.log());
        }
    }
    // Where there is no TLS, no mode but one goes without it.
    for engine in Engine::ALL {
        let server = DatabaseServer::start(engine).await;
        let tls = json!({"tls": {"mode": "require"}});
        let id = cluster(&admin, &server, server.port, tls).await;
        let tested = test(&admin, &id, json!({})).await.expect(200);
        assert_eq!(tested.at("/data/reachable"), false, "{engine:?}");
    }
}
