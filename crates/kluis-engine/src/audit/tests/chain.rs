//! Whatever is altered in the rows of a chain or its head is found.

use super::*;
use crate::audit::verify::verify;
use crate::testing::on_both;

on_both!(
    the_chain_holds_under_mixed_load,
    a_caller_that_goes_away_leaves_nothing_half_done,
    a_changed_row_is_found,
    rows_removed_moved_or_added_are_found,
    an_altered_head_is_found,
);

async fn the_chain_holds_under_mixed_load(home: Home) {
    const TASKS: u32 = 6;
    const EACH: u32 = 2_000;
    let vault = vault(&home, &home.owner, "busy").await;
    let before = check(&home, AuditRange::default()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let (engine, owner) = (home.engine.clone(), home.owner.clone());
        let events: Vec<_> = (0..EACH).map(|_| event(&home, "secret.read")).collect();
        tasks.spawn(async move {
            for (turn, event) in events.into_iter().enumerate() {
                match turn % 100 {
                    // A change, a refused change, a look.
                    0 => drop(
                        engine
                            .vault_update(&owner, vault, described(turn))
                            .await
                            .unwrap(),
                    ),
                    1 => {
                        let absent = VaultId::from_bytes([5; 16]);
                        assert!(
                            engine
                                .vault_delete(&owner, absent, crate::vaults::Contents::Any)
                                .await
                                .is_err()
                        );
                    }
                    2 => drop(engine.vault_read(&owner, vault).await.unwrap()),
                    _ => engine.store().record(event).await.unwrap(),
                }
            }
        });
    }
    tasks.join_all().await;
    let checked = home
        .engine
        .audit_verify(&home.owner, AuditRange::default())
        .await
        .unwrap();
    let expected = before.events_checked + u64::from(TASKS * EACH);
    assert!(checked.chain_valid, "{checked:?}");
    assert_eq!(checked.events_checked, expected);
    assert_eq!(checked.events_verified, expected);
    assert_eq!(checked.sealed_through, i64::try_from(expected).unwrap());
    assert_eq!(checked.open_tail, 0);
    let signed = checked.checkpoint.unwrap();
    assert!(checked.sealed_through - signed.seq < 1_000, "{signed:?}");
}

/// A dropped request must leave neither a transaction nor the sealer's lock behind on a connection of the pool.
async fn a_caller_that_goes_away_leaves_nothing_half_done(home: Home) {
    for turn in 0..40 {
        record(&home, event(&home, "secret.read")).await;
        let patience = Duration::from_micros(turn * 100);
        let _ = tokio::time::timeout(patience, home.engine.store().settle()).await;
    }
    assert_eq!(broken(&home).await, None);
    let listed = list(&home, &home.owner, of_action("secret.read")).await;
    assert_eq!(listed.len(), 40);
}

fn described(turn: usize) -> crate::vaults::VaultChange {
    crate::vaults::VaultChange {
        description: Some(format!("turn {turn}")),
        ..Default::default()
    }
}

/// The chain of the owner's organization, checked without leaving an event.
pub(super) async fn check(home: &Home, range: AuditRange) -> Verification {
    home.engine.store().settle().await.unwrap();
    let mut reader = home.engine.store().reader().await.unwrap();
    let conn = reader.conn().unwrap();
    let keys = home.engine.checkpoint_keys(conn).await.unwrap();
    verify(conn, home.owner.organization, keys, &range)
        .await
        .unwrap()
}

/// Where the chain is broken, and what is wrong there.
pub(super) async fn broken(home: &Home) -> Option<(i64, &'static str)> {
    let checked = check(home, AuditRange::default()).await;
    assert_eq!(checked.chain_valid, checked.broken.is_none());
    checked.broken
}

/// A chain of at least `events` events, and a copy of its tables.
pub(super) async fn chain_of(home: &Home, events: u32) -> i64 {
    for _ in 0..events {
        record(home, event(home, "secret.read")).await;
    }
    let checked = check(home, AuditRange::default()).await;
    assert!(checked.chain_valid);
    for copy in [
        "CREATE TABLE event_copy AS SELECT * FROM event",
        "CREATE TABLE head_copy AS SELECT * FROM chain_head",
        "CREATE TABLE checkpoint_copy AS SELECT * FROM checkpoint",
    ] {
        alter(home, copy, params![]).await;
    }
    checked.sealed_through
}

/// Undo every alteration.
pub(super) async fn restore(home: &Home) {
    for statement in [
        "DELETE FROM event",
        "INSERT INTO event SELECT * FROM event_copy",
        "DELETE FROM chain_head",
        "INSERT INTO chain_head SELECT * FROM head_copy",
        "DELETE FROM checkpoint",
        "INSERT INTO checkpoint SELECT * FROM checkpoint_copy",
    ] {
        alter(home, statement, params![]).await;
    }
    assert_eq!(broken(home).await, None);
}

const ALTERED: &str = "is not what was recorded";
pub(super) const MISSING: &str = "is missing or out of place";
const HEAD: &str = "has another hash than the head of the chain";

async fn a_changed_row_is_found(home: Home) {
    chain_of(&home, 20).await;
    for statement in [
        "UPDATE event SET at = at + 1 WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET id = hash WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET actor_type = 'agent' WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET actor_id = NULL WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET actor_id = hash WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET credential_id = NULL WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET action = 'secret.list' WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET resource_type = 'vault' WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET resource_id = id WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET outcome = 'denied' WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET outcome = 'unheard of' WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET details = '{}' WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET address = '' WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET count = 2 WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET count = 17 WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET hash = id WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET hash = NULL WHERE organization_id = ?1 AND seq = 9",
        "UPDATE event SET hash = (SELECT p.hash FROM event p WHERE p.organization_id = ?1 AND p.seq = 8)
            WHERE organization_id = ?1 AND seq = 9",
    ] {
        let of = params![home.owner.organization.bytes()];
        assert_eq!(alter(&home, statement, of).await, 1, "{statement}");
        let checked = check(&home, AuditRange::default()).await;
        assert_eq!(checked.broken, Some((9, ALTERED)), "{statement}");
        assert_eq!((checked.events_checked, checked.events_verified), (9, 8));
        assert!(!checked.chain_valid);
        restore(&home).await;
    }
}

async fn rows_removed_moved_or_added_are_found(home: Home) {
    let last = chain_of(&home, 20).await;
    let cases: [(&[&'static str], (i64, &str)); 5] = [
        (
            &["DELETE FROM event WHERE organization_id = ?1 AND seq = 9"],
            (10, MISSING),
        ),
        (
            &["DELETE FROM event WHERE organization_id = ?1 AND seq = 1"],
            (2, MISSING),
        ),
        (
            &["UPDATE event SET seq = NULL WHERE organization_id = ?1 AND seq = 9"],
            (10, MISSING),
        ),
        (
            &[
                "UPDATE event SET seq = 0 WHERE organization_id = ?1 AND seq = 9",
                "UPDATE event SET seq = 9 WHERE organization_id = ?1 AND seq = 10",
                "UPDATE event SET seq = 10 WHERE organization_id = ?1 AND seq = 0",
            ],
            (9, ALTERED),
        ),
        (
            &["UPDATE event SET seq = -5 WHERE organization_id = ?1 AND seq = 9"],
            (-5, MISSING),
        ),
    ];
    for (statements, expected) in cases {
        for statement in statements {
            let of = params![home.owner.organization.bytes()];
            assert_eq!(alter(&home, statement, of).await, 1, "{statement}");
        }
        // PostgreSQL's sealer would take what has no place for new.
        let found = found_without_settling(&home).await;
        assert_eq!(found, Some(expected), "{statements:?}");
        restore(&home).await;
    }
    // The last one, and all of them.
    let of = params![home.owner.organization.bytes(), last];
    alter(
        &home,
        "DELETE FROM event WHERE organization_id = ?1 AND seq = ?2",
        of,
    )
    .await;
    assert_eq!(broken(&home).await, Some((last, MISSING)));
    restore(&home).await;
    let of = params![home.owner.organization.bytes()];
    alter(&home, "DELETE FROM event WHERE organization_id = ?1", of).await;
    assert_eq!(broken(&home).await, Some((1, MISSING)));
}

async fn found_without_settling(home: &Home) -> Option<(i64, &'static str)> {
    let mut reader = home.engine.store().reader().await.unwrap();
    let conn = reader.conn().unwrap();
    let keys = home.engine.checkpoint_keys(conn).await.unwrap();
    let range = AuditRange::default();
    let checked = verify(conn, home.owner.organization, keys, &range).await;
    checked.unwrap().broken
}

async fn an_altered_head_is_found(home: Home) {
    let last = chain_of(&home, 5).await;
    for (statement, expected) in [
        (
            "UPDATE chain_head SET hash = (SELECT hash FROM event WHERE organization_id = ?1 AND seq = 2)
                WHERE organization_id = ?1",
            (last, HEAD),
        ),
        (
            "UPDATE chain_head SET seq = seq - 1 WHERE organization_id = ?1",
            (last, HEAD),
        ),
        (
            "UPDATE chain_head SET seq = seq + 1 WHERE organization_id = ?1",
            (last + 1, MISSING),
        ),
        (
            "DELETE FROM chain_head WHERE organization_id = ?1",
            (last, HEAD),
        ),
    ] {
        let of = params![home.owner.organization.bytes()];
        assert_eq!(alter(&home, statement, of).await, 1);
        let found = found_without_settling(&home).await;
        assert_eq!(found, Some(expected), "{statement}");
        restore(&home).await;
    }
}
