//! The picture: one bit a pixel, and the few things that every page is made of.

use core::convert::Infallible;
use core::fmt::{self, Write};

use embedded_graphics::image::{GetPixel, ImageRaw};
use embedded_graphics::mono_font::ascii::{FONT_5X8, FONT_6X12, FONT_10X20};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;

use crate::board::{DISPLAY_HEIGHT, DISPLAY_WIDTH, Pixels};

/// Width of the picture.
pub const WIDTH: i32 = DISPLAY_WIDTH as i32;

/// Height of the picture.
pub const HEIGHT: i32 = DISPLAY_HEIGHT as i32;

/// Bytes of a row.
const ROW: usize = DISPLAY_WIDTH / 8;

/// The most characters of a line: the narrowest font across the whole width.
pub const COLUMNS: usize = DISPLAY_WIDTH / 5;

/// The fonts. Each costs flash: 480, 864 and 2,400 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Font {
    /// 25 columns.
    Small,
    /// 21 columns.
    Medium,
    /// 12 columns.
    Large,
}

impl Font {
    /// The printable characters of ASCII in rows of sixteen. Constants of their own, so that nothing else
    /// of the fonts comes along.
    fn image(self) -> &'static ImageRaw<'static, BinaryColor> {
        const SMALL: ImageRaw<'static, BinaryColor> = FONT_5X8.image;
        const MEDIUM: ImageRaw<'static, BinaryColor> = FONT_6X12.image;
        const LARGE: ImageRaw<'static, BinaryColor> = FONT_10X20.image;
        match self {
            Self::Small => &SMALL,
            Self::Medium => &MEDIUM,
            Self::Large => &LARGE,
        }
    }

    /// Height of a character in the image.
    const fn glyph(self) -> i32 {
        match self {
            Self::Small => 8,
            Self::Medium => 12,
            Self::Large => 20,
        }
    }

    /// From the top of a line to that of the glyphs, so that the body of a letter stands in the middle of
    /// a line.
    const fn drop(self) -> i32 {
        match self {
            Self::Small | Self::Large => 0,
            Self::Medium => -2,
        }
    }

    /// Width of a character.
    pub const fn width(self) -> i32 {
        match self {
            Self::Small => 5,
            Self::Medium => 6,
            Self::Large => 10,
        }
    }

    /// Height of a line.
    pub const fn height(self) -> i32 {
        match self {
            Self::Small => 8,
            Self::Medium => 10,
            Self::Large => 20,
        }
    }
}

/// A line of text that knows whether it was cut.
#[derive(Default)]
struct Line {
    text: heapless::String<COLUMNS>,
    cut: bool,
}

impl Line {
    /// The text, cut to `columns`, with two dots where something is missing.
    #[inline(never)]
    fn fit(&mut self, columns: i32) -> &str {
        let columns = columns.clamp(0, COLUMNS as i32) as usize;
        if self.cut || self.text.len() > columns {
            self.text.truncate(columns.saturating_sub(2));
            // What was cut off made room for them.
            let _ = self.text.push_str(if columns < 2 { "" } else { ".." });
        }
        &self.text
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            // The fonts have ASCII only, and cutting is simplest where every character is one byte.
            let shown = if matches!(character, ' '..='~') { character } else { '?' };
            self.cut |= self.text.push(shown).is_err();
        }
        Ok(())
    }
}

/// How wide a text is, in pixels.
#[inline(never)]
pub fn width(font: Font, text: fmt::Arguments<'_>) -> i32 {
    struct Count(i32);
    impl fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.saturating_add(text.chars().count() as i32);
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting does not fail.
    let _ = count.write_fmt(text);
    count.0.saturating_mul(font.width())
}

/// What happens to a pixel.
#[derive(Clone, Copy)]
enum Ink {
    Light,
    Dark,
    Inverse,
    /// Every other one is lit.
    Hatch,
}

/// Where a text stands between two edges.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
    Centre,
}

/// The picture, all dark at first.
pub struct Screen {
    pixels: Pixels,
}

impl Screen {
    /// A dark picture.
    pub const fn new() -> Self {
        Self { pixels: [0; ROW * DISPLAY_HEIGHT] }
    }

    /// The picture's bits.
    pub const fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Makes everything dark.
    pub fn wipe(&mut self) {
        self.pixels.fill(0);
    }

    /// A checksum (FNV-1a) of the picture, to see whether it changed without keeping the one before: once
    /// in four billion changes it fails to show one, until the next.
    pub fn checksum(&self) -> u32 {
        self.pixels.iter().fold(0x811c_9dc5, |sum, &byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }

    /// The byte of a pixel and its bit in it; none outside of the picture.
    fn bit(&mut self, x: i32, y: i32) -> Option<(&mut u8, u8)> {
        let is_inside = (0..WIDTH).contains(&x) && (0..HEIGHT).contains(&y);
        let byte = self.pixels.get_mut(y as usize * ROW + x as usize / 8).filter(|_| is_inside)?;
        Some((byte, 0x80 >> (x % 8)))
    }

    /// Does something to every pixel of a rectangle.
    #[inline(never)]
    fn area(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), ink: Ink) {
        for row in y..y.saturating_add(height) {
            for column in x..x.saturating_add(width) {
                let Some((byte, bit)) = self.bit(column, row) else { continue };
                match ink {
                    Ink::Light => *byte |= bit,
                    Ink::Dark => *byte &= !bit,
                    Ink::Inverse => *byte ^= bit,
                    Ink::Hatch if (column + row) % 2 == 0 => *byte |= bit,
                    Ink::Hatch => {}
                }
            }
        }
    }

    /// Lights a rectangle.
    pub fn fill(&mut self, at: (i32, i32), size: (i32, i32)) {
        self.area(at, size, Ink::Light);
    }

    /// Darkens a rectangle.
    pub fn clear(&mut self, at: (i32, i32), size: (i32, i32)) {
        self.area(at, size, Ink::Dark);
    }

    /// Swaps light and dark in a rectangle.
    pub fn invert(&mut self, at: (i32, i32), size: (i32, i32)) {
        self.area(at, size, Ink::Inverse);
    }

    /// The outline of a bar, and its parts from the left in permille of its inner width: the first is
    /// solid, the second hatched.
    #[inline(never)]
    pub fn bar(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), parts: [u16; 2]) {
        self.fill((x, y), (width, height));
        self.clear((x + 1, y + 1), (width - 2, height - 2));
        let inner = width - 4;
        let [solid, hatched] = parts.map(|part| inner * i32::from(part.min(1_000)) / 1_000);
        self.fill((x + 2, y + 2), (solid, height - 4));
        self.area((x + 2 + solid, y + 2), (hatched.min(inner - solid), height - 4), Ink::Hatch);
    }

    /// Text from the left, cut to the pixels before `right`. Returns where it ends.
    #[inline(never)]
    pub fn left(&mut self, font: Font, at: (i32, i32), right: i32, text: fmt::Arguments<'_>) -> i32 {
        self.put(font, at, right, Align::Left, text)
    }

    /// Text that ends before `right`, cut to the pixels from `left`. Returns where it begins.
    #[inline(never)]
    pub fn right(&mut self, font: Font, (right, y): (i32, i32), left: i32, text: fmt::Arguments<'_>) -> i32 {
        self.put(font, (left, y), right, Align::Right, text)
    }

    /// Text in the middle of the pixels from `left` to before `right`.
    #[inline(never)]
    pub fn centre(&mut self, font: Font, (left, y): (i32, i32), right: i32, text: fmt::Arguments<'_>) {
        self.put(font, (left, y), right, Align::Centre, text);
    }

    /// A name at the left edge and its value at the right one.
    #[inline(never)]
    pub fn pair(&mut self, y: i32, name: &'static str, value: fmt::Arguments<'_>) {
        let end = self.left(Font::Small, (0, y), WIDTH, format_args!("{name}"));
        self.right(Font::Small, (WIDTH, y), end, value);
    }

    /// Returns the end of a text that stands at the left, else its beginning.
    #[inline(never)]
    fn put(
        &mut self,
        font: Font,
        (left, y): (i32, i32),
        right: i32,
        align: Align,
        text: fmt::Arguments<'_>,
    ) -> i32 {
        let mut line = Line::default();
        // A line that is full swallows the rest.
        let _ = line.write_fmt(text);
        let room = right.min(WIDTH) - left;
        let text = line.fit(room / font.width());
        let width = text.len() as i32 * font.width();
        let x = match align {
            Align::Left => left,
            Align::Right => right - width,
            // The last column of a character is the space before the next.
            Align::Centre => left + (room - width + 1) / 2,
        };
        self.glyphs(font, (x, y), text);
        if align == Align::Left { x + width } else { x }
    }

    /// Draws the characters of a text.
    #[inline(never)]
    fn glyphs(&mut self, font: Font, (x, y): (i32, i32), text: &str) {
        let (image, width, height) = (font.image(), font.width(), font.glyph());
        for (left, character) in (x..).step_by(width as usize).zip(text.bytes()) {
            // The small font's point is a cross of three pixels, too much between digits.
            if font == Font::Small && character == b'.' {
                self.fill((left + 1, y + 5), (2, 2));
                continue;
            }
            let glyph = i32::from(character.saturating_sub(b' '));
            let corner = Point::new(glyph % 16 * width, glyph / 16 * height);
            let pixels = (0..height).flat_map(|row| (0..width).map(move |column| Point::new(column, row)));
            let lit = pixels.filter(|at| image.pixel(corner + *at) == Some(BinaryColor::On));
            let origin = Point::new(left, y + font.drop());
            match self.draw_iter(lit.map(|at| Pixel(origin + at, BinaryColor::On))) {
                Ok(()) => {}
                Err(error) => match error {},
            }
        }
    }

    /// A text in lines from `top`, broken between words, or within one that is longer than a line. What
    /// does not fit in `lines` is cut with two dots.
    #[inline(never)]
    pub fn paragraph(&mut self, font: Font, (x, top): (i32, i32), lines: usize, text: fmt::Arguments<'_>) {
        let columns = (((WIDTH - x) / font.width()) as usize).min(COLUMNS);
        let mut paragraph =
            Paragraph { screen: self, font, x, y: top, columns, left: lines, line: Line::default() };
        // Nothing here can fail.
        let _ = paragraph.write_fmt(text);
        paragraph.end();
    }
}

/// What writes a paragraph: holds back one line, since only the next word says where it ends.
struct Paragraph<'a> {
    screen: &'a mut Screen,
    font: Font,
    x: i32,
    y: i32,
    columns: usize,
    /// Lines that may still be drawn.
    left: usize,
    line: Line,
}

impl Paragraph<'_> {
    fn push(&mut self, character: char) -> fmt::Result {
        if self.line.text.len() < self.columns {
            let is_indent = character == ' ' && self.line.text.is_empty();
            return if is_indent { Ok(()) } else { self.line.write_char(character) };
        }
        if self.left <= 1 {
            self.line.cut = true;
            return Ok(());
        }
        let whole = self.line.text.len();
        let end = if character == ' ' { whole } else { self.line.text.rfind(' ').unwrap_or(whole) };
        let (line, rest) = self.line.text.split_at_checked(end).unwrap_or_default();
        self.screen.glyphs(self.font, (self.x, self.y), line);
        (self.y, self.left) = (self.y + self.font.height(), self.left - 1);
        let mut next = Line::default();
        next.write_str(rest.trim_ascii_start())?;
        self.line = next;
        if character == ' ' { Ok(()) } else { self.line.write_char(character) }
    }

    fn end(&mut self) {
        if self.left > 0 {
            let text = self.line.fit(self.columns as i32);
            self.screen.glyphs(self.font, (self.x, self.y), text);
        }
    }
}

impl fmt::Write for Paragraph<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The end of a line is no more than one of a word.
        text.chars().map(|c| if c == '\n' { ' ' } else { c }).try_for_each(|character| self.push(character))
    }
}

impl OriginDimensions for Screen {
    fn size(&self) -> Size {
        Size::new(DISPLAY_WIDTH as u32, DISPLAY_HEIGHT as u32)
    }
}

impl DrawTarget for Screen {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            match (self.bit(at.x, at.y), color) {
                (Some((byte, bit)), BinaryColor::On) => *byte |= bit,
                (Some((byte, bit)), BinaryColor::Off) => *byte &= !bit,
                (None, _) => {}
            }
        }
        Ok(())
    }
}
