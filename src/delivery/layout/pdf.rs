//! Writes pages as a PDF: the same pages, the same bytes. No clock, no chance: the date is the document's, ids follow
//! from the content.

use super::face::Faces;
use super::flow::{HEIGHT, WIDTH};
use super::picture::Picture;
use super::shapes::{Color, Matrix, Op, Page};
use super::template::{PAGE, PAGES};
use super::{Length, POINT};
use chrono::{Datelike, NaiveDate};
use krilla::Document;
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke};
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};

/// What the file says of itself.
#[derive(Debug, Clone)]
pub struct About {
    pub title: String,
    pub author: String,
    pub date: NaiveDate,
}

/// The one place where lengths become what the PDF library takes. Every length on a page is far below what this type holds
/// exactly.
#[allow(clippy::cast_precision_loss, reason = "lengths on a page are below 2^24 thousandths of a point")]
fn f(length: Length) -> f32 {
    length as f32 / 1_000.0
}

/// Copies of a document one behind the other, each with its own numbering of pages.
pub fn write(copies: Vec<Vec<Page>>, about: &About) -> Result<Vec<u8>, String> {
    let settings = SerializeSettings { compress_content_streams: true, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let year = u16::try_from(about.date.year()).unwrap_or(0);
    let part = |value: u32| u8::try_from(value).unwrap_or(1);
    let date =
        DateTime::new(year).month(part(about.date.month())).day(part(about.date.day())).hour(0).minute(0).second(0).utc_offset_hour(0).utc_offset_minute(0);
    document.set_metadata(
        Metadata::new()
            .title(about.title.clone())
            .authors(vec![about.author.clone()])
            .creator("Duebook".into())
            .producer("Duebook".into())
            .language("en-IN".into())
            .creation_date(date),
    );
    for copy in copies {
        let pages = copy.len();
        for (at, content) in copy.into_iter().enumerate() {
            let size = PageSettings::from_wh(f(WIDTH), f(HEIGHT)).ok_or("no page size")?;
            let mut page = document.start_page_with(size);
            let mut surface = page.surface();
            for op in &content.ops {
                draw(&mut surface, op, at + 1, pages);
            }
            if !content.watermark.is_empty() {
                watermark(&mut surface, &content.watermark);
            }
            surface.finish();
            page.finish();
        }
    }
    document.finish().map_err(|error| format!("{error:?}"))
}

/// Whether a picture can be drawn.
pub(super) fn try_picture(picture: &Picture) -> Result<(), ()> {
    let mut document = Document::new();
    let mut page = document.start_page();
    let mut surface = page.surface();
    surface.draw_image(picture.image().clone(), Size::from_wh(10.0, 10.0).ok_or(())?);
    surface.finish();
    page.finish();
    document.finish().map(drop).map_err(drop)
}

fn fill(color: Color, opacity: f32) -> Fill {
    let opacity = NormalizedF32::new(opacity).unwrap_or(NormalizedF32::ONE);
    Fill { paint: rgb::Color::new(color.0, color.1, color.2).into(), opacity, rule: FillRule::NonZero }
}

fn draw(surface: &mut Surface<'_>, op: &Op, page: usize, pages: usize) {
    match op {
        Op::Text { x, y, size, bold, color, text } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*color, 1.0)));
            if text.contains([PAGE, PAGES]) {
                let shown = text.replace(PAGE, &page.to_string()).replace(PAGES, &pages.to_string());
                // The room kept for the figures was that of two digits each; they end where they should.
                let faces = Faces::get();
                let right = x + faces.width(text, *size, *bold) - faces.width(&shown, *size, *bold);
                words(surface, right, *y, *size, *bold, &shown);
            } else {
                words(surface, *x, *y, *size, *bold, text);
            }
        }
        Op::Box { x, y, width, height, fill: inside, border, radius } => {
            let Some(path) = rounded(*x, *y, *width, *height, *radius) else { return };
            surface.set_fill(inside.map(|color| fill(color, 1.0)));
            surface.set_stroke(border.map(|(color, thickness)| Stroke {
                paint: rgb::Color::new(color.0, color.1, color.2).into(),
                width: f(thickness),
                ..Stroke::default()
            }));
            surface.draw_path(&path);
        }
        Op::Image { x, y, width, height, picture } => {
            let Some(size) = Size::from_wh(f(*width), f(*height)) else { return };
            surface.push_transform(&Transform::from_translate(f(*x), f(*y)));
            surface.draw_image(picture.image().clone(), size);
            surface.pop();
        }
        Op::Code { x, y, size, matrix } => code(surface, *x, *y, *size, matrix),
    }
}

fn words(surface: &mut Surface<'_>, x: Length, y: Length, size: Length, bold: bool, text: &str) {
    let mut x = x;
    for span in Faces::get().set(text, bold) {
        let units = f(span.face.units() * 1_000);
        let part = |length: Length| f(length * 1_000) / units;
        let glyphs: Vec<KrillaGlyph> = span
            .glyphs
            .iter()
            .map(|glyph| {
                let (right, up) = glyph.offset;
                KrillaGlyph::new(GlyphId::new(u32::from(glyph.id)), part(glyph.advance), part(right), part(up), 0.0, glyph.shows.clone(), None)
            })
            .collect();
        surface.draw_glyphs(Point::from_xy(f(x), f(y)), &glyphs, span.face.font.clone(), text, f(size), false);
        x += span.width(size);
    }
}

/// A box, its corners rounded.
fn rounded(x: Length, y: Length, width: Length, height: Length, radius: Length) -> Option<krilla::geom::Path> {
    let mut path = PathBuilder::new();
    if radius <= 0 {
        path.push_rect(Rect::from_xywh(f(x), f(y), f(width), f(height))?);
        return path.finish();
    }
    let radius = radius.min(width / 2).min(height / 2);
    // How far the handles of a quarter circle stand from its ends.
    let handle = radius * 448 / 1_000;
    let (right, bottom) = (x + width, y + height);
    path.move_to(f(x + radius), f(y));
    path.line_to(f(right - radius), f(y));
    path.cubic_to(f(right - handle), f(y), f(right), f(y + handle), f(right), f(y + radius));
    path.line_to(f(right), f(bottom - radius));
    path.cubic_to(f(right), f(bottom - handle), f(right - handle), f(bottom), f(right - radius), f(bottom));
    path.line_to(f(x + radius), f(bottom));
    path.cubic_to(f(x + handle), f(bottom), f(x), f(bottom - handle), f(x), f(bottom - radius));
    path.line_to(f(x), f(y + radius));
    path.cubic_to(f(x), f(y + handle), f(x + handle), f(y), f(x + radius), f(y));
    path.close();
    path.finish()
}

/// A QR code: runs of dark modules as boxes of one path, so that no reader shows seams between them.
fn code(surface: &mut Surface<'_>, x: Length, y: Length, size: Length, matrix: &Matrix) {
    let Ok(count) = Length::try_from(matrix.width) else { return };
    if count == 0 {
        return;
    }
    let edge = |n: usize| Length::try_from(n).unwrap_or(0) * size / count;
    let mut path = PathBuilder::new();
    for (row, modules) in matrix.dark.chunks(matrix.width).enumerate() {
        let mut column = 0;
        while column < modules.len() {
            let run = modules.iter().skip(column).take_while(|dark| **dark).count();
            if run == 0 {
                column += 1;
                continue;
            }
            let (left, top) = (x + edge(column), y + edge(row));
            if let Some(rect) = Rect::from_xywh(f(left), f(top), f(x + edge(column + run) - left), f(y + edge(row + 1) - top)) {
                path.push_rect(rect);
            }
            column += run;
        }
    }
    if let Some(path) = path.finish() {
        surface.set_stroke(None);
        surface.set_fill(Some(fill(Color(0, 0, 0), 1.0)));
        surface.draw_path(&path);
    }
}

/// Words across the page, light enough to read through.
fn watermark(surface: &mut Surface<'_>, text: &str) {
    let faces = Faces::get();
    let room = 560 * POINT;
    let size = (room * 100 * POINT / faces.width(text, 100 * POINT, true).max(1)).min(120 * POINT);
    let width = faces.width(text, size, true);
    // From the lower left to the upper right of an A4 page.
    surface.push_transform(&Transform::from_translate(f(WIDTH / 2), f(HEIGHT / 2)));
    surface.push_transform(&Transform::from_row(0.582, -0.813, 0.813, 0.582, 0.0, 0.0));
    surface.set_stroke(None);
    surface.set_fill(Some(fill(Color(180, 40, 40), 0.14)));
    words(surface, -width / 2, size * 36 / 100, size, true, text);
    surface.pop();
    surface.pop();
}

#[cfg(test)]
mod tests {
    #[test]
    fn lengths_on_a_page_are_exact() {
        assert!((super::f(595_276) - 595.276).abs() < 0.000_1);
    }
}
