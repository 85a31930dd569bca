//! `kluis dev`: a server that sets itself up in a directory, and starts again from it (DESIGN §6).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kluis_server::engine::{Bootstrapped, Engine, NewSeal, Settings, UnsealInput};
use kluis_server::{Config, OperatorSocket, StartError, Tls};
use serde_json::{Value, json};

use super::settings::{default_key_file, self_signed, socket, storage};
use super::{End, listen, not_listening, of_engine, open, start_log};
use crate::config::{Log, Storage};
use crate::failure::{Code, Failure};
use crate::terminal::say;

/// What a development server is told.
pub(crate) struct Dev {
    /// Address and port; port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// Where everything is kept.
    pub(crate) data_dir: PathBuf,
    /// The embedded database, or another.
    pub(crate) storage: Storage,
    /// Whether to serve TLS with a certificate of its own making.
    pub(crate) is_tls: bool,
    /// Whether outbound calls may reach this machine.
    pub(crate) reaches_loopback: bool,
    /// Where integrations may write files.
    pub(crate) env_file_root: Option<PathBuf>,
    /// Whether the operator's socket may move the clock forward.
    pub(crate) test_clock: bool,
    /// How much to tell.
    pub(crate) log_level: String,
}

/// The file that tells other programs on this machine how to reach a development server.
const DEV_FILE: &str = "dev.json";
const ORGANIZATION: &str = "Kluis";
const OWNER: &str = "owner@kluis.local";

impl Dev {
    /// Starts, tells how to use it, and serves until asked to end.
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        start_log(&Log {
            is_json: false,
            level: self.log_level.clone(),
        });
        let end = End::watch()?;
        self.check_address()?;
        let mut settings = Settings::in_directory(&self.data_dir);
        settings.storage = storage(self.storage.url());
        settings.outbound.loopback = self.reaches_loopback;
        settings.env_file_root.clone_from(&self.env_file_root);
        let engine = open(settings).await?;
        let (mut file, is_new) = self.set_up(&engine).await?;
        let handle = listen(self.config(), engine.clone()).await?;
        let address = handle.addresses().first().copied().unwrap_or(self.listen);
        let scheme = if self.is_tls { "https" } else { "http" };
        let base_url = format!("{scheme}://{address}");
        if let Value::Object(members) = &mut file {
            members.insert("base_url".to_owned(), base_url.clone().into());
        }
        write(&self.data_dir.join(DEV_FILE), &file)?;
        self.greet(&base_url, is_new.then_some(&file));
        end.serve_until(handle, &engine).await
    }

    /// Before the first start makes anything: keys of a server that then could not listen would never be shown.
    fn check_address(&self) -> Result<(), Failure> {
        if self.data_dir.join(DEV_FILE).exists() {
            return Ok(());
        }
        TcpListener::bind(self.listen).map(drop).map_err(|cause| {
            let address = self.listen;
            not_listening(&StartError::Listen { address, cause })
        })
    }

    fn config(&self) -> Config {
        Config {
            listen: vec![self.listen],
            tls: if self.is_tls {
                self_signed(&self.data_dir, self.listen)
            } else {
                Tls::Off
            },
            operator: Some(OperatorSocket {
                path: socket(&self.data_dir),
                key_file: default_key_file(&self.data_dir),
                test_clock: self.test_clock,
            }),
            ..Config::default()
        }
    }

    /// Makes keys, organization, owner and API keys on the first start; unseals on later ones. What `dev.json` holds, and
    /// whether it is new.
    async fn set_up(&self, engine: &Engine) -> Result<(Value, bool), Failure> {
        let file = self.data_dir.join(DEV_FILE);
        let key_file = default_key_file(&self.data_dir);
        let unreadable = |error| of_engine("the storage cannot be read", &error);
        if engine.seal_status().await.map_err(unreadable)?.initialized {
            let unsealed = engine.unseal(UnsealInput::KeyFile(key_file)).await;
            unsealed.map_err(|error| of_engine("the server cannot be unsealed", &error))?;
        } else {
            if file.exists() {
                return Err(Failure::new(
                    Code::Failed,
                    "the storage holds no server, and there was one",
                    format!("{} tells of it", file.display()),
                    "put the database back, or choose another data directory with --data-dir",
                ));
            }
            let made = engine.initialize(NewSeal::KeyFile(key_file)).await;
            made.map_err(|error| of_engine("the server cannot be set up", &error))?;
        }
        if engine
            .first_organization()
            .await
            .map_err(unreadable)?
            .is_some()
        {
            let described = read(&file)?;
            // No URL: the start that made it went no further, and nobody was shown its keys.
            let is_new = described.get("base_url").and_then(Value::as_str) == Some("");
            return Ok((described, is_new));
        }
        let made = engine.bootstrap(ORGANIZATION, OWNER).await;
        let made = made.map_err(|error| of_engine("the server cannot be set up", &error))?;
        let described = described(&made);
        // Written at once: nothing can tell the tokens a second time.
        write(&file, &described)?;
        Ok((described, true))
    }

    /// What a person needs to go on; the keys only the first time.
    fn greet(&self, base_url: &str, new: Option<&Value>) {
        say(&format!("Kluis listens on {base_url}"));
        let kept = self.data_dir.join(DEV_FILE);
        let Some(file) = new else {
            say(&format!("keys: {}", kept.display()));
            return;
        };
        let text = |at: &str| file.pointer(at).and_then(Value::as_str).unwrap_or_default();
        say("");
        say(&format!("Shown once, and kept in {}:", kept.display()));
        say(&format!("  owner      {}", text("/owner/email")));
        say(&format!("  password   {}", text("/owner/password")));
        let tokens = file.get("tokens").and_then(Value::as_object);
        for (style, token) in tokens.into_iter().flatten() {
            say(&format!(
                "  {style:<9}  {}",
                token.as_str().unwrap_or_default()
            ));
        }
        say("");
        say("Try it in another terminal, in this directory:");
        for command in self.commands() {
            say(&format!("  {command}"));
        }
    }

    /// Three commands that work as they stand here.
    fn commands(&self) -> [String; 3] {
        let kluis = quoted(
            &std::env::args()
                .next()
                .unwrap_or_else(|| "kluis".to_owned()),
        );
        let mut flags = String::new();
        if self.data_dir != Path::new(".kluis") {
            flags += " --data-dir ";
            flags += &quoted(&self.data_dir.to_string_lossy());
        }
        [
            format!("echo 'Hello from Kluis' | {kluis}{flags} set GREETING"),
            format!("{kluis}{flags} get GREETING"),
            format!("{kluis}{flags} run --only GREETING -- printenv GREETING"),
        ]
    }
}

/// The members of `dev.json`; the URL is only known when the server listens.
fn described(made: &Bootstrapped) -> Value {
    let tokens = made.tokens.iter();
    let tokens = tokens.map(|(style, token)| (style.as_str().to_owned(), token.expose().into()));
    json!({
        "base_url": "",
        "organization_id": made.organization.to_string(),
        "owner": {
            "id": made.owner.to_string(),
            "email": made.email,
            "password": made.password.expose_text(),
        },
        "tokens": tokens.collect::<serde_json::Map<_, _>>(),
    })
}

fn read(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path);
    let file = text.ok().and_then(|text| serde_json::from_str(&text).ok());
    file.ok_or_else(|| {
        Failure::new(
            Code::Failed,
            "the keys of this server are not known",
            format!(
                "{} is missing or damaged, and the server itself keeps no keys",
                path.display()
            ),
            "put the file back, or start anew in another directory with --data-dir",
        )
    })
}

/// Replaces the file in one step, readable by its owner only.
fn write(path: &Path, file: &Value) -> Result<(), Failure> {
    let unfinished = path.with_extension("new");
    let written = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut out = options.open(&unfinished)?;
        writeln!(out, "{file}")?;
        out.sync_all()?;
        std::fs::rename(&unfinished, path)
    };
    written().map_err(|cause| {
        Failure::new(
            Code::Failed,
            "the data directory cannot be used",
            format!("{}: {cause}", path.display()),
            "make room or correct its permissions, or choose another with --data-dir",
        )
    })
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_with_keys_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(DEV_FILE);
        write(&path, &json!({"base_url": "a"})).unwrap();
        write(&path, &json!({"base_url": "b"})).unwrap();
        assert_eq!(read(&path).unwrap(), json!({"base_url": "b"}));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quoted("target/debug/kluis"), "target/debug/kluis");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
