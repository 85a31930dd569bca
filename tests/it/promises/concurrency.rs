//! What many callers at once must not break: numbers, names, the last owner, limits.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cloudkeep::vaults::{uuid_of, vault};
use crate::harness::{Answer, Api, Backend, Kluis, on_both};

const AT_ONCE: usize = 40;

on_both! {
    /// RULES §4: numbers start at 1 and rise by 1.
    async fn versions_made_at_once_are_numbered_without_gap_or_repetition(kluis: Kluis) {
        let owner = kluis.owner();
        let here = vault(&owner, "here").await;
        let path = format!("/api/v1/vaults/{here}/secrets");
        let id = owner
            .post(&path, json!({"key": "A", "value": "first"}))
            .await
            .expect(201)
            .text("/data/id");
        let one = format!("{path}/{id}");
        let answers = at_once(&owner, "PATCH", &one, |count| json!({"value": format!("v{count}")})).await;
        for answer in answers {
            answer.expect(200);
        }
        let versions = owner
            .get(&format!("/v1/vaults/{}/secret-versions/A", uuid_of(&here)))
            .await
            .expect(200)
            .json();
        let numbers: Vec<u64> = versions["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| version["version"].as_u64().unwrap())
            .collect();
        let expected: Vec<u64> = (1..=AT_ONCE as u64 + 1).rev().collect();
        assert_eq!(numbers, expected);
    }

    /// The same through 1claw, with reads and openings: of a thousand at once as many succeed as were promised.
    async fn a_thousand_at_once_are_counted_exactly(kluis: Kluis) {
        let owner = kluis.owner();
        let here = uuid_of(&vault(&owner, "here").await);
        let path = format!("/v1/vaults/{here}/secrets/counted");
        let answers = times(1_000, &owner, "PUT", &path, |count| json!({"value": format!("{count}")})).await;
        let mut numbers: Vec<u64> =
            answers.into_iter().map(|answer| answer.expect(201).at("/version").as_u64().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=1_000).collect::<Vec<_>>());

        let limited = json!({"value": "limited", "max_access_count": 100});
        let id = owner.put(&path, limited).await.expect(201).text("/id");
        let answers = times(1_000, &owner, "GET", &path, |_| Value::Null).await;
        assert_eq!((count(&answers, 200), count(&answers, 410)), (100, 900));

        owner.put(&path, json!({"value": "shared"})).await.expect(201);
        let share = json!({
            "recipient_type": "anyone_with_link", "expires_at": "2099-01-01T00:00:00Z", "max_access_count": 100,
        });
        let share = owner.post(&format!("/v1/secrets/{id}/share"), share).await.expect(201);
        let link = format!("/v1/share/{}", share.text("/id"));
        let answers = times(1_000, &kluis.anonymous(), "GET", &link, |_| Value::Null).await;
        assert_eq!((count(&answers, 200), count(&answers, 410)), (100, 900));
        let mut openings: Vec<u64> = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .map(|answer| answer.at("/access_count").as_u64().unwrap())
            .collect();
        openings.sort_unstable();
        assert_eq!(openings, (1..=100).collect::<Vec<_>>());
        let listed = owner.get("/v1/shares/outbound").await.expect(200);
        assert_eq!(listed.at("/shares/0/access_count"), 100);
        // A read limit of the secret and a count of the share at once: the smaller of both.
        owner.put(&path, json!({"value": "both", "max_access_count": 7})).await.expect(201);
        let share = json!({
            "recipient_type": "anyone_with_link", "expires_at": "2099-01-01T00:00:00Z", "max_access_count": 50,
        });
        let share = owner.post(&format!("/v1/secrets/{id}/share"), share).await.expect(201);
        let link = format!("/v1/share/{}", share.text("/id"));
        let answers = times(200, &kluis.anonymous(), "GET", &link, |_| Value::Null).await;
        assert_eq!((count(&answers, 200), count(&answers, 410)), (7, 193));
        let listed = owner.get("/v1/shares/outbound").await.expect(200);
        assert_eq!(listed.at("/shares/1/access_count"), 7, "what was refused used up nothing");
    }

    /// NT-74: what works once works once, of a thousand attempts at the same moment.
    async fn what_works_once_works_once_of_a_thousand(kluis: Kluis) {
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let here = uuid_of(&vault(&owner, "here").await);
        let path = format!("/v1/vaults/{here}/secrets/once");
        let once = json!({"value": "s", "max_access_count": 1});
        let id = owner.put(&path, once).await.expect(201).text("/id");
        let answers = times(1_000, &owner, "GET", &path, |_| Value::Null).await;
        assert_eq!((count(&answers, 200), count(&answers, 410)), (1, 999));

        owner.put(&path, json!({"value": "s"})).await.expect(201);
        let share = json!({
            "recipient_type": "anyone_with_link", "expires_at": "2099-01-01T00:00:00Z", "max_access_count": 1,
        });
        let share = owner.post(&format!("/v1/secrets/{id}/share"), share).await.expect(201);
        let link = format!("/v1/share/{}", share.text("/id"));
        let answers = times(1_000, &anyone, "GET", &link, |_| Value::Null).await;
        assert_eq!((count(&answers, 200), count(&answers, 410)), (1, 999));

        let device = anyone.post("/v1/auth/device/code", json!({"client_id": "c"})).await.expect(200);
        let code = json!({"user_code": device.text("/user_code")});
        let answers = times(20, &owner, "POST", "/v1/auth/device/approve", |_| code.clone()).await;
        assert_eq!((count(&answers, 200), count(&answers, 409)), (1, 19));
        let ask = json!({"device_code": device.text("/device_code")});
        let answers = times(1_000, &anyone, "POST", "/v1/auth/device/token", |_| ask.clone()).await;
        let granted = answers.iter().filter(|answer| answer.json().get("access_token").is_some());
        assert_eq!((granted.count(), count(&answers, 200)), (1, 1_000));
    }

    async fn of_many_that_make_the_same_thing_one_succeeds(kluis: Kluis) {
        let owner = kluis.owner();
        let here = vault(&owner, "here").await;
        let secrets = format!("/api/v1/vaults/{here}/secrets");
        let admin = kluis.admin_api();
        let made = [
            at_once(&owner, "POST", "/api/v1/vaults", |_| json!({"name": "same"})).await,
            at_once(&owner, "POST", &secrets, |count| json!({"key": "SAME", "value": format!("{count}")})).await,
            at_once(&admin, "POST", "/v1/users", |_| json!({"email": "same@example.test"})).await,
        ];
        for answers in made {
            assert_eq!(count(&answers, 201), 1);
            assert_eq!(count(&answers, 409), AT_ONCE - 1);
        }
        let list = owner.get(&secrets).await.expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
    }

    async fn of_many_that_delete_the_same_thing_one_succeeds(kluis: Kluis) {
        let owner = kluis.owner();
        let here = vault(&owner, "here").await;
        let secrets = format!("/api/v1/vaults/{here}/secrets");
        let id = owner
            .post(&secrets, json!({"key": "A", "value": "1"}))
            .await
            .expect(201)
            .text("/data/id");
        for path in [format!("{secrets}/{id}"), format!("/api/v1/vaults/{here}")] {
            let answers = at_once(&owner, "DELETE", &path, |_| Value::Null).await;
            assert_eq!(count(&answers, 204), 1);
            assert_eq!(count(&answers, 404), AT_ONCE - 1);
        }
    }

    /// RULES §8: the last active owner stays, also when owners demote each other at the same moment.
    async fn owners_that_demote_each_other_at_once_leave_one(kluis: Kluis) {
        let organization = kluis.stranger().await;
        let mut owners = vec![organization];
        for _ in 0..3 {
            owners.push(kluis.user_of(&owners[0].admin_api(), "owner", "enterprise").await);
        }
        let demotions: Vec<_> = (0..owners.len())
            .map(|index| {
                let next = &owners[(index + 1) % owners.len()];
                let (api, path) = (owners[index].admin_api(), format!("/v1/users/{}", next.id));
                let change = match index % 3 {
                    0 => Some(json!({"role": "member"})),
                    1 => Some(json!({"status": "disabled"})),
                    _ => None,
                };
                tokio::spawn(async move {
                    match change {
                        Some(change) => api.patch(&path, change).await,
                        None => api.delete(&path).await,
                    }
                })
            })
            .collect();
        for demotion in demotions {
            let status = demotion.await.unwrap().status;
            assert!([200, 401, 403, 404, 409].contains(&status), "{status}");
        }
        let mut left = 0;
        for owner in &owners {
            let me = owner.admin_api().get("/v1/me").await;
            left += usize::from(me.status == 200 && me.string().contains("\"owner\""));
        }
        assert!(left >= 1, "nobody owns the organization any more");
    }

    /// RULES §6: exact over any 60 seconds, not a refilling bucket.
    async fn a_limited_user_passes_sixty_times_in_any_sixty_seconds(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let member = kluis.user_of(&kluis.admin_api(), "member", "standard").await;
        assert_eq!(passed(&member.api(), 100).await, 60);
        // Half of the window later nothing has been refilled; refused requests do not count.
        kluis.advance_clock(30).await;
        assert_eq!(passed(&member.api(), 20).await, 0);
        kluis.advance_clock(31).await;
        assert_eq!(passed(&member.api(), 20).await, 20);
        kluis.advance_clock(30).await;
        assert_eq!(passed(&member.api(), 100).await, 40);
        kluis.advance_clock(31).await;
        assert_eq!(passed(&member.api(), 100).await, 20);
    }
}

/// The same request many times at once.
async fn at_once(
    api: &Api,
    method: &str,
    path: &str,
    body: impl Fn(usize) -> Value,
) -> Vec<Answer> {
    times(AT_ONCE, api, method, path, body).await
}

/// The same so many times. A server that has too much to do says so with 503 and has done nothing then, which the counting
/// shows: it is asked again.
async fn times(
    at_once: usize,
    api: &Api,
    method: &str,
    path: &str,
    body: impl Fn(usize) -> Value,
) -> Vec<Answer> {
    let requests: Vec<_> = (0..at_once)
        .map(|count| {
            let (api, path, body) = (api.clone(), path.to_owned(), body(count));
            let method: reqwest::Method = method.parse().unwrap();
            let body = (!body.is_null()).then_some(body);
            tokio::spawn(async move {
                for _ in 0..60 {
                    let answer = api.send(method.clone(), &path, body.clone()).await;
                    if answer.status != 503 {
                        return answer;
                    }
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                panic!("{method} {path}: the server has too much to do for half a minute")
            })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    answers
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

/// How many of so many requests at once are not refused as too fast.
async fn passed(api: &Api, requests: usize) -> usize {
    let requests: Vec<_> = (0..requests)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { api.get("/api/v1/me").await.status })
        })
        .collect();
    let mut passed = 0;
    for request in requests {
        match request.await.unwrap() {
            200 => passed += 1,
            status => assert_eq!(status, 429),
        }
    }
    passed
}
