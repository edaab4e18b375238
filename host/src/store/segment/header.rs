//! The header of a segment: which chain the file belongs to, and its place in the row.

use std::path::Path;

use mote_core::hash::Hash32;

use super::Identity;
use crate::store::log_error::LogError;

/// The version of the format, which stands in every header.
pub const FORMAT_VERSION: u16 = 2;

/// Length of a header without the name of the network.
pub const FIXED_BYTES: usize = 55;

const MAGIC: &[u8; 8] = b"mote log";

/// The payload of a header.
pub fn encode(number: u32, identity: &Identity, salt: u32, before: u32) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend(FORMAT_VERSION.to_le_bytes());
    header.extend(number.to_le_bytes());
    header.extend(salt.to_le_bytes());
    header.extend(before.to_le_bytes());
    header.extend(identity.genesis.as_bytes());
    // A name beyond 255 bytes is cut in its length byte, and then refused when it is read.
    header.push(identity.network.len() as u8);
    header.extend(identity.network.as_bytes());
    header
}

/// The fields of a header, as they stand in it.
struct Header<'b> {
    number: u32,
    salt: u32,
    before: u32,
    genesis: Hash32,
    network: &'b [u8],
}

/// Reads a header; `Err(Some(version))` where it has another version, `Err(None)` where it is none.
fn decode(bytes: &[u8]) -> Result<Header<'_>, Option<u16>> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(None)?;
    let (version, rest) = rest.split_first_chunk().ok_or(None)?;
    let version = u16::from_le_bytes(*version);
    if version != FORMAT_VERSION {
        return Err(Some(version));
    }
    let (number, rest) = rest.split_first_chunk().ok_or(None)?;
    let (salt, rest) = rest.split_first_chunk().ok_or(None)?;
    let (before, rest) = rest.split_first_chunk().ok_or(None)?;
    let (genesis, rest) = rest.split_first_chunk().ok_or(None)?;
    let (length, network) = rest.split_first().ok_or(None)?;
    if network.len() != usize::from(*length) {
        return Err(None);
    }
    let [number, salt, before] = [number, salt, before].map(|bytes| u32::from_le_bytes(*bytes));
    Ok(Header { number, salt, before, genesis: Hash32::from_bytes(*genesis), network })
}

/// Checks what a header says of the file itself, and returns its salt and the length of the file before it.
pub fn check(bytes: &[u8], number: u32, identity: &Identity, path: &Path) -> Result<(u32, u32), LogError> {
    let path = path.to_owned();
    let header = match decode(bytes) {
        Ok(header) => header,
        Err(Some(got)) => return Err(LogError::Version { path, got, expected: FORMAT_VERSION }),
        Err(None) => return Err(LogError::NotALog { path }),
    };
    if header.network != identity.network.as_bytes() {
        let got = String::from_utf8_lossy(header.network).into_owned();
        return Err(LogError::Network { path, got, expected: identity.network.clone() });
    }
    if header.genesis != identity.genesis {
        return Err(LogError::Genesis { path, got: header.genesis, expected: identity.genesis });
    }
    if header.number != number {
        return Err(LogError::Number { path, got: header.number, expected: number });
    }
    Ok((header.salt, header.before))
}
