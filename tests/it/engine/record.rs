//! The record leaves with all that is needed to check it without the server (RULES §7).

use kluis_client::record::{ExportError, ExportReport, Fault, Trust, Unverified, verify_export};
use kluis_engine::{AuditExport, AuditRange};

use super::ground::Ground;
use crate::harness::on_both;

fn behind(after: i64) -> AuditRange {
    AuditRange {
        after: Some(after),
        ..AuditRange::default()
    }
}

/// The lines of an export.
async fn lines(ground: &Ground, after: i64) -> Vec<String> {
    let export = ground
        .engine
        .audit_export(&ground.owner, behind(after))
        .await;
    let mut export: AuditExport = export.unwrap();
    let mut text = String::new();
    while let Some(portion) = export.next().await.unwrap() {
        text.push_str(&portion);
    }
    text.lines().map(str::to_owned).collect()
}

fn verify(lines: &[String], trusted: &[[u8; 32]]) -> Result<ExportReport, Unverified> {
    let text = lines.join("\n") + "\n";
    verify_export(text.as_bytes(), Trust::Keys(trusted))
}

/// The public keys in an export, taken on trust.
fn keys(lines: &[String]) -> Vec<[u8; 32]> {
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    let keys = line["export"]["keys"].as_array().unwrap().iter();
    keys.map(|key| kluis_client::record::public_key(key["public_key"].as_str().unwrap()).unwrap())
        .collect()
}

/// Some acts, a list of values, and a checkpoint over the first of them.
async fn acts(ground: &Ground) {
    for number in 0..6 {
        ground.write(&format!("path/{number}"), "value").await;
        ground.read(&format!("path/{number}")).await.unwrap();
    }
    let listed = ground
        .engine
        .secret_list_values(&ground.owner, ground.vault);
    assert_eq!(listed.await.unwrap().len(), 6);
    ground.clock.advance(std::time::Duration::from_secs(61));
    for _ in 0..3 {
        ground.read("path/0").await.unwrap();
    }
}

on_both! {
    async fn an_export_holds_and_goes_on_where_it_ended(ground: Ground) {
        acts(&ground).await;
        let first = lines(&ground, 0).await;
        let trusted = keys(&first);
        assert_eq!(trusted.len(), 1);
        let whole = verify(&first, &trusted).unwrap();
        assert_eq!((whole.after, whole.through), (0, i64::try_from(whole.events).unwrap()));
        assert!(whole.checkpoint.is_some());
        assert!(!first.iter().any(|line| line.contains("\"value\"")), "values never leave");

        ground.read("path/1").await.unwrap();
        let second = lines(&ground, whole.through).await;
        // A minute has not passed: nothing of it is signed.
        assert!(matches!(verify(&second, &trusted).unwrap_err().error, ExportError::Unsigned));
        let text = second.join("\n") + "\n";
        let rest = verify_export(text.as_bytes(), Trust::Export).unwrap();
        assert_eq!((rest.after, rest.after_hash), (whole.through, whole.hash));
        // The first export itself, and the read.
        assert_eq!(rest.events, 2);
        assert!(ground.engine.audit_export(&ground.owner, behind(9_999)).await.is_err());

        let ends = ground.engine.audit_verify(&ground.owner, AuditRange::default()).await.unwrap();
        assert!(ends.chain_valid && ends.sealed_through >= rest.through);
    }

    async fn an_export_that_was_altered_does_not_hold(ground: Ground) {
        acts(&ground).await;
        let lines = lines(&ground, 0).await;
        let trusted = keys(&lines);
        let verify = |lines: &[String]| verify(lines, &trusted);
        verify(&lines).unwrap();
        let is = |what: &str| {
            let start = format!("{{\"{what}\"");
            lines.iter().position(|line| line.starts_with(&start)).unwrap()
        };
        let altered = 1..is("end");

        // Every line left out, doubled or swapped with the next.
        for index in 0..lines.len() {
            let mut cut = lines.clone();
            let line = cut.remove(index);
            assert!(verify(&cut).is_err(), "without line {index}");
            cut.insert(index, line.clone());
            cut.insert(index, line.clone());
            assert!(verify(&cut).is_err(), "line {index} twice");
            if index + 1 < lines.len() {
                let mut swapped = lines.clone();
                swapped.swap(index, index + 1);
                assert!(verify(&swapped).is_err(), "lines {index} and the next swapped");
            }
        }
        // Every member of every event and checkpoint changed, in its place.
        for index in altered {
            let line: serde_json::Value = serde_json::from_str(&lines[index]).unwrap();
            let (kind, members) = line.as_object().unwrap().iter().next().unwrap();
            for (member, value) in members.as_object().unwrap() {
                let other: serde_json::Value = match value {
                    serde_json::Value::Number(number) => (number.as_i64().unwrap() + 1).into(),
                    serde_json::Value::String(text) => match text.chars().last() {
                        Some('0') => format!("{}1", &text[..text.len() - 1]).into(),
                        Some(_) => format!("{}0", &text[..text.len() - 1]).into(),
                        None => "x".into(),
                    },
                    _ => "00000000-0000-7000-8000-000000000000".into(),
                };
                let mut changed = lines.clone();
                changed[index] = lines[index].replace(
                    &format!("\"{member}\":{value}"),
                    &format!("\"{member}\":{other}"),
                );
                assert_ne!(changed[index], lines[index], "{member}");
                let refused = verify(&changed).unwrap_err();
                // By the chain or a signature, not by how the line is written.
                let found = match (kind.as_str(), &refused.error) {
                    ("event", ExportError::Broken(broken)) => broken.fault != Fault::CheckpointSignature,
                    ("checkpoint", ExportError::Broken(broken)) => broken.fault == Fault::CheckpointSignature,
                    _ => false,
                };
                assert!(found, "{kind} {member} in line {index}: {refused:?}");
            }
        }
        let text = lines.join("\n") + "\n";
        let untrusted = verify_export(text.as_bytes(), Trust::Keys(&[[7; 32]])).unwrap_err();
        assert!(matches!(untrusted.error, ExportError::ForeignKey(key) if key == trusted[0]), "{untrusted:?}");
    }
}
