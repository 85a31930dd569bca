//! What is remembered, and what does not fit it.

use super::*;

const BASE: &str = "http://127.0.0.1:8200/";
const ID: &str = "11111111-2222-4333-8444-555555555555";

fn secret(id: &str, name: &str, secret_type: &str) -> inkbox::Secret {
    inkbox::Secret {
        id: id.to_owned(),
        name: name.to_owned(),
        description: None,
        secret_type: secret_type.to_owned(),
        access: Vec::new(),
        created_at: String::new(),
        updated_at: String::new(),
    }
}

fn detail(secret: inkbox::Secret, sealed: &[u8]) -> inkbox::SecretDetail {
    inkbox::SecretDetail {
        secret,
        encrypted_payload: BASE64_STANDARD.encode(sealed),
    }
}

fn distrust<T>(outcome: Result<T, Error>) -> Option<Distrust> {
    match outcome {
        Err(Error::Distrust(distrust)) => Some(distrust),
        _ => None,
    }
}

/// A UUID for each letter.
fn id(letter: &str) -> String {
    ID.replace('1', letter)
}

fn known() -> Known {
    Known::new("org_fixture_0001", "v1")
}

#[test]
fn a_salt_is_not_changed_and_a_vault_not_replaced() {
    let mut memory = Memory::default();
    let ask = |memory: &Memory, organization: &str, vault: &str, accepts: &Accepts| {
        memory
            .meet(BASE, organization, vault, accepts)
            .map(|known| known.vault_id)
    };
    let nothing = Accepts::default();
    let met = memory
        .meet(BASE, "org_fixture_0001", "v1", &nothing)
        .unwrap();
    memory.put("http://127.0.0.1:8200", met);

    assert_eq!(
        ask(&memory, "org_fixture_0001", "v1", &nothing),
        Ok("v1".to_owned())
    );
    assert_eq!(
        ask(&memory, "org_fixture_0002", "v1", &nothing),
        Err(Distrust::OrganizationChanged {
            known: "'org_fixture_0001'".to_owned(),
            claimed: "org_fixture_0002".to_owned()
        })
    );
    assert_eq!(
        ask(&memory, "org_123", "v1", &nothing),
        Err(Distrust::OrganizationTooShort { length: 7 })
    );
    assert_eq!(
        ask(&memory, "org_fixture_0001", "v2", &nothing),
        Err(Distrust::VaultReplaced {
            known: "v1".to_owned(),
            claimed: "v2".to_owned()
        })
    );
    // Another server is another place.
    assert!(
        memory
            .meet("http://h", "org_fixture_0002", "v2", &nothing)
            .is_ok()
    );

    let organization = |id: &str| Accepts {
        organization: Some(id.to_owned()),
        vault: false,
    };
    assert!(
        ask(
            &memory,
            "org_fixture_0002",
            "v1",
            &organization("org_fixture_0003")
        )
        .is_err()
    );
    let other = memory.meet(
        BASE,
        "org_fixture_0002",
        "v2",
        &organization("org_fixture_0002"),
    );
    memory.put(BASE, other.unwrap());
    for (organization, vault) in [("org_fixture_0001", "v1"), ("org_fixture_0002", "v2")] {
        assert_eq!(
            ask(&memory, organization, vault, &nothing),
            Ok(vault.to_owned())
        );
    }
    let vault = Accepts {
        organization: None,
        vault: true,
    };
    assert_eq!(
        ask(&memory, "org_fixture_0001", "v3", &vault),
        Ok("v3".to_owned())
    );
}

#[test]
fn a_payload_key_is_known_again() {
    let (key, mut known) = (PayloadKey::generate().unwrap(), known());
    known.meet_key(&key).unwrap();
    known.meet_key(&key).unwrap();
    let other = PayloadKey::generate().unwrap();
    assert_eq!(known.meet_key(&other), Err(Distrust::PayloadKeyChanged));
}

/// NT-77: an old payload of the same secret is not taken for its newest.
#[test]
fn a_payload_that_was_replaced_does_not_come_back() {
    let (key, mut known) = (PayloadKey::generate().unwrap(), known());
    let seal = |text: &str| key.seal(ID, text.as_bytes()).unwrap();
    let [first, second] = [seal("1"), seal("2")];
    let mut admit = |sealed: &[u8]| {
        let detail = detail(secret(ID, "n", "other"), sealed);
        let secret = known.admit(&key, detail);
        distrust(secret)
    };
    assert_eq!(admit(&first), None);
    assert_eq!(admit(&first), None);
    assert_eq!(admit(&second), None);
    let replayed = Distrust::PayloadReplayed { id: ID.to_owned() };
    assert_eq!(admit(&first), Some(replayed.clone()));
    assert_eq!(admit(&second), None);
    // The newest 256 of those before are remembered.
    let many: Vec<Vec<u8>> = (0..MOST_SUPERSEDED).map(|n| seal(&n.to_string())).collect();
    for sealed in &many {
        assert_eq!(admit(sealed), None);
    }
    assert_eq!(admit(&second), Some(replayed.clone()));
    assert_eq!(admit(&many[0]), Some(replayed));
    assert_eq!(admit(&first), None);
}

/// NT-77: what does not open under its own id leaves no trace, so it cannot make the right one look old.
#[test]
fn what_does_not_open_is_not_remembered() {
    let (key, mut known) = (PayloadKey::generate().unwrap(), known());
    let sealed = key.seal(ID, b"1").unwrap();
    let other = key
        .seal("66666666-2222-4333-8444-555555555555", b"2")
        .unwrap();
    let mut admit =
        |sealed: &[u8]| distrust(known.admit(&key, detail(secret(ID, "n", "other"), sealed)));
    let id = ID.to_owned();
    assert_eq!(
        admit(&other),
        Some(Distrust::PayloadDoesNotOpen { id: id.clone() })
    );
    let length = 27;
    let truncated = Distrust::PayloadTruncated { id, length };
    assert_eq!(admit(&sealed[..27]), Some(truncated));
    for _ in 0..2 {
        assert_eq!(admit(&sealed), None);
    }
    let mut broken = detail(secret(ID, "n", "other"), b"");
    broken.encrypted_payload = "canary!".to_owned();
    let refused = distrust(known.admit(&key, broken)).unwrap();
    assert_eq!(refused, Distrust::PayloadNotBase64 { id: ID.to_owned() });
}

#[test]
fn a_list_is_held_against_what_was_there() {
    let mut known = known();
    let [a, b] = ["a", "b"].map(|name| secret(&id(name), name, "login"));
    let gone = |name: &str| Warning::Gone {
        id: id("b"),
        name: name.to_owned(),
    };
    assert_eq!(known.review(&[&a, &b], true), Ok(vec![]));
    // A part of it says nothing of the rest.
    assert_eq!(known.review(&[&a], false), Ok(vec![]));
    assert_eq!(known.review(&[&a], true), Ok(vec![gone("b")]));
    assert_eq!(known.review(&[&a], true), Ok(vec![]));
    let back = Warning::Back {
        id: id("b"),
        name: "c".to_owned(),
    };
    let renamed = Warning::Renamed {
        id: id("b"),
        known: "b".to_owned(),
        name: "c".to_owned(),
    };
    let c = secret(&id("b"), "c", "login");
    assert_eq!(
        known.review(&[&a, &c], true),
        Ok(vec![back, renamed.clone()])
    );
    // It is told each time.
    assert_eq!(known.review(&[&a, &c], true), Ok(vec![renamed]));
    assert_eq!(
        known.review(&[&a, &b, &a], true),
        Err(Distrust::ListedTwice { id: id("a") })
    );
    assert_eq!(
        known.review(&[&secret(&id("a"), "a", "other")], false),
        Err(Distrust::TypeChanged {
            id: id("a"),
            known: "login".to_owned(),
            claimed: "other".to_owned()
        })
    );
    known.deleted(&id("b"));
    assert_eq!(known.review(&[&a], true), Ok(vec![]));
    assert_eq!(
        known.review(&[&a, &c], true),
        Err(Distrust::DeletedCameBack { id: id("b") })
    );
}

/// Names are not sealed.
#[test]
fn a_name_stands_for_the_same_secret_until_somebody_says_its_id() {
    let [a, b] = ["a", "b"].map(|name| secret(&id(name), name, "login"));
    let [a_as_b, b_as_a] =
        [("a", "b"), ("b", "a")].map(|(letter, name)| secret(&id(letter), name, "login"));
    let moved = |name: &str, known: &str, claimed: &str| {
        Err(Distrust::NameMoved {
            name: name.to_owned(),
            known: id(known),
            claimed: id(claimed),
        })
    };
    let mut fresh = known();
    assert_eq!(fresh.check_name(&a, &[&a, &b]), Ok(()));
    fresh.review(&[&a, &b], true).unwrap();

    // Swapped.
    let mut known = fresh.clone();
    let swapped = [&a_as_b, &b_as_a];
    for _ in 0..2 {
        assert_eq!(known.review(&swapped, true).unwrap().len(), 2);
        assert_eq!(known.check_name(&b_as_a, &swapped), moved("a", "a", "b"));
        assert_eq!(known.check_name(&a_as_b, &swapped), moved("b", "b", "a"));
    }
    known.accept_name(&b_as_a, &swapped);
    assert_eq!(known.check_name(&b_as_a, &swapped), Ok(()));
    assert!(known.check_name(&a_as_b, &swapped).is_err());
    known.accept_name(&a_as_b, &swapped);
    assert_eq!(known.check_name(&a_as_b, &swapped), Ok(()));
    assert_eq!(known.review(&swapped, true), Ok(vec![]));

    // One that is missing, and another or a new one in its place.
    let new = secret(&id("c"), "a", "login");
    for listed in [[&b_as_a], [&new]] {
        let mut known = fresh.clone();
        known.review(&listed, true).unwrap();
        let other = listed[0];
        for _ in 0..2 {
            assert_eq!(
                known.check_name(other, &listed),
                moved("a", "a", if other.id == new.id { "c" } else { "b" }),
                "{other:?}"
            );
        }
        // Who was never shown the one that is missing has not missed it.
        let mut another = known.clone();
        "another".clone_into(&mut another.viewer);
        assert_eq!(
            another.check_name(other, &listed).is_ok(),
            other.id == new.id
        );
        known.accept_name(other, &listed);
        assert_eq!(known.check_name(other, &listed), Ok(()));
        assert!(known.check_name(&a, &[other, &a]).is_ok());
    }

    // One that was called otherwise, where no other had the name.
    let renamed = secret(&id("a"), "z", "login");
    let changed = Distrust::NameChanged {
        id: id("a"),
        known: "a".to_owned(),
        claimed: "z".to_owned(),
    };
    assert_eq!(fresh.check_name(&renamed, &[&renamed, &b]), Err(changed));
    // A name that was given from here.
    fresh.named(&id("a"), "z");
    assert_eq!(fresh.check_name(&renamed, &[&renamed, &b]), Ok(()));
    // Two of one name are no lie.
    let mut known = self::known();
    let twin = secret(&id("b"), "a", "login");
    known.review(&[&a, &twin], true).unwrap();
    assert_eq!(known.check_name(&a, &[&a, &twin]), Ok(()));
}

#[test]
fn what_one_caller_is_shown_says_nothing_of_what_another_one_is() {
    let mut known = known();
    let [a, b] = ["a", "b"].map(|name| secret(&id(name), name, "login"));
    let as_viewer = |known: &mut Known, viewer: &str, listed: &[&inkbox::Secret]| {
        viewer.clone_into(&mut known.viewer);
        known.review(listed, true).unwrap().len()
    };
    for _ in 0..2 {
        assert_eq!(as_viewer(&mut known, "admin", &[&a, &b]), 0);
        assert_eq!(as_viewer(&mut known, "agent", &[&a]), 0);
    }
    assert_eq!(as_viewer(&mut known, "agent", &[]), 1);
    assert_eq!(as_viewer(&mut known, "admin", &[&a, &b]), 0);
    assert_eq!(as_viewer(&mut known, "agent", &[&a]), 1);
}

#[test]
fn deleted_ids_are_remembered_within_bounds() {
    let mut known = known();
    for number in 0..=MOST_DELETED {
        known.deleted(&number.to_string());
    }
    assert_eq!(known.deleted.len(), MOST_DELETED);
    assert_eq!(known.deleted.first().unwrap(), "1");
}

#[test]
fn a_memory_reads_back_and_another_text_does_not() {
    let (key, mut memory, mut known) =
        (PayloadKey::generate().unwrap(), Memory::default(), known());
    known.meet_key(&key).unwrap();
    let sealed = key.seal(ID, b"canary").unwrap();
    known
        .admit(&key, detail(secret(ID, "n", "other"), &sealed))
        .ok()
        .unwrap();
    known.deleted("gone");
    memory.put(BASE, known);
    let json = memory.to_json().unwrap();
    let read = Memory::from_json(&json).unwrap();
    assert_eq!(read.to_json().unwrap(), json);
    let text = String::from_utf8(json).unwrap();
    assert!(!text.contains(&BASE64_STANDARD.encode(&sealed)), "{text}");
    assert_eq!(
        Memory::from_json(b"{\"format\": 2, \"more\": 1}").err(),
        Some(UnreadableMemory::Format(2))
    );
    let cut = text.trim_end_matches(['}', '\n']);
    for broken in ["", "[]", "{}", "{\"format\": 1}", cut] {
        assert!(
            matches!(
                Memory::from_json(broken.as_bytes()),
                Err(UnreadableMemory::Form { .. })
            ),
            "{broken}"
        );
    }
}

#[test]
fn what_is_no_id_is_not_taken_for_one() {
    for odd in [
        "",
        "a",
        "11111111-2222-4333-8444-55555555555A",
        "11111111222243338444555555555555",
        "11111111-2222-4333-8444-5555555555555",
        "../../api/whoami",
    ] {
        let refused = Err(Distrust::NoId {
            what: "secret",
            id: odd.to_owned(),
        });
        assert_eq!(known().review(&[&secret(odd, "n", "login")], true), refused);
    }
}
