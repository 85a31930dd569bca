//! `POST /v1/clusters/{id}/rotate`, and passwords that are changed when it is time (contract B4), on real servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster_servers::{cluster, reaching};
use super::clusters::record;
use crate::harness::{Answer, Api, Backend, DatabaseServer, Engine, Gate, Kluis, Stop, on_both};

pub(super) const FIRST: &str = "First-Password-1";

/// A user of the server, and a record of it that is bound to the cluster; the record's id.
pub(super) async fn bound(api: &Api, server: &DatabaseServer, cluster: &str, user: &str) -> String {
    server.make_user(user, FIRST);
    let id = record(api, user, FIRST).await;
    let change = json!({"cluster_id": cluster});
    api.patch(&format!("/v1/resources/{id}"), change)
        .await
        .expect(200);
    id
}

/// What the record says: its user and its password.
async fn fetched(api: &Api, record: &str) -> (String, String) {
    let read = api
        .get(&format!("/v1/resources/{record}?reveal=true"))
        .await
        .expect(200);
    (
        read.text("/data/fields/username"),
        read.text("/data/secret/password"),
    )
}

/// The job that rotates, when it has ended.
pub(super) async fn rotated(api: &Api, cluster: &str, body: Value) -> Answer {
    let job = api
        .post(&format!("/v1/clusters/{cluster}/rotate"), body)
        .await
        .expect(202);
    ended(api, &job.text("/data/id")).await
}

pub(super) async fn ended(api: &Api, job: &str) -> Answer {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let read = api.get(&format!("/v1/jobs/{job}")).await.expect(200);
        if ["succeeded", "failed"].contains(&read.text("/data/status").as_str()) {
            return read;
        }
        assert!(Instant::now() < deadline, "{read}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An application that fetches and logs in all the time. What it fetched may be replaced before it logs in: then it fetches once
/// more, and that has to be good.
struct Application {
    stop: Arc<AtomicBool>,
    logins: Arc<AtomicUsize>,
    running: tokio::task::JoinHandle<Result<(), String>>,
}

impl Application {
    fn start(api: Api, server: Arc<DatabaseServer>, record: String) -> Self {
        let (stop, logins) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let (stopping, counting) = (Arc::clone(&stop), Arc::clone(&logins));
        let running = tokio::spawn(async move {
            while !stopping.load(Ordering::Relaxed) {
                let (user, password) = fetched(&api, &record).await;
                if !lets_in(&server, &user, &password).await {
                    let (user, password) = fetched(&api, &record).await;
                    if !lets_in(&server, &user, &password).await {
                        return Err(format!("fetched twice, and shut out twice: {user}"));
                    }
                }
                counting.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        Self {
            stop,
            logins,
            running,
        }
    }

    /// Wait until it has logged in a few times more: nobody rotates faster than applications fetch.
    async fn goes_on(&self) {
        let enough = self.logins.load(Ordering::Relaxed) + 3;
        while self.logins.load(Ordering::Relaxed) < enough && !self.running.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.running.await.unwrap().unwrap();
        self.logins.load(Ordering::Relaxed)
    }
}

async fn lets_in(server: &Arc<DatabaseServer>, user: &str, password: &str) -> bool {
    let (server, user, password) = (Arc::clone(server), user.to_owned(), password.to_owned());
    tokio::task::spawn_blocking(move || server.lets_in(&user, &password))
        .await
        .unwrap()
}

on_both! {
    /// NT-73
    async fn an_application_always_gets_a_password_that_works(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        for engine in Engine::ALL {
            let server = Arc::new(DatabaseServer::start(engine).await);
            let id = cluster(&admin, &server, server.port, json!({})).await;
            let record = bound(&admin, &server, &id, "svc_app").await;
            let application = Application::start(admin.clone(), Arc::clone(&server), record.clone());
            let mut last = FIRST.to_owned();
            for _ in 0..4 {
                let job = rotated(&admin, &id, json!({"record_id": record})).await;
                assert_eq!(job.text("/data/status"), "succeeded", "{job}");
                assert_eq!(job.at("/data/result/rotated"), 1, "{job}");
                let (_, password) = fetched(&admin, &record).await;
                assert_ne!(password, last);
                assert!(!job.string().contains(&password));
                assert!(server.lets_in("svc_app", &password), "{engine:?}");
                last = password;
                application.goes_on().await;
                assert!(engine != Engine::Postgres || !server.log().contains(&last));
            }
            assert!(application.end().await >= 4);
            let read = admin.get(&format!("/v1/resources/{record}")).await.expect(200);
            assert_eq!(read.at("/data/version"), 5);
            assert_eq!(read.text("/data/status"), "active");
            // Where two passwords can be good, the one before is so for a while and no longer.
            kluis.advance_clock(61).await;
            let deadline = Instant::now() + Duration::from_secs(30);
            while server.lets_in("svc_app", FIRST) {
                assert!(Instant::now() < deadline, "{engine:?}: the first password is still good");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    async fn two_users_in_turn_keep_the_password_before_good(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        let server = DatabaseServer::start(Engine::Postgres).await;
        let id = cluster(&admin, &server, server.port, json!({})).await;
        server.make_user("svc_a", FIRST);
        server.make_user("svc_b", "nobody knows");
        let body = json!({
            "name": "pair", "cluster_id": id,
            "fields": {"username": "svc_a", "alternate_username": "svc_b", "host": "db"},
            "secret": {"password": FIRST, "connection_string": format!("postgres://svc_a:{FIRST}@db:5432/app")},
        });
        let record = admin.post("/v1/resources", body).await.expect(201).text("/data/id");
        let mut before = ("svc_a".to_owned(), FIRST.to_owned());
        for user in ["svc_b", "svc_a", "svc_b"] {
            let job = rotated(&admin, &id, json!({})).await;
            assert_eq!(job.at("/data/result/rotated"), 1, "{job}");
            let now = fetched(&admin, &record).await;
            assert_eq!(now.0, user);
            for (user, password) in [&now, &before] {
                assert!(server.lets_in(user, password), "{user}");
            }
            let read = admin.get(&format!("/v1/resources/{record}?reveal=true")).await.expect(200);
            let address = read.text("/data/secret/connection_string");
            assert_eq!(address, format!("postgres://{}:{}@db:5432/app", now.0, now.1));
            assert_eq!(read.text("/data/fields/alternate_username"), before.0);
            assert_eq!(read.text("/data/fields/host"), "db");
            before = now;
        }
    }

    /// A member who may write a record gets no other user's password that way.
    async fn a_record_that_names_another_user_than_was_bound_is_not_rotated(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        let member = kluis.user("member").await.admin_api();
        let server = DatabaseServer::start(Engine::Postgres).await;
        let id = cluster(&admin, &server, server.port, json!({})).await;
        let record = bound(&admin, &server, &id, "svc_app").await;
        server.make_user("svc_victim", "Victim-Password-1");
        let change = json!({"fields": {"username": "svc_victim"}});
        member.patch(&format!("/v1/resources/{record}"), change).await.expect(200);
        let job = rotated(&admin, &id, json!({"record_id": record})).await;
        assert_eq!(job.text("/data/status"), "failed", "{job}");
        assert!(job.text("/data/error").contains("another user"), "{job}");
        assert!(server.lets_in("svc_victim", "Victim-Password-1"));
        assert!(server.lets_in("svc_app", FIRST));
        // The others go on.
        let all = rotated(&admin, &id, json!({})).await;
        assert_eq!(all.at("/data/result/failed"), 1);
    }

    async fn what_cannot_be_rotated_is_left_and_told(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        let server = DatabaseServer::start(Engine::Redis).await;
        let id = cluster(&admin, &server, server.port, json!({})).await;
        let gone = record(&admin, "no_such_user", FIRST).await;
        let disabled = record(&admin, "svc_disabled", FIRST).await;
        for record in [&gone, &disabled] {
            admin.patch(&format!("/v1/resources/{record}"), json!({"cluster_id": id})).await.expect(200);
        }
        admin.patch(&format!("/v1/resources/{disabled}"), json!({"status": "disabled"})).await.expect(200);
        let good = bound(&admin, &server, &id, "svc_app").await;
        let job = rotated(&admin, &id, json!({})).await;
        let counts = ["rotated", "skipped", "failed"].map(|count| job.at(&format!("/data/result/{count}")));
        assert_eq!(counts, [json!(1), json!(1), json!(1)], "{job}");
        let told = job.at("/data/result/records");
        let named = |id: &str, outcome: &str| told.as_array().unwrap().iter().any(|one| one["id"] == id && one["outcome"] == outcome);
        assert!(named(&good, "rotated") && named(&gone, "failed") && named(&disabled, "skipped"), "{job}");
        assert_eq!(fetched(&admin, &gone).await.1, FIRST);
        let (user, password) = fetched(&admin, &good).await;
        assert!(server.lets_in(&user, &password));
        let other = record(&admin, "svc_other", FIRST).await;
        let path = format!("/v1/clusters/{id}/rotate");
        admin.post(&path, json!({"record_id": other})).await.expect(400);
    }

    async fn passwords_are_changed_when_it_is_time(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        let server = DatabaseServer::start(Engine::Redis).await;
        let id = cluster(&admin, &server, server.port, json!({"rotation": {"enabled": true, "interval_days": 7}})).await;
        let record = bound(&admin, &server, &id, "svc_app").await;
        kluis.advance_clock(7 * 24 * 3_600 - 60).await;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(fetched(&admin, &record).await.1, FIRST, "before its time");
        kluis.advance_clock(61).await;
        let deadline = Instant::now() + Duration::from_secs(60);
        while fetched(&admin, &record).await.1 == FIRST {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (user, password) = fetched(&admin, &record).await;
        assert!(server.lets_in(&user, &password));
        let listed = admin.get("/v1/jobs?kind=rotation").await.expect(200);
        assert_eq!(listed.at("/pagination/total"), 1);
        assert_eq!(listed.at("/data/0/requested_by"), Value::Null);
    }

    /// Without an administrator each user changes its own password.
    async fn a_record_changes_its_own_password_where_nobody_administers(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        for engine in Engine::ALL {
            let server = DatabaseServer::start(engine).await;
            let id = cluster(&admin, &server, server.port, json!({"admin_record_id": null})).await;
            let record = bound(&admin, &server, &id, "svc_app").await;
            for _ in 0..2 {
                let job = rotated(&admin, &id, json!({})).await;
                assert_eq!(job.at("/data/result/rotated"), 1, "{engine:?}: {job}");
                let (user, password) = fetched(&admin, &record).await;
                assert!(server.lets_in(&user, &password), "{engine:?}");
            }
        }
    }
}

/// The statement that sets a password, on each server.
fn setting(engine: Engine) -> &'static str {
    match engine {
        Engine::MariaDb => "IDENTIFIED BY",
        Engine::Postgres => "PASSWORD 'SCRAM",
        Engine::Redis => "SETUSER",
    }
}

/// NT-73: killed before the server has the new password, when it has it, and before that is tried. Whoever fetches first after
/// the restart gets one that works, and it is the same one that stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_step_it_is_finished_before_anybody_is_answered() {
    for engine in Engine::ALL {
        for backend in [Backend::Sqlite, Backend::Postgres] {
            let server = Arc::new(DatabaseServer::start(engine).await);
            let gate = Gate::to(&server.address()).await;
            let mut kluis = reaching(backend).await;
            let admin = kluis.admin_api();
            let id = cluster(&admin, &server, gate.port(), json!({})).await;
            let record = bound(&admin, &server, &id, "svc_app").await;
            for stop in [Stop::Before, Stop::After, Stop::Next] {
                let (_, before) = fetched(&kluis.admin_api(), &record).await;
                gate.stop_at(setting(engine), stop);
                let path = format!("/v1/clusters/{id}/rotate");
                let job = kluis
                    .admin_api()
                    .post(&path, json!({}))
                    .await
                    .expect(202)
                    .text("/data/id");
                gate.has_stopped().await;
                kluis.kill();
                let is_set = !server.lets_in("svc_app", &before);
                assert!(!(is_set && stop == Stop::Before), "{engine:?} {stop:?}");
                gate.open();
                kluis.begin().await;
                let admin = kluis.admin_api();
                let (user, password) = fetched(&admin, &record).await;
                assert!(
                    server.lets_in(&user, &password),
                    "{engine:?} {backend:?} {stop:?}: {}",
                    kluis.log()
                );
                // The job goes on from there.
                kluis.advance_clock(61).await;
                let job = ended(&admin, &job).await;
                assert_eq!(job.text("/data/status"), "succeeded", "{job}");
                // On a busy machine the first try to go on may come to nothing. All the while what is fetched works.
                for attempt in 0.. {
                    let (user, password) = fetched(&admin, &record).await;
                    assert!(
                        server.lets_in(&user, &password),
                        "{engine:?} {backend:?} {stop:?}"
                    );
                    if password != before {
                        break;
                    }
                    assert!(
                        attempt < 20,
                        "{engine:?} {backend:?} {stop:?}: never changed"
                    );
                    // What was interrupted is over by now, and was undone or passed over: asked for once more, it happens.
                    kluis.advance_clock(61).await;
                    let path = format!("/v1/clusters/{id}/rotate");
                    let job = admin.post(&path, json!({})).await.expect(202);
                    ended(&admin, &job.text("/data/id")).await;
                }
                let read = admin
                    .get(&format!("/v1/resources/{record}"))
                    .await
                    .expect(200);
                assert_eq!(read.text("/data/status"), "active");
                // The clock was put forward for this process alone; what the next one writes down is not to lie ahead of it.
                kluis.stop();
                kluis.begin().await;
            }
        }
    }
}

/// NT-73: while it is not known which one is good, whoever reads waits, by whatever API, and is not kept for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_waits_while_a_password_is_being_changed_and_not_for_ever() {
    let server = Arc::new(DatabaseServer::start(Engine::Postgres).await);
    let gate = Gate::to(&server.address()).await;
    let kluis = reaching(Backend::Sqlite).await;
    let admin = kluis.admin_api();
    let id = cluster(&admin, &server, gate.port(), json!({})).await;
    let record = bound(&admin, &server, &id, "svc_app").await;
    gate.stop_at(setting(Engine::Postgres), Stop::After);
    let path = format!("/v1/clusters/{id}/rotate");
    admin.post(&path, json!({})).await.expect(202);
    gate.has_stopped().await;
    let read = admin
        .get(&format!("/v1/resources/{record}"))
        .await
        .expect(200);
    assert_eq!(read.text("/data/status"), "pending_rotation");
    let (reader, of) = (admin.clone(), record.clone());
    let waiting = tokio::spawn(async move { fetched(&reader, &of).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waiting.is_finished());
    // Nothing leads to the server: it is not waited for longer than it takes to notice.
    let began = Instant::now();
    let (_, password) = waiting.await.unwrap();
    assert_eq!(password, FIRST);
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    let began = Instant::now();
    fetched(&admin, &record).await;
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    // As soon as it can be reached, the change is finished.
    gate.open();
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        kluis.advance_clock(5).await;
        let (user, password) = fetched(&admin, &record).await;
        if password != FIRST && lets_in(&server, &user, &password).await {
            break;
        }
        assert!(Instant::now() < deadline, "{}", kluis.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The journal of passwords is sealed, and sealed anew when keys are rotated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_on_its_way_is_written_down_sealed() {
    let server = DatabaseServer::start(Engine::Postgres).await;
    let gate = Gate::to(&server.address()).await;
    let mut kluis: Kluis = reaching(Backend::Sqlite).await;
    let admin = kluis.admin_api();
    let id = cluster(&admin, &server, gate.port(), json!({})).await;
    let record = bound(&admin, &server, &id, "svc_app").await;
    gate.stop_at(setting(Engine::Postgres), Stop::Before);
    admin
        .post(&format!("/v1/clusters/{id}/rotate"), json!({}))
        .await
        .expect(202);
    gate.has_stopped().await;
    let rotated_keys = kluis
        .operate(json!({"command": "rotate-keys", "keys": "organizations"}))
        .await;
    assert_eq!(rotated_keys["ok"], true, "{rotated_keys}");
    let deadline = Instant::now() + Duration::from_secs(30);
    let version = || -> i64 {
        let database = rusqlite::Connection::open(kluis.data_dir().join("kluis.db")).unwrap();
        database
            .query_row("SELECT key_version FROM password_change", [], |row| {
                row.get(0)
            })
            .unwrap()
    };
    while version() < 2 {
        assert!(
            Instant::now() < deadline,
            "it is sealed with the key before"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    kluis.kill();
    gate.open();
    kluis.begin().await;
    let (user, password) = fetched(&kluis.admin_api(), &record).await;
    assert!(password != FIRST && server.lets_in(&user, &password));
}
