//! Paging, filters and sorting, which every list of this API has alike (contract A7, A8).

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Kluis};

/// A server whose organization has the owner, and users `u0` … `u6` made in this order.
async fn crowded() -> Kluis {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    for number in 0..7 {
        let body = json!({
            "email": format!("u{number}@x.test"),
            "name": format!("User {number}"),
            "role": if number % 2 == 0 { "member" } else { "viewer" },
            "password": "Correct-Horse-7",
        });
        admin.post("/v1/users", body).await.expect(201);
    }
    kluis
}

async fn names(api: &Api, query: &str) -> Vec<String> {
    let answer = api.get(&format!("/v1/users?{query}")).await.expect(200);
    names_of(&answer)
}

fn names_of(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let users = list["data"].as_array().unwrap().iter();
    users
        .map(|user| user["name"].as_str().unwrap().to_owned())
        .collect()
}

fn invalid(answer: &Answer, named: &str) {
    assert_eq!(answer.status, 400, "{}", answer.string());
    assert_eq!(
        answer.text("/code"),
        "INVALID_PARAMETER",
        "{}",
        answer.string()
    );
    assert!(
        answer.text("/message").contains(named),
        "{}",
        answer.string()
    );
}

/// NT-58
#[tokio::test]
async fn cursors_walk_a_list_in_both_directions() {
    let kluis = crowded().await;
    let admin = kluis.admin_api();
    let page = async |cursor: &Value| {
        let cursor = cursor
            .as_str()
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        admin
            .get(&format!("/v1/users?sort=-name&limit=3{cursor}"))
            .await
            .expect(200)
    };
    let first = page(&Value::Null).await;
    assert_eq!(
        first.members("/pagination"),
        [
            "has_more",
            "limit",
            "next_cursor",
            "offset",
            "prev_cursor",
            "total"
        ]
    );
    assert_eq!(first.at("/pagination/total"), 8);
    assert_eq!(first.at("/pagination/prev_cursor"), Value::Null);
    assert_eq!(first.at("/pagination/has_more"), true);
    let second = page(&first.at("/pagination/next_cursor")).await;
    assert_eq!(second.at("/pagination/offset"), 3);
    let third = page(&second.at("/pagination/next_cursor")).await;
    assert_eq!(third.at("/pagination/has_more"), false);
    assert_eq!(third.at("/pagination/next_cursor"), Value::Null);
    let walked = [names_of(&first), names_of(&second), names_of(&third)].concat();
    assert_eq!(walked, names(&admin, "sort=-name").await);
    assert_eq!(walked.len(), 8);
    let back = page(&third.at("/pagination/prev_cursor")).await;
    assert_eq!(names_of(&back), names_of(&second));
    // What comes and goes elsewhere moves nothing.
    let gone = first.text("/data/2/id");
    admin.delete(&format!("/v1/users/{gone}")).await.expect(200);
    admin
        .post("/v1/users", json!({"email": "z@x.test", "name": "zoe"}))
        .await
        .expect(201);
    let again = page(&first.at("/pagination/next_cursor")).await;
    assert_eq!(names_of(&again), names_of(&second));
}

#[tokio::test]
async fn a_cursor_is_good_for_the_list_that_gave_it_alone() {
    let kluis = crowded().await;
    let admin = kluis.admin_api();
    let cursor = admin
        .get("/v1/users?limit=1")
        .await
        .expect(200)
        .text("/pagination/next_cursor");
    admin
        .get(&format!("/v1/users?limit=200&cursor={cursor}"))
        .await
        .expect(200);
    for query in [
        format!("cursor={cursor}&sort=name"),
        format!("cursor={cursor}&order=desc"),
        format!("cursor={cursor}&role=member"),
        format!("cursor={cursor}&offset=0"),
        format!("cursor={cursor}&skip=1"),
        format!("cursor={cursor}x"),
        format!("cursor={}", &cursor[1..]),
        "cursor=eyJ2IjoxfQ".to_owned(),
        "cursor=".to_owned(),
    ] {
        invalid(&admin.get(&format!("/v1/users?{query}")).await, "cursor");
    }
    invalid(
        &admin.get(&format!("/v1/api-keys?cursor={cursor}")).await,
        "cursor",
    );
    // NT-10
    let stranger = kluis.stranger().await.admin_api();
    invalid(
        &stranger.get(&format!("/v1/users?cursor={cursor}")).await,
        "cursor",
    );
}

/// NT-08
#[tokio::test]
async fn limits_and_offsets_have_their_ranges() {
    let kluis = crowded().await;
    let admin = kluis.admin_api();
    for query in [
        "limit=0",
        "limit=-1",
        "limit=NaN",
        "limit=1e9",
        "limit=1.5",
        "limit=",
        "limit=-9223372036854775808",
    ] {
        invalid(&admin.get(&format!("/v1/users?{query}")).await, "limit");
    }
    for (query, limit) in [
        ("", 50),
        ("limit=201", 200),
        ("limit=9223372036854775807", 200),
        ("limit=2", 2),
    ] {
        let answer = admin.get(&format!("/v1/users?{query}")).await.expect(200);
        assert_eq!(answer.at("/pagination/limit"), limit, "{query}");
    }
    let whole = names(&admin, "").await;
    for query in [
        "offset=5&limit=2",
        "skip=5&limit=2",
        "offset=5&skip=5&limit=2",
    ] {
        assert_eq!(names(&admin, query).await, whole[5..7], "{query}");
    }
    invalid(&admin.get("/v1/users?offset=5&skip=6").await, "skip");
    invalid(&admin.get("/v1/users?offset=-1").await, "offset");
    let beyond = admin.get("/v1/users?offset=8").await.expect(200);
    assert_eq!(beyond.at("/data"), json!([]));
    assert_eq!(beyond.at("/pagination/has_more"), false);
    assert_eq!(beyond.at("/pagination/total"), 8);
}

#[tokio::test]
async fn filters_and_orders_are_named_fields() {
    let kluis = crowded().await;
    let admin = kluis.admin_api();
    for (query, expected) in [
        ("role=viewer", &["User 1", "User 3", "User 5"][..]),
        ("role=viewer&sort=-name", &["User 5", "User 3", "User 1"]),
        ("email=u1@x.test,u2@x.test", &["User 1", "User 2"]),
        ("name_contains=uSER+3", &["User 3"]),
        (
            "name_contains=user&sort=-role,-name&limit=4",
            &["User 5", "User 3", "User 1", "User 6"],
        ),
        (
            "name_contains=user&sort=name&order=desc&limit=1",
            &["User 6"],
        ),
        ("status=disabled", &[]),
        ("created_before=2001-01-01", &[]),
        ("created_after=2001-01-01&name=User+0", &["User 0"]),
        (
            "updated_after=2001-01-01T00:00:00Z&name=User+0",
            &["User 0"],
        ),
    ] {
        assert_eq!(names(&admin, query).await, expected, "{query}");
    }
    // What a filter leaves out is not counted.
    let answer = admin.get("/v1/users?role=viewer&limit=1").await.expect(200);
    assert_eq!(answer.at("/pagination/total"), 3);
    for (query, named) in [
        ("colour=red", "colour"),
        ("password=x", "password"),
        ("sort=colour", "colour"),
        ("sort=name,role,email,plan", "sort"),
        ("created_after=yesterday", "created_after"),
        ("order=up", "order"),
        ("role=member&role=viewer", "role"),
    ] {
        invalid(&admin.get(&format!("/v1/users?{query}")).await, named);
    }
}

#[tokio::test]
async fn an_owner_lists_the_keys_of_one_user_and_others_only_their_own() {
    let kluis = Kluis::start().await;
    let member = kluis.user("member").await;
    let of_member = format!("/v1/api-keys?user_id={}", member.id);
    let list = kluis.admin_api().get(&of_member).await.expect(200);
    assert_eq!(list.at("/pagination/total"), 1);
    assert_eq!(list.text("/data/0/id"), member.key_id);
    member.admin_api().get(&of_member).await.expect(200);
    let other = kluis.user("member").await;
    other.admin_api().get(&of_member).await.expect(403);
    kluis
        .user("admin")
        .await
        .admin_api()
        .get(&of_member)
        .await
        .expect(403);
    kluis
        .stranger()
        .await
        .admin_api()
        .get(&of_member)
        .await
        .expect(404);
    kluis
        .admin_api()
        .get("/v1/api-keys?user_id=nobody")
        .await
        .expect(404);
}
