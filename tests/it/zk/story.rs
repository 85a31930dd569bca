//! The whole life of a vault, through our own command line and library, at the real server.

use kluis_client::inkbox::{NewAgentKey, NewIdentity};
use kluis_client::zk::{Change, Error, Kind, Memory, NewItem, Payload, Proof, Zk};
use kluis_client::{Client, SecretText};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{VAULT_KEY, zk_with};
use crate::cli::Ended;
use crate::harness::{Kluis, Random, on_both};
use crate::promises::search::{Needles, canary};

/// Somebody with a key and a place to remember in.
struct Person<'a> {
    kluis: &'a Kluis,
    token: String,
    vault_key: String,
    state: TempDir,
}

impl<'a> Person<'a> {
    fn owner(kluis: &'a Kluis) -> Self {
        Self::with(kluis, &kluis.dev("/tokens/inkbox"))
    }

    fn with(kluis: &'a Kluis, token: &str) -> Self {
        Self {
            kluis,
            token: token.to_owned(),
            vault_key: VAULT_KEY.to_owned(),
            state: tempfile::tempdir().unwrap(),
        }
    }

    fn zk(&self, arguments: &[&str], stdin: &str) -> Ended {
        let environment = [("KLUIS_VAULT_KEY", self.vault_key.as_str())];
        let base = self.kluis.base();
        let state = self.state.path();
        zk_with(&base, &self.token, state, arguments, stdin, &environment)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.zk(&[arguments, &["-o", "json"]].concat(), "").well();
        serde_json::from_str(&ended.stdout).unwrap()
    }

    fn client(&self) -> Client {
        let builder = Client::builder(self.kluis.base());
        builder.token(self.token.clone()).build().unwrap()
    }

    /// A file that holds this.
    fn file(&self, name: &str, content: &str) -> String {
        let path = self.state.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn text(text: &str) -> SecretText {
    SecretText::from(text.to_owned())
}

/// A new agent identity, and its key.
async fn agent(owner: &Person<'_>, handle: &str) -> String {
    let client = owner.client();
    let new = NewIdentity {
        agent_handle: handle,
        ..NewIdentity::default()
    };
    let identity = client.inkbox().identity_create(&new).await.unwrap();
    let new = NewAgentKey {
        label: handle,
        description: None,
        scoped_identity_id: Some(&identity.id),
    };
    let minted = client.inkbox().agent_key_create(&new).await.ok().unwrap();
    minted.api_key.expose().to_owned()
}

on_both! {
    /// Inkbox contract §6.6 and §6.7, and DESIGN §8, promise 1: no value is anywhere but with its owner.
    async fn secrets_of_every_type_live_their_lives(kluis: Kluis) {
        let mut owner = Person::owner(&kluis);
        owner.zk(&["unlock"], "").failed(5).told(&["kluis zk init"]);
        let made = owner.zk(&["init"], "").well().told(&["shown this once"]);
        let codes: Vec<&str> = made.stdout.lines().collect();
        assert!(codes.len() == 4 && codes.iter().all(|code| code.len() == 39), "{codes:?}");
        owner.zk(&["init"], "").failed(6).told(&["kluis zk rekey"]);
        let opened = owner.zk(&["unlock"], "").well().told(&["recovery codes left: 4"]);
        assert_eq!(opened.stdout, "ID  NAME  SECRET TYPE\n");

        let (mut random, mut needles) = (Random::new(), Needles::default());
        let mut fresh = |name: &str| {
            let value = canary(&mut random);
            needles.add(name, &value);
            value
        };
        let login = fresh("login");
        let added = owner.zk(
            &["add", "github", "--type", "login", "--username", "me", "--site", "https://github.com"],
            &login,
        );
        let id = added.well().told(&["'github' sealed and kept"]).stdout;
        let api_key = fresh("api_key");
        owner.zk(&["add", "billing", "--type", "api_key", "--endpoint", "https://api.example.org",
            "--description", "for invoices"], &format!("{api_key}\n")).well();
        let (secret_key, note) = (fresh("key_pair"), fresh("note"));
        let file = owner.file("note", &note);
        owner.zk(&["add", "bucket", "--type", "key_pair", "--access-key", "AKIA1",
            "--field", &format!("notes=@{file}")], &secret_key).well();
        let private_key = format!("-----BEGIN\n{}\n-----END\n", fresh("ssh_key"));
        let file = owner.file("key", &private_key);
        owner.zk(&["add", "deploy", "--type", "ssh_key", "--field", &format!("private_key=@{file}"),
            "--field", "public_key=ssh-ed25519 AAAA", "--field-stdin", "passphrase"],
            &fresh("passphrase")).well();
        let other = json!({"data": fresh("other"), "notes": "n"});
        owner.zk(&["add", "free", "--json", "-"], &other.to_string()).well();

        let got = |arguments: &[&str]| owner.zk(arguments, "").well().stdout;
        assert_eq!(got(&["get", "github"]), login);
        assert_eq!(got(&["get", &id]), login);
        assert_eq!(got(&["get", "billing"]), api_key);
        assert_eq!(got(&["get", "bucket", "--field", "notes"]), note);
        assert_eq!(got(&["get", "deploy"]), private_key);
        assert_eq!(got(&["get", "billing", "-o", "env"]), format!("billing='{api_key}'\n"));
        assert_eq!(got(&["get", "github", "-o", "table"]),
            format!("FIELD     VALUE\npassword  {login}\nusername  me\nurl       https://github.com\n"));
        assert_eq!(owner.json(&["get", "bucket"])["payload"],
            json!({"access_key": "AKIA1", "secret_key": secret_key, "notes": note}));
        let free = owner.json(&["get", "free"]);
        assert_eq!((&free["payload"], &free["secret_type"]), (&other, &json!("other")));
        owner.zk(&["get", "github", "--field", "notes"], "").failed(5).told(&["password, username, url"]);
        owner.zk(&["get", "githup"], "").failed(5).told(&["did you mean 'github'"]);
        owner.zk(&["totp", "github"], "").failed(5).told(&["no seed"]);

        let listed = owner.json(&["list"]);
        let names: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["free", "deploy", "bucket", "billing", "github"]);
        assert_eq!(listed[3]["description"], "for invoices");
        assert_eq!(got(&["list", "--type", "login", "-o", "value"]), "github\n");
        let revealed = owner.json(&["unlock", "--reveal"]);
        assert_eq!(revealed[4]["payload"]["password"], login);
        owner.zk(&["unlock", "--reveal"], "").failed(2).told(&["-o json"]);

        let changed = fresh("changed login");
        owner.zk(&["edit", "github", "--ask", "password", "--unset", "url", "--email", "me@example.org"],
            &changed).well();
        let uri = "otpauth://totp/GitHub:me?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8";
        owner.zk(&["edit", "github", "--totp"], uri).well();
        let github = &owner.json(&["get", "github"])["payload"];
        assert_eq!(github["totp"]["digits"], 8);
        let (password, email) = (&github["password"], &github["email"]);
        assert_eq!((password, email, &github["url"]), (&json!(changed), &json!("me@example.org"), &Value::Null));
        let code = owner.zk(&["totp", "github"], "").well().told(&["holds for "]).stdout;
        assert!(code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        owner.zk(&["edit", "billing", "--name", "invoices", "--no-description"], "").well();
        let listed = owner.json(&["list"]);
        assert_eq!((&listed[3]["name"], &listed[3]["description"]), (&json!("invoices"), &Value::Null));
        owner.zk(&["edit", "github", "--unset", "password"], "").failed(2).told(&["needs the field 'password'"]);
        owner.zk(&["edit", "github"], "").failed(2);

        owner.zk(&["delete", "free"], "").failed(2);
        owner.zk(&["delete", "free", "--yes"], "").well();
        owner.zk(&["get", "free"], "").failed(5);
        let opened = owner.zk(&["unlock", "-o", "value"], "").well().told(&["secrets opened: 4"]);
        needles.assert_absent("output", opened.stdout.as_bytes());

        owner.vault_key = "Wrong-Horse-Battery-9".to_owned();
        owner.zk(&["get", "github"], "").failed(4).told(&["--ask-recovery-code"]);
        let memory = std::fs::read(owner.state.path().join("kluis/zero-knowledge.json")).unwrap();
        needles.assert_absent("what is remembered", &memory);
        needles.add("vault key", VAULT_KEY);
        for code in &codes {
            needles.add("recovery code", code);
        }
        needles.assert_absent("the log", kluis.log().as_bytes());
        needles.assert_absent_below(&kluis.data_dir(), &[]);
    }

    /// Inkbox contract §2.1
    async fn an_agent_has_what_it_was_granted_and_no_longer_than_that(kluis: Kluis) {
        let owner = Person::owner(&kluis);
        owner.zk(&["init"], "").well();
        for name in ["one", "two"] {
            owner.zk(&["add", name], name).well();
        }
        let bot = Person::with(&kluis, &agent(&owner, "build-agent").await);
        assert_eq!(bot.zk(&["unlock", "-o", "value"], "").well().stdout, "");
        owner.zk(&["grant", "two", "build-agnt"], "").failed(5).told(&["did you mean 'build-agent'"]);
        owner.zk(&["grant", "two", "@build-agent"], "").well();
        owner.zk(&["grant", "two", "build-agent"], "").failed(6).told(&["already"]);
        assert_eq!(owner.json(&["list"])[0]["agents"], 1);
        assert_eq!(bot.zk(&["list", "-o", "value"], "").well().stdout, "two\n");
        assert_eq!(bot.zk(&["get", "two"], "").well().stdout, "two");
        bot.zk(&["get", "one"], "").failed(5);
        bot.zk(&["add", "three"], "three").failed(4);
        bot.zk(&["edit", "two", "--name", "2"], "").failed(4);
        bot.zk(&["delete", "two", "--yes"], "").failed(4);
        let new = owner.file("new", "Another-Horse-Battery-9\n");
        bot.zk(&["rekey", "--new-vault-key-file", &new], "").failed(4).told(&["admin"]);
        owner.zk(&["revoke", "two", "build-agent"], "").well();
        bot.zk(&["get", "two"], "").failed(5).told(&["warning: ", "is not there any more"]);
        owner.zk(&["revoke", "two", "build-agent"], "").failed(5);
    }

    /// Inkbox contract §4.12
    async fn the_vault_key_is_replaced_by_itself_or_by_a_recovery_code(kluis: Kluis) {
        let mut owner = Person::owner(&kluis);
        let codes = owner.zk(&["init"], "").well().stdout;
        let codes: Vec<String> = codes.lines().enumerate()
            .map(|(number, code)| owner.file(&format!("code{number}"), &format!("{code}\n")))
            .collect();
        owner.zk(&["add", "one"], "value").well();
        let by_code = |owner: &Person<'_>, code: &str| owner.zk(&["get", "one", "--recovery-code-file", code], "");
        // Opening does not use a code up.
        for _ in 0..2 {
            assert_eq!(by_code(&owner, &codes[0]).well().stdout, "value");
        }
        let weak = owner.file("weak", "too-weak");
        owner.zk(&["rekey", "--new-vault-key-file", &weak], "").failed(2).told(&["fewer than 16"]);
        let second = owner.file("second", "Second-Horse-Battery-9\n");
        owner.zk(&["rekey", "--new-vault-key-file", &second], "").well();
        owner.zk(&["unlock"], "").failed(4);
        owner.vault_key = "Second-Horse-Battery-9".to_owned();
        assert_eq!(owner.zk(&["get", "one"], "").well().stdout, "value");
        // A recovery code is no vault key.
        let as_key = ["rekey", "--vault-key-file", &codes[0], "--new-vault-key-file", &second];
        owner.zk(&as_key, "").failed(2).told(&["--recovery-code-file"]);

        let third = owner.file("third", "Third-Horse-Battery-9\n");
        let rekey = ["rekey", "--recovery-code-file", &codes[0], "--new-vault-key-file", &third];
        owner.zk(&rekey, "").well().told(&["used up"]);
        owner.zk(&rekey, "").failed(4);
        by_code(&owner, &codes[0]).failed(4);
        assert_eq!(by_code(&owner, &codes[1]).well().stdout, "value");
        owner.zk(&["unlock"], "").failed(4);
        owner.vault_key = "Third-Horse-Battery-9".to_owned();
        owner.zk(&["unlock"], "").well().told(&["recovery codes left: 3"]);
    }

    /// NT-74
    async fn of_two_replacements_at_once_one_wins(kluis: Kluis) {
        let owner = Person::owner(&kluis);
        owner.zk(&["init"], "").well();
        let client = owner.client();
        let (current, mut memories) = (text(VAULT_KEY), [Memory::default(), Memory::default()]);
        let [first, second] = &mut memories;
        let (mut first, mut second) = (Zk::new(&client, first), Zk::new(&client, second));
        let keys = [text("First-Horse-Battery-9"), text("Second-Horse-Battery-9")];
        let outcomes = tokio::join!(
            first.replace_primary(Proof::Current(&current), &keys[0]),
            second.replace_primary(Proof::Current(&current), &keys[1]),
        );
        let won = [outcomes.0.is_ok(), outcomes.1.is_ok()];
        assert!(won[0] != won[1], "{won:?}");
        for outcome in [outcomes.0, outcomes.1] {
            match outcome {
                Ok(key) => assert_eq!(key.key_type, "primary"),
                // Who has not even asked by then is told that the key is wrong.
                Err(Error::WrongKey) => {}
                Err(error) => assert!(matches!(&error, Error::Call(error) if error.status() == Some(403)), "{error}"),
            }
        }
        for (key, has_won) in keys.iter().zip(won) {
            let mut memory = Memory::default();
            let opened = Zk::new(&client, &mut memory).unlock(key).await;
            assert_eq!(opened.is_ok(), has_won);
        }
    }

    /// Two programs of one owner, each with a memory of its own.
    async fn what_another_client_changes_is_seen_and_not_overwritten(kluis: Kluis) {
        let owner = Person::owner(&kluis);
        owner.zk(&["init"], "").well();
        let client = owner.client();
        let (mut here, mut there) = (Memory::default(), Memory::default());
        let (mut here, mut there) = (Zk::new(&client, &mut here), Zk::new(&client, &mut there));
        let payload = |value: &str| {
            let mut payload = Payload::new(Kind::Other);
            payload.set("data", Some(text(value))).unwrap();
            payload
        };
        let mine = here.unlock(&text(VAULT_KEY)).await.ok().unwrap();
        let first = payload("1");
        let new = NewItem { name: "n", description: None, payload: &first };
        let made = here.create(&mine, new).await.ok().unwrap();
        let theirs = there.unlock(&text(VAULT_KEY)).await.ok().unwrap();
        let second = payload("2");
        let change = Change { payload: Some(&second), ..Change::default() };
        there.update(&theirs, &theirs.secrets[0], change).await.ok().unwrap();

        let third = payload("3");
        let change = Change { payload: Some(&third), ..Change::default() };
        let refused = here.update(&mine, &made, change).await.err();
        assert!(matches!(refused, Some(Error::Changed { .. })));
        let current = here.read(&mine, &made.meta.id).await.ok().unwrap();
        here.update(&mine, &current, change).await.ok().unwrap();
        let read = there.read(&theirs, &made.meta.id).await.ok().unwrap().payload().ok().unwrap();
        assert_eq!(read.text("data").unwrap().expose(), "3");
        there.delete(&made.meta.id).await.ok().unwrap();
        let vault = here.unlock(&text(VAULT_KEY)).await.ok().unwrap();
        assert_eq!(vault.warnings.len(), 1);
    }
}
