//! A hash is a guess at a passphrase, and guesses are slowed (Inkbox contract §7; RULES §6).

use super::{
    VAULT, active, agent, hash, initialize, opens, owner, refused, replace, replacement_by, secret,
    text, unlock, with_key,
};
use crate::harness::{Answer, Api, Backend, Kluis, on_both};

/// More than anybody mistypes in a minute.
const MANY: usize = 100;

async fn start(backend: Backend) -> Kluis {
    backend.start_with(&["--test-clock"]).await
}

/// A further key of the owner.
async fn another_key(kluis: &Kluis) -> Api {
    let body = serde_json::json!({"name": "another"});
    let made = kluis
        .admin_api()
        .post("/v1/api-keys", body)
        .await
        .expect(201);
    with_key(kluis, &made.text("/data/key"))
}

/// Guesses until it is slowed down; how many it took, and the answer.
async fn slowed(mut guess: impl AsyncFnMut() -> Answer, missed: u16) -> (usize, Answer) {
    for number in 0..MANY {
        let answer = guess().await;
        if answer.status == 429 {
            return (number, answer);
        }
        assert_eq!(answer.status, missed, "{answer}");
    }
    panic!("nothing slows it down");
}

/// The seconds that it is told to wait, which are whole and no more than the window.
#[track_caller]
fn wait(answer: &Answer) -> u64 {
    refused(answer, 429);
    let seconds = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    seconds
}

on_both! {
    /// NT-28
    async fn misses_are_slowed_and_other_keys_are_not(backend: Backend) {
        let kluis = start(backend).await;
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        secret(&api, "s").await;
        let (other, bot) = (another_key(&kluis).await, agent(&kluis, &api, "bot").await);
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        let theirs = initialize(&stranger).await;
        let (misses, answer) = slowed(async || unlock(&api, &hash()).await, 200).await;
        assert!(misses >= 5, "whoever mistypes a few times is not slowed, but {misses} were");
        wait(&answer);
        assert!(!answer.string().contains("encrypted_secrets"));
        // What is right is slowed with it: an answer to it would be an answer to a guess.
        wait(&unlock(&api, &vault.hash()).await);
        wait(&replace(&api, replacement_by("current_auth_hash", &vault.hash())).await);
        // A right hash from other keys still works, of the same user and of others.
        assert!(opens(&other, &vault.hash()).await && opens(&bot.api, &vault.recovery_hash(0)).await);
        assert!(opens(&stranger, &theirs.hash()).await);
        // And whoever is slowed may do all else.
        api.get(&format!("{VAULT}/secrets")).await.expect(200);
        api.get(&format!("{VAULT}/info")).await.expect(200);
        secret(&api, "t").await;
        // It stays so for the rest of the minute, and no longer.
        kluis.advance_clock(30).await;
        wait(&unlock(&api, &hash()).await);
        kluis.advance_clock(31).await;
        assert!(opens(&api, &vault.hash()).await);
        let (again, answer) = slowed(async || unlock(&api, &hash()).await, 200).await;
        assert_eq!(again, misses);
        // After the time that it was told there is room again.
        kluis.advance_clock(wait(&answer)).await;
        unlock(&api, &hash()).await.expect(200);
    }

    async fn right_hashes_are_never_slowed(backend: Backend) {
        let kluis = start(backend).await;
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        for _ in 0..MANY {
            assert!(opens(&api, &vault.hash()).await);
        }
        let (misses, _) = slowed(async || unlock(&api, &hash()).await, 200).await;
        assert!(misses >= 5, "what was right has not counted: {misses}");
    }

    async fn failed_replacements_are_slowed(backend: Backend) {
        for (proof, missed) in [("current_auth_hash", 403), ("recovery_auth_hash", 404)] {
            let kluis = start(backend).await;
            let api = owner(&kluis);
            let vault = initialize(&api).await;
            let other = another_key(&kluis).await;
            let (failures, answer) = slowed(async || replace(&api, replacement_by(proof, &hash())).await, missed).await;
            assert!(failures >= 3, "{failures}");
            wait(&answer);
            let body = replacement_by("current_auth_hash", &vault.hash());
            replace(&other, body.clone()).await.expect(200);
            assert_eq!(active(&api).await.len(), 5);
            kluis.advance_clock(61).await;
            let now = text(&body, "auth_hash");
            replace(&api, replacement_by("current_auth_hash", &now)).await.expect(200);
        }
    }

    async fn an_agents_guesses_are_slowed(backend: Backend) {
        let kluis = start(backend).await;
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let (bot, other) = (agent(&kluis, &api, "bot").await, agent(&kluis, &api, "other").await);
        let (_, answer) = slowed(async || unlock(&bot.api, &hash()).await, 200).await;
        wait(&answer);
        assert!(opens(&other.api, &vault.hash()).await && opens(&api, &vault.hash()).await);
    }

    async fn guesses_at_once_are_counted(backend: Backend) {
        let kluis = start(backend).await;
        let api = owner(&kluis);
        initialize(&api).await;
        let (allowed, _) = slowed(async || unlock(&api, &hash()).await, 200).await;
        kluis.advance_clock(61).await;
        let calls = (0..MANY).map(|_| {
            let (api, hash) = (api.clone(), hash());
            async move { unlock(&api, &hash).await }
        });
        let statuses = super::at_once(calls.collect()).await;
        let passed = super::count(&statuses, 200);
        assert_eq!(passed + super::count(&statuses, 429), MANY, "{statuses:?}");
        assert_eq!(passed, allowed);
    }

    /// Keys for agents are no way to more guesses.
    async fn guesses_are_counted_over_an_organization_too(backend: Backend) {
        let kluis = start(backend).await;
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        let theirs = initialize(&stranger).await;
        let mut misses = 0;
        for number in 0..12 {
            let bot = agent(&kluis, &api, &format!("bot-{number}")).await;
            misses += slowed(async || unlock(&bot.api, &hash()).await, 200).await.0;
        }
        assert!(misses <= 60, "{misses}");
        assert!(opens(&stranger, &theirs.hash()).await);
        // Whoever has not guessed is shut out by nobody: not from opening, nor from replacing the key.
        assert!(opens(&api, &vault.hash()).await);
        let body = replacement_by("current_auth_hash", &vault.hash());
        replace(&api, body.clone()).await.expect(200);
        // Its first guess is one too many, all the same.
        wait(&unlock(&api, &hash()).await);
        wait(&unlock(&api, &text(&body, "auth_hash")).await);
        kluis.advance_clock(61).await;
        assert!(opens(&api, &text(&body, "auth_hash")).await);
    }

    async fn revoking_is_no_way_to_guess(backend: Backend) {
        let kluis = start(backend).await;
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        // What can be no hash is no guess.
        for _ in 0..20 {
            refused(&api.delete(&format!("{VAULT}/keys/zz")).await, 404);
        }
        let guess = async || api.delete(&format!("{VAULT}/keys/{}", hash())).await;
        let (_, answer) = slowed(guess, 404).await;
        wait(&answer);
        let another = another_key(&kluis).await;
        another.delete(&format!("{VAULT}/keys/{}", vault.recovery_hash(0))).await.expect(204);
    }

    /// RULES §6: what is refused does not count, so nobody is locked out for longer than the window.
    async fn a_slowed_key_opens_after_its_minute(backend: Backend) {
        let kluis = start(backend).await;
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        for _ in 0..3 {
            slowed(async || unlock(&api, &hash()).await, 200).await;
            // Refused requests do not count: they make the wait no longer.
            for _ in 0..20 {
                wait(&unlock(&api, &hash()).await);
            }
            kluis.advance_clock(61).await;
            assert!(opens(&api, &vault.hash()).await);
        }
    }
}
