//! Files below the directory that the configuration names: `<root>/<directory>/<name>`.
//!
//! Every step goes from an open directory to a name in it, and follows no symbolic link: whoever can write below the root leads
//! nothing elsewhere. A file is written beside its place and moved there, so a reader finds the old one or the new one, whole; also
//! after a crash (NT-61).

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fsync, mkdirat, open, openat, renameat, unlinkat};
use rustix::io::Errno;

/// Why a file could not be written or removed, in a sentence: without paths, which are the operator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) &'static str);

const NO_ROOT: Refused = Refused("The directory for files cannot be opened.");
const NO_DIRECTORY: Refused = Refused("The organization's directory for files cannot be made.");
const LINKED: Refused =
    Refused("The organization's directory for files is a symbolic link, or no directory.");
const NOT_WRITTEN: Refused = Refused("The file cannot be written.");
const NOT_REMOVED: Refused = Refused("The file cannot be removed.");

/// What a file is called that is tried out.
const TRIAL: &str = ".trial";

/// Write a file, whatever there was under its name; a symbolic link there is replaced, and what it led to left alone.
pub(super) fn write(
    root: &Path,
    directory: &str,
    name: &str,
    content: &[u8],
) -> Result<(), Refused> {
    let directory = make(root, directory)?;
    let beside = format!(".{name}.new");
    place(&directory, &beside, content)
        .and_then(|()| renameat(&directory, &beside, &directory, name))
        .and_then(|()| fsync(&directory))
        .map_err(|_| NOT_WRITTEN)
}

/// Remove a file, if there is one.
pub(super) fn remove(root: &Path, directory: &str, name: &str) -> Result<(), Refused> {
    let root = opened(root)?;
    let directory = match within(&root, directory) {
        Err(Errno::NOENT) => return Ok(()),
        directory => directory.map_err(|_| LINKED)?,
    };
    let beside = format!(".{name}.new");
    for name in [name, &beside] {
        absent(unlinkat(&directory, name, AtFlags::empty())).map_err(|_| NOT_REMOVED)?;
    }
    fsync(&directory).map_err(|_| NOT_REMOVED)
}

/// Write a file and remove it again.
pub(super) fn try_out(root: &Path, directory: &str) -> Result<(), Refused> {
    let directory = make(root, directory)?;
    place(&directory, TRIAL, b"")
        .and_then(|()| unlinkat(&directory, TRIAL, AtFlags::empty()))
        .map_err(|_| NOT_WRITTEN)
}

/// The directory of this name, made where there is none.
fn make(root: &Path, directory: &str) -> Result<OwnedFd, Refused> {
    let root = opened(root)?;
    match mkdirat(&root, directory, Mode::RWXU) {
        Ok(()) => fsync(&root).map_err(|_| NO_DIRECTORY)?,
        Err(Errno::EXIST) => {}
        Err(_) => return Err(NO_DIRECTORY),
    }
    let directory = within(&root, directory).map_err(|_| LINKED)?;
    // Whoever else may write there could put another file in the place of this one.
    fchmod(&directory, Mode::RWXU).map_err(|_| NO_DIRECTORY)?;
    Ok(directory)
}

fn opened(root: &Path) -> Result<OwnedFd, Refused> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open(root, flags, Mode::empty()).map_err(|_| NO_ROOT)
}

fn within(root: &OwnedFd, directory: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(root, directory, flags, Mode::empty())
}

/// A new file with this content, on the disk; one that was left behind under its name goes.
fn place(directory: &OwnedFd, name: &str, content: &[u8]) -> Result<(), Errno> {
    absent(unlinkat(directory, name, AtFlags::empty()))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
    let mut file = File::from(file);
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

fn absent(removed: Result<(), Errno>) -> Result<(), Errno> {
    match removed {
        Err(Errno::NOENT) => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use tempfile::TempDir;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().permissions().mode() & 0o777
    }

    fn names(path: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(path).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_its_owners_alone_and_leaves_nothing_beside_it() {
        let root = TempDir::new().unwrap();
        for content in ["A='1'\n", ""] {
            write(root.path(), "org", "app", content.as_bytes()).unwrap();
            let file = root.path().join("org/app");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
            assert_eq!(
                (mode(&root.path().join("org")), mode(&file)),
                (0o700, 0o600)
            );
            assert_eq!(names(&root.path().join("org")), ["app"]);
        }
        try_out(root.path(), "org").unwrap();
        assert_eq!(names(&root.path().join("org")), ["app"]);
        remove(root.path(), "org", "app").unwrap();
        remove(root.path(), "org", "app").unwrap();
        remove(root.path(), "none", "app").unwrap();
        assert_eq!(names(root.path()), ["org"]);
        assert_eq!(names(&root.path().join("org")), Vec::<String>::new());
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_closed_to_them() {
        let root = TempDir::new().unwrap();
        let directory = root.path().join("org");
        std::fs::create_dir(&directory).unwrap();
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o777)).unwrap();
        write(root.path(), "org", "app", b"A='1'\n").unwrap();
        assert_eq!(mode(&directory), 0o700);
    }

    /// NT-37
    #[test]
    fn no_symbolic_link_leads_elsewhere() {
        let (root, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        symlink(elsewhere.path(), root.path().join("org")).unwrap();
        for outcome in [
            write(root.path(), "org", "app", b"A='1'\n"),
            remove(root.path(), "org", "app"),
            try_out(root.path(), "org"),
        ] {
            assert_eq!(outcome, Err(LINKED));
        }
        assert_eq!(names(elsewhere.path()), Vec::<String>::new());
        let kept = elsewhere.path().join("kept");
        std::fs::write(&kept, "kept").unwrap();
        std::fs::create_dir(root.path().join("other")).unwrap();
        for name in ["app", ".app.new"] {
            symlink(&kept, root.path().join("other").join(name)).unwrap();
        }
        write(root.path(), "other", "app", b"A='1'\n").unwrap();
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), "kept");
        let file = root.path().join("other/app");
        assert!(file.symlink_metadata().unwrap().is_file());
        assert_eq!(names(&root.path().join("other")), ["app"]);
    }

    /// NT-61
    #[test]
    fn what_cannot_be_written_leaves_what_there_was() {
        let root = TempDir::new().unwrap();
        write(root.path(), "org", "app", b"old").unwrap();
        // A directory in the place of the file beside it, and one in its own place.
        std::fs::create_dir(root.path().join("org/.app.new")).unwrap();
        assert_eq!(write(root.path(), "org", "app", b"new"), Err(NOT_WRITTEN));
        assert_eq!(std::fs::read(root.path().join("org/app")).unwrap(), b"old");
        std::fs::create_dir(root.path().join("org/taken")).unwrap();
        assert_eq!(write(root.path(), "org", "taken", b"new"), Err(NOT_WRITTEN));
        let gone = root.path().join("gone");
        assert_eq!(write(&gone, "org", "app", b"new"), Err(NO_ROOT));
        std::fs::write(root.path().join("plain"), "").unwrap();
        assert_eq!(write(root.path(), "plain", "app", b"new"), Err(LINKED));
    }
}
