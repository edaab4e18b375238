//! What an emulated board shows on its display.

use std::path::Path;

/// Width of the display in pixels.
pub const WIDTH: usize = 128;

/// Height of the display in pixels.
pub const HEIGHT: usize = 64;

/// The display's pixels, lit or not, in rows from the top.
#[derive(Clone, PartialEq, Eq)]
pub struct Screen {
    lit: Vec<bool>,
}

impl Screen {
    /// Reads a picture as the emulator writes it (PPM, the display's pixels enlarged by a whole number).
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut fields = file.splitn(5, |byte| byte.is_ascii_whitespace());
        let mut field = || fields.next().ok_or("the picture ends in its head".to_owned());
        if field()? != b"P6" {
            return Err("this is no picture of the expected kind".to_owned());
        }
        let number = |text: &[u8]| {
            let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
            text.parse::<usize>().map_err(|error| format!("{text}: {error}"))
        };
        let (width, height) = (number(field()?)?, number(field()?)?);
        field()?;
        let bytes = field()?;
        let scale = width / WIDTH;
        if width == 0 || width % WIDTH != 0 || height != HEIGHT * scale || bytes.len() != 3 * width * height {
            return Err(format!("a picture of {width} x {height} pixels, {} bytes", bytes.len()));
        }
        let is_lit = |x: usize, y: usize| {
            let at = 3 * ((y * scale + scale / 2) * width + x * scale + scale / 2);
            bytes[at..at + 3].iter().any(|level| *level >= 0x40)
        };
        let pixels = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        Ok(Self { lit: pixels.map(|(x, y)| is_lit(x, y)).collect() })
    }

    /// The picture that a device draws: one bit a pixel, the leftmost in the highest bit.
    pub fn of_bits(bits: &[u8]) -> Self {
        let lit = bits.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
        Self { lit }
    }

    /// How many pixels are lit.
    pub fn lit(&self) -> usize {
        self.lit.iter().filter(|lit| **lit).count()
    }

    /// How many pixels differ.
    pub fn differs_in(&self, other: &Self) -> usize {
        self.lit.iter().zip(&other.lit).filter(|(a, b)| a != b).count()
    }

    /// Whether a pixel is lit.
    pub fn is_lit(&self, x: usize, y: usize) -> bool {
        self.lit[y * WIDTH + x]
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for row in self.lit.chunks(WIDTH) {
            let text: String = row.iter().map(|lit| if *lit { '#' } else { '.' }).collect();
            writeln!(formatter, "{text}")?;
        }
        Ok(())
    }
}
