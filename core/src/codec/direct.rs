//! Writing a value straight to where it goes, with code of its own for each purpose: so what is made of a digest is one
//! loop without calls. A device, which has no room for that, does the same with [`super::pieces`].

use postcard::ser_flavors::{Flavor, Slice};
use serde::Serialize;

use super::pieces;

/// As [`pieces::encode`].
pub fn encode<'b, T: Serialize + ?Sized>(value: &T, buffer: &'b mut [u8]) -> Option<&'b mut [u8]> {
    postcard::serialize_with_flavor(value, Slice::new(buffer)).ok()
}

/// As [`pieces::encoded_len`].
pub fn encoded_len<T: Serialize + ?Sized>(value: &T) -> usize {
    // Counting cannot fail.
    postcard::serialize_with_flavor(value, Count(0)).unwrap_or(0)
}

/// As [`pieces::check`].
pub fn check<T: Serialize + ?Sized>(value: &T, bytes: &[u8]) -> Result<(), usize> {
    match postcard::serialize_with_flavor(value, Compare(bytes)) {
        Ok(()) => Ok(()),
        // Where they differ is only then of interest.
        Err(_) => pieces::check(value, bytes),
    }
}

/// Counts bytes.
struct Count(usize);

impl Flavor for Count {
    type Output = usize;

    #[inline]
    fn try_push(&mut self, _: u8) -> postcard::Result<()> {
        self.0 = self.0.saturating_add(1);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0 = self.0.saturating_add(data.len());
        Ok(())
    }

    fn finalize(self) -> postcard::Result<usize> {
        Ok(self.0)
    }
}

/// The bytes that are still to come.
struct Compare<'a>(&'a [u8]);

impl Flavor for Compare<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        match self.0.split_first() {
            Some((byte, rest)) if *byte == data => {
                self.0 = rest;
                Ok(())
            }
            _ => Err(postcard::Error::SerializeBufferFull),
        }
    }

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0 = self.0.strip_prefix(data).ok_or(postcard::Error::SerializeBufferFull)?;
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(postcard::Error::SerializeBufferFull) }
    }
}
