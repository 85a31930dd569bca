//! Rotation of root and organization keys while the engine works (DESIGN §4).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kluis_engine::{
    Caller, EnvKey, EnvironmentName, NewEnvVar, NewZkKey, NewZkVault, Secret, SecretWrite, Which,
    ZkKeyId, ZkProof, ZkUnlocked, ZkWrappedKey,
};

use super::ground::{Ground, exposed, text};
use crate::harness::on_both;

/// More than one portion of what a rotation re-wraps in a transaction.
const SECRETS: usize = 450;

on_both! {
    async fn keys_rotate_under_readers_and_writers(ground: Ground) {
        let ground = Arc::new(ground);
        for number in 0..20 {
            ground.write(&format!("s{number}"), &value(number, 0)).await;
        }
        let done = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..4)
            .map(|worker: usize| {
                let (ground, done) = (Arc::clone(&ground), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut written = 0;
                    while !done.load(Ordering::Relaxed) {
                        for number in (0..20).filter(|number| number % 4 == worker) {
                            let path = format!("s{number}");
                            assert_eq!(ground.text(&path).await, value(number, written));
                            ground.write(&path, &value(number, written + 1)).await;
                        }
                        written += 1;
                    }
                    written
                })
            })
            .collect();
        for _ in 0..3 {
            ground.engine.root_key_rotate().await.unwrap();
            ground.engine.organization_keys_rotate().await.unwrap();
            ground.engine.rewrap_all().await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for (worker, written) in workers.into_iter().enumerate() {
            let written = written.await.unwrap();
            for number in (0..20).filter(|number| number % 4 == worker) {
                assert_eq!(ground.text(&format!("s{number}")).await, value(number, written));
            }
        }
        let mut ground = Arc::into_inner(ground).unwrap();
        ground.engine.rewrap_all().await.unwrap();
        let settings = ground.settings.clone();
        ground.reopen(settings).await;
        for number in 0..20 {
            let first = ground.read_version(&format!("s{number}"), Which::Number(1)).await.unwrap();
            assert_eq!(text(&first), value(number, 0));
        }
    }

    /// What proves and opens a zero-knowledge vault is sealed like everything else, and rows that clients gave one id stay apart.
    async fn keys_of_zero_knowledge_vaults_open_after_a_rotation(ground: Ground) {
        let engine = &ground.engine;
        let other = ground.other_owner().await;
        for owner in [&ground.owner, &other] {
            let vault = NewZkVault::new(zk_key(owner, 1), vec![zk_key(owner, 2)]).unwrap();
            engine.zk_vault_create(owner, vault).await.unwrap();
        }
        engine.root_key_rotate().await.unwrap();
        engine.organization_keys_rotate().await.unwrap();
        engine.rewrap_all().await.unwrap();
        for owner in [&ground.owner, &other] {
            for number in [1, 2] {
                let key = zk_key(owner, number);
                let unlocked = engine.zk_vault_unlock(owner, Some(key.proof)).await.unwrap();
                let ZkUnlocked::With { wrapped, .. } = unlocked else {
                    panic!("the proof is not known any more");
                };
                assert_eq!(wrapped.into_text(), key.wrapped.into_text());
            }
        }
    }

    /// A rotation whose process ended half-way goes on at the next start, and everything opens meanwhile.
    async fn a_rotation_that_was_cut_off_is_finished_after_the_next_start(ground: Ground) {
        let mut ground = ground;
        for number in 0..SECRETS {
            let note = format!("note {number}");
            ground
                .write_with(&format!("s{number}"), &value(number, 0), |write: &mut SecretWrite| {
                    write.notes = Some(Secret::from_text(note));
                })
                .await
                .unwrap();
        }
        for number in 0..SECRETS {
            let new = NewEnvVar {
                key: EnvKey::parse(format!("K{number}")).unwrap(),
                value: Secret::from_text(value(number, 1)),
                environments: None,
                git_branch: None,
                sensitive: true,
                comment: String::new(),
            };
            ground.engine.env_var_create(&ground.owner, ground.vault, new).await.unwrap();
        }
        ground.engine.root_key_rotate().await.unwrap();
        ground.engine.organization_keys_rotate().await.unwrap();
        // What rotates in the background has hundreds of rows before it, and its store closes under it.
        let settings = ground.settings.clone();
        ground.reopen(settings).await;
        for number in [0, SECRETS / 2, SECRETS - 1] {
            let read = ground.read(&format!("s{number}")).await.unwrap();
            assert_eq!(text(&read), value(number, 0));
            assert_eq!(exposed(&read.notes.unwrap()), format!("note {number}"));
        }
        let resolved = resolved(&ground).await;
        assert_eq!(resolved["K7"], value(7, 1));
        ground.engine.rewrap_all().await.unwrap();
        for number in 0..SECRETS {
            assert_eq!(ground.text(&format!("s{number}")).await, value(number, 0));
        }
        let resolved = self::resolved(&ground).await;
        assert_eq!(resolved.len(), SECRETS);
        for number in 0..SECRETS {
            assert_eq!(resolved[&format!("K{number}")], value(number, 1));
        }
    }
}

/// A key of an organization's vault. Its id is the same in every organization.
fn zk_key(owner: &Caller, number: u8) -> NewZkKey {
    let organization = owner.organization.uuid().simple();
    let proof = format!("{organization}{number:032x}");
    NewZkKey {
        id: ZkKeyId::from_bytes([number; 16]),
        wrapped: ZkWrappedKey::parse(format!("{organization}{number:048}")).unwrap(),
        proof: ZkProof::parse(&proof).unwrap(),
    }
}

/// The variables of `production`.
async fn resolved(ground: &Ground) -> BTreeMap<String, String> {
    let environment = EnvironmentName::parse("production", "environment").unwrap();
    let of = Some(environment);
    let resolved = ground
        .engine
        .env_var_resolve(&ground.owner, ground.vault, of, None);
    let vars = resolved.await.unwrap().vars.into_iter();
    vars.map(|(key, value, _)| (key, exposed(&value))).collect()
}

fn value(number: usize, written: usize) -> String {
    format!("value {number} of turn {written}")
}
