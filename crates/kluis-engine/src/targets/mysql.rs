//! MySQL and MariaDB: the part of their protocol that is needed here, read with bounds.
//!
//! A driver makes room for as many columns as a server says it sends; this one takes no more than it asks for (NT-48).

mod login;
mod packets;

use kluis_crypto::Secret;
use kluis_crypto::hash::hex;

use super::quote::{Quoted, quoted};
use super::wire::Wire;
use super::{DatabaseKind, Door, STATEMENT_MILLIS, TargetError, Whose};
use packets::{Fields, Packets};

/// A session.
pub(crate) struct MySql {
    packets: Packets,
    version: String,
    flavor: Flavor,
}

/// Which of the two it is; they differ in how a password is changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavor {
    MariaDb,
    /// Whether it can keep two passwords for a user, as it does from 8.0.14 on.
    MySql {
        keeps_two: bool,
    },
}

/// A user has an entry for each place that it may come from; all of them are meant.
type Host = String;

/// What a client asks a server to run.
const QUERY: u8 = 3;
/// How an answer begins.
const OK: u8 = 0;
const LOCAL_FILE: u8 = 0xfb;
const END: u8 = 0xfe;
const ERROR: u8 = 0xff;
/// The longest packet that only says that rows are at their end.
const LONGEST_END: usize = 8;
/// The most columns and rows of an answer; what is asked for here has one or two, and as many rows as there are users.
const MOST_COLUMNS: u64 = 16;
const MOST_ROWS: usize = 50_000;
/// The code of an error about a thread that is not there.
const NO_SUCH_THREAD: &str = "1094";

impl MySql {
    pub(super) async fn open(door: Door) -> Result<Self, TargetError> {
        let packets = Packets::new(Wire::new(door.place.connect().await?));
        let (packets, version) = login::begin(packets, &door).await?;
        let flavor = Flavor::of(&version);
        let mut session = Self {
            packets,
            version: version.replacen("5.5.5-", "", 1),
            flavor,
        };
        // In seconds; how long something waits for others who change users.
        let wait = STATEMENT_MILLIS / 1_000;
        session
            .run(&format!("SET lock_wait_timeout = {wait}"))
            .await?;
        Ok(session)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn keeps_passwords(&self) -> bool {
        self.flavor == Flavor::MySql { keeps_two: true }
    }

    pub(super) async fn set_password(
        &mut self,
        user: &str,
        password: &Secret,
        whose: Whose,
    ) -> Result<(), TargetError> {
        let password = password.expose_text().ok_or(TargetError::Unsupported)?;
        let password = quoted(DatabaseKind::MySql, password, Quoted::Text)?;
        let keeping = match self.flavor {
            Flavor::MySql { keeps_two: true } => " RETAIN CURRENT PASSWORD",
            _ => "",
        };
        match (whose, self.flavor) {
            (Whose::Own, Flavor::MariaDb) => {
                self.run(&format!("SET PASSWORD = PASSWORD({password})"))
                    .await
            }
            (Whose::Own, Flavor::MySql { .. }) => {
                self.run(&format!(
                    "ALTER USER USER() IDENTIFIED BY {password}{keeping}"
                ))
                .await
            }
            (Whose::Another, _) => {
                for account in self.accounts(user).await? {
                    self.run(&format!(
                        "ALTER USER {account} IDENTIFIED BY {password}{keeping}"
                    ))
                    .await?;
                }
                Ok(())
            }
        }
    }

    pub(super) async fn forget_password(
        &mut self,
        user: &str,
        whose: Whose,
    ) -> Result<(), TargetError> {
        if !self.keeps_passwords() {
            return Ok(());
        }
        match whose {
            Whose::Own => self.run("ALTER USER USER() DISCARD OLD PASSWORD").await,
            Whose::Another => {
                for account in self.accounts(user).await? {
                    self.run(&format!("ALTER USER {account} DISCARD OLD PASSWORD"))
                        .await?;
                }
                Ok(())
            }
        }
    }

    /// It cannot log in any more before its sessions are ended, so none begins in between.
    pub(super) async fn drop_user(&mut self, user: &str) -> Result<(), TargetError> {
        let accounts = match self.accounts(user).await {
            Err(TargetError::NoUser) => return Ok(()),
            accounts => accounts?,
        };
        for account in &accounts {
            self.run(&format!("ALTER USER {account} ACCOUNT LOCK"))
                .await?;
        }
        let of_user = in_hexadecimal(user);
        let sessions = format!(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE CAST(USER AS BINARY) = {of_user}"
        );
        for session in self.column(&sessions).await? {
            let session: u64 = session.parse().map_err(|_| TargetError::Protocol)?;
            match self.run(&format!("KILL {session}")).await {
                Err(TargetError::Refused(code)) if code == NO_SUCH_THREAD => {}
                ended => ended?,
            }
        }
        for account in &accounts {
            self.run(&format!("DROP USER IF EXISTS {account}")).await?;
        }
        Ok(())
    }

    pub(super) async fn has_user(&mut self, user: &str) -> Result<bool, TargetError> {
        Ok(!self.hosts(user).await?.is_empty())
    }

    pub(super) async fn users(&mut self) -> Result<Vec<String>, TargetError> {
        self.column("SELECT DISTINCT User FROM mysql.user").await
    }

    pub(super) async fn run(&mut self, statement: &str) -> Result<(), TargetError> {
        self.column(statement).await.map(drop)
    }

    /// A user's accounts, as statements name them. `NoUser` when there is none.
    async fn accounts(&mut self, user: &str) -> Result<Vec<String>, TargetError> {
        let name = quoted(DatabaseKind::MySql, user, Quoted::Name)?;
        let hosts = self.hosts(user).await?;
        if hosts.is_empty() {
            return Err(TargetError::NoUser);
        }
        let account = |host: &Host| {
            if host.contains('\0') {
                return Err(TargetError::Protocol);
            }
            Ok(format!("{name}@`{}`", host.replace('`', "``")))
        };
        hosts.iter().map(account).collect()
    }

    async fn hosts(&mut self, user: &str) -> Result<Vec<Host>, TargetError> {
        let of_user = in_hexadecimal(user);
        self.column(&format!(
            "SELECT Host FROM mysql.user WHERE CAST(User AS BINARY) = {of_user}"
        ))
        .await
    }

    /// Run a statement; the first column of its rows.
    async fn column(&mut self, statement: &str) -> Result<Vec<String>, TargetError> {
        let mut command = Vec::with_capacity(1 + statement.len());
        command.push(QUERY);
        command.extend_from_slice(statement.as_bytes());
        self.packets.begin();
        self.packets.write(command).await?;
        let answer = self.packets.read().await?;
        match answer.split_first() {
            Some((&OK, _)) => return Ok(Vec::new()),
            Some((&ERROR, error)) => return Err(refused(error)),
            // It would be given a file of this machine.
            Some((&LOCAL_FILE, _)) | None => return Err(TargetError::Protocol),
            Some(_) => {}
        }
        let columns = Fields::of(&answer).number()?;
        if columns > MOST_COLUMNS {
            return Err(TargetError::Protocol);
        }
        for _ in 0..columns {
            self.packets.read().await?;
        }
        if !is_end(&self.packets.read().await?) {
            return Err(TargetError::Protocol);
        }
        let mut rows = Vec::new();
        loop {
            let row = self.packets.read().await?;
            match row.first() {
                _ if is_end(&row) => return Ok(rows),
                Some(&ERROR) => return Err(refused(row.get(1..).unwrap_or_default())),
                _ if rows.len() == MOST_ROWS => return Err(TargetError::Protocol),
                _ => rows.push(Fields::of(&row).text()?),
            }
        }
    }
}

impl Flavor {
    fn of(version: &str) -> Self {
        if version.contains("MariaDB") {
            return Self::MariaDb;
        }
        let mut numbers = version
            .split(|character: char| !character.is_ascii_digit())
            .map(|number| number.parse::<u32>().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Self::MySql {
            keeps_two: (next(), next(), next()) >= (8, 0, 14),
        }
    }
}

fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&END) && packet.len() <= LONGEST_END
}

/// An error packet, behind its first byte: its code.
fn refused(error: &[u8]) -> TargetError {
    match error.split_first_chunk() {
        Some((code, _)) => TargetError::Refused(u16::from_le_bytes(*code).to_string()),
        None => TargetError::Protocol,
    }
}

/// A text that means the same in every mode and every character set.
fn in_hexadecimal(text: &str) -> String {
    format!("X'{}'", hex(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_passwords_are_kept_by_mysql_from_8_0_14_on() {
        for (version, keeps) in [
            ("8.0.13", false),
            ("8.0.14", true),
            ("8.0.36-0ubuntu0.22.04.1", true),
            ("8.4.0", true),
            ("9.1.0", true),
            ("5.7.44-log", false),
            ("5.5.5-10.11.6-MariaDB-0+deb12u1", false),
            ("11.4.2-MariaDB", false),
            ("", false),
            ("99999999999.1", false),
        ] {
            let two = Flavor::of(version) == Flavor::MySql { keeps_two: true };
            assert_eq!(two, keeps, "{version}");
        }
    }
}
