//! The text of a template as a tree of elements: a small, strict piece of XML.
//!
//! Elements, attributes in quotes, text, comments. `{{ … }}` is copied as it stands, so expressions may hold `<`.
//! Nothing is looked up outside: no includes, no entities but the five of XML, `&nbsp;` and numbers.

use super::Fault;
use std::borrow::Cow;

/// Elements a template may have.
const MOST_ELEMENTS: usize = 2_000;
/// Levels elements may be nested in.
const DEEPEST: usize = 24;

#[derive(Debug)]
pub struct Element<'s> {
    pub name: &'s str,
    pub attributes: Vec<(&'s str, &'s str)>,
    pub children: Vec<Node<'s>>,
    pub line: usize,
}

#[derive(Debug)]
pub enum Node<'s> {
    Element(Element<'s>),
    Text { text: &'s str, line: usize },
}

struct Reader<'s> {
    source: &'s str,
    at: usize,
    line: usize,
    elements: usize,
}

/// Reads a template, which is one element.
pub fn parse(source: &str) -> Result<Element<'_>, Fault> {
    let mut reader = Reader { source, at: 0, line: 1, elements: 0 };
    let mut nodes = reader.nodes(None, 0)?;
    nodes.retain(|node| !matches!(node, Node::Text { text, .. } if text.trim().is_empty()));
    match nodes.pop() {
        Some(Node::Element(root)) if nodes.is_empty() => Ok(root),
        _ => Err(Fault::new(1, "a template is one element <document>, with nothing beside it")),
    }
}

impl<'s> Reader<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        self.line += self.rest().get(..bytes).unwrap_or_default().matches('\n').count();
        self.at += bytes;
    }

    fn fault<T>(&self, detail: impl Into<String>) -> Result<T, Fault> {
        Err(Fault::new(self.line, detail))
    }

    /// What stands between the tags of `parent`, up to and with its closing tag.
    fn nodes(&mut self, parent: Option<(&'s str, usize)>, depth: usize) -> Result<Vec<Node<'s>>, Fault> {
        let mut nodes = Vec::new();
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return match parent {
                    Some((name, line)) => Err(Fault::new(line, format!("<{name}> is not closed"))),
                    None => Ok(nodes),
                };
            }
            if rest.starts_with("<!--") {
                let Some(end) = rest.find("-->") else { return self.fault("the comment is not closed") };
                self.advance(end + 3);
            } else if let Some(closing) = rest.strip_prefix("</") {
                let Some(end) = closing.find('>') else { return self.fault("the closing tag has no >") };
                let name = closing.get(..end).unwrap_or_default().trim();
                match parent {
                    Some((open, _)) if open == name => self.advance(end + 3),
                    Some((open, line)) => return self.fault(format!("</{name}> closes <{open}> of line {line}")),
                    None => return self.fault(format!("</{name}> closes nothing")),
                }
                return Ok(nodes);
            } else if rest.starts_with('<') {
                nodes.push(Node::Element(self.element(depth + 1)?));
            } else {
                nodes.push(self.text()?);
            }
        }
    }

    fn text(&mut self) -> Result<Node<'s>, Fault> {
        let (rest, line) = (self.rest(), self.line);
        let mut length = 0;
        while let Some(next) = rest.get(length..).and_then(|tail| tail.find(['<', '{'])) {
            length += next;
            let tail = rest.get(length..).unwrap_or_default();
            if tail.starts_with('<') {
                break;
            }
            if tail.starts_with("{{") {
                let Some(end) = tail.find("}}") else {
                    self.advance(length);
                    return self.fault("{{ is not closed by }}");
                };
                length += end + 2;
            } else {
                length += 1;
            }
        }
        if !rest.get(length..).is_some_and(|tail| tail.starts_with('<')) {
            length = rest.len();
        }
        self.advance(length);
        Ok(Node::Text { text: rest.get(..length).unwrap_or_default(), line })
    }

    fn element(&mut self, depth: usize) -> Result<Element<'s>, Fault> {
        self.elements += 1;
        if self.elements > MOST_ELEMENTS {
            return self.fault(format!("a template has at most {MOST_ELEMENTS} elements"));
        }
        if depth > DEEPEST {
            return self.fault(format!("elements are nested at most {DEEPEST} levels deep"));
        }
        let line = self.line;
        self.advance(1);
        let name = self.word();
        if name.is_empty() {
            return self.fault("after < stands the name of an element; write &lt; for the sign itself");
        }
        let mut attributes: Vec<(&'s str, &'s str)> = Vec::new();
        loop {
            self.blank();
            let rest = self.rest();
            if rest.starts_with("/>") {
                self.advance(2);
                return Ok(Element { name, attributes, children: Vec::new(), line });
            }
            if rest.starts_with('>') {
                self.advance(1);
                let children = self.nodes(Some((name, line)), depth)?;
                return Ok(Element { name, attributes, children, line });
            }
            let attribute = self.word();
            if attribute.is_empty() {
                return self.fault(format!("<{name}> needs attribute=\"value\" or >"));
            }
            let quote = self.rest().strip_prefix('=').and_then(|value| value.chars().next()).filter(|quote| matches!(quote, '"' | '\''));
            let Some(quote) = quote else { return self.fault(format!("{attribute} needs a value in quotes")) };
            self.advance(2);
            let Some(end) = self.rest().find(quote) else { return self.fault(format!("the value of {attribute} has no closing quote")) };
            let value = self.rest().get(..end).unwrap_or_default();
            self.advance(end + 1);
            if attributes.iter().any(|(known, _)| *known == attribute) {
                return self.fault(format!("{attribute} stands twice"));
            }
            attributes.push((attribute, value));
        }
    }

    fn word(&mut self) -> &'s str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')).unwrap_or(rest.len());
        self.advance(end);
        rest.get(..end).unwrap_or_default()
    }

    fn blank(&mut self) {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        self.advance(end);
    }
}

/// Text with its entities read.
pub fn unescape(text: &str, line: usize) -> Result<Cow<'_, str>, Fault> {
    if !text.contains('&') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let name = rest.find(';').filter(|end| *end <= 8).and_then(|end| rest.get(..end)).unwrap_or_default();
        let read = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some('\u{a0}'),
            number => number.strip_prefix('#').and_then(|n| n.parse().ok()).and_then(char::from_u32),
        };
        let Some(read) = read else { return Err(Fault::new(line, "& begins an entity such as &amp; or &#8377;; write &amp; for the sign itself")) };
        out.push(read);
        rest = rest.get(name.len() + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(source: &str) -> (usize, String) {
        let fault = parse(source).expect_err(source);
        (fault.line, fault.detail)
    }

    #[test]
    fn elements_attributes_and_text_are_read_with_their_lines() {
        let root = parse("<document size=\"9\">\n<!-- a\nnote -->\n<text bold='yes'>A &amp; {{ 1 if a < 2 }}</text></document>").expect("valid");
        assert_eq!((root.name, root.attributes.as_slice()), ("document", &[("size", "9")][..]));
        let Some(Node::Element(text)) = root.children.iter().find(|node| matches!(node, Node::Element(_))) else { panic!("no element") };
        assert_eq!((text.name, text.line), ("text", 4));
        let Some(Node::Text { text, .. }) = text.children.first() else { panic!("no text") };
        assert_eq!(*text, "A &amp; {{ 1 if a < 2 }}");
        assert_eq!(unescape("A &amp; B&#8377;&lt;", 1).expect("valid"), "A & B₹<");
    }

    #[test]
    fn what_is_not_well_formed_is_told_with_its_line() {
        assert_eq!(fault("<document>\n<text>\n</row></document>"), (3, "</row> closes <text> of line 2".into()));
        assert_eq!(fault("<document>\n<text>").0, 2);
        assert_eq!(fault("<document a=1></document>").1, "a needs a value in quotes");
        assert_eq!(fault("<document a=\"1\" a=\"2\"/>").1, "a stands twice");
        assert_eq!(fault("<document>{{ x </document>").1, "{{ is not closed by }}");
        assert!(fault("text").1.contains("one element"));
        assert!(fault("<document/><document/>").1.contains("one element"));
        assert!(unescape("a & b", 7).is_err_and(|fault| fault.line == 7));
    }

    #[test]
    fn deep_and_endless_templates_are_refused() {
        let deep = "<stack>".repeat(100_000);
        assert!(fault(&deep).1.contains("levels deep"));
        let wide = format!("<document>{}</document>", "<space/>".repeat(3_000));
        assert!(fault(&wide).1.contains("at most"));
    }
}
