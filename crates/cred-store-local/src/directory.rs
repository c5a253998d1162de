//! An open directory: whatever is reached through it is below it.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::path::Arg;

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory(File);

/// What to do about a symbolic link.
#[derive(Clone, Copy)]
pub(crate) enum Links {
    /// Follow it if it stays below the directory.
    Follow,
    /// Fail with `ELOOP`.
    Refuse,
}

impl Directory {
    /// Opens the directory at `path`, which may be a link; `None` if it does not exist.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        optional(rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()))
            .map(|found| found.map(|fd| Self(fd.into())))
    }

    /// Opens the directory at `path`, after making it and its parents if need be.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        if let Some(directory) = Self::open(path)? {
            return Ok(directory);
        }
        make(path)?;
        Self::open(path)?.ok_or_else(|| Errno::NOENT.into())
    }

    /// Opens the subdirectory called `name`; `None` if it does not exist.
    pub(crate) fn subdirectory(&self, name: &str, links: Links) -> io::Result<Option<Self>> {
        match self.open_at(name, OFlags::RDONLY | OFlags::DIRECTORY, links) {
            // Told to refuse links, the kernel calls a link to a directory no directory.
            Err(Errno::NOTDIR) if self.stat(name)?.is_some_and(|stat| is(&stat, FileType::Symlink)) => {
                Err(Errno::LOOP.into())
            }
            found => optional(found).map(|found| found.map(|fd| Self(fd.into()))),
        }
    }

    /// Opens the subdirectory called `name`, after making it if need be.
    pub(crate) fn create_subdirectory(&self, name: &str) -> io::Result<Self> {
        if let Some(directory) = self.subdirectory(name, Links::Refuse)? {
            return Ok(directory);
        }
        match rustix::fs::mkdirat(&self.0, name, PRIVATE_DIRECTORY) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.subdirectory(name, Links::Refuse)?.ok_or_else(|| Errno::NOENT.into())
    }

    /// Opens what is called `name` for reading, without waiting for the other end of a pipe; `None` if it does not
    /// exist, or is a link to nothing.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<File>> {
        let found = self.open_at(name, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY, Links::Follow);
        optional(found).map(|found| found.map(File::from))
    }

    /// Makes the file `name`, which must not exist, for this account alone.
    pub(crate) fn create_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.0, name, flags, PRIVATE_FILE)?.into())
    }

    /// Opens the file `name` for locking, after making it if need be.
    pub(crate) fn lock_file(&self, name: &str) -> io::Result<File> {
        // Locks over NFS need a file that is open for writing.
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.0, name, flags, PRIVATE_FILE)?.into())
    }

    /// What is called `name`, itself if it is a link; `None` if there is nothing.
    pub(crate) fn stat<N: Arg>(&self, name: N) -> io::Result<Option<Stat>> {
        optional(rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW))
    }

    /// What the link called `name` leads to, if that is below this directory.
    pub(crate) fn stat_target(&self, name: &CStr) -> io::Result<Stat> {
        #[cfg(target_os = "linux")]
        let access = OFlags::PATH;
        #[cfg(not(target_os = "linux"))]
        let access = OFlags::RDONLY | OFlags::NONBLOCK;
        Ok(rustix::fs::fstat(self.open_at(name, access, Links::Follow)?)?)
    }

    /// Gives the file `from` the name `to`, whatever had it before.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Removes the file `name`.
    pub(crate) fn unlink(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Makes what was made, renamed and removed here survive a loss of power.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.0.sync_all() {
            // Some file systems have no such thing for directories (PostgreSQL's fsync_fname lets it pass as well).
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => Ok(()),
            result => result,
        }
    }

    /// The entries, in no particular order.
    pub(crate) fn entries(&self) -> io::Result<rustix::fs::Dir> {
        Ok(rustix::fs::Dir::read_from(&self.0)?)
    }

    /// Opens `name`, one component, below this directory.
    fn open_at<N: Arg + Copy>(
        &self,
        name: N,
        access: OFlags,
        links: Links,
    ) -> rustix::io::Result<std::os::fd::OwnedFd> {
        let flags = access | OFlags::CLOEXEC;
        #[cfg(target_os = "linux")]
        if matches!(links, Links::Follow) {
            use rustix::fs::ResolveFlags;
            let below = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
            // A rename of something on the way is told by `EAGAIN`. It is not told for ever.
            for _ in 0..16 {
                match rustix::fs::openat2(&self.0, name, flags, Mode::empty(), below) {
                    Err(Errno::AGAIN | Errno::INTR) => {}
                    // An older kernel, or a container that does not know the call.
                    Err(Errno::NOSYS | Errno::PERM) => break,
                    result => return result,
                }
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = links;
        rustix::fs::openat(&self.0, name, flags | OFlags::NOFOLLOW, Mode::empty())
    }
}

/// Whether `stat` is of a file of this type.
pub(crate) fn is(stat: &Stat, kind: FileType) -> bool {
    FileType::from_raw_mode(stat.st_mode) == kind
}

const PRIVATE_DIRECTORY: Mode = Mode::RWXU;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Makes the directory at `path` and its parents, so that they survive a loss of power.
fn make(path: &Path) -> io::Result<()> {
    let parent = path.parent().ok_or(Errno::NOENT)?;
    let made = match rustix::fs::mkdir(path, PRIVATE_DIRECTORY) {
        Err(Errno::NOENT) => {
            make(parent)?;
            rustix::fs::mkdir(path, PRIVATE_DIRECTORY)
        }
        made => made,
    };
    match made {
        Ok(()) => Directory::open(parent)?.map_or(Ok(()), |parent| parent.sync()),
        // Somebody else was faster.
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn optional<T>(found: rustix::io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
