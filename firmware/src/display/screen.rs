//! The picture: one bit a pixel, and the few things that every page is made of.

use core::convert::Infallible;
use core::fmt::{self, Write};

use embedded_graphics::mono_font::MonoFont;
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::{FONT_5X8, FONT_6X12, FONT_10X20};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::Baseline;
use embedded_graphics::text::renderer::TextRenderer;

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
    fn glyphs(self) -> &'static MonoFont<'static> {
        match self {
            Self::Small => &FONT_5X8,
            Self::Medium => &FONT_6X12,
            Self::Large => &FONT_10X20,
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

/// A line of text that says so where it was cut.
#[derive(Default)]
pub struct Line {
    text: heapless::String<COLUMNS>,
    cut: bool,
}

impl Line {
    /// The text of `arguments`, as much of it as a line holds.
    pub fn new(arguments: fmt::Arguments<'_>) -> Self {
        let mut line = Self::default();
        // A line that is full swallows the rest.
        let _ = line.write_fmt(arguments);
        line
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many characters it has.
    pub fn width(&self) -> i32 {
        self.text.len() as i32
    }

    /// Cut to `columns`, with two dots where something is missing.
    fn fit(mut self, columns: usize) -> heapless::String<COLUMNS> {
        let columns = columns.min(COLUMNS);
        if self.cut || self.text.len() > columns {
            self.text.truncate(columns.saturating_sub(2));
            // What was cut off made room for them.
            let _ = self.text.push_str(if columns < 2 { "" } else { ".." });
        }
        self.text
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

    fn set(&mut self, x: i32, y: i32, color: BinaryColor) {
        match (self.bit(x, y), color) {
            (Some((byte, bit)), BinaryColor::On) => *byte |= bit,
            (Some((byte, bit)), BinaryColor::Off) => *byte &= !bit,
            (None, _) => {}
        }
    }

    /// Lights a rectangle.
    pub fn fill(&mut self, x: i32, y: i32, width: i32, height: i32) {
        for row in y..y.saturating_add(height) {
            (x..x.saturating_add(width)).for_each(|column| self.set(column, row, BinaryColor::On));
        }
    }

    /// Darkens a rectangle.
    pub fn clear(&mut self, x: i32, y: i32, width: i32, height: i32) {
        for row in y..y.saturating_add(height) {
            (x..x.saturating_add(width)).for_each(|column| self.set(column, row, BinaryColor::Off));
        }
    }

    /// Swaps light and dark in a rectangle.
    pub fn invert(&mut self, (left, top): (i32, i32), (right, bottom): (i32, i32)) {
        for (x, y) in (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))) {
            if let Some((byte, bit)) = self.bit(x, y) {
                *byte ^= bit;
            }
        }
    }

    /// The outline of a bar, and its parts from the left in permille of its inner width: the first is
    /// solid, the second hatched.
    pub fn bar(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), parts: [u16; 2]) {
        self.fill(x, y, width, 1);
        self.fill(x, y + height - 1, width, 1);
        self.fill(x, y, 1, height);
        self.fill(x + width - 1, y, 1, height);
        let inner = width - 4;
        let [solid, hatched] = parts.map(|part| inner * i32::from(part.min(1_000)) / 1_000);
        self.fill(x + 2, y + 2, solid, height - 4);
        let end = x + 2 + (solid + hatched).min(inner);
        for row in y + 2..y + height - 2 {
            let hatch = (x + 2 + solid..end).filter(|column| (column + row) % 2 == 0);
            hatch.for_each(|column| self.set(column, row, BinaryColor::On));
        }
    }

    /// Text from the left, cut to the pixels up to `right`. Returns where it ends.
    pub fn left(&mut self, font: Font, (x, y): (i32, i32), right: i32, text: Line) -> i32 {
        let columns = (right.min(WIDTH) - x).max(0) / font.width();
        self.put(font, x, y, &text.fit(columns as usize))
    }

    /// Text that ends before `right`, cut to the pixels from `left`. Returns where it begins.
    pub fn right(&mut self, font: Font, (right, y): (i32, i32), left: i32, text: Line) -> i32 {
        let text = text.fit((((right - left).max(0)) / font.width()) as usize);
        let x = right - text.len() as i32 * font.width();
        self.put(font, x, y, &text);
        x
    }

    /// Text in the middle of the pixels from `left` to before `right`.
    pub fn centre(&mut self, font: Font, (left, right): (i32, i32), y: i32, text: Line) {
        let text = text.fit((((right - left).max(0)) / font.width()) as usize);
        // The last column of a character is the space before the next.
        let x = left + (right - left - text.len() as i32 * font.width() + 1) / 2;
        self.put(font, x, y, &text);
    }

    fn put(&mut self, font: Font, x: i32, y: i32, text: &str) -> i32 {
        let style = MonoTextStyle::new(font.glyphs(), BinaryColor::On);
        let mut x = x;
        // The small font's point is a cross of three pixels, too much between digits.
        let point = if font == Font::Small { '.' } else { '\0' };
        for (index, part) in text.split(point).enumerate() {
            if index > 0 {
                self.fill(x + 1, y + 5, 2, 2);
                x += font.width();
            }
            x = match style.draw_string(part, Point::new(x, y + font.drop()), Baseline::Top, self) {
                Ok(end) => end.x,
                Err(error) => match error {},
            };
        }
        x
    }

    /// A text in lines from `top`, broken between words, or within one that is longer than a line. What
    /// does not fit in `lines` is cut with two dots.
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
        self.screen.put(self.font, self.x, self.y, line);
        (self.y, self.left) = (self.y + self.font.height(), self.left - 1);
        let mut next = Line::default();
        next.write_str(rest.trim_start())?;
        self.line = next;
        if character == ' ' { Ok(()) } else { self.line.write_char(character) }
    }

    fn end(self) {
        if self.left > 0 {
            let text = self.line.fit(self.columns);
            self.screen.put(self.font, self.x, self.y, &text);
        }
    }
}

impl fmt::Write for Paragraph<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| self.push(character))
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
        pixels.into_iter().for_each(|Pixel(at, color)| self.set(at.x, at.y, color));
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: BinaryColor) -> Result<(), Infallible> {
        area.intersection(&self.bounding_box()).points().for_each(|at| self.set(at.x, at.y, color));
        Ok(())
    }
}
