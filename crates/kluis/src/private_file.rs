//! A file that nobody but its user can read, or lead elsewhere: replaced as a whole, by one at a time.
//!
//! Its directory is opened once, without following a link, and everything else happens relative to it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use zeroize::Zeroizing;

/// Where such a file is, or would be.
#[derive(Clone)]
pub(crate) struct PrivateFile {
    directory: PathBuf,
    name: &'static str,
}

/// The file while nobody else can change it.
pub(crate) struct Held {
    file: PrivateFile,
    directory: File,
}

/// Why it is not used.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Somebody else may have written or read it.
    Untrusted(String),
    /// The system refused something.
    Failed(String),
}

impl PrivateFile {
    /// The file of this name in a directory of its own.
    pub(crate) fn new(directory: PathBuf, name: &'static str) -> Self {
        Self { directory, name }
    }

    /// Its path, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(self.name)
    }

    /// What is in it; nothing where there is none.
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        match open_directory(&self.directory) {
            Ok(directory) => self.read_in(&directory),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Fault::Untrusted(error.to_string())),
        }
    }

    /// Keeps all others from changing it until what this gives is dropped. Makes the directory if there is none.
    pub(crate) fn hold(&self) -> Result<Held, Fault> {
        if let Some(parent) = self.directory.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::DirBuilder::new().mode(0o700).create(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        let directory =
            open_directory(&self.directory).map_err(|error| Fault::Untrusted(error.to_string()))?;
        rustix::fs::fchmod(&directory, Mode::RWXU)?;
        rustix::fs::flock(&directory, FlockOperation::LockExclusive)?;
        Ok(Held {
            file: self.clone(),
            directory,
        })
    }

    fn read_in(&self, directory: &File) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        let untrusted = |why: &str| Err(Fault::Untrusted(why.to_owned()));
        let unreadable = |error: io::Error| Fault::Untrusted(error.to_string());
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(directory, self.name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP) => return untrusted("it is a symbolic link"),
            Err(error) => return Err(unreadable(error.into())),
        };
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return untrusted("it is no file");
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return untrusted("it belongs to another user");
        }
        if metadata.mode() & 0o077 != 0 {
            return untrusted("others may read or write it");
        }
        if LONGEST < metadata.len() {
            return untrusted("it is too long");
        }
        // All of its room at once: growing would leave a copy behind.
        let length = usize::try_from(metadata.len()).unwrap_or_default();
        let mut text = Zeroizing::new(Vec::with_capacity(length + 1));
        file.take(LONGEST)
            .read_to_end(&mut text)
            .map_err(unreadable)?;
        Ok(Some(text))
    }
}

impl Held {
    /// As [`PrivateFile::read`].
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        self.file.read_in(&self.directory)
    }

    /// Writes a new file beside the old one, and puts it in its place when it is safe on the disk.
    pub(crate) fn replace(&self, text: &[u8]) -> Result<(), Fault> {
        let temporary = format!(".{}.new", self.file.name);
        // What a run that was killed has left; the lock says that nobody else is at it.
        match rustix::fs::unlinkat(&self.directory, &temporary, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(&self.directory, &temporary, flags, mode)?;
        let mut file = File::from(file);
        file.write_all(text)?;
        file.sync_all()?;
        rustix::fs::renameat(&self.directory, &temporary, &self.directory, self.file.name)?;
        Ok(self.directory.sync_all()?)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<rustix::io::Errno> for Fault {
    fn from(error: rustix::io::Errno) -> Self {
        io::Error::from(error).into()
    }
}

/// The directory itself, which has to be the caller's own and nobody else's to write in.
fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(directory) => File::from(directory),
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => {
            return Err(io::Error::other("its directory is no directory of its own"));
        }
        Err(error) => return Err(error.into()),
    };
    let metadata = directory.metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("its directory belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others may write in its directory"));
    }
    Ok(directory)
}

const LONGEST: u64 = 64 << 20;
