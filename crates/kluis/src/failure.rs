//! How a command fails: four lines on stderr and an exit code.

use std::fmt;
use std::process::ExitCode;

use kluis_client::Error;

use crate::terminal::{is_coloured, printable};

/// Why a command did not do its work. Holds no secret value and no token.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What failed, in terms of what was asked for.
    what: String,
    /// Why, with the value used and where it came from.
    why: String,
    /// What to do about it.
    fix: String,
    /// Of what kind it was.
    code: Code,
}

impl Failure {
    /// A failure; each text is one line without a full stop.
    pub(crate) fn new(
        code: Code,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            fix: fix.into(),
            code,
        }
    }

    /// A wrong command line or configuration.
    pub(crate) fn usage(
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Code::Usage, what, why, fix)
    }

    /// A failed call; `server` says which server it was and where its address came from, `token` where the credential did.
    pub(crate) fn of_call(
        what: impl Into<String>,
        server: &str,
        token: &str,
        error: &Error,
    ) -> Self {
        let code = Code::of(error);
        let why = match error {
            Error::Refused(refusal) | Error::RateLimited { refusal, .. } => {
                format!("{server} answered {refusal}")
            }
            Error::Unreachable { why, .. } => format!("{server} cannot be reached: {why}"),
            Error::Tls { why, .. } => format!("no secure connection to {server}: {why}"),
            Error::TimedOut { .. } => format!("{server} did not answer in time"),
            Error::Malformed { why, .. } => format!("{server} does not answer like Kluis: {why}"),
            Error::TooLong { limit, .. } => {
                format!("{server} does not answer like Kluis: it sends more than {limit} bytes")
            }
            Error::Integrity { why, .. } => format!("{server} cannot be believed: {why}"),
            Error::Request(why) => why.clone(),
        };
        let fix = match error {
            Error::RateLimited {
                retry_after: Some(wait),
                ..
            } => format!("wait {} s and try again", wait.as_secs()),
            Error::Tls { .. } => {
                "trust its certificate with --ca-file, or correct the address with --url".to_owned()
            }
            _ => match code {
                Code::NotAuthenticated => format!("use a valid token; this one came from {token}"),
                Code::Forbidden => "ask an owner or admin of the organization".to_owned(),
                Code::NotFound => {
                    "see what there is with kluis vault list and kluis secret list".to_owned()
                }
                Code::Conflict => "choose another name, or change what has it".to_owned(),
                Code::RateLimited => "wait a minute and try again".to_owned(),
                Code::Unreachable if is_sealed(error) => {
                    "unseal it with kluis operator unseal".to_owned()
                }
                Code::Unreachable => {
                    "start the server (kluis dev), or correct the address with --url".to_owned()
                }
                Code::Usage => "correct the value and try again".to_owned(),
                Code::Integrity => {
                    "find out what stands between here and the server, and send it nothing until then"
                        .to_owned()
                }
                _ => "look at the server's log".to_owned(),
            },
        };
        Self::new(code, what, why, fix)
    }

    /// The same failure with better advice, if it is of this kind.
    pub(crate) fn advise(mut self, code: Code, fix: impl Into<String>) -> Self {
        if self.code == code {
            self.fix = fix.into();
        }
        self
    }

    /// The same failure of a server that does not say what happened, with what to do.
    pub(crate) fn unreachable(mut self, fix: &str) -> Self {
        self.code = Code::Unreachable;
        fix.clone_into(&mut self.fix);
        self
    }

    /// The same failure of something that may have happened all the same, with what to do first.
    pub(crate) fn of_unknown(mut self, what: &str, first: &str) -> Self {
        what.clone_into(&mut self.what);
        self.fix = format!("{first}; {}", self.fix);
        self
    }

    /// The same failure of an act on secrets, which a policy can allow.
    pub(crate) fn about_secrets(self) -> Self {
        self.advise(Code::Forbidden, ASK_FOR_POLICY)
    }

    /// Prints the four lines.
    pub(crate) fn report(&self) -> ExitCode {
        use std::io::Write as _;
        let text = if is_coloured() {
            self.to_string()
                .replacen("error:", "\x1b[1;31merror:\x1b[0m", 1)
        } else {
            self.to_string()
        };
        let _ = writeln!(std::io::stderr(), "{text}");
        self.code.exit()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", printable(&self.what))?;
        writeln!(f, "  why: {}", printable(&self.why))?;
        writeln!(f, "   do: {}", printable(&self.fix))?;
        write!(f, " code: {}", self.code.word())
    }
}

fn is_sealed(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.is_sealed())
}

/// What to do about secrets that one may not read or write.
pub(crate) const ASK_FOR_POLICY: &str =
    "ask the vault's maker or an owner for a policy (kluis policy add)";

/// Kinds of failure and their exit codes (DESIGN §7). Numbers and words are stable: scripts depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// Nothing below fits: a failing disk, an internal error of the server.
    Failed = 1,
    /// The command line, the configuration or a value is wrong.
    Usage = 2,
    /// No token, or one that is unknown, expired or revoked.
    NotAuthenticated = 3,
    /// The token's owner may not do this.
    Forbidden = 4,
    /// Not there, or no longer available.
    NotFound = 5,
    /// What is stored stands in the way.
    Conflict = 6,
    /// Too many calls.
    RateLimited = 7,
    /// No answer, a sealed server, or something that is not Kluis.
    Unreachable = 8,
    /// A check found that data was altered.
    Integrity = 10,
    /// `kluis run`: the command is there but cannot be started, as shells say it.
    NotRunnable = 126,
    /// `kluis run`: there is no such command, as shells say it.
    NoSuchCommand = 127,
}

impl Code {
    fn of(error: &Error) -> Self {
        match error {
            Error::Refused(refusal) => match refusal.status {
                400 | 405 | 413 | 415 | 422 => Self::Usage,
                401 => Self::NotAuthenticated,
                403 => Self::Forbidden,
                404 | 410 => Self::NotFound,
                409 => Self::Conflict,
                502..=504 => Self::Unreachable,
                _ => Self::Failed,
            },
            Error::RateLimited { .. } => Self::RateLimited,
            Error::Unreachable { .. }
            | Error::Tls { .. }
            | Error::TimedOut { .. }
            | Error::Malformed { .. }
            | Error::TooLong { .. } => Self::Unreachable,
            Error::Integrity { .. } => Self::Integrity,
            Error::Request(_) => Self::Usage,
        }
    }

    /// The exit code that says so.
    pub(crate) fn exit(self) -> ExitCode {
        ExitCode::from(self as u8)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Failed => "KLUIS-FAILED",
            Self::Usage => "KLUIS-USAGE",
            Self::NotAuthenticated => "KLUIS-NOT-AUTHENTICATED",
            Self::Forbidden => "KLUIS-FORBIDDEN",
            Self::NotFound => "KLUIS-NOT-FOUND",
            Self::Conflict => "KLUIS-CONFLICT",
            Self::RateLimited => "KLUIS-RATE-LIMITED",
            Self::Unreachable => "KLUIS-UNREACHABLE",
            Self::Integrity => "KLUIS-INTEGRITY",
            Self::NotRunnable => "KLUIS-NOT-RUNNABLE",
            Self::NoSuchCommand => "KLUIS-NO-SUCH-COMMAND",
        }
    }
}

#[cfg(test)]
mod tests {
    use kluis_client::Refusal;

    use super::*;

    fn refused(status: u16) -> Error {
        Error::Refused(Refusal {
            status,
            code: None,
            message: "no".to_owned(),
        })
    }

    #[test]
    fn each_answer_has_its_exit_code() {
        for (status, exit) in [
            (400, 2),
            (401, 3),
            (403, 4),
            (404, 5),
            (410, 5),
            (409, 6),
            (413, 2),
            (422, 2),
            (500, 1),
            (503, 8),
        ] {
            assert_eq!(Code::of(&refused(status)) as u8, exit, "{status}");
        }
        let unreachable = Error::Unreachable {
            url: String::new(),
            why: String::new(),
        };
        assert_eq!(Code::of(&unreachable) as u8, 8);
        let altered = Error::Integrity {
            url: String::new(),
            why: String::new(),
        };
        assert_eq!(Code::of(&altered) as u8, 10);
    }

    #[test]
    fn advice_fits_the_act_and_its_failure() {
        let failed = |status, message: &str| {
            let error = Error::Refused(Refusal {
                status,
                code: None,
                message: message.to_owned(),
            });
            Failure::of_call("cannot", "http://h", "KLUIS_TOKEN", &error)
        };
        assert!(failed(403, "No.").to_string().contains("owner or admin"));
        let on_secrets = failed(403, "No.").about_secrets().to_string();
        assert!(on_secrets.contains("kluis policy add"), "{on_secrets}");
        let absent = failed(404, "No.").about_secrets().to_string();
        assert!(!absent.contains("kluis policy add"), "{absent}");
        let sealed = failed(503, "The server is sealed.").to_string();
        assert!(sealed.contains("kluis operator unseal"), "{sealed}");
        let busy = failed(503, "The storage is out of reach.").to_string();
        assert!(!busy.contains("unseal"), "{busy}");
    }

    #[test]
    fn a_failure_is_four_lines_whatever_a_server_sends() {
        let error = Error::Refused(Refusal {
            status: 404,
            code: Some("NOT_FOUND".to_owned()),
            message: "two\nlines \x1b[31m".to_owned(),
        });
        let failure = Failure::of_call(
            "cannot read K",
            "http://h (from --url)",
            "KLUIS_TOKEN",
            &error,
        );
        assert_eq!(
            failure.to_string(),
            "error: cannot read K\n  \
             why: http://h (from --url) answered 404 NOT_FOUND: two\\nlines \\u{1b}[31m\n   \
             do: see what there is with kluis vault list and kluis secret list\n \
             code: KLUIS-NOT-FOUND"
        );
    }
}
