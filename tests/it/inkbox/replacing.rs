//! `PUT /vault/keys/primary`: Inkbox contract §4.12.

use serde_json::{Value, json};

use super::{
    VAULT, active, agent, at_once, count, hash, initialize, invalid, is_time, opened, opens, owner,
    refused, replace, replacement, replacement_by, secret, text, unlock, uuid, with_key,
};
use crate::harness::{Answer, Api, Kluis, on_both};

const CURRENT: &str = "current_auth_hash";
const RECOVERY: &str = "recovery_auth_hash";

/// How many active primary and recovery keys there are.
async fn counts(api: &Api) -> (Value, Value) {
    let info = api.get(&format!("{VAULT}/info")).await.expect(200);
    (info.at("/key_count"), info.at("/recovery_key_count"))
}

/// The answer to a replacement that was done, as `body` asked for it.
#[track_caller]
fn replaced(answer: &Answer, body: &Value) {
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(
        answer.members(""),
        [
            "created_at",
            "created_by",
            "id",
            "key_type",
            "status",
            "updated_at"
        ]
    );
    assert_eq!(answer.at("/id"), body["id"]);
    assert_eq!(
        (answer.text("/key_type"), answer.text("/status")),
        ("primary".to_owned(), "active".to_owned())
    );
    is_time(&answer.at("/created_at"));
}

on_both! {
    async fn the_current_key_proves_the_right_to_replace_it(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        secret(&api, "kept").await;
        let before = unlock(&api, &vault.hash()).await.expect(200).at("/encrypted_secrets");
        let body = replacement_by(CURRENT, &vault.hash());
        replaced(&replace(&api, body.clone()).await, &body);
        let now = unlock(&api, &text(&body, "auth_hash")).await.expect(200);
        assert_eq!(now.at("/wrapped_org_encryption_key"), body["wrapped_org_encryption_key"]);
        assert_eq!(now.at("/encrypted_secrets"), before, "secrets are not touched");
        assert!(!opens(&api, &vault.hash()).await);
        for place in 0..4 {
            let answer = unlock(&api, &vault.recovery_hash(place)).await.expect(200);
            assert_eq!(answer.at("/wrapped_org_encryption_key"), vault.recovery[place]["wrapped_org_encryption_key"]);
        }
        assert_eq!(counts(&api).await, (1.into(), 4.into()));
        let keys = api.get(&format!("{VAULT}/keys")).await.expect(200);
        assert_eq!(keys.at("/0/id"), body["id"]);
        assert!(!keys.string().contains(&text(&vault.primary, "id")));
        // The old one proves nothing any more.
        refused(&replace(&api, replacement_by(CURRENT, &vault.hash())).await, 403);
        let next = replacement_by(CURRENT, &text(&body, "auth_hash"));
        replaced(&replace(&api, next.clone()).await, &next);
    }

    async fn a_recovery_key_is_used_up_by_its_proof(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        secret(&api, "kept").await;
        let mut last = vault.hash();
        for (place, left) in [(2, 3), (0, 2), (3, 1), (1, 0)] {
            let proof = vault.recovery_hash(place);
            assert!(opens(&api, &proof).await);
            let body = replacement_by(RECOVERY, &proof);
            replaced(&replace(&api, body.clone()).await, &body);
            let active = active(&api).await;
            assert!(!active.contains(&proof) && !active.contains(&last));
            refused(&replace(&api, replacement_by(RECOVERY, &proof)).await, 404);
            assert_eq!(counts(&api).await, (1.into(), left.into()));
            last = text(&body, "auth_hash");
            assert_eq!(opened(&api, &last).await, ["kept"]);
        }
        assert!(!opens(&api, &vault.recovery_hash(1)).await && !opens(&api, &vault.hash()).await);
    }

    async fn the_same_vault_key_may_be_set_again(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        for proof in [(CURRENT, vault.hash()), (RECOVERY, vault.recovery_hash(0)), (CURRENT, vault.hash())] {
            let mut body = replacement_by(proof.0, &proof.1);
            body["auth_hash"] = vault.hash().into();
            replaced(&replace(&api, body.clone()).await, &body);
            let answer = unlock(&api, &vault.hash()).await.expect(200);
            assert_eq!(answer.at("/wrapped_org_encryption_key"), body["wrapped_org_encryption_key"]);
        }
        assert_eq!(counts(&api).await, (1.into(), 3.into()));
    }

    async fn exactly_one_proof_is_wanted_whatever_else_is_wrong(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let mut both = replacement_by(CURRENT, &vault.hash());
        both[RECOVERY] = vault.recovery_hash(0).into();
        let mut wrong = both.clone();
        wrong["id"] = json!("no-uuid");
        let mut short = both.clone();
        short[CURRENT] = json!("x");
        for body in [
            replacement(), both.clone(), json!({}), json!({"id": "no-uuid"}), json!({"auth_hash": 7}), wrong, short,
            json!({CURRENT: vault.hash(), RECOVERY: vault.recovery_hash(0)}),
        ] {
            refused(&replace(&api, body).await, 400);
        }
        assert!(opens(&api, &vault.hash()).await);
        assert_eq!(counts(&api).await, (1.into(), 4.into()));
    }

    async fn a_body_with_one_proof_has_a_form(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        for (member, values) in [
            ("id", vec![None, Some(json!("no-uuid")), Some(json!(null)), Some(json!(7))]),
            ("auth_hash", vec![None, Some(json!(hash()[1..])), Some(json!("g".repeat(64))), Some(json!(null)), Some(json!("A".repeat(64)))]),
            ("wrapped_org_encryption_key", vec![None, Some(json!("")), Some(json!("?".repeat(80))), Some(json!(null)), Some(json!([]))]),
            (CURRENT, vec![Some(json!("x")), Some(json!("g".repeat(64))), Some(json!(7))]),
        ] {
            for value in values {
                let mut body = replacement_by(CURRENT, &vault.hash());
                match value {
                    Some(value) => body[member] = value,
                    None => {
                        body.as_object_mut().unwrap().remove(member);
                    }
                }
                assert_eq!(invalid(&replace(&api, body).await), [format!("body.{member}")]);
            }
        }
        assert!(opens(&api, &vault.hash()).await);
        // Ids are told in lower case, and other members are ignored.
        let id = uuid();
        let mut body = replacement_by(CURRENT, &vault.hash());
        body["id"] = id.to_uppercase().into();
        body["key_type"] = json!("recovery");
        assert_eq!(replace(&api, body).await.expect(200).text("/id"), id);
    }

    async fn a_proof_that_does_not_hold_is_refused(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        let theirs = initialize(&stranger).await;
        for wrong in [hash(), vault.recovery_hash(0), theirs.hash()] {
            refused(&replace(&api, replacement_by(CURRENT, &wrong)).await, 403);
        }
        for wrong in [hash(), vault.hash(), theirs.recovery_hash(0)] {
            refused(&replace(&api, replacement_by(RECOVERY, &wrong)).await, 404);
        }
        assert!(opens(&api, &vault.hash()).await);
        assert_eq!(counts(&api).await, (1.into(), 4.into()));
    }

    async fn an_id_or_hash_of_another_active_key_is_taken(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        for (proof, hash) in [(CURRENT, vault.hash()), (RECOVERY, vault.recovery_hash(0))] {
            for (member, taken) in [("id", &vault.recovery[1]["id"]), ("auth_hash", &vault.recovery[1]["auth_hash"])] {
                let mut body = replacement_by(proof, &hash);
                body[member] = taken.clone();
                refused(&replace(&api, body).await, 409);
            }
        }
        assert!(opens(&api, &vault.hash()).await && opens(&api, &vault.recovery_hash(0)).await, "nothing is used up by a refusal");
        assert_eq!(counts(&api).await, (1.into(), 4.into()));
    }

    async fn admins_alone_replace_keys(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let bot = agent(&kluis, &api, "bot").await;
        let mut callers = vec![bot.api];
        for role in ["member", "viewer"] {
            callers.push(with_key(&kluis, kluis.user(role).await.token()));
        }
        for caller in &callers {
            refused(&replace(caller, replacement_by(CURRENT, &vault.hash())).await, 403);
            refused(&replace(caller, replacement_by(RECOVERY, &vault.recovery_hash(0))).await, 403);
        }
        assert!(opens(&api, &vault.hash()).await && opens(&api, &vault.recovery_hash(0)).await);
        let admin = with_key(&kluis, kluis.user("admin").await.token());
        replace(&admin, replacement_by(CURRENT, &vault.hash())).await.expect(200);
    }

    /// NT-74
    async fn of_two_at_once_with_the_current_key_one_wins(kluis: Kluis) {
        let api = owner(&kluis);
        let mut current = initialize(&api).await.hash();
        for _ in 0..5 {
            let bodies = [replacement_by(CURRENT, &current), replacement_by(CURRENT, &current)];
            let calls = bodies.iter().cloned().map(|body| {
                let api = api.clone();
                async move { replace(&api, body).await }
            });
            assert_eq!(at_once(calls.collect()).await, [200, 403]);
            assert_eq!(counts(&api).await, (1.into(), 4.into()));
            let first = text(&bodies[0], "auth_hash");
            let is_first = active(&api).await.contains(&first);
            current = if is_first { first } else { text(&bodies[1], "auth_hash") };
            assert!(opens(&api, &current).await);
        }
    }

    /// NT-74
    async fn of_fifty_at_once_with_the_current_key_one_wins(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let bodies: Vec<_> = (0..50).map(|_| replacement_by(CURRENT, &vault.hash())).collect();
        one_wins(&api, &bodies, 403).await;
        assert_eq!(counts(&api).await, (1.into(), 4.into()));
    }

    /// NT-74
    async fn a_recovery_code_is_spent_once_by_fifty_at_once(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let bodies: Vec<_> = (0..50).map(|_| replacement_by(RECOVERY, &vault.recovery_hash(3))).collect();
        one_wins(&api, &bodies, 404).await;
        assert_eq!(counts(&api).await, (1.into(), 3.into()));
    }

    /// NT-74
    async fn proofs_of_both_kinds_at_once_leave_one_primary_key(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let bodies = [
            replacement_by(CURRENT, &vault.hash()), replacement_by(RECOVERY, &vault.recovery_hash(0)), replacement_by(RECOVERY, &vault.recovery_hash(1)),
        ];
        let calls = bodies.into_iter().map(|body| {
            let api = api.clone();
            async move { replace(&api, body).await }
        });
        let statuses = at_once(calls.collect()).await;
        // Each recovery key holds; the current one does unless a recovery came first.
        assert!(statuses == [200, 200, 200] || statuses == [200, 200, 403], "{statuses:?}");
        assert_eq!(counts(&api).await, (1.into(), 2.into()));
    }
}

/// Exactly one is done; the others are told that their proof does not hold, or that they guess too fast.
async fn one_wins(api: &Api, bodies: &[Value], lost: u16) {
    let calls = bodies.iter().cloned().map(|body| {
        let api = api.clone();
        async move { replace(&api, body).await }
    });
    let statuses = at_once(calls.collect()).await;
    let (won, lost, slowed) = (
        count(&statuses, 200),
        count(&statuses, lost),
        count(&statuses, 429),
    );
    assert_eq!((won, lost + slowed), (1, bodies.len() - 1), "{statuses:?}");
    let keys = api
        .get(&format!("{VAULT}/unlock"))
        .await
        .expect(200)
        .at("/wrapped_org_encryption_keys");
    let kept = |body: &Value| {
        keys.as_array()
            .unwrap()
            .iter()
            .any(|key| key["id"] == body["id"] && key["auth_hash"] == body["auth_hash"])
    };
    assert_eq!(bodies.iter().filter(|body| kept(body)).count(), 1);
}
