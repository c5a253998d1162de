//! Pages of ListObjectsV2, keys byte for byte.
//!
//! Source: Amazon S3 API Reference, "ListObjectsV2".

use std::borrow::Cow;
use std::time::SystemTime;

use chrono::DateTime;
use cred_model::{Entry, Listed, Oddity, Version};
use cred_path::DocumentName;
use percent_encoding::percent_decode_str;

use super::xml;
use crate::wire::Page;

/// The entries of an answer below `prefix`; on failure what is wrong with it.
pub(super) fn page(answer: &[u8], prefix: &str) -> Result<Page, &'static str> {
    let mut objects = Vec::new();
    let mut object = Object::default();
    let (mut is_encoded, mut is_truncated, mut next, mut is_listing) = (false, false, None, false);
    let parsed = xml::elements(answer, |parent, name, text| match (parent, name) {
        ("Contents", "Key") => object.key = text,
        ("Contents", "ETag") => object.etag = text,
        ("Contents", "LastModified") => object.modified = text,
        ("Contents", "Size") => object.size = text,
        ("ListBucketResult", "Contents") => objects.push(std::mem::take(&mut object)),
        ("ListBucketResult", "EncodingType") => is_encoded = text == "url",
        ("ListBucketResult", "IsTruncated") => is_truncated = text == "true",
        ("ListBucketResult", "NextContinuationToken") => next = Some(text).filter(|token| !token.is_empty()),
        ("", "ListBucketResult") => is_listing = true,
        _ => {}
    });
    if parsed.is_err() || !is_listing {
        return Err("an answer that is no listing");
    }
    if is_truncated && next.is_none() {
        return Err("a listing that goes on without saying where");
    }
    let entries = objects.iter().filter_map(|object| object.entry(prefix, is_encoded).transpose());
    Ok(Page { entries: entries.collect::<Result<_, _>>()?, next: next.filter(|_| is_truncated) })
}

#[derive(Default)]
struct Object {
    key: String,
    etag: String,
    modified: String,
    size: String,
}

impl Object {
    /// `None` for the prefix itself: consoles make it an object, so that it looks like a folder.
    fn entry(&self, prefix: &str, is_encoded: bool) -> Result<Option<Entry>, &'static str> {
        let key = match is_encoded {
            // A plus sign is a space, as in forms: the real ones are encoded.
            true => percent_decode_str(&self.key.replace('+', " ")).collect(),
            false => Cow::from(self.key.as_bytes()).into_owned(),
        };
        let name = key.strip_prefix(prefix.as_bytes()).unwrap_or(&key);
        if name.is_empty() {
            return Ok(None);
        }
        let document = std::str::from_utf8(name).ok().and_then(|name| DocumentName::new(name).ok());
        let Some(name) = document else {
            return Ok(Some(Entry::Odd { key: printable(name), why: Oddity::InvalidName }));
        };
        let modified = DateTime::parse_from_rfc3339(&self.modified).map_err(|_| "an entry without its time")?;
        Ok(Some(Entry::Document(Listed {
            name,
            modified: SystemTime::from(modified),
            size: self.size.parse().map_err(|_| "an entry without its size")?,
            version: Some(Version::new(&self.etag).map_err(|_| "an entry without its ETag")?),
        })))
    }
}

/// The name of an odd object with what a terminal would act upon escaped.
fn printable(name: &[u8]) -> String {
    let mut printable = String::new();
    for character in String::from_utf8_lossy(name).chars() {
        if character.is_control() { printable.extend(character.escape_default()) } else { printable.push(character) }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(inside: &str) -> String {
        format!("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inside}</ListBucketResult>")
    }

    fn contents(key: &str) -> String {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-22T10:00:00.000Z</LastModified>\
             <ETag>&quot;e&quot;</ETag><Size>12</Size></Contents>"
        )
    }

    fn names(page: &Page) -> Vec<String> {
        let name = |entry: &Entry| match entry {
            Entry::Document(listed) => listed.name.to_string(),
            Entry::Odd { key, .. } => format!("odd {key}"),
            other => panic!("{other:?}"),
        };
        page.entries.iter().map(name).collect()
    }

    #[test]
    fn keys_are_decoded_byte_for_byte() {
        let keys = ["p/a%252Bb%40x.json", "p/a+b%2Bc", "p/%C3%BC.json"].map(contents).concat();
        let answer = listing(&format!("{keys}<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"));
        let page = page(answer.as_bytes(), "p/").unwrap();
        assert_eq!(names(&page), ["a%2Bb@x.json", "a b+c", "ü.json"]);
        let Entry::Document(first) = &page.entries[0] else { panic!() };
        assert_eq!((first.size, first.version.as_ref().unwrap().as_str()), (12, "\"e\""));
        assert_eq!(first.modified, SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_341_600));
    }

    #[test]
    fn keys_of_a_server_that_does_not_encode_are_taken_as_they_are() {
        let answer = listing(&["p/a%2Bb", "p/a+b"].map(contents).concat());
        assert_eq!(names(&page(answer.as_bytes(), "p/").unwrap()), ["a%2Bb", "a+b"]);
    }

    #[test]
    fn what_cannot_be_a_document_is_odd_and_the_folder_itself_is_nothing() {
        let keys = ["p/", "p/a%0Ab", "p/%FF", "p/%1B%5B2J", "p/."].map(contents).concat();
        let answer = listing(&format!(
            "{keys}<CommonPrefixes><Prefix>p/below/</Prefix></CommonPrefixes><EncodingType>url</EncodingType>"
        ));
        let page = page(answer.as_bytes(), "p/").unwrap();
        assert_eq!(names(&page), ["odd a\\nb", "odd \u{fffd}", "odd \\u{1b}[2J", "odd ."]);
    }

    #[test]
    fn a_listing_is_never_silently_short() {
        let truncated = "<IsTruncated>true</IsTruncated>";
        assert!(page(listing(truncated).as_bytes(), "").is_err());
        let token = "<NextContinuationToken>t/1==</NextContinuationToken>";
        let next = page(listing(&format!("{truncated}{token}")).as_bytes(), "").unwrap().next;
        assert_eq!(next.as_deref(), Some("t/1=="));
        for answer in ["", "<html></html>", "<Error><Code>SlowDown</Code></Error>", "<ListBucketResult>"] {
            assert!(page(answer.as_bytes(), "").is_err(), "{answer}");
        }
    }
}
