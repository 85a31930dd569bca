//! `kv_v2`: an entry for each secret in a KV secrets engine of version 2, as Vault serves it and whatever speaks its protocol.
//!
//! An entry is written with `POST /v1/{mount}/data/{path}`, and removed with all its versions by `DELETE /v1/{mount}/metadata/{path}`:
//! only those that this integration has written. The token is the credential.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::http_push::{check_url, header_token, target_url};
use super::source::Source;
use super::sync::{Piece, Trouble};
use crate::engine::Engine;
use crate::error::Error;
use crate::outbound::{Answer, Call, Method, Reach, Url};
use crate::secrets::NamedFields;

/// Where entries are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KvV2 {
    /// The server's URL, without `/v1`.
    pub address: String,
    /// Where its KV engine is mounted.
    pub mount: String,
    /// What the path of every entry begins with; may be empty.
    pub path: String,
    /// The namespace, where the server has such.
    pub namespace: Option<String>,
    /// Whether to say with each entry which version it replaces. A mount may demand it.
    pub check_and_set: bool,
}

/// Bytes of an answer that are read: the number of a version, or how something is mounted.
const KEPT: usize = 64 << 10;

impl KvV2 {
    pub(super) fn check(&self, has_credential: bool, reach: Reach) -> Result<(), Error> {
        check_url("config.address", &self.address, reach)?;
        if self.address.contains('?') {
            return Err(Error::invalid("config.address", "must have no query"));
        }
        let is_path = |text: &str| text.split('/').all(is_segment);
        if !is_path(&self.mount) {
            return Err(Error::invalid("config.mount", IS_PATH));
        }
        if !self.path.is_empty() && !is_path(&self.path) {
            return Err(Error::invalid("config.path", IS_PATH));
        }
        if let Some(namespace) = &self.namespace
            && (!is_path(namespace) || !namespace.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(Error::invalid("config.namespace", IS_PATH));
        }
        if !has_credential {
            return Err(Error::missing("credential_record_id"));
        }
        Ok(())
    }

    /// One for each secret.
    pub(super) fn pieces(&self, source: &Source) -> Result<Vec<Piece>, String> {
        let pieces = source.secrets.iter().enumerate().map(|(place, secret)| {
            let path = &secret.info.path;
            if !path.split('/').all(is_segment) {
                return Err(format!(
                    "The name {path:?} cannot be a path there: it has a part that is empty, or that is a step between directories."
                ));
            }
            let value = secret.value.as_ref().map(NamedFields::of);
            let data = value
                .and_then(Result::ok)
                .and_then(|fields| fields.into_value().ok())
                .ok_or_else(|| format!("The value of {path:?} cannot be read."))?;
            let place_there = if self.path.is_empty() {
                path.clone()
            } else {
                format!("{}/{path}", self.path)
            };
            Ok(Piece {
                digest: source.digest_of(&[data.text.expose()]),
                place: place_there,
                content: data.text,
                secrets: vec![place],
            })
        });
        pieces.collect()
    }

    /// Write an entry.
    pub(super) async fn write(
        &self,
        engine: &Engine,
        source: &Source,
        piece: &Piece,
    ) -> Result<(), Trouble> {
        let options = if self.check_and_set {
            let version = self.version(engine, source, &piece.place).await?;
            format!(",\"options\":{{\"cas\":{version}}}")
        } else {
            String::new()
        };
        let data = piece.content.expose();
        let mut body = Vec::with_capacity(data.len() + options.len() + 16);
        for part in [b"{\"data\":", data, options.as_bytes(), b"}"] {
            body.extend_from_slice(part);
        }
        let answer = self
            .call(engine, source, Method::POST, "data", &piece.place, body)
            .await?;
        match answer.status {
            200..300 => Ok(()),
            status => Err(refused(status)),
        }
    }

    /// Remove an entry, with all its versions.
    pub(super) async fn remove(
        &self,
        engine: &Engine,
        source: &Source,
        place: &str,
    ) -> Result<(), Trouble> {
        let answer = self
            .call(
                engine,
                source,
                Method::DELETE,
                "metadata",
                place,
                Vec::new(),
            )
            .await?;
        match answer.status {
            200..300 | 404 => Ok(()),
            status => Err(refused(status)),
        }
    }

    /// Find out whether the token is taken, and such an engine is mounted there.
    pub(super) async fn try_out(&self, engine: &Engine, source: &Source) -> Result<(), Trouble> {
        let url = self.url(engine, &["sys", "internal", "ui", "mounts"], &self.mount)?;
        let answer = self
            .ask(engine, source, Method::GET, &url, Vec::new())
            .await?;
        if !(200..300).contains(&answer.status) {
            return Err(refused(answer.status));
        }
        let mount: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        if mount
            .pointer("/data/options/version")
            .and_then(Json::as_str)
            == Some("2")
        {
            Ok(())
        } else {
            let why = "There is no KV engine of version 2 at this mount.";
            Err(Trouble::lasting(why))
        }
    }

    /// The number of an entry's newest version; 0 where there is none.
    async fn version(&self, engine: &Engine, source: &Source, place: &str) -> Result<u64, Trouble> {
        let answer = self
            .call(engine, source, Method::GET, "metadata", place, Vec::new())
            .await?;
        match answer.status {
            404 => Ok(0),
            200..300 => {
                let entry: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
                let version = entry.pointer("/data/current_version");
                let version = version.and_then(Json::as_u64);
                version.ok_or_else(|| {
                    Trouble::passing("The target's answer is not one of KV version 2.")
                })
            }
            status => Err(refused(status)),
        }
    }

    async fn call(
        &self,
        engine: &Engine,
        source: &Source,
        method: Method,
        door: &'static str,
        place: &str,
        body: Vec<u8>,
    ) -> Result<Answer, Trouble> {
        let url = self.url(engine, &[&self.mount, door], place)?;
        self.ask(engine, source, method, &url, body).await
    }

    async fn ask(
        &self,
        engine: &Engine,
        source: &Source,
        method: Method,
        url: &Url,
        body: Vec<u8>,
    ) -> Result<Answer, Trouble> {
        let credential = source.credential.as_ref();
        let why = "There is no credential with a token.";
        let token = header_token(credential.ok_or_else(|| Trouble::lasting(why))?)?;
        let mut headers = vec![
            ("x-vault-token", token),
            ("x-vault-request", "true".to_owned()),
            ("content-type", "application/json".to_owned()),
        ];
        if let Some(namespace) = &self.namespace {
            headers.push(("x-vault-namespace", namespace.clone()));
        }
        let call = Call {
            method,
            url,
            headers: &headers,
            body,
            keep: KEPT,
        };
        Ok(engine.outbound().call(call).await?)
    }

    /// The URL of a place behind these parts of a path. Every part is encoded: a name never becomes another path.
    fn url(&self, engine: &Engine, behind: &[&str], place: &str) -> Result<Url, Trouble> {
        let mut url = target_url(engine, &self.address)?;
        let unfit = || Trouble::lasting("The target's address is none that paths can be added to.");
        let mut segments = url.path_segments_mut().map_err(|()| unfit())?;
        segments.pop_if_empty().push("v1");
        for part in behind.iter().flat_map(|part| part.split('/')) {
            segments.push(part);
        }
        segments.extend(place.split('/'));
        drop(segments);
        Ok(url)
    }
}

const IS_PATH: &str =
    "must be names with slashes between, none of them empty or a step between directories";

/// Whether this can be a part of a path: the parser of URLs leaves out what it takes for steps, so nothing may look like one.
fn is_segment(part: &str) -> bool {
    !part.is_empty() && part != "." && part != ".." && !part.chars().any(char::is_control)
}

fn refused(status: u16) -> Trouble {
    Trouble::passing(match status {
        400 => "The target refuses an entry (400): its version is checked, or it is too large."
            .to_owned(),
        403 => "The target does not take the token, or the token may not do this (403).".to_owned(),
        404 => "There is no KV engine of version 2 at this mount (404).".to_owned(),
        300..400 => {
            format!("The target answered {status}, a redirect, and those are not followed.")
        }
        503 => "The target is sealed, or is being maintained (503).".to_owned(),
        _ => format!("The target answered {status}."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NT-18: what the parser of URLs would take for a step between directories is no part of a path, in any spelling.
    #[test]
    fn no_part_of_a_path_is_a_step() {
        let parent = Url::parse("http://kv.example/v1/secret/data/").unwrap();
        for part in [
            "a", "%2e%2e", "%2E.", ".%2e", "%2e", "...", "a b", "a?b", "a#b", "a%2fb", "\\",
            "..\\..", "ключ", ";",
        ] {
            assert!(is_segment(part), "{part}");
            let mut url = parent.clone();
            url.path_segments_mut().unwrap().pop_if_empty().push(part);
            let path = url.path().to_owned();
            assert!(
                path.starts_with("/v1/secret/data/") && path.matches('/').count() == 4,
                "{part}: {path}"
            );
            // What is sent is parsed once more on the way.
            assert_eq!(Url::parse(url.as_str()).unwrap().path(), path, "{part}");
            assert!(url.query().is_none() && url.fragment().is_none(), "{part}");
        }
        for part in ["", ".", "..", "a\tb", "\n"] {
            assert!(!is_segment(part), "{part:?}");
        }
    }
}
