//! The formula of ZIP-215, written down once more and slowly, and signatures from the edges of it.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use sha2::{Digest, Sha512};

/// The 14 encodings of the 8 points of small order: 8 that are canonical, 6 that are not.
pub const ENCODINGS: [[u8; 32]; 14] = {
    const fn ending(first: u8, middle: u8, last: u8) -> [u8; 32] {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    }
    const fn with_sign(mut bytes: [u8; 32]) -> [u8; 32] {
        bytes[31] |= 0x80;
        bytes
    }
    const LOW: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    const HIGH: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    [
        ending(0x00, 0x00, 0x00),
        ending(0x00, 0x00, 0x80),
        ending(0x01, 0x00, 0x00),
        ending(0x01, 0x00, 0x80),
        ending(0xec, 0xff, 0x7f),
        ending(0xec, 0xff, 0xff),
        ending(0xed, 0xff, 0x7f),
        ending(0xed, 0xff, 0xff),
        ending(0xee, 0xff, 0x7f),
        ending(0xee, 0xff, 0xff),
        LOW,
        with_sign(LOW),
        HIGH,
        with_sign(HIGH),
    ]
};

/// The order of the base point, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A y coordinate, 2, that no point has.
const NO_POINT: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    bytes
};

/// Whether `8 s B = 8 R + 8 k A`, for any encodings of `A` and `R` and the one encoding of `s`.
pub fn formula(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let (commitment, scalar) = signature.split_at(32);
    let (commitment, scalar): ([u8; 32], [u8; 32]) =
        (commitment.try_into().expect("half of it"), scalar.try_into().expect("half of it"));
    let points = (CompressedEdwardsY(*key).decompress(), CompressedEdwardsY(commitment).decompress());
    let (Some(public), Some(committed)) = points else { return false };
    let Some(scalar) = Option::<Scalar>::from(Scalar::from_canonical_bytes(scalar)) else { return false };
    let challenge = challenge(&commitment, key, message);
    let difference = ED25519_BASEPOINT_POINT * scalar - committed - public * challenge;
    difference.mul_by_cofactor().is_identity()
}

fn challenge(commitment: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let digest = Sha512::new().chain_update(commitment).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&digest.into())
}

/// A signature, and whether it is one.
pub struct Case {
    pub name: String,
    pub key: [u8; 32],
    pub signature: [u8; 64],
    pub is_valid: bool,
}

/// The private scalar behind all keys here, which differ by a point of small order alone.
fn secret() -> Scalar {
    Scalar::from_bytes_mod_order([0x5e; 32])
}

/// The keys: the point of a private scalar, plus each of the 8 points of small order. Only the first is one
/// that honest software makes.
pub fn keys() -> [[u8; 32]; 8] {
    let point = ED25519_BASEPOINT_POINT * secret();
    EIGHT_TORSION.map(|small| (point + small).compress().to_bytes())
}

/// How many cases there are of each key; the first of them are valid.
pub const CASES_PER_KEY: usize = VALID_PER_KEY + 11;

/// How many of these are valid: the commitment is a point of large order plus each of the 8 of small order,
/// or any encoding of one of these alone.
pub const VALID_PER_KEY: usize = EIGHT_TORSION.len() + ENCODINGS.len();

/// Case `number` of a key, for a message.
pub fn case(key: [u8; 32], number: usize, message: &[u8]) -> Case {
    let random = Scalar::from_bytes_mod_order([0x31; 32]);
    let large =
        |torsion: usize| (ED25519_BASEPOINT_POINT * random + EIGHT_TORSION[torsion]).compress().to_bytes();
    let sign = |random: Scalar, commitment: [u8; 32]| {
        let scalar = random + challenge(&commitment, &key, message) * secret();
        join(&commitment, scalar.as_bytes())
    };
    let valid = |name: String, signature| Case { name, key, signature, is_valid: true };
    if let Some(small) = number.checked_sub(EIGHT_TORSION.len())
        && let Some(encoding) = ENCODINGS.get(small)
    {
        return valid(format!("commitment {small} of small order"), sign(Scalar::ZERO, *encoding));
    }
    if number < EIGHT_TORSION.len() {
        return valid(format!("commitment of mixed order {number}"), sign(random, large(number)));
    }
    let honest = sign(random, large(0));
    let mixed = sign(random, large(1));
    let small = sign(Scalar::ZERO, ENCODINGS[7]);
    let other = sign(random + Scalar::ONE, large(0));
    let (name, signature) = match number - VALID_PER_KEY {
        0 => ("the scalar plus the order", add_to_scalar(&honest, &ORDER)),
        1 => ("the scalar plus the order, at a commitment of mixed order", add_to_scalar(&mixed, &ORDER)),
        2 => ("the scalar plus the order, at one of small order", add_to_scalar(&small, &ORDER)),
        3 => ("the order as scalar", join(&large(0), &ORDER)),
        4 => ("the largest scalar", join(&large(0), &[0xff; 32])),
        5 => ("a high bit of the scalar", add_to_scalar(&honest, &top(0x20))),
        6 => ("the highest bit of the scalar", add_to_scalar(&honest, &top(0x80))),
        7 => ("the scalar of another number", other),
        8 => {
            ("a commitment that is no point", join(&NO_POINT, &honest[32..].try_into().expect("half of it")))
        }
        9 => ("the commitment of the other sign", flip_sign(&honest)),
        _ => ("nothing but zeros", [0; 64]),
    };
    Case { name: name.to_owned(), key, signature, is_valid: false }
}

/// All cases, each for the message that belongs to its number.
pub fn cases(message: &dyn Fn(usize) -> Vec<u8>) -> Vec<Case> {
    let of_key = |key| (0..CASES_PER_KEY).map(move |number| case(key, number, &message(number)));
    keys().into_iter().flat_map(of_key).collect()
}

fn join(commitment: &[u8; 32], scalar: &[u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(commitment);
    signature[32..].copy_from_slice(scalar);
    signature
}

fn top(byte: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[31] = byte;
    bytes
}

/// Adds to the scalar as to a number of 32 bytes; nothing here is large enough to be carried out of it.
fn add_to_scalar(signature: &[u8; 64], more: &[u8; 32]) -> [u8; 64] {
    let mut sum = *signature;
    let mut carry = 0;
    for (byte, more) in sum[32..].iter_mut().zip(more) {
        let digit = u16::from(*byte) + u16::from(*more) + carry;
        *byte = digit as u8;
        carry = digit >> 8;
    }
    assert_eq!(carry, 0, "a scalar and what is added to it fit");
    sum
}

fn flip_sign(signature: &[u8; 64]) -> [u8; 64] {
    let mut flipped = *signature;
    flipped[31] ^= 0x80;
    flipped
}
