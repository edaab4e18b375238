//! Points in memory, one after another, and in lanes, eight side by side.

use std::arch::x86_64::*;

use super::Term;
use super::field::{Field, Lanes};
use super::points::{Affine, Extended};

/// The digits of a point one after another: twenty and four unused ones.
pub type Record = [Lanes; 3];

/// Eight rows of eight words, their columns as rows.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn transpose(rows: [Lanes; 8]) -> [Lanes; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    // Pairs of words, then of pairs, then of fours.
    let (ab0, ab1) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let (cd0, cd1) = (_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
    let (ef0, ef1) = (_mm512_unpacklo_epi64(e, f), _mm512_unpackhi_epi64(e, f));
    let (gh0, gh1) = (_mm512_unpacklo_epi64(g, h), _mm512_unpackhi_epi64(g, h));
    // ab0 = a0 b0 a2 b2 a4 b4 a6 b6
    let (w, x) = (_mm512_shuffle_i64x2::<0x88>(ab0, cd0), _mm512_shuffle_i64x2::<0xdd>(ab0, cd0));
    // w = a0 b0 a4 b4 c0 d0 c4 d4, x = a2 b2 a6 b6 c2 d2 c6 d6
    let (y, z) = (_mm512_shuffle_i64x2::<0x88>(ef0, gh0), _mm512_shuffle_i64x2::<0xdd>(ef0, gh0));
    let (w1, x1) = (_mm512_shuffle_i64x2::<0x88>(ab1, cd1), _mm512_shuffle_i64x2::<0xdd>(ab1, cd1));
    let (y1, z1) = (_mm512_shuffle_i64x2::<0x88>(ef1, gh1), _mm512_shuffle_i64x2::<0xdd>(ef1, gh1));
    [
        _mm512_shuffle_i64x2::<0x88>(w, y),
        _mm512_shuffle_i64x2::<0x88>(w1, y1),
        _mm512_shuffle_i64x2::<0x88>(x, z),
        _mm512_shuffle_i64x2::<0x88>(x1, z1),
        _mm512_shuffle_i64x2::<0xdd>(w, y),
        _mm512_shuffle_i64x2::<0xdd>(w1, y1),
        _mm512_shuffle_i64x2::<0xdd>(x, z),
        _mm512_shuffle_i64x2::<0xdd>(x1, z1),
    ]
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn load(records: [&Record; 8]) -> Extended {
    let part = |place: usize| {
        let [a, b, c, d, e, f, g, h] = records;
        transpose([a[place], b[place], c[place], d[place], e[place], f[place], g[place], h[place]])
    };
    let [x0, x1, x2, x3, x4, y0, y1, y2] = part(0);
    let [y3, y4, z0, z1, z2, z3, z4, t0] = part(1);
    let [t1, t2, t3, t4, ..] = part(2);
    Extended {
        x: Field([x0, x1, x2, x3, x4]),
        y: Field([y0, y1, y2, y3, y4]),
        z: Field([z0, z1, z2, z3, z4]),
        t: Field([t0, t1, t2, t3, t4]),
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn records(points: Extended) -> [Record; 8] {
    let zero = _mm512_setzero_si512();
    let ([x0, x1, x2, x3, x4], [y0, y1, y2, y3, y4]) = (points.x.0, points.y.0);
    let ([z0, z1, z2, z3, z4], [t0, t1, t2, t3, t4]) = (points.z.0, points.t.0);
    let first = transpose([x0, x1, x2, x3, x4, y0, y1, y2]);
    let second = transpose([y3, y4, z0, z1, z2, z3, z4, t0]);
    let third = transpose([t1, t2, t3, t4, zero, zero, zero, zero]);
    let mut records = [[zero; 3]; 8];
    for (place, record) in records.iter_mut().enumerate() {
        *record = [first[place], second[place], third[place]];
    }
    records
}

/// The fifteen digits of a point that is to be added to others.
pub type Addend = [u64; 16];

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub fn addends(points: Affine) -> [Addend; 8] {
    let zero = _mm512_setzero_si512();
    let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (points.sum.0, points.difference.0);
    let [c0, c1, c2, c3, c4] = points.product.0;
    let first = transpose([a0, a1, a2, a3, a4, b0, b1, b2]);
    let second = transpose([b3, b4, c0, c1, c2, c3, c4, zero]);
    let mut addends = [[0; 16]; 8];
    for (place, addend) in addends.iter_mut().enumerate() {
        let (low, high) = addend.split_at_mut(8);
        low.copy_from_slice(&words(first[place]));
        high.copy_from_slice(&words(second[place]));
    }
    addends
}

/// The same point in every lane.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn spread(addend: &Addend) -> Affine {
    let [a0, a1, a2, a3, a4, b0, b1, b2, b3, b4, c0, c1, c2, c3, c4, _] = *addend;
    Affine {
        sum: Field::constant([a0, a1, a2, a3, a4]),
        difference: Field::constant([b0, b1, b2, b3, b4]),
        product: Field::constant([c0, c1, c2, c3, c4]),
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn words(lanes: Lanes) -> [u64; 8] {
    let pairs = [
        _mm512_extracti64x2_epi64::<0>(lanes),
        _mm512_extracti64x2_epi64::<1>(lanes),
        _mm512_extracti64x2_epi64::<2>(lanes),
        _mm512_extracti64x2_epi64::<3>(lanes),
    ];
    let mut words = [0; 8];
    for (words, pair) in words.chunks_exact_mut(2).zip(pairs) {
        words.copy_from_slice(
            &[_mm_cvtsi128_si64(pair), _mm_extract_epi64::<1>(pair)].map(i64::cast_unsigned),
        );
    }
    words
}

/// The encodings of up to eight points, least significant word first; zeros where there are fewer.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub fn encodings(terms: &[Term]) -> [Lanes; 4] {
    let mut encodings = [_mm512_setzero_si512(); 4];
    for (place, encoding) in encodings.iter_mut().enumerate() {
        let mut words = [0; 8];
        for (word, term) in words.iter_mut().zip(terms) {
            let (parts, _) = term.point.as_chunks();
            *word = i64::from_le_bytes(parts[place]);
        }
        let [a, b, c, d, e, f, g, h] = words;
        *encoding = _mm512_setr_epi64(a, b, c, d, e, f, g, h);
    }
    encodings
}
