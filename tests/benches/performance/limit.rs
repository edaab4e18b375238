//! The limit of a vectored search for a nonce: as many operations of each kind as an attempt takes, of which none has to
//! wait for the one before it. What is left of a kernel's time beside that is its own.

use std::hint::black_box;

use mote::sha256::rounds::{Task, Vector};

/// How often [`main_group`] goes into the attempts of a vector, and then [`rest_group`]: together 474 rotations,
/// 474 sums, 182 functions of three bits with an exclusive or, 110 others and 72 shifts. Those are, but for six sums, the
/// operations of rounds 9 to 63 and of words 23 to 63, less what is the same for all attempts.
const MAIN: u32 = 55;
const REST: u32 = 17;

/// Streams that do not wait for each other.
const STREAMS: usize = 8;

/// Does what so many attempts take.
pub struct Unhindered {
    /// How many, a multiple of the lanes.
    pub attempts: u64,
}

impl Task for Unhindered {
    type Output = u32;

    #[inline(always)]
    fn run<V: Vector>(self, unit: V::Unit) -> u32 {
        let mut streams = [V::all(unit, 0); STREAMS];
        for (stream, word) in streams.iter_mut().zip(black_box([1, 3, 5, 7, 9, 11, 13, 15])) {
            *stream = V::all(unit, word);
        }
        let term = V::all(unit, black_box(0x5a82_7999));
        for _ in 0..self.attempts / u64::from(V::LANES) {
            for _ in 0..MAIN {
                main_group(&mut streams, term);
            }
            for _ in 0..REST {
                rest_group(&mut streams, term);
            }
        }
        // All of them are asked for, so that none can be left out.
        let [a, b, c, d, e, f, g, h] = streams;
        a.parity(b, c).parity(d, e).parity(f, g).parity(h, term).at_most(black_box(1 << 31))
    }
}

/// Eight sums and rotations, three functions of three bits with an exclusive or, two others, and a shift. As in a round,
/// what those two others are made of is needed afterwards too.
#[inline(always)]
fn main_group<V: Vector>([a, b, c, d, e, f, g, h]: &mut [V; STREAMS], term: V) {
    let (first, second) = (a.choose(*b, *c), d.choose(*e, *f));
    *a = a.add(term).rotate::<6, 26>();
    *b = b.add(term).rotate::<11, 21>();
    *c = c.add(term).rotate::<25, 7>();
    *d = d.add(term).rotate::<2, 30>();
    *e = e.add(term).rotate::<13, 19>();
    *f = f.add(term).rotate::<22, 10>();
    *g = g.add(first).rotate::<7, 25>();
    *h = h.add(second).rotate::<18, 14>();
    *a = a.parity(*b, *c);
    *d = d.parity(*e, *f);
    *g = g.parity(h.shift_3(), *b);
}

/// Two sums and rotations, a function of three bits with an exclusive or, and a shift.
#[inline(always)]
fn rest_group<V: Vector>([a, b, c, d, ..]: &mut [V; STREAMS], term: V) {
    *a = a.add(term).rotate::<17, 15>();
    *b = b.add(term).rotate::<19, 13>();
    *c = c.parity(b.shift_10(), *d);
}
