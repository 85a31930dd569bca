//! Of sources, their order, and what they refuse.

use std::fs;

use super::settings::SETTINGS;
use super::*;

/// A configuration from a file's text, variables and flags.
fn load_from(
    text: &str,
    variables: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<(Config, Vec<Explained>), String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("server.toml");
    fs::write(&file, text).unwrap();
    let sources = Sources {
        flags: flags
            .iter()
            .map(|(key, value)| Flag {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
                name: format!("--{key}"),
            })
            .collect(),
        environment: variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        file: Some(file),
    };
    let place = directory.path().display().to_string();
    load(&sources).map_err(|failure| failure.to_string().replace(&place, "DIR"))
}

fn refusal(text: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    load_from(text, variables, flags).err().unwrap_or_default()
}

fn explained<'a>(settings: &'a [Explained], key: &str) -> (&'a str, String) {
    let found = settings.iter().find(|setting| setting.key == key).unwrap();
    let origin = found.origin.rsplit('/').next().unwrap_or_default();
    (&found.value, origin.to_owned())
}

#[test]
fn every_default_is_usable() {
    let (config, settings) = load_from("", &[], &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8200");
    assert_eq!(config.storage.url(), "sqlite:");
    assert_eq!((config.tls, config.seal), (Tls::Off, Seal::KeyFile(None)));
    assert_eq!(
        (
            config.plans.standard,
            config.plans.pro,
            config.versions_keep
        ),
        (60, 300, None)
    );
    assert!(config.outbound_private && config.trusted_proxies.is_empty() && !config.log.is_json);
    assert_eq!(
        (
            config.limits.header_timeout_seconds,
            config.limits.request_timeout_seconds
        ),
        (10, 30)
    );
    assert_eq!(config.limits.shutdown_grace_seconds, 30);
    assert_eq!(config.data_dir, PathBuf::from(".kluis"));
    assert_eq!((config.public_url, config.metrics_token_file), (None, None));
    assert_eq!(config.log.level, "info");
    assert_eq!(settings.len(), SETTINGS.len());
}

#[test]
fn every_setting_is_read() {
    // A table is no value of any setting, so each must complain about one, and by its name.
    for setting in SETTINGS {
        let refused = refusal(&format!("{} = {{ x = 1 }}", setting.key), &[], &[]);
        assert!(
            refused.contains(&format!("{} has an unusable value", setting.key)),
            "{}: {refused}",
            setting.key
        );
    }
}

#[test]
fn a_stronger_source_wins_and_is_named() {
    let text =
        "listen = \"127.0.0.1:1\"\n\n[limits]\nmax_connections = 10\nmax_body_bytes = 100_000\n";
    let variables = [
        ("KLUIS_LISTEN", "127.0.0.1:2"),
        ("KLUIS_LIMITS_MAX_CONNECTIONS", "20"),
    ];
    let (config, settings) = load_from(text, &variables, &[("listen", "127.0.0.1:3")]).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(
        (config.limits.max_connections, config.limits.max_body_bytes),
        (20, 100_000)
    );
    assert_eq!(
        explained(&settings, "listen"),
        ("127.0.0.1:3", "--listen".to_owned())
    );
    let max_connections = explained(&settings, "limits.max_connections");
    assert_eq!(
        max_connections,
        ("20", "KLUIS_LIMITS_MAX_CONNECTIONS".to_owned())
    );
    assert_eq!(
        explained(&settings, "limits.max_body_bytes"),
        ("100000", "server.toml:5".to_owned())
    );
    assert_eq!(
        explained(&settings, "data_dir"),
        (".kluis", "default".to_owned())
    );
    assert_eq!(
        explained(&settings, "versions.keep"),
        ("", "unset".to_owned())
    );
}

/// NT-38, NT-70
#[test]
fn an_unknown_name_is_refused_with_the_nearest() {
    let in_file = refusal("[limits]\nmax_conections = 1\n", &[], &[]);
    assert!(
        in_file.contains("no setting 'limits.max_conections'"),
        "{in_file}"
    );
    assert!(
        in_file.contains("server.toml:2; did you mean 'limits.max_connections'?"),
        "{in_file}"
    );
    let in_environment = refusal("", &[("KLUIS_LISTN", "x")], &[]);
    assert!(
        in_environment.contains("did you mean 'KLUIS_LISTEN'?"),
        "{in_environment}"
    );
    assert!(refusal("", &[("KLUIS_COLOUR", "x")], &[]).contains("no setting for KLUIS_COLOUR"));
    assert!(refusal("", &[], &[("tls", "x")]).contains("no setting 'tls'"));
}

#[test]
fn variables_that_are_not_ours_are_left_alone() {
    let variables = [
        ("KLUIS_TOKEN", "ck_live_x"),
        ("KLUIS_VAULT_KEY", "x"),
        ("KLUIS_PORT", "tcp://10.0.0.1:8200"),
        ("KLUIS_SERVICE_HOST", "10.0.0.1"),
        ("KLUIS_PORT_8200_TCP_ADDR", "10.0.0.1"),
        ("KLUIS_DATA_DIR", ""),
        ("OTHER", "x"),
    ];
    assert!(load_from("", &variables, &[]).is_ok());
}

#[test]
fn a_variable_can_name_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("url");
    fs::write(&file, "postgres://u:canary@h/db\n").unwrap();
    let file = file.to_str().unwrap();
    let (config, settings) = load_from("", &[("KLUIS_STORAGE_FILE", file)], &[]).unwrap();
    assert_eq!(config.storage.url(), "postgres://u:canary@h/db");
    assert_eq!(
        explained(&settings, "storage"),
        (
            "postgres://u:***@h/db",
            "url (KLUIS_STORAGE_FILE)".to_owned()
        )
    );
    let both = refusal(
        "",
        &[("KLUIS_STORAGE", "sqlite:"), ("KLUIS_STORAGE_FILE", file)],
        &[],
    );
    assert!(both.contains("storage is set twice"), "{both}");
    assert!(
        refusal("", &[("KLUIS_STORAGE_FILE", "/nowhere")], &[])
            .contains("/nowhere (named by KLUIS_STORAGE_FILE)")
    );
}

#[test]
fn a_wrong_value_is_shown_with_its_place_and_without_passwords() {
    let wrong = refusal("listen = 8200\n", &[], &[]);
    assert!(
        wrong.contains("'8200' (from DIR/server.toml:1): an address and port is wanted"),
        "{wrong}"
    );
    for (text, variables, from) in [
        (
            "storage = \"mysql://u:canary@h/db\"\n",
            &[][..],
            "server.toml:1",
        ),
        (
            "",
            &[("KLUIS_STORAGE", "host=h password=canary")],
            "KLUIS_STORAGE",
        ),
        ("storage = [\"canary\"]\n", &[], "server.toml:1"),
        ("storage = postgres://u:canary@h\n", &[], "server.toml:1"),
    ] {
        let wrong = refusal(text, variables, &[]);
        assert!(
            wrong.contains(from) && !wrong.contains("canary") && !wrong.contains("@h"),
            "{wrong}"
        );
    }
    let argument = refusal("", &[], &[("storage", "postgres://u:canary@h/db")]);
    assert!(
        argument.contains("KLUIS_STORAGE_FILE") && !argument.contains("canary"),
        "{argument}"
    );
    let broken = refusal("listen = \n", &[], &[]);
    assert!(
        broken.contains("not TOML")
            && broken.contains("server.toml:1")
            && broken.lines().count() == 4,
        "{broken}"
    );
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    for (text, key) in [
        ("tls.cert_file = \"c\"", "tls.cert_file"),
        ("tls.key_file = \"k\"", "tls.key_file"),
        (
            "[tls]\ncert_file = \"c\"\nkey_file = \"k\"\nself_signed = true",
            "tls.cert_file",
        ),
        (
            "[seal]\nkind = \"shamir\"\nkey_file = \"k\"",
            "seal.key_file",
        ),
    ] {
        let refused = refusal(text, &[], &[]);
        assert!(
            refused.contains(&format!("{key} does not fit")),
            "{text}: {refused}"
        );
    }
    let (config, _) = load_from(
        "[tls]\ncert_file = \"c\"\nkey_file = \"k\"\n[seal]\nkind = \"shamir\"",
        &[],
        &[],
    )
    .unwrap();
    let files = Tls::Files {
        cert: "c".into(),
        key: "k".into(),
    };
    assert_eq!((config.tls, config.seal), (files, Seal::Shamir));
}

#[test]
fn a_list_comes_from_an_array_or_from_commas() {
    for (text, variables) in [
        ("proxies.trusted = [\"10.0.0.0/8\", \"::1\"]", &[][..]),
        ("", &[("KLUIS_PROXIES_TRUSTED", "10.0.0.0/8, ::1")]),
    ] {
        let (config, _) = load_from(text, variables, &[]).unwrap();
        let shown: Vec<String> = config
            .trusted_proxies
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(shown, ["10.0.0.0/8", "::1/128"]);
    }
    assert!(
        refusal("proxies.trusted = [\"10.0.0.1/8\"]", &[], &[]).contains("not the first address")
    );
}
