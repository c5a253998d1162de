//! Reading a document: all of a regular file, and nothing else.

use std::fs::File;
use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cred_model::{Document, MAX_DOCUMENT_BYTES, Oddity, StoreError, Version};
use rustix::fs::{FileType, Stat};
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::directory::{Directory, Links, is};

impl Call {
    /// Reads the document.
    pub(crate) fn get(&self) -> Result<Option<Document>, StoreError> {
        match self.level.open(Links::Follow).map_err(|error| self.failed(error))? {
            Some(open) => self.read(open.documents()),
            None => Ok(None),
        }
    }

    /// Reads the document in `directory`.
    pub(crate) fn read(&self, directory: &Directory) -> Result<Option<Document>, StoreError> {
        let Some(file) = directory.read(self.file_name()).map_err(|error| self.failed(error))? else {
            return match self.stat(directory)? {
                Some(stat) if is(&stat, FileType::Symlink) => Err(self.odd(Oddity::SymlinkLeadsOut)),
                _ => Ok(None),
            };
        };
        let stat = rustix::fs::fstat(&file).map_err(|error| self.failed(error.into()))?;
        if !is(&stat, FileType::RegularFile) {
            return Err(self.odd(Oddity::NotAFile));
        }
        let body = self.read_whole(file, size(&stat))?;
        Ok(Some(Document { version: version_of(&body), modified: modified(&stat), body: body.into() }))
    }

    /// Whether the document is in `directory`, as a file that may be replaced and removed.
    pub(crate) fn exists(&self, directory: &Directory) -> Result<bool, StoreError> {
        match self.stat(directory)? {
            None => Ok(false),
            Some(stat) if is(&stat, FileType::RegularFile) => Ok(true),
            Some(stat) if is(&stat, FileType::Symlink) => Err(self.odd(Oddity::Symlink)),
            Some(_) => Err(self.odd(Oddity::NotAFile)),
        }
    }

    fn stat(&self, directory: &Directory) -> Result<Option<Stat>, StoreError> {
        directory.stat(self.file_name()).map_err(|error| self.failed(error))
    }

    fn read_whole(&self, file: File, size: u64) -> Result<Vec<u8>, StoreError> {
        if size > MAX_DOCUMENT_BYTES {
            return Err(self.too_large(size));
        }
        // One byte more, so that the end is seen without growing.
        let mut body = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        // A program that writes in place may be adding to it.
        file.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut body).map_err(|error| self.failed(error))?;
        match body.len() as u64 {
            read if read > MAX_DOCUMENT_BYTES => Err(self.too_large(read)),
            _ => Ok(body),
        }
    }
}

/// The version of a document: the first half of the SHA-256 of its content.
pub(crate) fn version_of(body: &[u8]) -> Version {
    let digest = Sha256::digest(body);
    let half = digest.iter().take(16).fold(0_u128, |half, byte| (half << 8) | u128::from(*byte));
    Version::new(format!("{half:032x}")).expect("hexadecimal digits are printable")
}

/// When a file was last written; 1970 for a time before.
pub(crate) fn modified(stat: &Stat) -> SystemTime {
    let since = u64::try_from(stat.st_mtime).map(|seconds| Duration::new(seconds, stat.st_mtime_nsec as u32));
    since.ok().and_then(|since| UNIX_EPOCH.checked_add(since)).unwrap_or(UNIX_EPOCH)
}

/// The size of a file in bytes.
pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use cred_model::DocumentStore;

    use super::*;
    use crate::LocalStore;

    async fn read(directory: &Path, name: &str) -> Result<Option<String>, StoreError> {
        let document = LocalStore::new(directory).get(&name.parse().unwrap()).await?;
        Ok(document.map(|document| String::from_utf8(document.body.to_vec()).unwrap()))
    }

    #[tokio::test]
    async fn a_missing_directory_has_no_documents_and_stays_missing() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("missing");
        assert_eq!(read(&directory, "ada.json").await.unwrap(), None);
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn a_file_in_place_of_the_directory_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        let hint = format!("choose a directory: {} is a file", file.display());
        assert_eq!(read(&file, "ada.json").await.unwrap_err().hint(), Some(hint));
    }

    #[tokio::test]
    async fn links_of_a_mounted_secret_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("..2026_11_22");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("ada.json"), "{}").unwrap();
        symlink("..2026_11_22", directory.path().join("..data")).unwrap();
        symlink("..data/ada.json", directory.path().join("ada.json")).unwrap();
        assert_eq!(read(directory.path(), "ada.json").await.unwrap().as_deref(), Some("{}"));
        let root = directory.path().join("root");
        symlink("..data", &root).unwrap();
        assert_eq!(read(&root, "ada.json").await.unwrap().as_deref(), Some("{}"));
    }

    #[tokio::test]
    async fn a_link_that_leads_out_or_nowhere_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("store");
        fs::create_dir(&directory).unwrap();
        fs::write(home.path().join("secret"), "secret").unwrap();
        for target in ["../secret", "../store/../secret", "/etc/passwd", "/proc/self/environ", "nowhere", "ada.json"] {
            symlink(target, directory.join("ada.json")).unwrap();
            let error = read(&directory, "ada.json").await.unwrap_err();
            assert!(matches!(error, StoreError::NotADocument { why: Oddity::SymlinkLeadsOut, .. }), "{error:?}");
            fs::remove_file(directory.join("ada.json")).unwrap();
        }
    }

    #[tokio::test]
    async fn nothing_but_a_regular_file_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ada.json");
        let mut oddities: [&mut dyn FnMut(); 3] = [
            &mut || fs::create_dir(&path).unwrap(),
            &mut || rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, 0o600.into(), 0).unwrap(),
            &mut || drop(UnixListener::bind(&path).unwrap()),
        ];
        for make in &mut oddities {
            make();
            let error = read(directory.path(), "ada.json").await.unwrap_err();
            assert!(matches!(error, StoreError::NotADocument { why: Oddity::NotAFile, .. }), "{error:?}");
            fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
        }
    }

    #[tokio::test]
    async fn a_document_that_is_too_large_is_not_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let file = File::create(directory.path().join("ada.json")).unwrap();
        file.set_len(MAX_DOCUMENT_BYTES).unwrap();
        assert!(read(directory.path(), "ada.json").await.is_ok());
        // More than there is memory.
        file.set_len(1 << 40).unwrap();
        let error = read(directory.path(), "ada.json").await.unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { size: 0x100_0000_0000, .. }), "{error:?}");
    }

    #[test]
    fn a_version_is_half_of_a_well_known_hash() {
        // SHA-256 of "abc", FIPS 180-2, appendix B.1.
        assert_eq!(version_of(b"abc").as_str(), "ba7816bf8f01cfea414140de5dae2223");
    }
}
