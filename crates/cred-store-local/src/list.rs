//! Listing a directory: its names at once and compactly, what they name by the page.

use std::ffi::CStr;
use std::io;

use cred_model::{Action, Entry, EntryStream, Listed, Oddity, StoreError};
use cred_path::DocumentName;
use futures_util::{TryStreamExt, stream};
use rustix::fs::FileType;

use crate::LocalStore;
use crate::call::Call;
use crate::directory::{Directory, Links, is};
use crate::read::{modified, size};

/// The documents of `store`, and what is odd between them.
pub(crate) fn entries(store: LocalStore) -> EntryStream {
    let pages = stream::try_unfold(None, move |names| {
        let store = store.clone();
        async move { store.run(Action::List, None, move |call| call.page(names)).await }
    });
    Box::pin(pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten())
}

/// How many entries are looked at in one hop to a blocking thread.
const PAGE: usize = 256;

/// A page of a listing, and the names that are left.
type Page = (Vec<Entry>, Option<Names>);

impl Call {
    /// The page that follows; `names` is `None` for the first.
    fn page(&self, names: Option<Names>) -> Result<Option<Page>, StoreError> {
        self.next_page(names).map_err(|error| self.failed(error))
    }

    fn next_page(&self, names: Option<Names>) -> io::Result<Option<Page>> {
        let mut names = match names {
            Some(names) => names,
            None => match self.level.open(Links::Follow)? {
                Some(open) => Names::read(open.into_documents())?,
                None => return Ok(None),
            },
        };
        let mut page = Vec::new();
        while page.len() < PAGE
            && let Some(start) = names.starts.pop()
        {
            page.extend(entry(&names.directory, name_at(&names.text, start))?);
        }
        Ok((!page.is_empty()).then_some((page, Some(names))))
    }
}

/// The names of a directory that were not looked at yet.
struct Names {
    directory: Directory,
    /// Each name with a NUL after it.
    text: Vec<u8>,
    /// Where each begins, the first in byte order last.
    starts: Vec<usize>,
}

impl Names {
    fn read(directory: Directory) -> io::Result<Self> {
        let (mut text, mut starts) = (Vec::new(), Vec::new());
        for entry in directory.entries()? {
            let entry = entry?;
            let name = entry.file_name().to_bytes_with_nul();
            if !is_ours(entry.file_name().to_bytes()) {
                starts.push(text.len());
                text.extend_from_slice(name);
            }
        }
        starts.sort_unstable_by(|a, b| name_at(&text, *b).cmp(name_at(&text, *a)));
        Ok(Self { directory, text, starts })
    }
}

fn name_at(text: &[u8], start: usize) -> &CStr {
    CStr::from_bytes_until_nul(&text[start..]).expect("each name was added with its NUL")
}

/// Whether it is a directory's own entry or a file in the making; `.tmp-` begins a document's name only if it ends in `.json`.
fn is_ours(name: &[u8]) -> bool {
    matches!(name, b"." | b"..") || (name.starts_with(b".tmp-") && !name.ends_with(b".json"))
}

/// What is called `name`; `None` for a directory, and for what is gone meanwhile.
fn entry(directory: &Directory, name: &CStr) -> io::Result<Option<Entry>> {
    let odd = |why| Ok(Some(Entry::Odd { key: printable(name), why }));
    let Some(mut stat) = directory.stat(name)? else { return Ok(None) };
    if is(&stat, FileType::Symlink) {
        match directory.stat_target(name) {
            Ok(target) => stat = target,
            Err(_) => return odd(Oddity::SymlinkLeadsOut),
        }
    }
    if is(&stat, FileType::Directory) {
        return Ok(None);
    }
    if !is(&stat, FileType::RegularFile) {
        return odd(Oddity::NotAFile);
    }
    match name.to_str().ok().and_then(|name| DocumentName::new(name).ok()) {
        Some(name) => {
            Ok(Some(Entry::Document(Listed { name, modified: modified(&stat), size: size(&stat), version: None })))
        }
        None => odd(Oddity::InvalidName),
    }
}

/// The name of an odd entry with what a terminal would act upon escaped.
fn printable(name: &CStr) -> String {
    let mut printable = String::new();
    for character in name.to_string_lossy().chars() {
        if character.is_control() { printable.extend(character.escape_default()) } else { printable.push(character) }
    }
    printable
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use cred_model::DocumentStore;
    use rustix::fs::{CWD, mknodat};

    use super::*;

    /// The names of the documents, and of what is odd with the reason.
    async fn listing(directory: &Path) -> Vec<String> {
        let entries: Vec<_> = LocalStore::new(directory).list().try_collect().await.unwrap();
        let print = |entry| match entry {
            Entry::Document(document) => document.name.to_string(),
            Entry::Odd { key, why } => format!("{key}: {why}"),
            other => panic!("{other:?}"),
        };
        entries.into_iter().map(print).collect()
    }

    #[tokio::test]
    async fn a_missing_directory_lists_as_empty_and_stays_missing() {
        let home = tempfile::tempdir().unwrap();
        assert!(listing(&home.path().join("missing")).await.is_empty());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn documents_are_listed_over_pages_in_byte_order() {
        let directory = tempfile::tempdir().unwrap();
        let mut names: Vec<_> = (0..=2 * PAGE).map(|number| format!("{number}.json")).collect();
        names.extend(["Z", "é.json", ".a", ".tmp-x.json", "~"].map(String::from));
        for name in &names {
            fs::write(directory.path().join(name), name).unwrap();
        }
        names.sort();
        assert_eq!(listing(directory.path()).await, names);
    }

    #[tokio::test]
    async fn a_page_of_directories_does_not_end_the_listing() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..=PAGE {
            fs::create_dir(directory.path().join(format!("{number}"))).unwrap();
        }
        fs::write(directory.path().join("last"), "").unwrap();
        assert_eq!(listing(directory.path()).await, ["last"]);
    }

    #[tokio::test]
    async fn what_is_no_document_is_odd_or_ours() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("store");
        fs::create_dir_all(directory.join(".locks")).unwrap();
        for file in [".tmp-0123", "back\\slash", "line\n", "ok.json"] {
            fs::write(directory.join(file), "{}").unwrap();
        }
        fs::write(directory.join(OsStr::from_bytes(b"\xff.json")), "{}").unwrap();
        fs::write(home.path().join("outside"), "{}").unwrap();
        mknodat(CWD, directory.join("pipe"), FileType::Fifo, 0o600.into(), 0).unwrap();
        for (link, target) in [
            ("in.json", "ok.json"),
            ("out", "../outside"),
            ("o'neil", "nowhere"),
            ("lost", "nowhere"),
            ("locks", ".locks"),
            ("p", "pipe"),
        ] {
            symlink(target, directory.join(link)).unwrap();
        }
        assert_eq!(
            listing(&directory).await,
            [
                "back\\slash: not a document name",
                "in.json",
                "line\\n: not a document name",
                "lost: a symbolic link that leads out of the store, or nowhere",
                "o'neil: a symbolic link that leads out of the store, or nowhere",
                "ok.json",
                "out: a symbolic link that leads out of the store, or nowhere",
                "p: not a regular file",
                "pipe: not a regular file",
                "\u{fffd}.json: not a document name",
            ]
        );
    }

    #[tokio::test]
    async fn a_listing_tells_size_and_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ada.json");
        fs::write(&path, "{}").unwrap();
        let entries: Vec<_> = LocalStore::new(directory.path()).list().try_collect().await.unwrap();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let name = "ada.json".parse().unwrap();
        assert_eq!(entries, [Entry::Document(Listed { name, modified, size: 2, version: None })]);
    }
}
