//! Paging, and rows that stand for many secrets.

use super::*;
use crate::testing::on_both;

on_both!(
    pages_meet_without_gap_or_overlap,
    a_list_of_values_is_one_entry_per_secret,
    a_very_long_list_is_paged_too,
    times_bound_a_search,
    entries_name_the_one_before,
);

/// NT-58, NT-08: pages of every size around the number of entries, and around the portions of the search.
async fn pages_meet_without_gap_or_overlap(home: Home) {
    for _ in 0..450 {
        record(&home, event(&home, "secret.read")).await;
    }
    let everything = list(&home, &home.owner, of_action("secret.read")).await;
    assert_eq!(everything.len(), 450);
    assert!(everything.is_sorted_by(|a, b| (a.at, a.id) > (b.at, b.id)));
    for limit in [1, 7, 199, 200, 201, 449, 450, 451, 1_000, u32::MAX] {
        let mut pages = Vec::new();
        // Small pages are tried on a part only.
        let most = if limit < 100 { 30 } else { 450 };
        while pages.len() < most {
            let filter = AuditFilter {
                limit,
                offset: u32::try_from(pages.len()).unwrap(),
                ..of_action("secret.read")
            };
            let page = list(&home, &home.owner, filter).await;
            assert!(page.len() <= 1_000.min(limit as usize));
            if page.is_empty() {
                break;
            }
            pages.extend(page);
        }
        let same = pages.len().max(most);
        assert_eq!(pages[..], everything[..same.min(pages.len())], "{limit}");
    }
    for (limit, offset) in [(0, 0), (0, 7), (10, 450), (10, u32::MAX)] {
        let filter = AuditFilter {
            limit,
            offset,
            ..of_action("secret.read")
        };
        assert!(list(&home, &home.owner, filter).await.is_empty());
    }
}

fn listing(home: &Home, vault: VaultId, secrets: u32) -> Event {
    let listed: Vec<_> = (0..secrets)
        .map(|number| ListedSecret::at(secret_id(number), &format!("path/{number}"), number + 1))
        .collect();
    let details = serde_json::json!({
        "vault_id": vault.to_string(),
        "api": "cloudkeep",
        "request_id": "0193a1b2-0000-7000-8000-000000000002",
        "basis": "owner",
        "secrets": listed,
    });
    Event {
        resource_type: "vault".to_owned(),
        resource: Some(*vault.bytes()),
        details: details.to_string(),
        count: i64::from(secrets),
        ..event(home, "secret.read")
    }
}

fn secret_id(number: u32) -> SecretId {
    let mut id = [3; 16];
    id[12..].copy_from_slice(&number.to_be_bytes());
    SecretId::from_bytes(id)
}

async fn a_list_of_values_is_one_entry_per_secret(home: Home) {
    let vault = VaultId::from_bytes([4; 16]);
    record(&home, event(&home, "secret.read")).await;
    let row = listing(&home, vault, 3);
    record(&home, row.clone()).await;
    record(&home, event(&home, "secret.read")).await;
    let entries = list(&home, &home.owner, of_action("secret.read")).await;
    assert_eq!(entries.len(), 5);
    let listed = &entries[1..4];
    for (number, entry) in (0..).zip(listed) {
        assert_eq!(entry.resource_type, "secret");
        assert_eq!(entry.resource, Some(*secret_id(number).bytes()));
        let details: serde_json::Value = serde_json::from_str(&entry.details).unwrap();
        let expected = serde_json::json!({
            "vault_id": vault.to_string(),
            "path": format!("path/{number}"),
            "version": number + 1,
            "api": "cloudkeep",
            "request_id": "0193a1b2-0000-7000-8000-000000000002",
            "basis": "owner",
        });
        assert_eq!(details, expected);
        assert_eq!(entry.id.uuid().get_version_num(), 7);
        assert_eq!((entry.at, entry.previous), (row.at, Some(entries[4].id)));
    }
    assert_eq!(listed[0].id, row.id);
    assert!(listed[0].id != listed[1].id && listed[1].id != listed[2].id);
    let again = list(&home, &home.owner, of_action("secret.read")).await;
    assert_eq!(entries, again);

    // Each is found by itself, and a page can end inside the list.
    let one = AuditFilter {
        resource: Some(ResourceFilter::Id(*secret_id(1).bytes())),
        ..all()
    };
    assert_eq!(list(&home, &home.owner, one).await, listed[1..2]);
    let path = AuditFilter {
        resource: Some(ResourceFilter::Path("path/2".to_owned())),
        ..all()
    };
    assert_eq!(list(&home, &home.owner, path).await, listed[2..3]);
    let vault = AuditFilter {
        resource: Some(ResourceFilter::Id(*vault.bytes())),
        ..all()
    };
    assert_eq!(list(&home, &home.owner, vault).await, listed);
    let inside = AuditFilter {
        limit: 2,
        offset: 2,
        ..of_action("secret.read")
    };
    assert_eq!(list(&home, &home.owner, inside).await, entries[2..4]);

    // An empty list is an act on the vault.
    record(&home, listing(&home, VaultId::from_bytes([6; 16]), 0)).await;
    let newest = &list(&home, &home.owner, of_action("secret.read")).await[0];
    assert_eq!(
        (newest.resource_type.as_str(), newest.resource),
        ("vault", Some([6; 16]))
    );
}

async fn a_very_long_list_is_paged_too(home: Home) {
    let vault = VaultId::from_bytes([4; 16]);
    for _ in 0..2 {
        record(&home, listing(&home, vault, 2_500)).await;
    }
    let mut ids = std::collections::BTreeSet::new();
    for page in 0..5 {
        let filter = AuditFilter {
            offset: page * 1_000,
            ..of_action("secret.read")
        };
        let entries = list(&home, &home.owner, filter).await;
        assert_eq!(entries.len(), 1_000);
        ids.extend(entries.iter().map(|entry| entry.id));
    }
    assert_eq!(ids.len(), 5_000);
    let one = AuditFilter {
        resource: Some(ResourceFilter::Path("path/2499".to_owned())),
        ..all()
    };
    assert_eq!(list(&home, &home.owner, one).await.len(), 2);
    let checked = home
        .engine
        .audit_verify(&home.owner, AuditRange::default())
        .await
        .unwrap();
    assert!(checked.chain_valid, "{checked:?}");
}

async fn times_bound_a_search(home: Home) {
    let mut times = Vec::new();
    for _ in 0..5 {
        home.clock.advance(Duration::from_secs(10));
        let event = event(&home, "secret.read");
        times.push(event.at);
        record(&home, event).await;
    }
    let between = async |from: Option<Timestamp>, to: Option<Timestamp>| {
        let filter = AuditFilter {
            from,
            to,
            ..of_action("secret.read")
        };
        let entries = list(&home, &home.owner, filter).await;
        entries.iter().map(|entry| entry.at).collect::<Vec<_>>()
    };
    let millis = |time: Timestamp, by: i64| Timestamp::from_millis(time.millis() + by);
    assert_eq!(between(Some(times[3]), None).await, [times[4], times[3]]);
    assert_eq!(between(None, Some(times[1])).await, [times[1], times[0]]);
    assert_eq!(
        between(Some(times[1]), Some(times[2])).await,
        [times[2], times[1]]
    );
    assert_eq!(
        between(Some(millis(times[1], 1)), Some(millis(times[2], -1))).await,
        []
    );
    assert_eq!(between(Some(times[2]), Some(times[1])).await, []);
    let ever = (
        Timestamp::from_millis(i64::MIN),
        Timestamp::from_millis(i64::MAX),
    );
    assert_eq!(between(Some(ever.0), Some(ever.1)).await.len(), 5);

    // A check can be bounded likewise.
    let verify = async |range| home.engine.audit_verify(&home.owner, range).await.unwrap();
    let range = AuditRange {
        from: Some(times[1]),
        to: Some(times[3]),
        after: None,
        limit: None,
    };
    let checked = verify(range).await;
    assert_eq!((checked.chain_valid, checked.events_checked), (true, 3));
    let limited = verify(AuditRange {
        limit: Some(2),
        ..AuditRange::default()
    });
    let limited = limited.await;
    assert_eq!((limited.events_checked, limited.events_verified), (2, 2));
}

async fn entries_name_the_one_before(home: Home) {
    for _ in 0..5 {
        record(&home, event(&home, "secret.read")).await;
    }
    let entries = list(&home, &home.owner, all()).await;
    for (later, earlier) in entries.iter().zip(&entries[1..]).take(4) {
        assert_eq!(later.previous, Some(earlier.id));
        assert_eq!(later.integrity_hash.as_ref().map(String::len), Some(64));
        assert_ne!(later.integrity_hash, earlier.integrity_hash);
    }
}
