//! Of the order in which server and token are found, and of what is not trusted.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A directory with `sub/deeper`, and optionally a dev server's file in `.kluis` at the top.
fn place(dev: Option<(&str, u32)>) -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir_all(top.path().join("sub/deeper")).unwrap();
    if let Some((base_url, mode)) = dev {
        let directory = top.path().join(".kluis");
        fs::create_dir(&directory).unwrap();
        let path = directory.join("dev.json");
        let text = format!(
            r#"{{"base_url":"{base_url}","tokens":{{"cloudkeep":"ck_live_dev","crate":"crt_x"}}}}"#
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    top
}

fn find(
    connection: &Connection,
    variables: &[(&str, &str)],
    directory: &Path,
) -> Result<Found, Failure> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let surroundings = Surroundings {
        variable: &|name| variables.get(name).map(OsString::from),
        directory: directory.to_owned(),
    };
    Found::find(connection, &surroundings, NOW)
}

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn pair(found: Result<Found, Failure>) -> (String, String) {
    let found = found.unwrap_or_else(|failure| panic!("{failure}"));
    let token = found.token.unwrap_or_else(|failure| panic!("{failure}"));
    (found.url, token.text.expose().to_owned())
}

fn refusal(found: Result<Found, Failure>) -> String {
    found
        .and_then(|found| found.token)
        .err()
        .map(|failure| failure.to_string())
        .unwrap_or_default()
}

const DEV: &str = "http://127.0.0.1:8200";

#[test]
fn a_dev_server_is_found_upwards() {
    let top = place(Some((DEV, 0o600)));
    let found = find(&Connection::default(), &[], &top.path().join("sub/deeper"));
    assert_eq!(pair(found), (DEV.to_owned(), "ck_live_dev".to_owned()));
}

#[test]
fn flags_come_before_environment_and_environment_before_dev() {
    let top = place(Some((DEV, 0o600)));
    let token_file = top.path().join("token");
    fs::write(&token_file, "from-flag\n").unwrap();
    let variables = [("KLUIS_URL", "https://env"), ("KLUIS_TOKEN", "from-env")];
    let flags = Connection {
        url: Some("https://flag".to_owned()),
        token_file: Some(token_file.clone()),
        ..Connection::default()
    };
    assert_eq!(
        pair(find(&flags, &variables, top.path())),
        ("https://flag".to_owned(), "from-flag".to_owned())
    );
    let none = Connection::default();
    assert_eq!(
        pair(find(&none, &variables, top.path())),
        ("https://env".to_owned(), "from-env".to_owned())
    );
    let from_file = [
        ("KLUIS_URL", "https://env"),
        ("KLUIS_TOKEN_FILE", token_file.to_str().unwrap()),
    ];
    assert_eq!(
        pair(find(&none, &from_file, top.path())),
        ("https://env".to_owned(), "from-flag".to_owned())
    );
    let own_token = [("KLUIS_TOKEN", "from-env"), ("KLUIS_URL", "")];
    assert_eq!(
        pair(find(&none, &own_token, top.path())),
        (DEV.to_owned(), "from-env".to_owned())
    );
}

#[test]
fn a_dev_token_goes_to_its_own_server_only() {
    let top = place(Some((DEV, 0o600)));
    let at = |url: &str| {
        let connection = Connection {
            url: Some(url.to_owned()),
            ..Connection::default()
        };
        find(&connection, &[], top.path())
    };
    assert_eq!(pair(at("http://127.0.0.1:8200/")).1, "ck_live_dev");
    assert!(refusal(at("http://127.0.0.1:8201")).contains("KLUIS-NOT-AUTHENTICATED"));
}

#[test]
fn a_file_that_could_be_anyones_is_not_trusted() {
    for (base_url, mode, why) in [
        (DEV, 0o644, "others may read"),
        (DEV, 0o620, "others may read"),
        ("http://192.0.2.1:8200", 0o600, "another machine"),
        ("http://127.0.0.1.example.org", 0o600, "another machine"),
    ] {
        let top = place(Some((base_url, mode)));
        let searched = refusal(find(&Connection::default(), &[], top.path()));
        assert!(searched.contains(why), "{base_url} {mode:o}: {searched}");
        let named = Connection {
            data_dir: Some(top.path().join(".kluis")),
            ..Connection::default()
        };
        assert_eq!(
            pair(find(&named, &[], top.path())).0,
            base_url,
            "named on purpose"
        );
    }
}

#[test]
fn a_dev_servers_own_certificate_is_trusted_unless_others_could_have_written_it() {
    let base_url = "https://127.0.0.1:8200";
    let top = place(Some((base_url, 0o600)));
    let directory = top.path().join(".kluis");
    let certificate = directory.join("certificate.pem");
    let found = |data_dir: Option<&Path>, variables: &[(&str, &str)]| {
        let connection = Connection {
            data_dir: data_dir.map(Path::to_owned),
            ..Connection::default()
        };
        let found = find(&connection, variables, top.path());
        found
            .unwrap_or_else(|failure| panic!("{failure}"))
            .certificate
    };
    assert_eq!(found(None, &[]), None);
    fs::write(&certificate, "PEM").unwrap();
    fs::set_permissions(&certificate, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    let own = Some(certificate.clone());
    assert_eq!(found(None, &[]), own);
    assert_eq!(found(Some(&directory), &[]), own);
    let same = [("KLUIS_URL", base_url), ("KLUIS_TOKEN", "t")];
    assert_eq!(found(Some(&directory), &same), own);
    let other = [("KLUIS_URL", "https://h"), ("KLUIS_TOKEN", "t")];
    assert_eq!(found(Some(&directory), &other), None);
    fs::set_permissions(&certificate, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(found(None, &[]), None);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(found(None, &[]), own);
}

/// A configuration directory with these log-ins.
fn logged_in(logins: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    let home = top.path().to_str().unwrap();
    let surroundings = Surroundings {
        variable: &|name| (name == "HOME").then(|| home.into()),
        directory: PathBuf::new(),
    };
    let store = Store::of(&surroundings).unwrap();
    for (url, token, expires_at) in logins {
        let login = Login {
            token: SecretText::from((*token).to_owned()),
            expires_at: (*expires_at).to_owned(),
            email: None,
            ca_file: None,
        };
        store.change(|logins| logins.put(url, login)).unwrap();
    }
    top
}

const LATER: &str = "2099-01-01T00:00:00Z";

#[test]
fn a_login_comes_after_flags_and_environment_and_goes_to_its_own_server() {
    let home = logged_in(&[
        ("https://a", "at-a", LATER),
        (DEV, "at-dev", LATER),
        ("https://b", "at-b", LATER),
    ]);
    let home = home.path().to_str().unwrap();
    let none = Connection::default();
    let empty = place(None);
    let with = |variables: &[(&str, &str)], directory: &Path| {
        let variables = [&[("HOME", home)], variables].concat();
        find(&none, &variables, directory)
    };
    let pair_of = |url: &str, token: &str| (url.to_owned(), token.to_owned());
    assert_eq!(pair(with(&[], empty.path())), pair_of("https://b", "at-b"));
    let a = [("KLUIS_URL", "https://a/")];
    assert_eq!(pair(with(&a, empty.path())), pair_of("https://a/", "at-a"));
    let elsewhere = [("KLUIS_URL", "https://c")];
    let refused = refusal(with(&elsewhere, empty.path()));
    assert!(
        refused.contains("KLUIS-NOT-AUTHENTICATED") && refused.contains("kluis login"),
        "{refused}"
    );
    let token = [("KLUIS_TOKEN", "from-env")];
    assert_eq!(
        pair(with(&token, empty.path())),
        pair_of("https://b", "from-env")
    );

    // A dev server that is near says where; who one is there is said by the log-in, unless the directory is named.
    let near = place(Some((DEV, 0o600)));
    assert_eq!(pair(with(&[], near.path())), pair_of(DEV, "at-dev"));
    let directory = near.path().join(".kluis");
    let named = [("KLUIS_DATA_DIR", directory.to_str().unwrap())];
    assert_eq!(pair(with(&named, near.path())), pair_of(DEV, "ck_live_dev"));
}

#[test]
fn a_login_that_has_ended_is_said_to_have_ended() {
    let home = logged_in(&[(DEV, "canary", "2027-01-15T07:59:59Z")]);
    let near = place(Some((DEV, 0o600)));
    let variables = [("HOME", home.path().to_str().unwrap())];
    let ended = refusal(find(&Connection::default(), &variables, near.path()));
    for word in [
        "has ended",
        "2027-01-15T07:59:59Z",
        "kluis login --url http://127.0.0.1:8200",
        "kluis logout",
        "KLUIS-NOT-AUTHENTICATED",
    ] {
        assert!(ended.contains(word), "{ended}");
    }
    assert!(!ended.contains("canary"));
}

#[test]
fn nothing_found_says_what_to_do() {
    let top = place(None);
    let nothing = refusal(find(&Connection::default(), &[], top.path()));
    assert!(
        nothing.contains("KLUIS-USAGE") && nothing.contains("kluis dev"),
        "{nothing}"
    );
    let no_token = refusal(find(
        &Connection::default(),
        &[("KLUIS_URL", "https://h")],
        top.path(),
    ));
    assert!(no_token.contains("KLUIS-NOT-AUTHENTICATED"), "{no_token}");
}

#[test]
fn a_broken_dev_file_does_not_show_its_content() {
    let top = place(Some((DEV, 0o600)));
    let path = top.path().join(".kluis/dev.json");
    for broken in [
        r#"{"base_url":"http://h","tokens":"ck_live_canary"}"#,
        r#"{"tokens":{"cloudkeep":"ck_live_canary""#,
    ] {
        fs::write(&path, broken).unwrap();
        let message = refusal(find(&Connection::default(), &[], top.path()));
        assert!(
            message.contains("dev.json") && !message.contains("canary"),
            "{message}"
        );
    }
}

#[test]
fn loopback_is_told_by_the_host_alone() {
    for url in [
        "http://127.0.0.1",
        "http://127.9.9.9:1/x",
        "https://localhost:8200",
        "http://[::1]:8200/",
    ] {
        assert!(is_loopback(url), "{url}");
    }
    for url in [
        "http://127.0.0.1.example.org",
        "http://10.0.0.1",
        "http://localhost.example.org",
        "http://u@127.0.0.1",
        "",
    ] {
        assert!(!is_loopback(url), "{url}");
    }
}
