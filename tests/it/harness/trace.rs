//! The system calls of a running server, by strace.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A trace under way.
pub struct Trace {
    child: Child,
    directory: TempDir,
}

/// One system call, from its start to its end.
#[derive(Debug)]
pub struct Call {
    pub name: String,
    /// Its arguments; a file descriptor stands with what it is open on: `9</tmp/x/kluis.db-wal>`.
    pub arguments: String,
    pub result: String,
    /// Its place among all starts and ends of the trace.
    pub began: usize,
    pub ended: usize,
}

impl Trace {
    /// Attach to a process with all its threads; `calls` as in strace's `-e`, more options behind it.
    pub async fn attach(pid: u32, options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let messages = directory.path().join("messages");
        let child = Command::new("strace")
            .args(["-f", "-yy", "-s", "48", "-p", &pid.to_string()])
            .args(options)
            .arg("-o")
            .arg(directory.path().join("calls"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&messages).unwrap())
            .spawn()
            .expect("strace runs: `make test` installs it, or apt-get install strace");
        let mut trace = Self { child, directory };
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let said = std::fs::read_to_string(&messages).unwrap();
            if said.contains(" attached") {
                return trace;
            }
            let ended = trace.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "strace does not attach to the server: {said}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The calls of a trace that `strace -f -o` wrote of a process that has ended.
    pub async fn read(file: &Path) -> Vec<Call> {
        let deadline = Instant::now() + Duration::from_secs(20);
        // The last line tells of the end; strace writes it after the process is gone.
        while !std::fs::read_to_string(file).is_ok_and(|text| {
            let last = text.lines().last().unwrap_or_default();
            last.ends_with("+++") && text.ends_with('\n')
        }) {
            assert!(Instant::now() < deadline, "strace does not end its file");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        parse(file)
    }

    /// Detach, and give every call that ended.
    pub fn calls(mut self) -> Vec<Call> {
        // An answer is with its client before strace has seen its call return.
        std::thread::sleep(Duration::from_millis(200));
        self.detach();
        parse(&self.directory.path().join("calls"))
    }

    /// Let the process run on alone.
    pub fn detach(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        self.child.wait().unwrap();
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Call {
    /// What the first argument, a file descriptor, is open on.
    pub fn file(&self) -> &str {
        let (_, rest) = self.arguments.split_once('<').unwrap_or_default();
        // A socket's name holds an arrow: `12<TCP:[127.0.0.1:1->127.0.0.1:2]>`.
        rest.split_once(">,")
            .map_or_else(|| rest.strip_suffix('>').unwrap_or(rest), |(file, _)| file)
    }
}

/// The calls of a file of `strace -f -o`: a call that another thread interrupts stands in two lines.
fn parse(path: &Path) -> Vec<Call> {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let mut open: Vec<(String, usize, String)> = Vec::new();
    let mut calls = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(beginning) = rest.strip_suffix(" <unfinished ...>") {
            open.push((thread.to_owned(), place, beginning.to_owned()));
        } else if rest.starts_with("<... ") {
            let Some(index) = open.iter().position(|(of, ..)| of == thread) else {
                continue;
            };
            let (_, began, beginning) = open.remove(index);
            let (_, end) = rest.split_once(" resumed>").unwrap();
            calls.extend(call(&format!("{beginning}{end}"), began, place));
        } else {
            calls.extend(call(rest, place, place));
        }
    }
    calls
}

fn call(text: &str, began: usize, ended: usize) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    Some(Call {
        name: name.to_owned(),
        arguments: arguments.trim_end().to_owned(),
        result: result.to_owned(),
        began,
        ended,
    })
}

/// Whether `path` is a file of this name in any directory.
pub fn is_named(path: &str, name: &str) -> bool {
    Path::new(path).file_name().is_some_and(|last| last == name)
}
