//! Seals: key file, passphrase, Shamir shares (DESIGN §4).

use std::os::unix::fs::PermissionsExt;

use kluis_engine::{
    Clock, Conflict, Engine, Error, NewSeal, Secret, Settings, Unavailable, UnsealInput,
};
use tempfile::TempDir;

use super::ground::{bootstrap, settings};
use crate::harness::{Backend, on_both};

/// A sealed engine, and what opens it.
struct Sealed {
    engine: Engine,
    settings: Settings,
    shares: Vec<String>,
    directory: TempDir,
}

impl Sealed {
    async fn new(backend: Backend, seal: impl FnOnce(&TempDir, &Settings) -> NewSeal) -> Self {
        let (settings, directory) = settings(backend);
        let engine = Engine::open(settings.clone(), Clock::system())
            .await
            .unwrap();
        let seal = seal(&directory, &settings);
        let shares = engine.initialize(seal).await.unwrap();
        let shares = shares.iter().map(|share| share.to_string()).collect();
        let owner = bootstrap(&engine).await;
        engine.vault_list(&owner).await.unwrap();
        engine.seal();
        assert!(matches!(
            engine.ready().await,
            Err(Error::Unavailable(Unavailable::Sealed))
        ));
        Self {
            engine,
            settings,
            shares,
            directory,
        }
    }

    async fn give(&self, share: &str) -> Result<kluis_engine::SealStatus, Error> {
        let share = Secret::from_text(share.to_owned());
        self.engine.unseal(UnsealInput::Share(share)).await
    }
}

fn shamir(threshold: u8, shares: u8) -> impl FnOnce(&TempDir, &Settings) -> NewSeal {
    move |_, _| NewSeal::Shamir { threshold, shares }
}

on_both! {
    async fn any_shares_up_to_the_threshold_unseal_in_any_order(backend: Backend) {
        let sealed = Sealed::new(backend, shamir(3, 5)).await;
        for chosen in [[4, 0, 2], [1, 2, 3], [3, 4, 1]] {
            for (given, share) in (1..).zip(chosen) {
                let status = sealed.give(&sealed.shares[share]).await.unwrap();
                assert_eq!(status.sealed, given < 3);
                assert_eq!(status.given, if given < 3 { given } else { 0 });
                assert_eq!(status.needed, 3);
            }
            sealed.engine.ready().await.unwrap();
            sealed.engine.seal();
        }
    }

    async fn a_share_counts_once_and_only_on_its_own_server(backend: Backend) {
        let sealed = Sealed::new(backend, shamir(2, 3)).await;
        let stranger = Sealed::new(Backend::Sqlite, shamir(2, 3)).await;
        sealed.give(&sealed.shares[0]).await.unwrap();
        for (wrong, why) in [
            (sealed.shares[0].as_str(), "given already"),
            (stranger.shares[1].as_str(), "another server"),
            ("not a share", "not usable"),
            ("", "not usable"),
        ] {
            let refused = sealed.give(wrong).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{refused}");
            let status = sealed.engine.seal_status().await.unwrap();
            assert!(status.sealed);
            assert_eq!(status.given, 1);
        }
        let mistyped: String = sealed.shares[1].chars().rev().collect();
        assert!(sealed.give(&mistyped).await.is_err());
        assert!(!sealed.give(&sealed.shares[1]).await.unwrap().sealed);
        sealed.engine.ready().await.unwrap();
    }

    /// NT-39
    async fn a_rotated_root_key_opens_with_the_old_shares_after_a_restart(backend: Backend) {
        let sealed = Sealed::new(backend, shamir(2, 3)).await;
        for share in &sealed.shares[..2] {
            sealed.give(share).await.unwrap();
        }
        assert_eq!(sealed.engine.root_key_rotate().await.unwrap(), 2);
        sealed.engine.rewrap_all().await.unwrap();
        assert_eq!(sealed.engine.root_key_rotate().await.unwrap(), 3);
        sealed.engine.close().await.unwrap();
        let Sealed { engine, settings, shares, directory } = sealed;
        drop(engine);
        let engine = reopened(&settings).await;
        assert!(engine.seal_status().await.unwrap().sealed);
        for share in &shares[1..] {
            let share = Secret::from_text(share.clone());
            engine.unseal(UnsealInput::Share(share)).await.unwrap();
        }
        engine.ready().await.unwrap();
        engine.rewrap_all().await.unwrap();
        drop(directory);
    }

    async fn the_right_passphrase_unseals_and_no_other(backend: Backend) {
        let passphrase = |text: &str| UnsealInput::Passphrase(Secret::from_text(text.to_owned()));
        let sealed = Sealed::new(backend, |_, settings| {
            let right = Secret::from_text("correct horse battery".to_owned());
            NewSeal::Passphrase(right, settings.password_cost)
        })
        .await;
        for wrong in ["", "correct horse batterx", "Correct horse battery", "correct horse battery "] {
            let refused = sealed.engine.unseal(passphrase(wrong)).await.unwrap_err();
            assert!(matches!(refused, Error::Invalid(_)), "{refused}");
            assert!(sealed.engine.seal_status().await.unwrap().sealed);
        }
        let status = sealed.engine.unseal(passphrase("correct horse battery")).await.unwrap();
        assert!(!status.sealed);
        assert_eq!(status.kind, "passphrase");
    }

    async fn the_key_file_unseals_while_it_is_the_right_one_and_private(backend: Backend) {
        let sealed = Sealed::new(backend, |directory, _| {
            NewSeal::KeyFile(directory.path().join("key"))
        })
        .await;
        let file = sealed.directory.path().join("key");
        let key = || UnsealInput::KeyFile(file.clone());
        let right = std::fs::read_to_string(&file).unwrap();
        let said = |error: &Error| format!("{error} {}", error.cause().unwrap_or_default());

        std::fs::write(&file, "0".repeat(64)).unwrap();
        let wrong = sealed.engine.unseal(key()).await.unwrap_err();
        assert!(said(&wrong).contains("another server"), "{}", said(&wrong));
        std::fs::write(&file, "").unwrap();
        let empty = sealed.engine.unseal(key()).await.unwrap_err();
        assert!(said(&empty).contains("64 hexadecimal digits"), "{}", said(&empty));
        std::fs::write(&file, &right).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = sealed.engine.unseal(key()).await.unwrap_err();
        assert!(said(&open).contains("chmod 600"), "{}", said(&open));
        let other = Secret::from_text("a passphrase of 12".to_owned());
        assert!(sealed.engine.unseal(UnsealInput::Passphrase(other)).await.is_err());
        assert!(sealed.engine.seal_status().await.unwrap().sealed);

        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!sealed.engine.unseal(key()).await.unwrap().sealed);
    }

    async fn a_server_is_initialized_once(backend: Backend) {
        let sealed = Sealed::new(backend, shamir(2, 2)).await;
        let again = sealed.engine.initialize(NewSeal::Shamir { threshold: 2, shares: 2 }).await;
        assert!(matches!(again, Err(Error::Conflict(Conflict::State))));
        for share in &sealed.shares {
            sealed.give(share).await.unwrap();
        }
        sealed.engine.ready().await.unwrap();
    }
}

/// Open the engine as soon as the one before has let go of the directory.
async fn reopened(settings: &Settings) -> Engine {
    super::ground::opened(settings, &Clock::system()).await
}
