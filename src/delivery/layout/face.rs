//! The two faces text is set in, and how wide their characters are.
//!
//! The three tables that say so (`cmap`, `hhea`, `hmtx`) are read here: whole font units, so that lines break in the same
//! places everywhere.

use super::Length;
use krilla::text::Font;
use std::collections::HashMap;
use std::sync::LazyLock;

const REGULAR: &[u8] = include_bytes!("../documents/fonts/NotoSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../documents/fonts/NotoSans-Bold.ttf");

/// One face.
pub struct Face {
    /// For the PDF, which takes from it what is used.
    pub font: Font,
    /// Glyph and advance of a character.
    glyphs: HashMap<char, (u16, Length)>,
    units: Length,
    ascent: Length,
    missing: Length,
}

pub struct Faces {
    pub regular: Face,
    pub bold: Face,
}

#[allow(clippy::expect_used, reason = "embedded fonts, read by a test of this module")]
static FACES: LazyLock<Faces> =
    LazyLock::new(|| Faces { regular: Face::read(REGULAR).expect("embedded font"), bold: Face::read(BOLD).expect("embedded font") });

impl Faces {
    pub fn get() -> &'static Self {
        &FACES
    }

    pub fn face(&self, bold: bool) -> &Face {
        if bold { &self.bold } else { &self.regular }
    }

    pub fn char_width(&self, c: char, size: Length, bold: bool) -> Length {
        let face = self.face(bold);
        face.advance(c) * size / face.units
    }

    pub fn width(&self, text: &str, size: Length, bold: bool) -> Length {
        let face = self.face(bold);
        text.chars().map(|c| face.advance(c)).sum::<Length>() * size / face.units
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
        Some(Self { font: Font::new(data.into(), 0)?, glyphs, units: Length::from(u16_at(head, 18)?), ascent: cap_height, missing: advance(0)? })
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
    pub fn glyph(&self, c: char) -> (u16, Length) {
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
}
