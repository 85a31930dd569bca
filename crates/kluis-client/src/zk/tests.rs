//! A vault key is judged before anything is sent.

use crate::tests::client;

use super::*;

fn text(text: &str) -> SecretText {
    SecretText::from(text.to_owned())
}

/// Inkbox contract §6.4
#[tokio::test]
async fn a_weak_vault_key_is_refused_before_anything_is_sent() {
    // Nothing listens there.
    let (client, mut memory) = (client("http://127.0.0.1:9"), Memory::default());
    let mut zk = Zk::new(&client, &mut memory);
    for weak in ["", "Short-1", "no-upper-case-letter-1"] {
        let refused = zk.initialize(&text(weak)).await.err();
        assert!(matches!(refused, Some(Error::WeakKey(_))), "{weak}");
        let anything = text("anything");
        let proof = Proof::Current(&anything);
        let refused = zk.replace_primary(proof, &text(weak)).await.err();
        assert!(matches!(refused, Some(Error::WeakKey(_))), "{weak}");
    }
    // Of one that unlocks nothing is asked.
    let unlocked = zk.unlock(&text("weak")).await.err();
    assert!(matches!(unlocked, Some(Error::Call(_))));
}

#[test]
fn errors_hold_no_secret() {
    let refused = check_vault_key(&text("canary")).unwrap_err();
    assert!(!Error::from(refused).to_string().contains("canary"));
}
