//! Database servers of an organization's own: real ones, on free ports in directories of their own, which end with the test.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    MariaDb,
    Postgres,
    Redis,
}

/// A running server, administered by [`ADMIN`].
pub struct DatabaseServer {
    pub engine: Engine,
    pub port: u16,
    has_tls: bool,
    child: Child,
    directory: TempDir,
}

/// Who administers it, and with which password.
pub const ADMIN: &str = "kluis_admin";
pub const ADMIN_PASSWORD: &str = "Admin-Password-1";

impl Engine {
    pub const ALL: [Self; 3] = [Self::MariaDb, Self::Postgres, Self::Redis];

    /// The word for it in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::MariaDb => "mysql",
            Self::Postgres => "postgresql",
            Self::Redis => "redis",
        }
    }

    /// Statements of a template that makes a user.
    pub fn statements(self) -> Value {
        match self {
            Self::MariaDb => json!([
                "CREATE USER {{username}}@'%' IDENTIFIED BY {{password}}",
                "GRANT SELECT ON *.* TO {{username}}@'%'",
            ]),
            Self::Postgres => json!([
                "CREATE ROLE {{username}} LOGIN PASSWORD {{password}} VALID UNTIL {{expiration}}",
                "GRANT CREATE ON SCHEMA public TO {{username}}",
            ]),
            Self::Redis => json!(["ACL SETUSER {{username}} on >{{password}} ~app:* +@read"]),
        }
    }
}

impl DatabaseServer {
    /// Start one, and wait until it answers.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with_tls(engine, None).await
    }

    /// The same with a certificate and its key, in PEM; without them it has no TLS.
    pub async fn start_with_tls(engine: Engine, tls: Option<(&str, &str)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .unwrap()
            .port();
        let path = directory.path();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        if let Some((certificate, key)) = tls {
            for (name, text) in [("tls.crt", certificate), ("tls.key", key)] {
                let file = path.join(name);
                std::fs::write(&file, text).unwrap();
                std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
                if let Some((user, group)) = postgres_user() {
                    chown(&file, Some(user), Some(group)).unwrap();
                }
            }
        }
        let mut command = match engine {
            Engine::MariaDb => mariadb(path, port, tls.is_some()),
            Engine::Postgres => postgres(path, port, tls.is_some()),
            Engine::Redis => redis(path, port, tls.is_some()),
        };
        let log = std::fs::File::create(path.join("log")).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{engine:?} cannot be started: {error}"));
        let mut server = Self {
            engine,
            port,
            has_tls: tls.is_some(),
            child,
            directory,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !server.lets_in(ADMIN, ADMIN_PASSWORD) {
            let ended = server.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{engine:?} does not answer ({ended:?}): {}",
                server.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Whether this user can log in with this password.
    pub fn lets_in(&self, user: &str, password: &str) -> bool {
        let nothing = match self.engine {
            Engine::MariaDb | Engine::Postgres => "SELECT 1",
            Engine::Redis => "GET app:nothing",
        };
        let output = self.client(user, password, nothing);
        let said = String::from_utf8_lossy(&output.stdout);
        match self.engine {
            // Who is not let in is nobody, and asks for nothing.
            Engine::Redis => output.status.success() && !said.contains("NOAUTH"),
            Engine::MariaDb | Engine::Postgres => output.status.success(),
        }
    }

    /// What a statement of the administrator gives.
    #[track_caller]
    pub fn run(&self, statement: &str) -> String {
        let output = self.client(ADMIN, ADMIN_PASSWORD, statement);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && !said.starts_with("ERR"),
            "{statement}: {said} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// Make a user that has nothing but a password.
    #[track_caller]
    pub fn make_user(&self, user: &str, password: &str) {
        self.run(&match self.engine {
            Engine::MariaDb => format!("CREATE USER `{user}`@'%' IDENTIFIED BY '{password}'"),
            Engine::Postgres => format!("CREATE ROLE \"{user}\" LOGIN PASSWORD '{password}'"),
            Engine::Redis => format!("ACL SETUSER {user} on >{password} ~* +@all"),
        });
    }

    /// The users that leases have made.
    #[track_caller]
    pub fn leased_users(&self) -> Vec<String> {
        let all = self.run(match self.engine {
            Engine::MariaDb => "SELECT DISTINCT User FROM mysql.user",
            Engine::Postgres => "SELECT rolname FROM pg_roles",
            Engine::Redis => "ACL USERS",
        });
        let leased = all
            .lines()
            .map(str::trim)
            .filter(|user| user.starts_with("v_"));
        leased.map(str::to_owned).collect()
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn client(&self, user: &str, password: &str, statement: &str) -> Output {
        let port = self.port.to_string();
        let mut command;
        match self.engine {
            Engine::MariaDb => {
                command = Command::new("mariadb");
                command
                    .env("MYSQL_PWD", password)
                    .args(["--no-defaults", "--skip-ssl", "-N", "-B", "-h", "127.0.0.1"])
                    .args(["-P", &port, "-u", user, "-e", statement]);
            }
            Engine::Postgres => {
                command = Command::new("psql");
                command
                    .env("PGPASSWORD", password)
                    .args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"])
                    .args(["-h", "127.0.0.1", "-p", &port, "-U", user, "-d", "postgres"])
                    .args(["-c", statement]);
            }
            Engine::Redis => {
                command = Command::new("redis-cli");
                command
                    .env("REDISCLI_AUTH", password)
                    .args(["-p", &port, "--user", user, "--no-auth-warning"])
                    .args(["--tls", "--insecure"].iter().filter(|_| self.has_tls))
                    .args(statement.split(' '));
            }
        }
        command.stdin(Stdio::null()).output().unwrap()
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mariadb(directory: &Path, port: u16, tls: bool) -> Command {
    let data = directory.join("data");
    let made = Command::new("mariadb-install-db")
        .args(["--no-defaults", "--auth-root-authentication-method=normal"])
        .args(["--skip-test-db", "--user=root", "--innodb-use-native-aio=0"])
        .arg(format!("--datadir={}", data.display()))
        .stdin(Stdio::null())
        .output()
        .expect("mariadb-install-db runs: run `make test`, or xtask/need databases");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let first = directory.join("first.sql");
    let statements = format!(
        "CREATE USER '{ADMIN}'@'%' IDENTIFIED BY '{ADMIN_PASSWORD}';\n\
         GRANT ALL ON *.* TO '{ADMIN}'@'%' WITH GRANT OPTION;\n\
         DROP USER IF EXISTS ''@'localhost';\n"
    );
    std::fs::write(&first, statements).unwrap();
    let mut command = Command::new("mariadbd");
    command
        .args(["--no-defaults", "--user=root", "--skip-name-resolve"])
        .args(["--bind-address=127.0.0.1", "--innodb-buffer-pool-size=16M"])
        .args([
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-use-native-aio=0",
        ])
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--socket={}", directory.join("socket").display()))
        .arg(format!("--pid-file={}", directory.join("pid").display()))
        .arg(format!("--init-file={}", first.display()))
        .arg(format!("--port={port}"));
    if tls {
        command
            .arg(format!(
                "--ssl-cert={}",
                directory.join("tls.crt").display()
            ))
            .arg(format!("--ssl-key={}", directory.join("tls.key").display()));
    }
    command
}

fn postgres(directory: &Path, port: u16, tls: bool) -> Command {
    let (data, password) = (directory.join("data"), directory.join("password"));
    std::fs::write(&password, ADMIN_PASSWORD).unwrap();
    std::fs::create_dir(&data).unwrap();
    if let Some((user, group)) = postgres_user() {
        for path in [directory, &data, &password] {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }
    let made = postgres_command("initdb", directory)
        .args([
            "-U",
            ADMIN,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
        ])
        .args(["--locale=C.UTF-8", "--no-instructions"])
        .arg(format!("--pwfile={}", password.display()))
        .arg("-D")
        .arg(&data)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let mut settings = format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nfsync = off\nlog_statement = 'all'\n\
         unix_socket_directories = ''\nshared_buffers = 16MB\n"
    );
    if tls {
        for (name, file) in [("ssl_cert_file", "tls.crt"), ("ssl_key_file", "tls.key")] {
            let _ = writeln!(settings, "{name} = '{}'", directory.join(file).display());
        }
        settings.push_str("ssl = on\n");
    }
    let file = data.join("postgresql.auto.conf");
    std::fs::write(&file, settings).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let mut command = postgres_command("postgres", directory);
    command.arg("-D").arg(&data);
    command
}

fn postgres_command(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(postgres_binaries().join(program));
    command.current_dir(directory);
    if let Some((user, group)) = postgres_user() {
        command.uid(user).gid(group);
    }
    command
}

/// Where Debian keeps the newest PostgreSQL's programs, or wherever they are on the path.
fn postgres_binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let number = path.file_name()?.to_str()?.parse().ok()?;
            Some((number, path.join("bin")))
        })
        .collect();
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .into_iter()
        .rev()
        .map(|(_, path)| path)
        .chain(std::env::split_paths(&on_path))
        .find(|path| path.join("initdb").is_file())
        .expect("PostgreSQL is installed: run `make test`, or xtask/need postgres")
}

/// Whom it runs as when this process is root, which it refuses.
fn postgres_user() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let id = |which: &str| {
        let output = Command::new("id")
            .args([which, "postgres"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap()
    };
    Some((id("-u"), id("-g")))
}

fn redis(directory: &Path, port: u16, tls: bool) -> Command {
    let users = directory.join("users.acl");
    let lines = format!("user default off\nuser {ADMIN} on >{ADMIN_PASSWORD} ~* &* +@all\n");
    std::fs::write(&users, lines).unwrap();
    let mut command = Command::new("redis-server");
    command
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--dir", &directory.display().to_string()])
        .args(["--aclfile", &users.display().to_string()]);
    if tls {
        command
            .args(["--port", "0", "--tls-port", &port.to_string()])
            .args(["--tls-auth-clients", "no"])
            .args([
                "--tls-cert-file",
                &directory.join("tls.crt").display().to_string(),
            ])
            .args([
                "--tls-key-file",
                &directory.join("tls.key").display().to_string(),
            ])
            .args([
                "--tls-ca-cert-file",
                &directory.join("tls.crt").display().to_string(),
            ]);
    } else {
        command.args(["--port", &port.to_string()]);
    }
    command
}
