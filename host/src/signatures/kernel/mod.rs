//! Whether a sum of multiples of points is zero, with the widest instructions that the processor has.
//!
//! | name | points side by side | instructions |
//! | --- | --- | --- |
//! | `avx512` | 8 | AVX-512 IFMA |
//! | `plain` | 1 | whatever the library of the curve finds |
//!
//! All kernels give the same answer, that of the library.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;

/// A multiple of a point.
#[derive(Clone, Copy)]
pub struct Term {
    /// The point's encoding; it need not be canonical, nor be one at all.
    pub point: [u8; 32],
    /// What it is multiplied by, little-endian.
    pub scalar: [u8; 32],
}

/// A sum of multiples of points.
#[derive(Default)]
pub struct Sum {
    /// Those that are multiplied by less than 2^127.
    pub short: Vec<Term>,
    /// Those that are multiplied by less than the order of the base point.
    pub long: Vec<Term>,
}

/// A way to work a sum out. A value says that the processor can do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Way);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Unit),
    Plain,
}

impl Kernel {
    /// All that this processor can do, the fastest last.
    pub fn all() -> Vec<Self> {
        let ways = [
            Some(Way::Plain),
            #[cfg(target_arch = "x86_64")]
            avx512::Unit::find().map(Way::Avx512),
        ];
        ways.into_iter().flatten().map(Self).collect()
    }

    /// The fastest one.
    pub fn fastest() -> Self {
        Self::all().pop().unwrap_or(Self(Way::Plain))
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self.0 {
            Way::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(_) => "avx512",
        }
    }

    /// Whether eight times the sum is zero; `false` also where one of the encodings is that of no point.
    pub fn vanishes(self, sum: &Sum) -> bool {
        match self.0 {
            Way::Plain => plain::vanishes(sum).unwrap_or(false),
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(unit) => unit.vanishes(sum),
        }
    }
}
