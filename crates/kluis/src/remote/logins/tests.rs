//! Of what is kept, for whom, and of what is not trusted.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let top = tempfile::tempdir().unwrap();
    let store = Store {
        directory: top.path().join("config/kluis"),
    };
    (top, store)
}

fn login(token: &str) -> Login {
    Login {
        token: SecretText::from(token.to_owned()),
        expires_at: "2099-01-01T00:00:00Z".to_owned(),
        email: None,
        ca_file: None,
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn refusal(store: &Store) -> String {
    let failure = store.read().err().map(|failure| failure.to_string());
    let failure = failure.unwrap();
    assert!(!failure.contains("canary"), "{failure}");
    failure
}

#[test]
fn a_login_is_kept_per_server_for_its_user_alone() {
    let (_top, store) = store();
    assert!(store.read().unwrap().server().is_none());
    store
        .change(|logins| logins.put("https://a/", login("one")))
        .unwrap();
    store
        .change(|logins| logins.put("https://b", login("two")))
        .unwrap();
    let kept = store.read().unwrap();
    assert_eq!(kept.server(), Some("https://b"));
    assert_eq!(kept.at("https://a").unwrap().token.expose(), "one");
    assert_eq!(kept.at("https://b/").unwrap().token.expose(), "two");
    assert!(kept.at("https://c").is_none());
    assert_eq!(mode(&store.path()), 0o600);
    assert_eq!(mode(&store.directory), 0o700);
    assert_eq!(fs::read_dir(&store.directory).unwrap().count(), 1);
}

#[test]
fn a_login_goes_when_it_is_still_the_same() {
    let (_top, store) = store();
    let gone = |token: &str| {
        let token = SecretText::from(token.to_owned());
        store
            .change(|logins| logins.remove("https://a/", &token))
            .unwrap();
        store.read().unwrap().at("https://a").is_none()
    };
    store
        .change(|logins| logins.put("https://a", login("new")))
        .unwrap();
    assert!(!gone("old"));
    assert!(gone("new"));
    assert!(store.read().unwrap().server().is_none());
}

#[test]
fn the_only_server_is_the_one_to_use() {
    let mut logins = Logins::default();
    for url in ["https://a", "https://b", "https://c"] {
        logins.put(url, login(url));
    }
    logins.remove("https://c", &SecretText::from("https://c".to_owned()));
    assert_eq!(logins.server(), None);
    logins.remove("https://b", &SecretText::from("https://b".to_owned()));
    assert_eq!(logins.server(), Some("https://a"));
}

#[test]
fn nothing_is_read_or_written_through_a_link() {
    let (top, store) = store();
    store
        .change(|logins| logins.put("https://a", login("canary")))
        .unwrap();
    let elsewhere = top.path().join("elsewhere");
    fs::rename(store.path(), &elsewhere).unwrap();
    symlink(&elsewhere, store.path()).unwrap();
    assert!(refusal(&store).contains("symbolic link"));
    let before = fs::read(&elsewhere).unwrap();
    assert!(
        store
            .change(|logins| logins.put("https://b", login("x")))
            .is_err()
    );
    assert_eq!(fs::read(&elsewhere).unwrap(), before);

    let moved = top.path().join("moved");
    fs::remove_file(store.path()).unwrap();
    fs::rename(&store.directory, &moved).unwrap();
    symlink(&moved, &store.directory).unwrap();
    assert!(refusal(&store).contains("no directory of its own"));
    assert!(
        store
            .change(|logins| logins.put("https://b", login("x")))
            .is_err()
    );
    assert_eq!(fs::read_dir(&moved).unwrap().count(), 0);
}

#[test]
fn what_others_could_have_read_or_written_is_not_trusted() {
    let (_top, store) = store();
    store
        .change(|logins| logins.put("https://a", login("canary")))
        .unwrap();
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for bad in [0o644, 0o620, 0o604] {
        set(&store.path(), bad);
        assert!(refusal(&store).contains("others may read"));
    }
    set(&store.path(), 0o600);
    set(&store.directory, 0o777);
    assert!(refusal(&store).contains("write in its directory"));
    set(&store.directory, 0o755);
    assert!(store.read().is_ok());
    fs::write(store.path(), r#"{"servers": {"https://a": "canary"}}"#).unwrap();
    assert!(refusal(&store).contains("line 1"));
}

#[test]
fn a_store_is_below_the_configuration_directory() {
    let at = |variables: &[(&str, &str)]| {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        let surroundings = Surroundings {
            variable: &|name| variables.get(name).map(Into::into),
            directory: PathBuf::new(),
        };
        Store::of(&surroundings).map(|store| store.path())
    };
    let home = Some(PathBuf::from("/h/.config/kluis/credentials.json"));
    assert_eq!(at(&[("HOME", "/h")]), home);
    assert_eq!(at(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "here")]), home);
    assert_eq!(
        at(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")]),
        Some(PathBuf::from("/x/kluis/credentials.json"))
    );
    assert_eq!(at(&[]), None);
}
