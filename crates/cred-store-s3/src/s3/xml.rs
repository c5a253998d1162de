//! The little XML that S3 answers with.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

/// Not the XML that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Calls `element` with parent, name and text of each element, when it ends.
pub(super) fn elements(xml: &[u8], mut element: impl FnMut(&str, &str, String)) -> Result<(), Malformed> {
    let xml = std::str::from_utf8(xml).map_err(|_| Malformed)?;
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<String> = Vec::new();
    let mut text = String::new();
    loop {
        match reader.read_event().map_err(|_| Malformed)? {
            Event::Start(start) => {
                open.push(name(start.local_name().as_ref())?);
                text.clear();
            }
            Event::Empty(empty) => {
                element(open.last().map_or("", String::as_str), &name(empty.local_name().as_ref())?, String::new());
            }
            Event::End(_) => {
                let name = open.pop().ok_or(Malformed)?;
                element(open.last().map_or("", String::as_str), &name, std::mem::take(&mut text));
            }
            Event::Text(part) => text.push_str(&part.xml_content(XmlVersion::Explicit1_0).map_err(|_| Malformed)?),
            Event::CData(part) => text.push_str(&part.xml_content(XmlVersion::Explicit1_0).map_err(|_| Malformed)?),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(|_| Malformed)? {
                Some(character) => text.push(character),
                None => {
                    let entity = reference.decode().map_err(|_| Malformed)?;
                    text.push_str(resolve_xml_entity(&entity).ok_or(Malformed)?);
                }
            },
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err(Malformed),
            Event::Comment(_) | Event::Decl(_) | Event::DocType(_) | Event::PI(_) => {}
        }
    }
}

fn name(bytes: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_cut_off_is_malformed() {
        let whole = "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>";
        assert_eq!(elements(whole.as_bytes(), |_, _, _| {}), Ok(()));
        for end in ["<?xml version=\"1.0\"?><E".len(), whole.len() - 1, whole.len() - "</Error>".len()] {
            assert_eq!(elements(&whole.as_bytes()[..end], |_, _, _| {}), Err(Malformed), "{}", &whole[..end]);
        }
    }

    #[test]
    fn references_are_resolved_and_unknown_ones_refused() {
        let mut texts = Vec::new();
        let xml = b"<a><b>&quot;x&#x41;&amp;&#10;\xc3\xa9&quot;</b><c/><d><![CDATA[<&]]></d></a>";
        elements(xml, |parent, name, text| texts.push(format!("{parent}/{name}={text}"))).unwrap();
        assert_eq!(texts, ["a/b=\"xA&\n\u{e9}\"", "a/c=", "a/d=<&", "/a="]);
        assert_eq!(elements(b"<a>&evil;</a>", |_, _, _| {}), Err(Malformed));
    }
}
