//! The real binary, started on a free port with a directory of its own and stopped when the test ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Api, Start, binary, without_settings};

/// A running server.
pub struct Kluis {
    child: Option<Child>,
    directory: PathBuf,
    /// Removed with the test, unless the directory is the test's own.
    _temporary: Option<TempDir>,
    start: Start,
    /// Bytes of the log that earlier starts wrote.
    logged: usize,
    dev: Value,
}

/// A user made for a test, with a key of every style.
pub struct Member {
    pub id: String,
    pub email: String,
    pub key_id: String,
    base: String,
    token: String,
}

impl Kluis {
    /// Start with an empty directory on SQLite.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Start with an empty directory and these flags of `kluis dev`.
    pub async fn start_with(arguments: &[&str]) -> Self {
        Start::new(arguments).start().await
    }

    /// Start in a directory that the test keeps.
    pub async fn in_directory(directory: &Path, arguments: &[&str]) -> Self {
        Start::new(arguments).directory(directory).start().await
    }

    pub(super) async fn begun(
        start: Start,
        directory: PathBuf,
        temporary: Option<TempDir>,
    ) -> Self {
        let mut kluis = Self {
            child: None,
            directory,
            _temporary: temporary,
            start,
            logged: 0,
            dev: Value::Null,
        };
        kluis.begin().await;
        kluis
    }

    /// The command that starts it.
    pub fn command(&self) -> Command {
        self.start.command(
            &self.directory,
            std::fs::File::create(self.directory.join("stdout")).unwrap(),
        )
    }

    /// Start it again in the same directory.
    pub async fn begin(&mut self) {
        self.logged = self.whole_log().len();
        let file = self.data_dir().join("dev.json");
        let before = std::fs::metadata(&file)
            .and_then(|data| data.modified())
            .ok();
        self.child = Some(self.command().spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let written = std::fs::metadata(&file)
                .and_then(|data| data.modified())
                .ok();
            if written != before
                && let Ok(text) = std::fs::read_to_string(&file)
                && let Ok(dev) = serde_json::from_str::<Value>(&text)
                && Api::anonymous(text_of(&dev, "/base_url"))
                    .try_get("/readyz")
                    .await
                    == Some(200)
            {
                self.dev = dev;
                return;
            }
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.log());
            }
            assert!(
                Instant::now() < deadline,
                "the server is not ready: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// End it at once, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Ask it to end, and wait until it has; gives its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        child.wait().unwrap().code()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Go on as `kluis server` with these settings, by the names of their variables, in the same directory.
    pub async fn serve(&mut self, settings: &[(&str, &str)]) {
        self.stop();
        self.logged = self.whole_log().len();
        let log = std::fs::File::options().append(true).open(self.log_file());
        let mut command = Command::new(binary());
        let flags = &self.start.arguments;
        let storage = flags.iter().position(|flag| flag == "--storage");
        let storage = storage.map(|place| ("KLUIS_STORAGE", flags[place + 1].as_str()));
        without_settings(&mut command)
            .arg("server")
            .envs(storage)
            .env("KLUIS_DATA_DIR", self.data_dir())
            .env("KLUIS_LISTEN", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.unwrap());
        self.child = Some(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let log = self.log();
            if let Some(address) = log
                .lines()
                .find_map(|line| line.strip_prefix("Kluis listens on "))
            {
                self.dev["base_url"] = format!("http://{address}").into();
                return;
            }
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "kluis server does not listen: {log}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The same flags and these at the next start.
    pub fn add_flags(&mut self, flags: &[&str]) {
        let flags = flags.iter().map(|&flag| flag.to_owned());
        self.start.arguments.extend(flags);
    }

    /// What it wrote to stderr since its last start.
    pub fn log(&self) -> String {
        self.whole_log().split_off(self.logged)
    }

    fn whole_log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.directory.join("stderr")
    }

    /// What `dev.json` says.
    pub fn dev(&self, pointer: &str) -> String {
        text_of(&self.dev, pointer)
    }

    pub fn base(&self) -> String {
        self.dev("/base_url")
    }

    /// Nobody.
    pub fn anonymous(&self) -> Api {
        Api::anonymous(self.base())
    }

    /// The owner, with its key in `Authorization: Bearer`.
    pub fn owner(&self) -> Api {
        Api::bearer(self.base(), self.dev("/tokens/cloudkeep"))
    }

    /// The owner, with its key in `Authorization: ApiKey`.
    pub fn admin_api(&self) -> Api {
        Api::api_key(self.base(), self.dev("/tokens/credvault"))
    }

    /// A new user of the owner's organization, with a key.
    pub async fn user(&self, role: &str) -> Member {
        self.user_of(&self.admin_api(), role, "enterprise").await
    }

    /// A new user of the organization of `admin`, with a key and a plan.
    pub async fn user_of(&self, admin: &Api, role: &str, plan: &str) -> Member {
        let email = format!("{role}-{}@example.test", unique());
        let body = json!({"email": email, "name": "Some One", "role": role, "plan": plan});
        let user = admin.post("/v1/users", body).await.expect(201);
        let id = user.text("/data/id");
        self.key_for(admin, &id, &email).await
    }

    async fn key_for(&self, admin: &Api, user: &str, email: &str) -> Member {
        let body = json!({"name": "test", "style": "cloudkeep", "user_id": user});
        let key = admin.post("/v1/api-keys", body).await.expect(201);
        Member {
            id: user.to_owned(),
            email: email.to_owned(),
            key_id: key.text("/data/id"),
            base: self.base(),
            token: key.text("/data/key"),
        }
    }

    /// The owner of another organization on the same server.
    pub async fn stranger(&self) -> Member {
        let made = self
            .admin_api()
            .post(
                "/v1/organizations",
                json!({"name": format!("Other {}", unique())}),
            )
            .await
            .expect(201);
        let (email, password) = (
            made.text("/data/owner/email"),
            made.text("/data/owner/password"),
        );
        let login = self
            .anonymous()
            .post(
                "/v1/auth/login",
                json!({"email": email, "password": password}),
            )
            .await
            .expect(200);
        let session = Api::bearer(self.base(), login.text("/data/access_token"));
        let id = made.text("/data/owner/id");
        let key = session
            .post(
                "/v1/api-keys",
                json!({"name": "stranger", "style": "cloudkeep"}),
            )
            .await
            .expect(201);
        Member {
            id,
            email,
            key_id: key.text("/data/id"),
            base: self.base(),
            token: key.text("/data/key"),
        }
    }
}

impl Member {
    /// Its key in `Authorization: Bearer`.
    pub fn api(&self) -> Api {
        Api::bearer(self.base.clone(), self.token.clone())
    }

    /// Its key in `Authorization: ApiKey`.
    pub fn admin_api(&self) -> Api {
        Api::api_key(self.base.clone(), self.token.clone())
    }

    /// The key itself.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl Drop for Kluis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn text_of(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        other => panic!("{pointer} is {other:?} in {value}"),
    }
}

/// A word that no other call gives.
pub fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!(
        "{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}
