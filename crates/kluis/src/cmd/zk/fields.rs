//! Fields of a secret from flags, files, stdin and questions; never a secret one from an argument.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use kluis_client::SecretText;
use kluis_client::zk::{Field, Kind, Payload, PayloadFault, Totp};

use crate::cmd::input;
use crate::failure::Failure;

/// What is to be in a secret.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Fields")]
pub(super) struct FieldFlags {
    /// User name of a login
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// E-mail address of a login
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Where a login is used: its field url
    #[arg(long, value_name = "URL")]
    site: Option<String>,
    /// Where an API key or key pair is used
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Access key of a key pair
    #[arg(long, value_name = "KEY")]
    access_key: Option<String>,
    /// A field and the file to read it from, byte for byte (`-` is stdin); may be repeated. A field that is no secret, such
    /// as public_key, may be given as NAME=TEXT
    #[arg(long = "field", value_name = "NAME=@FILE")]
    fields: Vec<String>,
    /// Read this field from stdin
    #[arg(long, value_name = "FIELD")]
    field_stdin: Option<String>,
    /// Read all fields from this file, as a JSON object; `-` is stdin
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Ask for the otpauth:// URI or the seed of one-time codes, or read it from stdin
    #[arg(long)]
    totp: bool,
    /// Read the otpauth:// URI or the seed of one-time codes from this file
    #[arg(long, value_name = "FILE", conflicts_with = "totp")]
    totp_file: Option<PathBuf>,
}

/// What was given, before it is known of which type the secret is.
#[derive(Default)]
pub(super) struct Given {
    json: Option<SecretText>,
    /// Texts by field; none takes the field out.
    texts: Vec<(String, Option<SecretText>)>,
    totp: Option<Option<Totp>>,
}

impl FieldFlags {
    /// Whether anything is to be given.
    pub(super) fn is_empty(&self) -> bool {
        let has_text = self.open().any(|(_, text)| text.is_some());
        let has_file = self.json.is_some() || self.totp_file.is_some();
        !has_text && !has_file && !self.totp && self.fields.is_empty() && self.field_stdin.is_none()
    }

    /// What is in a new secret. Its main field is asked for, or read from stdin, where no flag says where it is.
    pub(super) fn read_new(&self, what: &str, kind: Kind) -> Result<Payload, Failure> {
        let refused = |fault: PayloadFault| refusal(what, &fault);
        let missing = |field: &&Field| field.is_required && !self.gives(field.name);
        let mut asked = Vec::new();
        for field in kind.fields().iter().filter(missing) {
            let field = field.name;
            if field != kind.main() {
                return Err(refused(PayloadFault::Missing { kind, field }));
            }
            asked.push(field.to_owned());
        }
        let given = self.read(what, &asked)?;
        given.into(Payload::new(kind)).map_err(refused)
    }

    /// Whether a flag says where this field comes from.
    fn gives(&self, name: &str) -> bool {
        let is_name = |field: &String| field.split_once('=').is_some_and(|(one, _)| one == name);
        self.json.is_some()
            || self.field_stdin.as_deref() == Some(name)
            || self.fields.iter().any(is_name)
            || self.open().any(|(one, text)| one == name && text.is_some())
    }

    /// Reads and asks for what the flags say. `asked` are fields to ask for beside them.
    pub(super) fn read(&self, what: &str, asked: &[String]) -> Result<Given, Failure> {
        let is_piped = !io::stdin().is_terminal();
        let mut given = Given::default();
        let mut files = Vec::new();
        for field in &self.fields {
            let Some((name, text)) = field.split_once('=') else {
                return Err(Failure::usage(
                    what,
                    "--field takes a name, an equals sign and @ with a file",
                    "such as --field private_key=@key.pem",
                ));
            };
            match text.strip_prefix('@') {
                Some(path) => files.push((name, Path::new(path))),
                None if is_open(name) => given.put(name, text),
                None => return Err(in_arguments(what, name)),
            }
        }
        let is_stdin = |path: &Path| path.as_os_str() == "-";
        let readers = files.iter().filter(|(_, path)| is_stdin(path)).count()
            + usize::from(self.field_stdin.is_some())
            + usize::from(self.json.as_deref().is_some_and(is_stdin))
            + usize::from(self.totp_file.as_deref().is_some_and(is_stdin))
            + usize::from(self.totp && is_piped)
            + if is_piped { asked.len() } else { 0 };
        if 1 < readers {
            return Err(twice(what));
        }
        if let Some(path) = &self.json {
            given.json = Some(input::value(Some(path), "")?);
        }
        for (name, text) in self.open() {
            if let Some(text) = text {
                given.put(name, text);
            }
        }
        for (name, path) in files {
            let text = input::value(Some(path), "")?;
            given.texts.push((name.to_owned(), Some(text)));
        }
        if let Some(name) = &self.field_stdin {
            let text = input::line_of_stdin()?;
            given.texts.push((name.clone(), Some(text)));
        }
        for name in asked {
            let text = input::value(None, &format!("{name} (not shown): "))?;
            given
                .texts
                .push((name.clone(), Some(not_empty(what, name, text)?)));
        }
        if self.totp || self.totp_file.is_some() {
            let text = match &self.totp_file {
                Some(path) => input::value(Some(path), "").map(input::without_line_end)?,
                None => input::value(None, "otpauth:// URI or seed (not shown): ")?,
            };
            given.totp = Some(Some(totp(what, &text)?));
        }
        Ok(given)
    }

    fn open(&self) -> impl Iterator<Item = (&'static str, &Option<String>)> {
        [
            ("username", &self.username),
            ("email", &self.email),
            ("url", &self.site),
            ("endpoint", &self.endpoint),
            ("access_key", &self.access_key),
        ]
        .into_iter()
    }
}

impl Given {
    /// Takes a field out.
    pub(super) fn unset(&mut self, name: &str) {
        self.texts.push((name.to_owned(), None));
    }

    /// Takes the seed of one-time codes out.
    pub(super) fn unset_totp(&mut self) {
        self.totp = Some(None);
    }

    /// Puts what was given into a payload.
    pub(super) fn into(self, mut payload: Payload) -> Result<Payload, PayloadFault> {
        if let Some(json) = self.json {
            payload = Payload::from_json(payload.kind(), json.expose().as_bytes())?;
        }
        for (name, text) in self.texts {
            payload.set(&name, text)?;
        }
        if let Some(totp) = self.totp {
            payload.set_totp(totp)?;
        }
        Ok(payload)
    }

    fn put(&mut self, name: &str, text: &str) {
        let text = SecretText::from(text.to_owned());
        self.texts.push((name.to_owned(), Some(text)));
    }
}

/// Says what is wrong with the fields.
pub(super) fn refusal(what: &str, fault: &PayloadFault) -> Failure {
    let fix = match fault {
        PayloadFault::Missing { field, .. } if is_open(field) => {
            format!("give it with --field {field}=TEXT")
        }
        PayloadFault::Missing { field, .. } => format!("give it with --field {field}=@FILE"),
        PayloadFault::NoSuchField { .. } => "use a field that it has".to_owned(),
        PayloadFault::Form { .. } => {
            "see kluis zk get -o json for what such JSON looks like".to_owned()
        }
    };
    Failure::usage(what, fault.to_string(), fix)
}

fn not_empty(what: &str, name: &str, text: SecretText) -> Result<SecretText, Failure> {
    if !text.expose().is_empty() {
        return Ok(text);
    }
    Err(Failure::usage(
        what,
        format!("{name} is empty"),
        "give a value; it is mostly a failed command in a pipe",
    ))
}

fn totp(what: &str, text: &SecretText) -> Result<Totp, Failure> {
    let refused = |why: String| {
        Err(Failure::usage(
            what,
            format!("no one-time codes can be made of it: {why}"),
            "give an otpauth://totp/ URI, or the seed in base-32",
        ))
    };
    if text.expose().contains("://") {
        return Totp::from_uri(text).or_else(|fault| refused(fault.to_string()));
    }
    // Seeds are shown in groups.
    let seed: String = text.expose().split_whitespace().collect();
    Totp::from_seed(SecretText::from(seed))
        .map_or_else(|| refused("the seed is not in base-32".to_owned()), Ok)
}

/// Whether a field of this name is no secret, whatever the type.
fn is_open(name: &str) -> bool {
    Kind::ALL
        .into_iter()
        .any(|kind| kind.field(name).is_some_and(|field| field.is_open))
}

/// Says nothing of what stood there: it is the secret.
fn in_arguments(what: &str, name: &str) -> Failure {
    Failure::usage(
        what,
        "a secret on the command line is not taken: arguments are seen by every user of this machine and kept in the shell's history",
        format!(
            "give it with --field {name}=@FILE or --field-stdin {name}; consider the value known and change it"
        ),
    )
}

fn twice(what: &str) -> Failure {
    Failure::usage(
        what,
        "stdin can be read once, and more than one field would come from it",
        "give the others with --field NAME=@FILE or --totp-file FILE",
    )
}
