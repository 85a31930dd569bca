//! Checkpoints appear when they are due, and show what the chain alone cannot.

use kluis_crypto::record::{Checkpoint, Entry, START, link};
use kluis_crypto::signing::SigningKey;

use super::chain::{MISSING, broken, chain_of, check, restore};
use super::*;
use crate::seal::UnsealInput;
use crate::testing::on_both;

on_both!(
    a_removed_tail_is_found_up_to_the_checkpoint,
    a_chain_computed_anew_is_found_by_its_checkpoint,
    an_altered_checkpoint_is_found,
    every_thousand_events_are_signed,
    a_minute_is_signed_once_it_can_be,
);

const CHECKPOINT_SIGNATURE: &str = "has a checkpoint with a wrong signature";
const CHECKPOINT_HASH: &str = "has another hash than its signed checkpoint";
/// Forget the last events, and set the head back as if they had never been.
async fn cut_to(home: &Home, seq: i64) {
    let of = params![home.owner.organization.bytes(), seq];
    for statement in [
        "DELETE FROM event WHERE organization_id = ?1 AND seq > ?2",
        "UPDATE chain_head SET seq = ?2, hash =
            (SELECT e.hash FROM event e WHERE e.organization_id = ?1 AND e.seq = ?2) WHERE organization_id = ?1",
    ] {
        alter(home, statement, of).await;
    }
}

async fn a_removed_tail_is_found_up_to_the_checkpoint(home: Home) {
    let last = chain_of(&home, 1_100).await;
    let signed = check(&home, AuditRange::default())
        .await
        .checkpoint
        .unwrap()
        .seq;
    assert!(signed < last - 2);
    cut_to(&home, signed - 1).await;
    assert_eq!(broken(&home).await, Some((signed, MISSING)));
    restore(&home).await;
    cut_to(&home, signed).await;
    // What RULES §7 does not promise: behind the checkpoint only an export tells.
    assert_eq!(broken(&home).await, None);
    restore(&home).await;
}

/// Change an event and compute the rest of the chain anew, as one would who knows how.
async fn forge(home: &Home, from: i64) {
    let organization = home.owner.organization;
    let mut reader = home.engine.store().reader().await.unwrap();
    let conn = reader.conn().unwrap();
    let of = params![organization.bytes(), 0_i64, i64::MAX, i64::MAX];
    let rows = conn
        .query(crate::store::sql::events::CHAINED, of)
        .await
        .unwrap();
    let mut forged = Vec::new();
    let mut hash = START;
    for row in rows {
        let (seq, _, event) = crate::audit::verify::chained(conn, row)
            .await
            .unwrap()
            .unwrap();
        let mut bytes = Vec::new();
        let outcome = if seq == from {
            "denied"
        } else {
            &event.outcome
        };
        let entry = Entry {
            outcome,
            ..event.entry()
        };
        entry.encode(&mut bytes);
        hash = link(&hash, &bytes);
        if seq >= from {
            forged.push((seq, hash));
        }
    }
    drop(reader);
    home.engine
        .store()
        .write(move |tx| {
            Box::pin(async move {
                let conn = tx.conn();
                let of = params![organization.bytes(), from];
                conn.execute(
                    "UPDATE event SET outcome = 'denied' WHERE organization_id = ?1 AND seq = ?2",
                    of,
                )
                .await?;
                for (seq, hash) in &forged {
                    conn.execute(
                        "UPDATE event SET hash = ?3 WHERE organization_id = ?1 AND seq = ?2",
                        params![organization.bytes(), *seq, hash],
                    )
                    .await?;
                }
                if let Some((_, hash)) = forged.last() {
                    conn.execute(
                        "UPDATE chain_head SET hash = ?2 WHERE organization_id = ?1",
                        params![organization.bytes(), hash],
                    )
                    .await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

async fn a_chain_computed_anew_is_found_by_its_checkpoint(home: Home) {
    chain_of(&home, 1_100).await;
    let signed = check(&home, AuditRange::default())
        .await
        .checkpoint
        .unwrap()
        .seq;
    forge(&home, 500).await;
    assert_eq!(broken(&home).await, Some((signed, CHECKPOINT_HASH)));
    // Also when only the newest events are asked for.
    let newest = AuditRange {
        limit: Some(10),
        ..AuditRange::default()
    };
    let checked = check(&home, newest).await;
    assert_eq!(checked.broken, Some((signed, CHECKPOINT_HASH)));

    // The forger signs it too, with a key of their own in the place of the server's.
    let key = SigningKey::from_seed(&SigningKey::generate_seed().unwrap()).unwrap();
    let organization = home.owner.organization;
    let of = params![organization.bytes(), signed];
    let mut reader = home.engine.store().reader().await.unwrap();
    let row = reader
        .conn()
        .unwrap()
        .query_one(crate::store::sql::events::HASH_AT, of)
        .await;
    let checkpoint = Checkpoint {
        organization: *organization.bytes(),
        seq: signed,
        hash: row.unwrap().unwrap().array().unwrap(),
        at_millis: home.clock.now().millis(),
    };
    drop(reader);
    let signature = checkpoint.sign(&key);
    let of = params![
        organization.bytes(),
        signed,
        &checkpoint.hash,
        checkpoint.at_millis,
        &signature
    ];
    alter(
        &home,
        "UPDATE checkpoint SET hash = ?3, at = ?4, signature = ?5 WHERE organization_id = ?1 AND seq = ?2",
        of,
    )
    .await;
    let public = key.public_key();
    alter(
        &home,
        "UPDATE server_key SET public_key = ?1 WHERE purpose = 'checkpoint'",
        params![&public],
    )
    .await;
    assert_eq!(broken(&home).await, Some((signed, CHECKPOINT_SIGNATURE)));
}

async fn an_altered_checkpoint_is_found(home: Home) {
    chain_of(&home, 1_100).await;
    for statement in [
        "UPDATE checkpoint SET at = at + 1 WHERE organization_id = ?1",
        "UPDATE checkpoint SET signature = hash WHERE organization_id = ?1",
        "UPDATE checkpoint SET key_version = 2 WHERE organization_id = ?1",
        "UPDATE checkpoint SET key_version = -1 WHERE organization_id = ?1",
        "UPDATE checkpoint SET hash = organization_id WHERE organization_id = ?1",
        "UPDATE checkpoint SET seq = seq - 1 WHERE organization_id = ?1",
    ] {
        let of = params![home.owner.organization.bytes()];
        assert!(alter(&home, statement, of).await > 0);
        let found = broken(&home).await;
        assert!(
            found.is_some_and(|(_, fault)| fault == CHECKPOINT_SIGNATURE),
            "{statement}: {found:?}"
        );
        restore(&home).await;
    }
}

/// The places that are signed.
async fn signed(home: &Home) -> Vec<i64> {
    home.engine.store().settle().await.unwrap();
    let mut reader = home.engine.store().reader().await.unwrap();
    let rows = reader
        .conn()
        .unwrap()
        .query(
            "SELECT seq FROM checkpoint WHERE organization_id = ?1 ORDER BY seq",
            params![home.owner.organization.bytes()],
        )
        .await
        .unwrap();
    rows.into_iter().map(|mut row| row.int().unwrap()).collect()
}

async fn every_thousand_events_are_signed(home: Home) {
    for _ in 0..2_500 {
        record(&home, event(&home, "secret.read")).await;
    }
    assert_eq!(signed(&home).await, [1_000, 2_000]);
}

async fn a_minute_is_signed_once_it_can_be(home: Home) {
    assert_eq!(signed(&home).await, [] as [i64; 0]);
    home.clock.advance(Duration::from_secs(61));
    let first = signed(&home).await;
    let seq = check(&home, AuditRange::default()).await.sealed_through;
    assert_eq!(first, [seq]);

    // Nothing new, nothing to sign.
    home.clock.advance(Duration::from_mins(10));
    assert_eq!(signed(&home).await, first);

    // A sealed server has no key.
    home.engine.seal();
    record(&home, event(&home, "secret.read")).await;
    home.clock.advance(Duration::from_secs(61));
    assert_eq!(signed(&home).await, first);
    home.engine
        .unseal(UnsealInput::KeyFile(home.key_file()))
        .await
        .unwrap();
    assert_eq!(signed(&home).await, [seq, seq + 1]);
    assert_eq!(broken(&home).await, None);
}
