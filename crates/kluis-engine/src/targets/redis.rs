//! Redis: the part of RESP 2 that is needed here, read with bounds (NT-48). Users are those of its ACL, from Redis 6 on.

use kluis_crypto::Secret;
use kluis_crypto::hash::{hex, sha256};

use super::wire::Wire;
use super::{Door, TargetError};

/// A session.
pub(crate) struct Redis {
    wire: Wire,
    version: String,
}

/// What a server answers.
enum Reply {
    /// A word, a number or a text.
    Text(Vec<u8>),
    /// Several answers.
    Many(Vec<Reply>),
    Nothing,
    Error(Vec<u8>),
}

/// The user that is there from the start.
const DEFAULT_USER: &str = "default";
/// The longest line of a header.
const LONGEST_LINE: usize = 4 << 10;
/// The longest text.
const LONGEST_TEXT: usize = 1 << 20;
/// The most that one answer holds.
const MOST_REPLIES: usize = 50_000;
/// How deep answers stand in answers.
const DEEPEST: usize = 6;
/// How errors about who logs in begin.
const CREDENTIALS: [&[u8]; 3] = [b"WRONGPASS", b"NOAUTH", b"NOPERM"];

impl Redis {
    pub(super) async fn open(door: Door) -> Result<Self, TargetError> {
        let mut wire = Wire::new(door.place.connect().await?);
        if door.tls.is_wanted() {
            wire = wire.encrypt(&door.tls, &door.place.host).await?;
        }
        let mut session = Self {
            wire,
            version: String::new(),
        };
        let user = match door.login.username.as_str() {
            "" => DEFAULT_USER,
            user => user,
        };
        let login: [&[u8]; 3] = [b"AUTH", user.as_bytes(), door.login.password.expose()];
        session.command(&login).await.map_err(|error| match error {
            // It says so too of a default user that needs no password.
            TargetError::Refused(_) => TargetError::Credentials,
            error => error,
        })?;
        session.version = session.asked_version().await;
        Ok(session)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Only the hash goes to the server; the passwords that were good stay good.
    pub(super) async fn set_password(
        &mut self,
        user: &str,
        password: &Secret,
    ) -> Result<(), TargetError> {
        if !self.has_user(user).await? {
            return Err(TargetError::NoUser);
        }
        self.change_user(user, '#', password).await
    }

    pub(super) async fn forget_password(
        &mut self,
        user: &str,
        old: &Secret,
    ) -> Result<(), TargetError> {
        match self.change_user(user, '!', old).await {
            // There is no such password, or no such user.
            Err(TargetError::Refused(_)) => Ok(()),
            forgotten => forgotten,
        }
    }

    /// Its sessions end with it.
    pub(super) async fn drop_user(&mut self, user: &str) -> Result<(), TargetError> {
        let command: [&[u8]; 3] = [b"ACL", b"DELUSER", user.as_bytes()];
        self.command(&command).await?;
        self.keep().await;
        Ok(())
    }

    pub(super) async fn has_user(&mut self, user: &str) -> Result<bool, TargetError> {
        let command: [&[u8]; 3] = [b"ACL", b"GETUSER", user.as_bytes()];
        Ok(!matches!(self.command(&command).await?, Reply::Nothing))
    }

    pub(super) async fn users(&mut self) -> Result<Vec<String>, TargetError> {
        let Reply::Many(users) = self.command(&[b"ACL", b"USERS"]).await? else {
            return Err(TargetError::Protocol);
        };
        let users = users.into_iter().filter_map(|user| match user {
            Reply::Text(name) => String::from_utf8(name).ok(),
            _ => None,
        });
        Ok(users.collect())
    }

    /// One command, its arguments separated by blanks.
    pub(super) async fn run(&mut self, statement: &str) -> Result<(), TargetError> {
        let arguments: Vec<&[u8]> = statement.split_whitespace().map(str::as_bytes).collect();
        self.command(&arguments).await?;
        self.keep().await;
        Ok(())
    }

    async fn change_user(
        &mut self,
        user: &str,
        sign: char,
        password: &Secret,
    ) -> Result<(), TargetError> {
        let rule = format!("{sign}{}", hex(&sha256(&[password.expose()])));
        let command: [&[u8]; 4] = [b"ACL", b"SETUSER", user.as_bytes(), rule.as_bytes()];
        self.command(&command).await?;
        self.keep().await;
        Ok(())
    }

    /// Have users outlive a restart of the server, in whichever file it keeps them; a server without one has none to keep.
    async fn keep(&mut self) {
        if self.command(&[b"ACL", b"SAVE"]).await.is_err() {
            let _ = self.command(&[b"CONFIG", b"REWRITE"]).await;
        }
    }

    async fn asked_version(&mut self) -> String {
        let Ok(Reply::Text(said)) = self.command(&[b"INFO", b"server"]).await else {
            return "Redis".to_owned();
        };
        let said = String::from_utf8_lossy(&said);
        let version = said
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"));
        format!("Redis {}", version.unwrap_or_default().trim())
    }

    /// Ask one thing; an answer that is an error is one.
    async fn command(&mut self, arguments: &[&[u8]]) -> Result<Reply, TargetError> {
        let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            request.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
            request.extend_from_slice(argument);
            request.extend_from_slice(b"\r\n");
        }
        self.wire.write(request).await?;
        match self.reply(DEEPEST, &mut MOST_REPLIES.clone()).await? {
            Reply::Error(error) => Err(refused(&error)),
            reply => Ok(reply),
        }
    }

    async fn reply(&mut self, depth: usize, left: &mut usize) -> Result<Reply, TargetError> {
        *left = left.checked_sub(1).ok_or(TargetError::Protocol)?;
        let depth = depth.checked_sub(1).ok_or(TargetError::Protocol)?;
        let line = self.line().await?;
        let (kind, rest) = line.split_first().ok_or(TargetError::Protocol)?;
        match kind {
            b'+' | b':' => Ok(Reply::Text(rest.to_vec())),
            b'-' => Ok(Reply::Error(rest.to_vec())),
            b'$' => match length(rest, LONGEST_TEXT)? {
                None => Ok(Reply::Nothing),
                Some(length) => {
                    let mut text = self.wire.read(length + 2).await?;
                    if !text.ends_with(b"\r\n") {
                        return Err(TargetError::Protocol);
                    }
                    text.truncate(length);
                    Ok(Reply::Text(text))
                }
            },
            b'*' => match length(rest, *left)? {
                None => Ok(Reply::Nothing),
                Some(length) => {
                    let mut replies = Vec::new();
                    for _ in 0..length {
                        replies.push(Box::pin(self.reply(depth, left)).await?);
                    }
                    Ok(Reply::Many(replies))
                }
            },
            _ => Err(TargetError::Protocol),
        }
    }

    /// Up to the end of a line, which is taken too.
    async fn line(&mut self) -> Result<Vec<u8>, TargetError> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if line.len() == LONGEST_LINE {
                return Err(TargetError::Protocol);
            }
            line.append(&mut self.wire.read(1).await?);
        }
        line.truncate(line.len() - 2);
        Ok(line)
    }
}

/// A length, at most `most`; none for what is not there.
fn length(digits: &[u8], most: usize) -> Result<Option<usize>, TargetError> {
    let digits = str::from_utf8(digits).map_err(|_| TargetError::Protocol)?;
    match digits.parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(length) => match usize::try_from(length) {
            Ok(length) if length <= most => Ok(Some(length)),
            _ => Err(TargetError::Protocol),
        },
        Err(_) => Err(TargetError::Protocol),
    }
}

/// The first word of an error is its kind.
fn refused(error: &[u8]) -> TargetError {
    if CREDENTIALS.iter().any(|kind| error.starts_with(kind)) {
        return TargetError::Credentials;
    }
    let kind = error.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_kind = !kind.is_empty() && kind.len() <= 20 && kind.iter().all(u8::is_ascii_uppercase);
    match str::from_utf8(kind) {
        Ok(kind) if is_kind => TargetError::Refused(kind.to_owned()),
        _ => TargetError::Protocol,
    }
}
