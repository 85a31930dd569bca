//! `kluis zk get` and `kluis zk totp`

use clap::Args;
use kluis_client::SecretText;
use kluis_client::inkbox::Secret;
use kluis_client::zk::Payload;
use serde_json::Value;

use super::{At, Session};
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, Records, SECRET};
use crate::remote::now;
use crate::terminal::say;

/// Print what is in a secret
///
/// With -o value, which is the default, exactly the bytes of its main field: password, api_key, secret_key, private_key or
/// data. The other formats hold all of it.
#[derive(Debug, Args)]
pub(super) struct Get {
    /// Name or id of the secret
    secret: String,
    /// This field instead of the main one
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
}

/// Print the one-time code of a login
#[derive(Debug, Args)]
pub(super) struct Totp {
    /// Name or id of the secret
    secret: String,
}

impl Get {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = format!("cannot read '{}'", self.secret);
        let format = at.context.format(SECRET)?;
        let (secret, payload) = opened(at, &what, &self.secret).await?;
        if let Some(field) = &self.field {
            let text = text_of(&what, &payload, field)?;
            let row = vec![field.as_str().into(), Cell::Secret(text)];
            return Records::one(&["field", "value"], row).main(1).print(format);
        }
        let main = payload.kind().main();
        let text = text_of(&what, &payload, main)?;
        match format {
            Format::Table => {
                let fields = payload.kind().fields().iter();
                let rows = fields.filter_map(|field| {
                    let text = payload.text(field.name)?.clone();
                    Some(vec![field.name.into(), Cell::Secret(text)])
                });
                Records::list(&["field", "value"], rows.collect()).print(format)
            }
            Format::Env | Format::Value => {
                if format == Format::Env && text.expose().contains('\0') {
                    return Err(Failure::usage(
                        what,
                        "it holds a NUL byte, which no environment can",
                        "use -o value for its bytes, or -o json",
                    ));
                }
                let row = vec![secret.name.into(), Cell::Secret(text)];
                Records::one(&["name", "value"], row).main(1).print(format)
            }
            Format::Json | Format::Yaml => {
                let json = payload.json().map_err(|error| {
                    Failure::new(Code::Failed, what, error.to_string(), "use -o value")
                })?;
                let json = serde_json::from_slice(json.expose()).unwrap_or(Value::Null);
                let columns = &[
                    "id",
                    "name",
                    "secret_type",
                    "description",
                    "updated_at",
                    "payload",
                ];
                let row = vec![
                    secret.id.into(),
                    secret.name.into(),
                    secret.secret_type.into(),
                    secret.description.into(),
                    secret.updated_at.into(),
                    Cell::Json(json),
                ];
                Records::one(columns, row).print(format)
            }
        }
    }
}

impl Totp {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = format!("no code of '{}'", self.secret);
        let known = &[Format::Value, Format::Json, Format::Yaml, Format::Table];
        let format = at.context.format(known)?;
        let (secret, payload) = opened(at, &what, &self.secret).await?;
        let code = payload
            .totp()
            .and_then(|totp| totp.code(now().seconds()))
            .ok_or_else(|| {
                Failure::new(
                    Code::NotFound,
                    what,
                    "it holds no seed of one-time codes",
                    format!("give it one with kluis zk edit '{}' --totp", self.secret),
                )
            })?;
        say(&format!("holds for {} s", code.seconds_left));
        let row = vec![
            secret.name.into(),
            Cell::Secret(code.text),
            Cell::Number(u64::try_from(code.seconds_left).unwrap_or_default()),
        ];
        Records::one(&["name", "code", "seconds_left"], row)
            .main(1)
            .print(format)
    }
}

/// The text of a field, which has to be there.
fn text_of(what: &str, payload: &Payload, field: &str) -> Result<SecretText, Failure> {
    payload.text(field).cloned().ok_or_else(|| {
        let fields = payload.kind().fields().iter();
        let present: Vec<&str> = fields
            .map(|field| field.name)
            .filter(|name| payload.text(name).is_some())
            .collect();
        Failure::new(
            Code::NotFound,
            what,
            format!("it has no field '{field}'"),
            format!("it has {}", present.join(", ")),
        )
    })
}

/// The secret of this name or id, opened together with all others.
async fn opened(at: &At<'_>, what: &str, secret: &str) -> Result<(Secret, Payload), Failure> {
    let server = at.context.server()?;
    server.require_api_key(what)?;
    let (mut session, vault) = Session::unlock(at, server, what).await?;
    let found = session.found(what, secret, &vault)?;
    let payload = found.payload();
    let payload = payload.map_err(|error| session.failure(what, &error))?;
    Ok((found.meta.clone(), payload))
}
