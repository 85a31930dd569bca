//! An export after somebody has been at it: whatever was changed is found, and what cannot be found is told (RULES §7).

use aws_lc_rs::digest::{SHA256, digest};
use kluis_client::record::{ExportError, Fault, Trust, verify_export};
use serde_json::Value;

use super::export::{key, lines, parsed, recorded, verify};
use crate::harness::{Backend, Kluis, on_both};

async fn exported(backend: Backend) -> (Kluis, Vec<String>) {
    let kluis = recorded(backend).await;
    let answer = kluis.owner().get("/v1/audit/export").await.expect(200);
    (kluis, lines(&answer))
}

/// Places of the lines of one kind.
fn those_of(lines: &[String], kind: &str) -> Vec<usize> {
    let start = format!("{{\"{kind}\":");
    let places = lines.iter().enumerate();
    places
        .filter(|(_, line)| line.starts_with(&start))
        .map(|(place, _)| place)
        .collect()
}

fn fault(lines: &[String], key: [u8; 32]) -> (Option<Fault>, u64) {
    let unverified = verify(lines, key).unwrap_err();
    match unverified.error {
        ExportError::Broken(broken) => (Some(broken.fault), unverified.held.events),
        _ => (None, unverified.held.events),
    }
}

/// The same line with another value for a member.
fn changed(line: &str, member: &str, value: &Value) -> String {
    let parsed = parsed(line);
    let old = &parsed.as_object().unwrap().values().next().unwrap()[member];
    let line = line.replace(
        &format!("\"{member}\":{old}"),
        &format!("\"{member}\":{value}"),
    );
    assert_ne!(line, parsed.to_string(), "{member}");
    line
}

/// The closing line for what stands before it.
fn closed(mut lines: Vec<String>) -> Vec<String> {
    let events = those_of(&lines, "event");
    let last = parsed(&lines[*events.last().unwrap()]);
    let checkpoints = those_of(&lines, "checkpoint").len();
    let end = lines.last_mut().unwrap();
    for (member, value) in [
        ("seq", last["event"]["seq"].clone()),
        ("sealed_through", last["event"]["seq"].clone()),
        ("hash", last["event"]["hash"].clone()),
        ("events", events.len().into()),
        ("checkpoints", checkpoints.into()),
    ] {
        *end = changed(end, member, &value);
    }
    lines
}

/// The hash of an event behind `previous`, computed from what RULES §7 and the documentation of the format say.
fn link(previous: &str, event: &Value) -> String {
    let unhex = |text: &str| -> Vec<u8> {
        let text = text.replace('-', "");
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    let mut bytes = unhex(previous);
    bytes.push(1);
    let id = |member: &str| unhex(event[member].as_str().unwrap_or_default());
    let number = |member: &str| event[member].as_i64().unwrap().to_be_bytes();
    bytes.extend(id("id"));
    bytes.extend(id("organization_id"));
    bytes.extend(number("at"));
    for member in [
        "actor_type",
        "actor_id",
        "credential_id",
        "action",
        "resource_type",
        "resource_id",
        "outcome",
        "details",
        "address",
    ] {
        let field = if member.ends_with("_id") {
            id(member)
        } else {
            event[member].as_str().unwrap().as_bytes().to_vec()
        };
        bytes.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
        bytes.extend(field);
    }
    bytes.extend(number("count"));
    let hash = digest(&SHA256, &bytes);
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The chain computed anew from a line on, as one would who knows how.
fn forged(lines: &[String], from: usize) -> Vec<String> {
    let mut lines = lines.to_vec();
    let mut hash = "00".repeat(32);
    for (place, line) in lines.iter_mut().enumerate() {
        let event = parsed(line)["event"].clone();
        if event.is_null() {
            continue;
        }
        if place >= from {
            hash = link(&hash, &event);
            *line = changed(line, "hash", &hash.clone().into());
        } else {
            hash = event["hash"].as_str().unwrap().to_owned();
        }
    }
    closed(lines)
}

on_both! {
    async fn every_changed_byte_of_an_event_is_found(backend: Backend) {
        let (_kluis, lines) = exported(backend).await;
        let key = key(&lines);
        let events = those_of(&lines, "event");
        let (first, last) = (events[0], *events.last().unwrap());
        let quoted = lines.iter().position(|line| line.contains("quoted") && line.contains("secret.write")).unwrap();
        for place in [first, quoted, last] {
            let line = lines[place].clone().into_bytes();
            for at in 0..line.len() {
                for bit in [1, 0x20] {
                    let mut bytes = line.clone();
                    bytes[at] ^= bit;
                    let mut text = lines[..place].join("\n").into_bytes();
                    text.push(b'\n');
                    text.extend(bytes);
                    text.push(b'\n');
                    text.extend(lines[place + 1..].join("\n").bytes());
                    text.push(b'\n');
                    let refused = verify_export(&text[..], Trust::Keys(&[key]));
                    let refused = refused.err().unwrap_or_else(|| panic!("byte {at} of line {place}, bit {bit:x}"));
                    assert_eq!(refused.held.events, u64::try_from(place - 1 - usize::from(place == last)).unwrap());
                }
            }
        }
    }

    async fn every_changed_member_of_every_event_is_found_at_its_place(backend: Backend) {
        let (_kluis, lines) = exported(backend).await;
        let key = key(&lines);
        for (before, place) in those_of(&lines, "event").into_iter().enumerate() {
            let event = parsed(&lines[place])["event"].clone();
            for (member, value) in event.as_object().unwrap() {
                let other: Value = match value {
                    Value::Number(number) => (number.as_i64().unwrap() - 1).into(),
                    Value::String(text) if member.ends_with("id") || member == "hash" => {
                        let digit = if text.starts_with('1') { "2" } else { "1" };
                        format!("{digit}{}", &text[1..]).into()
                    }
                    Value::String(text) => format!("{text} ").into(),
                    _ => "00000000-0000-7000-8000-000000000000".into(),
                };
                let mut altered = lines.clone();
                altered[place] = changed(&lines[place], member, &other);
                let expected = if member == "seq" { Fault::Missing } else { Fault::Entry };
                let found = fault(&altered, key);
                assert_eq!(found, (Some(expected), u64::try_from(before).unwrap()), "{member} of {event}");
            }
        }
    }

    async fn a_line_removed_doubled_swapped_or_inserted_is_found(backend: Backend) {
        let (_kluis, lines) = exported(backend).await;
        let key = key(&lines);
        for place in 0..lines.len() {
            let mut altered = lines.clone();
            let line = altered.remove(place);
            verify(&altered, key).expect_err(&line);
            altered.insert(place, line.clone());
            altered.insert(place, line.clone());
            verify(&altered, key).expect_err(&line);
            for other in place + 1..lines.len() {
                let mut altered = lines.clone();
                altered.swap(place, other);
                verify(&altered, key).expect_err(&line);
            }
            // A line that holds by itself, from elsewhere.
            let mut altered = lines.clone();
            altered.insert(place, lines[lines.len() / 2].clone());
            verify(&altered, key).expect_err(&line);
            for strange in ["", " ", "{}", "null", "{\"event\":{}}", "{\"note\":1}"] {
                let mut altered = lines.clone();
                altered.insert(place, strange.to_owned());
                verify(&altered, key).expect_err(strange);
            }
        }
        let mut longer = lines.clone();
        longer.push(lines[1].clone());
        verify(&longer, key).unwrap_err();
    }

    /// The promise of RULES §7, and its limit.
    async fn a_forged_chain_is_found_up_to_the_last_checkpoint(backend: Backend) {
        let (_kluis, lines) = exported(backend).await;
        let key = key(&lines);
        // Made anew without a change it is the same: the documentation of the format is right.
        assert!(forged(&lines, 0) == lines);
        let checkpoint = *those_of(&lines, "checkpoint").last().unwrap();
        let signed = verify(&lines, key).unwrap().checkpoint.unwrap().seq;
        for place in those_of(&lines, "event") {
            let mut altered = lines.clone();
            altered[place] = changed(&lines[place], "outcome", &"denied".into());
            let altered = forged(&altered, place);
            let outcome = verify(&altered, key);
            if place < checkpoint {
                assert_eq!(fault(&altered, key).0, Some(Fault::CheckpointHash), "line {place}");
            } else {
                let report = outcome.unwrap();
                assert_eq!(report.checkpoint.unwrap().seq, signed);
                assert!(report.through > signed, "what is not covered is told");
            }
            // Left out, and all that follow renumbered.
            let mut shorter = lines.clone();
            shorter.remove(place);
            for line in &mut shorter[place..] {
                let seq = parsed(line)["event"]["seq"].clone();
                if let Some(seq) = seq.as_i64() {
                    *line = changed(line, "seq", &(seq - 1).into());
                }
            }
            let outcome = verify(&forged(&shorter, place), key);
            assert_eq!(outcome.is_err(), place < checkpoint, "without line {place}: {outcome:?}");
        }
    }

    async fn a_removed_tail_is_found_up_to_the_last_checkpoint(backend: Backend) {
        let (_kluis, lines) = exported(backend).await;
        let key = key(&lines);
        let checkpoint = *those_of(&lines, "checkpoint").last().unwrap();
        let signed = verify(&lines, key).unwrap().checkpoint.unwrap().seq;
        let events = those_of(&lines, "event");
        for &from in &events {
            // The lines from here on are gone, but for the checkpoint and the end.
            let kept = |place: usize, line: &String| place < from || !line.starts_with("{\"event\"");
            let cut: Vec<String> =
                lines.iter().enumerate().filter(|(place, line)| kept(*place, line)).map(|(_, line)| line.clone()).collect();
            assert_eq!(fault(&cut, key).0, Some(Fault::Missing), "from line {from}");
            if from == events[0] {
                continue;
            }
            let closed = closed(cut);
            if from < checkpoint {
                assert_eq!(fault(&closed, key).0, Some(Fault::Missing), "from line {from}, closed");
            } else {
                let report = verify(&closed, key).unwrap();
                assert_eq!(report.checkpoint.unwrap().seq, signed);
                assert!(report.through >= signed);
            }
        }
    }

    async fn a_checkpoint_that_was_changed_is_found(backend: Backend) {
        let (_kluis, lines) = exported(backend).await;
        let key = key(&lines);
        let place = those_of(&lines, "checkpoint")[0];
        let checkpoint = parsed(&lines[place])["checkpoint"].clone();
        for (member, value) in checkpoint.as_object().unwrap() {
            let other: Value = match value {
                Value::Number(number) => (number.as_i64().unwrap() + 1).into(),
                Value::String(text) => {
                    let digit = if text.starts_with('1') { "2" } else { "1" };
                    format!("{digit}{}", &text[1..]).into()
                }
                _ => unreachable!("{checkpoint}"),
            };
            let mut altered = lines.clone();
            altered[place] = changed(&lines[place], member, &other);
            assert_eq!(fault(&altered, key).0, Some(Fault::CheckpointSignature), "{member}");
        }
        // Without any, a key proves nothing.
        let mut without = lines.clone();
        without.retain(|line| !line.starts_with("{\"checkpoint\""));
        let without = closed(without);
        assert!(matches!(verify(&without, key).unwrap_err().error, ExportError::Unsigned));
        let text = without.join("\n") + "\n";
        assert_eq!(verify_export(text.as_bytes(), Trust::Export).unwrap().checkpoint, None);
    }

    async fn another_servers_export_is_not_taken_for_ones_own(backend: Backend) {
        let (_kluis, ours) = exported(backend).await;
        let other = Kluis::start().await;
        let theirs = lines(&other.owner().get("/v1/audit/export").await.expect(200));
        assert!(matches!(
            verify(&theirs, key(&ours)).unwrap_err().error,
            ExportError::ForeignKey(foreign) if foreign == key(&theirs)
        ));
        // With our key in the place of theirs, nothing in it is signed by it.
        let name = |key: &[u8; 32]| kluis_client::record::hex(key);
        let mut posing = theirs.clone();
        posing[0] = posing[0].replace(&name(&key(&theirs)), &name(&key(&ours)));
        verify(&posing, key(&ours)).unwrap_err();
        // Nor with both, whichever of them a checkpoint names.
        let mut both = ours.clone();
        let first = parsed(&ours[0])["export"]["keys"][0].to_string();
        let second = format!("{{\"version\":2,\"public_key\":\"{}\"}}", name(&key(&theirs)));
        let named = format!("{{\"version\":1,\"public_key\":\"{}\"}}", name(&key(&ours)));
        assert_eq!(parsed(&named).to_string(), first);
        both[0] = both[0].replace(&named, &format!("{named},{second}"));
        verify(&both, key(&ours)).unwrap();
        verify(&both, key(&theirs)).unwrap_err();
    }

    async fn an_export_that_is_cut_off_is_told_from_one_that_was_altered(backend: Backend) {
        let (_kluis, lines) = exported(backend).await;
        let key = key(&lines);
        let text = lines.join("\n") + "\n";
        let mut whole = 0;
        for (number, line) in lines.iter().enumerate() {
            for part in [0, 1, line.len() / 2, line.len() - 1, line.len()] {
                // A border inside a character is one as well.
                let cut = &text.as_bytes()[..whole + part];
                let refused = verify_export(cut, Trust::Keys(&[key])).unwrap_err().error;
                match refused {
                    ExportError::CutOff { line } => assert_eq!(line, u64::try_from(number).unwrap() + 1),
                    ExportError::NotAnExport => assert_eq!((number, part < 10), (0, true)),
                    other => panic!("line {number} after {part} bytes: {other}"),
                }
            }
            whole += line.len() + 1;
        }
    }

    async fn a_format_that_is_not_known_is_not_guessed_at(backend: Backend) {
        let (_kluis, lines) = exported(backend).await;
        let key = key(&lines);
        let mut newer = lines.clone();
        newer[0] = "{\"export\":{\"format\":2,\"what\":\"ever\"}}".to_owned();
        assert!(matches!(verify(&newer, key).unwrap_err().error, ExportError::UnknownFormat(2)));
        for (member, value) in [
            ("scheme", serde_json::json!({"algorithm": "none", "signature": "none"})),
            ("after", 3.into()),
            ("after", (-1).into()),
            ("organization_id", "00000000-0000-7000-8000-000000000000".into()),
            ("hash", "11".repeat(32).into()),
        ] {
            let mut altered = lines.clone();
            altered[0] = changed(&lines[0], member, &value);
            verify(&altered, key).expect_err(member);
        }
        for strange in ["", "hello\n", "{}\n", "{\"export\":[[[[[[\n", "\u{0}\u{1}\n"] {
            let refused = verify_export(strange.as_bytes(), Trust::Export).unwrap_err();
            assert!(matches!(refused.error, ExportError::NotAnExport), "{strange:?}: {refused}");
        }
    }
}
