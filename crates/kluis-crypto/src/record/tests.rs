//! The canonical bytes are frozen, and a walk along a chain finds whatever was altered.

use proptest::prelude::*;

use super::*;
use crate::hash::hex;

fn entry() -> Entry<'static> {
    Entry {
        id: &[1; 16],
        organization: &[2; 16],
        at_millis: 1_700_000_000_123,
        actor_type: "user",
        actor: Some(&[3; 16]),
        credential: None,
        action: "secret.read",
        resource_type: "secret",
        resource: Some(&[4; 16]),
        outcome: "success",
        details: r#"{"path":"a/b"}"#,
        address: "192.0.2.7",
        count: 1,
    }
}

/// Chains made by earlier releases are checked by later ones: neither the bytes nor the hashes may ever change.
#[test]
fn the_encoding_is_frozen() {
    let mut bytes = Vec::new();
    entry().encode(&mut bytes);
    let frozen = concat!(
        "01",
        "01010101010101010101010101010101",
        "02020202020202020202020202020202",
        "0000018bcfe5687b",
        "00000004",
        "75736572",
        "00000010",
        "03030303030303030303030303030303",
        "00000000",
        "0000000b",
        "7365637265742e72656164",
        "00000006",
        "736563726574",
        "00000010",
        "04040404040404040404040404040404",
        "00000007",
        "73756363657373",
        "0000000e",
        "7b2270617468223a22612f62227d",
        "00000009",
        "3139322e302e322e37",
        "0000000000000001",
    );
    assert_eq!(hex(&bytes), frozen);
    assert_eq!(link(&START, &bytes), sha256(&[&[0; 32], &bytes]));
}

#[test]
fn a_checkpoint_covers_each_of_its_fields() {
    let key = SigningKey::from_seed(&SigningKey::generate_seed().unwrap()).unwrap();
    let checkpoint = Checkpoint {
        organization: [1; 16],
        seq: 1_000,
        hash: [2; 32],
        at_millis: 1_700_000_000_123,
    };
    let signature = checkpoint.sign(&key);
    assert!(checkpoint.is_signed(&key.public_key(), &signature));
    for other in [
        Checkpoint {
            organization: [9; 16],
            ..checkpoint
        },
        Checkpoint {
            seq: 1_001,
            ..checkpoint
        },
        Checkpoint {
            hash: [9; 32],
            ..checkpoint
        },
        Checkpoint {
            at_millis: 1_700_000_000_124,
            ..checkpoint
        },
    ] {
        assert!(!other.is_signed(&key.public_key(), &signature), "{other:?}");
    }
}

#[test]
fn a_chain_breaks_where_it_was_altered() {
    let entries: Vec<Entry<'_>> = (1..=3)
        .map(|number| Entry {
            at_millis: number,
            ..entry()
        })
        .collect();
    let mut hashes = Vec::new();
    let mut hash = START;
    for entry in &entries {
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        hash = link(&hash, &bytes);
        hashes.push(hash);
    }
    let fresh = || ChainCheck::from_start([2; 16]);
    let mut check = fresh();
    for (seq, (entry, hash)) in (1..).zip(entries.iter().zip(&hashes)) {
        assert_eq!(check.entry(seq, entry, hash), Ok(()));
    }
    assert_eq!((check.seq(), check.hash()), (3, &hashes[2]));

    let faults = |outcome: Result<(), Break>| outcome.map_err(|broken| broken.fault);
    let altered = Entry {
        outcome: "denied",
        ..entries[0]
    };
    assert_eq!(
        faults(fresh().entry(1, &altered, &hashes[0])),
        Err(Fault::Entry)
    );
    assert_eq!(
        faults(fresh().entry(2, &entries[1], &hashes[1])),
        Err(Fault::Missing)
    );
    assert_eq!(
        faults(fresh().entry(1, &entries[1], &hashes[1])),
        Err(Fault::Entry)
    );
    let mut elsewhere = ChainCheck::from_start([9; 16]);
    assert_eq!(
        faults(elsewhere.entry(1, &entries[0], &hashes[0])),
        Err(Fault::Entry)
    );

    let key = SigningKey::from_seed(&SigningKey::generate_seed().unwrap()).unwrap();
    let public = key.public_key();
    let signed = Checkpoint {
        organization: [2; 16],
        seq: 3,
        hash: hashes[2],
        at_millis: 9,
    };
    let signature = signed.sign(&key);
    assert_eq!(check.checkpoint(&signed, Some(&public), &signature), Ok(()));
    assert_eq!(
        faults(check.checkpoint(&signed, None, &signature)),
        Err(Fault::CheckpointSignature)
    );
    let moved = Checkpoint { seq: 2, ..signed };
    assert_eq!(
        faults(check.checkpoint(&moved, Some(&public), &signature)),
        Err(Fault::CheckpointSignature)
    );
    assert_eq!(
        faults(check.checkpoint(&moved, Some(&public), &moved.sign(&key))),
        Err(Fault::CheckpointHash)
    );
    let ahead = Checkpoint { seq: 4, ..signed };
    assert_eq!(
        faults(check.checkpoint(&ahead, Some(&public), &ahead.sign(&key))),
        Err(Fault::Missing)
    );

    assert_eq!(check.head(3, &hashes[2]), Ok(()));
    for (seq, hash, place, fault) in [
        (3, &hashes[1], 3, Fault::Head),
        (2, &hashes[1], 3, Fault::Head),
        (5, &hashes[2], 4, Fault::Missing),
    ] {
        let broken = check.head(seq, hash).unwrap_err();
        assert_eq!((broken.seq, broken.fault), (place, fault), "{seq}");
    }
}

proptest! {
    #[test]
    fn an_entry_reads_back_as_it_was_written(
        ids in any::<([u8; 16], [u8; 16], Option<[u8; 16]>, Option<[u8; 16]>, Option<[u8; 16]>)>(),
        numbers in any::<(i64, i64)>(),
        texts in (".*", ".*", ".*", ".*", ".*", ".*"),
        cut in any::<prop::sample::Index>(),
    ) {
        let entry = Entry {
            id: &ids.0,
            organization: &ids.1,
            at_millis: numbers.0,
            actor_type: &texts.0,
            actor: ids.2.as_ref(),
            credential: ids.3.as_ref(),
            action: &texts.1,
            resource_type: &texts.2,
            resource: ids.4.as_ref(),
            outcome: &texts.3,
            details: &texts.4,
            address: &texts.5,
            count: numbers.1,
        };
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        prop_assert_eq!(Entry::decode(&bytes), Some(entry));
        prop_assert_eq!(Entry::decode(&bytes[..cut.index(bytes.len())]), None);
        bytes.push(0);
        prop_assert_eq!(Entry::decode(&bytes), None);
    }
}
