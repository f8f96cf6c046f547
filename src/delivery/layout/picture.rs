//! Pictures on documents: PNG and JPEG, judged before they are kept.

use super::Length;
use krilla::image::Image;

/// Most pixels in each direction.
const LARGEST: u32 = 2_000;

/// A picture that can be drawn.
#[derive(Debug, Clone)]
pub struct Picture {
    image: Image,
    png: bool,
}

impl Picture {
    /// Reads a PNG or JPEG, or says what is wrong with it. It is decoded once, so that what is kept can be drawn.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let png = bytes.starts_with(b"\x89PNG\r\n\x1a\n");
        if !png && !bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            return Err("is neither PNG nor JPEG".into());
        }
        if png {
            // Before anything is decoded: a small file may be a huge picture.
            let side = |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes);
            fits(side(16), side(20))?;
        }
        let data = bytes.to_vec().into();
        let read = if png { Image::from_png(data, true) } else { Image::from_jpeg(data, true) };
        let image = read.map_err(|_| "cannot be read")?;
        let (width, height) = image.size();
        fits(width, height)?;
        let picture = Self { image, png };
        super::pdf::try_picture(&picture).map_err(|()| "cannot be decoded")?;
        Ok(picture)
    }

    #[must_use]
    pub fn is_png(&self) -> bool {
        self.png
    }

    pub(super) fn image(&self) -> &Image {
        &self.image
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (i32, i32) {
        let (width, height) = self.image.size();
        (i32::try_from(width).unwrap_or(i32::MAX), i32::try_from(height).unwrap_or(i32::MAX))
    }

    /// As large as fits into a frame, keeping its shape.
    pub(super) fn within(&self, width: Length, height: Length) -> (Length, Length) {
        let (own_width, own_height) = self.size();
        let (own_width, own_height) = (Length::from(own_width.max(1)), Length::from(own_height.max(1)));
        if width * own_height <= height * own_width { (width, width * own_height / own_width) } else { (height * own_width / own_height, height) }
    }
}

fn fits(width: u32, height: u32) -> Result<(), String> {
    if (1..=LARGEST).contains(&width) && (1..=LARGEST).contains(&height) {
        return Ok(());
    }
    Err(format!("is {width} by {height} pixels; at most {LARGEST} by {LARGEST} are taken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_refused() {
        for bytes in [
            &b""[..],
            b"GIF89a",
            b"\x89PNG\r\n\x1a\n",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x06",
            b"\xff\xd8\xff\xe0 no jpeg",
            b"%PDF-1.7",
        ] {
            assert!(Picture::read(bytes).is_err(), "{bytes:?}");
        }
    }
}
