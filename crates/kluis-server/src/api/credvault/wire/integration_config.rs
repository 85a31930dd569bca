//! What each type of integration is configured with (contract B5): the same types read `config`, show it, and are its JSON Schema.

use kluis_engine::{
    ChatWebhook, EnvFile, Error, HttpPush, IntegrationKind, KvV2, PushFormat, Target,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::api::nested::{UNKNOWN, object_of};

/// `http_push`: everything that is selected, in one signed request.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HttpPushConfig {
    /// `http` or `https`, and nowhere that outbound calls may not go.
    #[schema(max_length = 2048, examples("https://deploy.example.com/hook"))]
    url: String,
    /// `json`, unless given, or `env`: one assignment for each value.
    #[serde(default)]
    #[schema(inline)]
    format: FormatOfPush,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum FormatOfPush {
    Env,
    #[default]
    Json,
}

/// `env_file`: a file of variables on the server's own machine.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EnvFileConfig {
    /// Name of the file, below the directory that the server is configured with.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$", examples("billing"))]
    name: String,
}

/// `kv_v2`: an entry for each record in a KV secrets engine of version 2.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KvV2Config {
    /// The server's URL, without `/v1`.
    #[schema(max_length = 2048, examples("https://kv.example.com:8200"))]
    address: String,
    /// Where the engine is mounted; `secret` unless given.
    #[serde(default = "usual_mount")]
    #[schema(max_length = 255, examples("secret"))]
    mount: String,
    /// What the path of each entry begins with, before the name of the record; nothing unless given.
    #[serde(default)]
    #[schema(max_length = 1024, examples("billing"))]
    path: String,
    /// The namespace, where the server has such.
    #[serde(default)]
    #[schema(max_length = 255)]
    namespace: Option<String>,
    /// Whether to say with each entry which version it replaces, as a mount may demand; false unless given.
    #[serde(default)]
    check_and_set: bool,
}

/// `chat_webhook`: a message that something has changed, by name and without values.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChatWebhookConfig {
    /// `http` or `https`, and nowhere that outbound calls may not go. Left out where the URL is itself a secret: then the credential
    /// record has it, as `url`.
    #[serde(default)]
    #[schema(max_length = 2048, examples("https://chat.example.com/hooks/1"))]
    url: Option<String>,
}

fn usual_mount() -> String {
    "secret".to_owned()
}

/// The longest text of a mount or a namespace.
const LONGEST_NAME: usize = 255;
/// The longest beginning of paths.
const LONGEST_PATH: usize = 1_024;

/// The target that `config` describes. What is wrong is named as a member of `config`.
pub(super) fn read(kind: IntegrationKind, config: Map<String, Json>) -> Result<Target, Error> {
    Ok(match kind {
        IntegrationKind::ChatWebhook => {
            let ChatWebhookConfig { url } = parsed(config)?;
            Target::ChatWebhook(ChatWebhook { url })
        }
        IntegrationKind::EnvFile => {
            let EnvFileConfig { name } = parsed(config)?;
            Target::EnvFile(EnvFile { name })
        }
        IntegrationKind::HttpPush => {
            let HttpPushConfig { url, format } = parsed(config)?;
            let format = match format {
                FormatOfPush::Env => PushFormat::Env,
                FormatOfPush::Json => PushFormat::Json,
            };
            Target::HttpPush(HttpPush { url, format })
        }
        IntegrationKind::KvV2 => {
            let KvV2Config {
                address,
                mount,
                path,
                namespace,
                check_and_set,
            } = parsed(config)?;
            at_most("config.mount", &mount, LONGEST_NAME)?;
            at_most("config.path", &path, LONGEST_PATH)?;
            at_most(
                "config.namespace",
                namespace.as_deref().unwrap_or_default(),
                LONGEST_NAME,
            )?;
            Target::KvV2(KvV2 {
                address,
                mount,
                path,
                namespace,
                check_and_set,
            })
        }
    })
}

/// The target that becomes of another by a merge patch of its configuration (contract A3).
pub(super) fn merged(target: &Target, change: Map<String, Json>) -> Result<Target, Error> {
    let mut config = shown(target)?;
    let schema = schema(target.kind())?;
    let known = schema.get("properties").and_then(Json::as_object);
    let is_known = |name: &String| known.is_some_and(|known| known.contains_key(name));
    if !change.keys().all(is_known) {
        return Err(Error::invalid("config", UNKNOWN));
    }
    config.extend(change);
    read(target.kind(), config)
}

/// The configuration of a target.
pub(super) fn shown(target: &Target) -> Result<Map<String, Json>, Error> {
    let config = match target.clone() {
        Target::ChatWebhook(ChatWebhook { url }) => json(&ChatWebhookConfig { url }),
        Target::EnvFile(EnvFile { name }) => json(&EnvFileConfig { name }),
        Target::HttpPush(HttpPush { url, format }) => json(&HttpPushConfig {
            url,
            format: match format {
                PushFormat::Env => FormatOfPush::Env,
                PushFormat::Json => FormatOfPush::Json,
            },
        }),
        Target::KvV2(KvV2 {
            address,
            mount,
            path,
            namespace,
            check_and_set,
        }) => json(&KvV2Config {
            address,
            mount,
            path,
            namespace,
            check_and_set,
        }),
    };
    match config? {
        Json::Object(config) => Ok(config),
        _ => Err(Error::internal("a configuration is no object")),
    }
}

/// What a kind's configuration may be.
pub(super) fn schema(kind: IntegrationKind) -> Result<Json, Error> {
    json(&match kind {
        IntegrationKind::ChatWebhook => <ChatWebhookConfig as utoipa::PartialSchema>::schema(),
        IntegrationKind::EnvFile => <EnvFileConfig as utoipa::PartialSchema>::schema(),
        IntegrationKind::HttpPush => <HttpPushConfig as utoipa::PartialSchema>::schema(),
        IntegrationKind::KvV2 => <KvV2Config as utoipa::PartialSchema>::schema(),
    })
}

/// `null` is as good as absent.
fn parsed<T: DeserializeOwned>(mut config: Map<String, Json>) -> Result<T, Error> {
    config.retain(|_, value| !value.is_null());
    object_of("config", config)
}

fn at_most(field: &'static str, text: &str, most: usize) -> Result<(), Error> {
    if text.len() > most {
        return Err(Error::invalid(
            field,
            format!("must be at most {most} bytes"),
        ));
    }
    Ok(())
}

fn json(value: &impl Serialize) -> Result<Json, Error> {
    serde_json::to_value(value).map_err(|cause| Error::internal(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Json) -> Map<String, Json> {
        match value {
            Json::Object(object) => object,
            _ => panic!("an object"),
        }
    }

    /// The schema that is shown, and what is read, are the same thing.
    #[test]
    fn a_schema_names_every_member_and_no_other_is_taken() {
        for (kind, config) in [
            (
                IntegrationKind::ChatWebhook,
                json!({"url": "https://a.example/"}),
            ),
            (IntegrationKind::EnvFile, json!({"name": "app"})),
            (
                IntegrationKind::HttpPush,
                json!({"url": "https://a.example/"}),
            ),
            (
                IntegrationKind::KvV2,
                json!({"address": "https://a.example/", "namespace": "n"}),
            ),
        ] {
            let schema = schema(kind).unwrap();
            assert_eq!(schema["type"], "object", "{schema}");
            assert_eq!(schema["additionalProperties"], false, "{schema}");
            assert!(!schema.to_string().contains("$ref"), "{schema}");
            let target = read(kind, object(config.clone())).unwrap();
            let shown = shown(&target).unwrap();
            let members: Vec<_> = shown.keys().collect();
            let known: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
            assert_eq!(members, known);
            assert_eq!(read(kind, shown).unwrap(), target);
            for required in schema["required"].as_array().into_iter().flatten() {
                let mut config = object(config.clone());
                config.remove(required.as_str().unwrap());
                let error = read(kind, config).unwrap_err().to_string();
                assert_eq!(
                    error,
                    format!("config.{} is required.", required.as_str().unwrap())
                );
            }
            let mut config = object(config);
            config.insert("file".to_owned(), json!("/etc/passwd"));
            let error = read(kind, config).unwrap_err().to_string();
            assert!(error.starts_with("config "), "{error}");
        }
    }
}
