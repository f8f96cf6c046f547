//! The faces text is set in, and how wide it is in them.
//!
//! Most scripts set character by character; the three tables that say how (`cmap`, `hhea`, `hmtx`) are read here. Devanagari
//! has a face of its own and is shaped, as its characters change with their neighbours. Everything is in whole font
//! units, so that lines break in the same places everywhere.

use super::Length;
use krilla::text::Font;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

const REGULAR: &[u8] = include_bytes!("../documents/fonts/NotoSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../documents/fonts/NotoSans-Bold.ttf");
const DEVANAGARI: &[u8] = include_bytes!("../documents/fonts/NotoSansDevanagari-Regular.ttf");
const DEVANAGARI_BOLD: &[u8] = include_bytes!("../documents/fonts/NotoSansDevanagari-Bold.ttf");

/// One face.
pub struct Face {
    /// For the PDF, which takes from it what is used.
    pub font: Font,
    /// Glyph and advance of a character.
    glyphs: HashMap<char, (u16, Length)>,
    units: Length,
    ascent: Length,
    missing: Length,
    /// Of a script that is shaped.
    shaper: Option<rustybuzz::Face<'static>>,
}

pub struct Faces {
    regular: Face,
    bold: Face,
    devanagari: [Face; 2],
}

/// A glyph with its advance and where it stands from its place, in font units, and which bytes of the text it shows.
pub struct Glyph {
    pub id: u16,
    pub advance: Length,
    pub offset: (Length, Length),
    pub shows: Range<usize>,
}

/// Text of one face.
pub struct Span<'f> {
    pub face: &'f Face,
    pub glyphs: Vec<Glyph>,
}

impl Span<'_> {
    pub fn width(&self, size: Length) -> Length {
        self.glyphs.iter().map(|glyph| glyph.advance).sum::<Length>() * size / self.face.units
    }
}

/// Whether a character is written in Devanagari, or joins such.
fn is_devanagari(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{97f}' | '\u{1cd0}'..='\u{1cff}' | '\u{a8e0}'..='\u{a8ff}' | '\u{200c}' | '\u{200d}')
}

/// Whether a text may be broken before a character: not where it belongs to the one before.
pub fn begins(c: char) -> bool {
    !matches!(c, '\u{900}'..='\u{903}' | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94f}' | '\u{951}'..='\u{957}' | '\u{962}'..='\u{963}' | '\u{200c}' | '\u{200d}' | '\u{300}'..='\u{36f}')
}

#[allow(clippy::expect_used, reason = "embedded fonts, read by a test of this module")]
static FACES: LazyLock<Faces> = LazyLock::new(|| {
    let shaped = |data| Face { shaper: rustybuzz::Face::from_slice(data, 0), ..Face::read(data).expect("embedded font") };
    Faces {
        regular: Face::read(REGULAR).expect("embedded font"),
        bold: Face::read(BOLD).expect("embedded font"),
        devanagari: [shaped(DEVANAGARI), shaped(DEVANAGARI_BOLD)],
    }
});

impl Faces {
    pub fn get() -> &'static Self {
        &FACES
    }

    /// The face of a character.
    fn face(&self, c: char, bold: bool) -> &Face {
        if is_devanagari(c) {
            &self.devanagari[usize::from(bold)]
        } else if bold {
            &self.bold
        } else {
            &self.regular
        }
    }

    /// A character by itself.
    pub fn char_width(&self, c: char, size: Length, bold: bool) -> Length {
        let face = self.face(c, bold);
        face.advance(c) * size / face.units
    }

    pub fn width(&self, text: &str, size: Length, bold: bool) -> Length {
        if text.chars().any(is_devanagari) {
            return self.set(text, bold).iter().map(|span| span.width(size)).sum();
        }
        let face = if bold { &self.bold } else { &self.regular };
        text.chars().map(|c| face.advance(c)).sum::<Length>() * size / face.units
    }

    /// The glyphs of a text.
    pub fn set(&self, text: &str, bold: bool) -> Vec<Span<'_>> {
        let mut spans = Vec::new();
        let mut from = 0;
        while let Some(first) = text.get(from..).and_then(|rest| rest.chars().next()) {
            let shaped = is_devanagari(first);
            let rest = text.get(from..).unwrap_or_default();
            let to = from + rest.find(|c| is_devanagari(c) != shaped).unwrap_or(rest.len());
            let face = self.face(first, bold);
            spans.push(Span { face, glyphs: face.glyphs(text, from..to) });
            from = to;
        }
        spans
    }

    /// From the top of a line as high as the size to its baseline.
    pub fn ascent(&self, size: Length) -> Length {
        // Capitals of the face are 0.714 of its size, so the rest is shared above and below them.
        Length::midpoint(size, self.regular.ascent * size / self.regular.units)
    }
}

impl Face {
    fn read(data: &'static [u8]) -> Option<Self> {
        let tables = Tables::read(data)?;
        let (head, hhea, hmtx, cmap) = (tables.named(*b"head")?, tables.named(*b"hhea")?, tables.named(*b"hmtx")?, tables.named(*b"cmap")?);
        let metrics = usize::from(u16_at(hhea, 34)?);
        let advance = |glyph: u16| u16_at(hmtx, usize::from(glyph).min(metrics.checked_sub(1)?) * 4).map(Length::from);
        let mut glyphs = HashMap::new();
        for (code, glyph) in characters(cmap)? {
            if let (Some(c), Some(advance)) = (char::from_u32(u32::from(code)), advance(glyph)) {
                glyphs.insert(c, (glyph, advance));
            }
        }
        let cap_height = tables.named(*b"OS/2").and_then(|os2| u16_at(os2, 88)).map_or(714, Length::from);
        Some(Self { font: Font::new(data.into(), 0)?, glyphs, units: Length::from(u16_at(head, 18)?), ascent: cap_height, missing: advance(0)?, shaper: None })
    }

    /// The glyphs of a part of a text that is all of this face.
    fn glyphs(&self, text: &str, part: Range<usize>) -> Vec<Glyph> {
        let words = text.get(part.clone()).unwrap_or_default();
        let Some(shaper) = &self.shaper else {
            let glyph = |(at, c): (usize, char)| {
                let (id, advance) = self.glyph(c);
                let at = part.start + at;
                Glyph { id, advance, offset: (0, 0), shows: at..at + c.len_utf8() }
            };
            return words.char_indices().map(glyph).collect();
        };
        let mut buffer = rustybuzz::UnicodeBuffer::new();
        buffer.push_str(words);
        let shaped = rustybuzz::shape(shaper, &[], buffer);
        let starts: Vec<usize> = shaped.glyph_infos().iter().map(|info| usize::try_from(info.cluster).unwrap_or(0)).collect();
        // A glyph shows its cluster, which ends where the next one begins.
        let end = |start: usize| starts.iter().copied().filter(|other| *other > start).min().unwrap_or(words.len());
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions()).zip(&starts);
        glyphs
            .map(|((info, position), start)| Glyph {
                id: u16::try_from(info.glyph_id).unwrap_or(0),
                advance: Length::from(position.x_advance),
                offset: (Length::from(position.x_offset), Length::from(position.y_offset)),
                shows: part.start + start..part.start + end(*start),
            })
            .collect()
    }

    fn advance(&self, c: char) -> Length {
        match (self.glyphs.get(&c), c) {
            (Some((_, advance)), _) => *advance,
            // Room for the three digits a page may have.
            (None, super::template::PAGE | super::template::PAGES) => self.advance('0') * 2,
            (None, _) => self.missing,
        }
    }

    pub fn units(&self) -> Length {
        self.units
    }

    /// Glyph and advance of a character, in font units; the sign for what is missing where the face does not have it.
    fn glyph(&self, c: char) -> (u16, Length) {
        self.glyphs.get(&c).copied().unwrap_or((0, self.missing))
    }
}

struct Tables<'f> {
    data: &'f [u8],
    count: usize,
}

impl<'f> Tables<'f> {
    fn read(data: &'f [u8]) -> Option<Self> {
        Some(Self { data, count: usize::from(u16_at(data, 4)?) })
    }
    fn named(&self, tag: [u8; 4]) -> Option<&'f [u8]> {
        let at = (0..self.count).map(|n| 12 + n * 16).find(|at| self.data.get(*at..*at + 4) == Some(&tag))?;
        let (from, length) = (u32_at(self.data, at + 8)?, u32_at(self.data, at + 12)?);
        self.data.get(from..from.checked_add(length)?)
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?)).ok()
}

/// The characters of the basic plane with their glyphs: a subtable of format 4 (OpenType, `cmap`).
fn characters(cmap: &[u8]) -> Option<Vec<(u16, u16)>> {
    let count = usize::from(u16_at(cmap, 2)?);
    let table = (0..count).find_map(|n| {
        let table = cmap.get(u32_at(cmap, 4 + n * 8 + 4)?..)?;
        (u16_at(table, 0)? == 4).then_some(table)
    })?;
    let double = usize::from(u16_at(table, 6)?);
    let mut out = Vec::new();
    for segment in (0..double).step_by(2) {
        let end = u16_at(table, 14 + segment)?;
        let start = u16_at(table, 16 + double + segment)?;
        let delta = u16_at(table, 16 + 2 * double + segment)?;
        let offset_at = 16 + 3 * double + segment;
        let offset = u16_at(table, offset_at)?;
        for code in start..=end {
            let glyph = if offset == 0 {
                code.wrapping_add(delta)
            } else {
                match u16_at(table, offset_at + usize::from(offset) + 2 * usize::from(code - start)) {
                    Some(0) | None => 0,
                    Some(glyph) => glyph.wrapping_add(delta),
                }
            };
            if glyph != 0 && code != u16::MAX {
                out.push((code, glyph));
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_have_what_documents_need() {
        let faces = Faces::get();
        for face in [&faces.regular, &faces.bold] {
            for c in "₹$€£¥0123456789.,-–—·•%()/&@#'\"ABCXYZabcxyzäöüßéñçøåłžś".chars() {
                assert_ne!(face.glyph(c).0, 0, "{c}");
            }
            assert_eq!(face.units(), 1000);
        }
        // Figures are equally wide, so columns of amounts stand in line.
        assert!(('1'..='9').all(|digit| faces.regular.advance(digit) == faces.regular.advance('0')));
        assert!(faces.width("Amount", 10_000, true) > faces.width("Amount", 10_000, false));
        assert_eq!(faces.width("", 10_000, false), 0);
    }

    /// Of a syllable the vowel stands before its consonant, and two consonants are one glyph, as every reader of Hindi expects.
    #[test]
    fn devanagari_is_shaped() {
        let faces = Faces::get();
        for bold in [false, true] {
            let set = |text: &str| {
                let spans = faces.set(text, bold);
                assert!(spans.iter().flat_map(|span| &span.glyphs).all(|glyph| glyph.id != 0), "{text}");
                spans
            };
            let one = |text: &str| set(text).remove(0).glyphs;
            let (ka, ki) = (one("क"), one("कि"));
            assert_eq!((ka.len(), ki.len()), (1, 2));
            assert_eq!(ki[1].id, ka[0].id, "the consonant comes second");
            assert_eq!((ki[0].shows.clone(), ki[1].shows.clone()), (0..6, 0..6));
            assert_eq!(one("क्ष").len(), 1, "a conjunct");
            let spans = set("चावल 25 kg, उत्तम");
            assert_eq!(spans.len(), 3);
            let sum = spans.iter().map(|span| span.width(10_000)).sum::<Length>();
            assert_eq!(sum, faces.width("चावल 25 kg, उत्तम", 10_000, bold));
            let shown: Vec<usize> = spans.iter().flat_map(|span| &span.glyphs).map(|glyph| glyph.shows.start).collect();
            assert!(shown.is_sorted());
        }
        assert!(begins('क') && !begins('ि') && !begins('्'));
    }
}
