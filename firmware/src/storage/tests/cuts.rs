//! Power cuts at every sector write, however the sector tears.

use std::vec::Vec;

use mote_core::card::SNAPSHOT_BLOCKS;
use mote_core::codec;
use mote_core::units::Height;
use proptest::prelude::*;

use super::super::{Card, CardError};
use super::medium::{Medium, Tear};
use super::{State, load, save, state};
use crate::board::SECTOR_BYTES;

/// Something that writes to the card.
#[derive(Clone, Debug)]
enum Step {
    Save(State),
    Start,
    Snapshot(u64, Vec<u8>),
}

/// What the card should hold.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kept {
    state: Option<State>,
    starts: u32,
    snapshots: [Option<(u64, Vec<u8>)>; SLOTS as usize],
}

const SLOTS: u64 = 2;

impl Step {
    fn take(&self, card: &mut Card, medium: &mut Medium) -> Result<(), CardError> {
        match self {
            Self::Save(state) => save(card, medium, state).map(drop),
            Self::Start => card.count_start(medium).map(drop),
            Self::Snapshot(height, value) => {
                card.put_snapshot(medium, Height::new(*height), &value.as_slice())
            }
        }
    }

    fn apply(&self, kept: &mut Kept) {
        match self {
            Self::Save(state) => kept.state = Some(state.clone()),
            Self::Start => kept.starts += 1,
            Self::Snapshot(height, value) => {
                kept.snapshots[(height / SNAPSHOT_BLOCKS) as usize] = Some((*height, value.clone()));
            }
        }
    }
}

/// Looks at everything that the card keeps, after a restart, and changes nothing.
fn look(medium: &Medium, heights: &[u64]) -> Kept {
    let (mut card, mut medium) = (Card::new(), medium.clone());
    let mut kept = Kept { state: load(&mut card, &mut medium).unwrap(), ..Kept::default() };
    for height in heights {
        let mut buffer = [0; 4_096];
        if let Some(value) = card.snapshot(&mut medium, Height::new(*height), &mut buffer).unwrap() {
            let value = codec::decode::<&[u8]>(value).unwrap();
            kept.snapshots[(height / SNAPSHOT_BLOCKS) as usize] = Some((*height, value.to_vec()));
        }
    }
    kept.starts = card.count_start(&mut medium).unwrap() - 1;
    kept
}

/// Cuts the power during one write of `step` and returns what must be seen after it, or none where the
/// step makes fewer writes.
fn cut(
    (medium, card, kept): (&mut Medium, &mut Card, &mut Kept),
    step: &Step,
    at: usize,
    tear: Tear,
    heights: &[u64],
) -> bool {
    medium.cut_at(at, tear);
    let done = step.take(card, medium);
    let was_cut = medium.writes > at;
    medium.restart();
    let mut after = kept.clone();
    step.apply(&mut after);
    if !was_cut {
        assert_eq!(done, Ok(()));
        *kept = after;
        assert_eq!(look(medium, heights), *kept);
        return false;
    }
    assert!(done.is_err());
    *card = Card::new();
    let found = look(medium, heights);
    if let Step::Snapshot(height, _) = step {
        // A slot has no second copy: it may be empty.
        let slot = (height / SNAPSHOT_BLOCKS) as usize;
        kept.snapshots[slot].take_if(|_| found.snapshots[slot].is_none());
    }
    assert!(found == *kept || found == after, "{at} {tear:?} {step:?}: found {found:?}, before {kept:?}");
    *kept = found;
    true
}

fn tears() -> impl Iterator<Item = Tear> {
    let lengths = [0, 1, 5, 9, 10, 18, 19, 40, 80, 300, SECTOR_BYTES - 1, SECTOR_BYTES];
    lengths.into_iter().flat_map(|new| [Tear::Old(new), Tear::Garbage(new), Tear::Erased(new)])
}

/// Every write of every step, each torn in every way: what was there before, or what should be there.
#[test]
fn no_cut_loses_both() {
    let steps = [
        Step::Start,
        Step::Save(state(1, &[76; 8])),
        Step::Save(state(2, &[76; 8])),
        Step::Snapshot(64, state(3, &[2_000])[0].1.clone()),
        Step::Start,
        Step::Save(state(4, &[76, 2_300, 76, 200])),
        Step::Save(state(5, &[])),
        Step::Save(state(6, &[1_000; 3])),
        Step::Snapshot(65, state(7, &[600])[0].1.clone()),
        Step::Snapshot(64, state(8, &[4_000])[0].1.clone()),
        Step::Save(state(9, &[1_000; 3])),
    ];
    let (mut medium, mut kept, mut cuts) = (Medium::new(SLOTS as u32, 0), Kept::default(), 0);
    for step in &steps {
        for tear in tears() {
            for at in 0.. {
                let (mut medium, mut card, mut kept) = (medium.clone(), Card::new(), kept.clone());
                if !cut((&mut medium, &mut card, &mut kept), step, at, tear, &[64, 65]) {
                    break;
                }
                cuts += 1;
                // And again, with what the first cut has left, then without a cut.
                let again = cut((&mut medium, &mut card, &mut kept), step, at / 2, Tear::Old(9), &[64, 65]);
                assert!(again);
                assert!(!cut((&mut medium, &mut card, &mut kept), step, usize::MAX - 1, tear, &[64, 65]));
            }
        }
        step.take(&mut Card::new(), &mut medium).unwrap();
        step.apply(&mut kept);
    }
    assert!(cuts > 1_500, "{cuts} cuts");
}

fn any_step() -> impl Strategy<Value = Step> {
    // Mostly records of one size, so that those of different writes lie upon each other.
    let lengths = prop_oneof![
        (0_usize..40).prop_map(|count| [76].repeat(count)),
        prop::collection::vec(0_usize..3_000, 0..7),
    ];
    prop_oneof![
        4 => (any::<u8>(), lengths).prop_map(|(seed, lengths)| Step::Save(state(seed, &lengths))),
        1 => Just(Step::Start),
        1 => (0..SLOTS * SNAPSHOT_BLOCKS, prop::collection::vec(any::<u8>(), 0..2_400))
            .prop_map(|(height, value)| Step::Snapshot(height, value)),
    ]
}

fn any_tear() -> impl Strategy<Value = Tear> {
    (0..=SECTOR_BYTES, 0..3).prop_map(|(new, kind)| match kind {
        0 => Tear::Old(new),
        1 => Tear::Garbage(new),
        _ => Tear::Erased(new),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// A life with many power cuts, each on top of what the ones before it have left.
    #[test]
    fn a_life_of_cuts_loses_nothing(
        blank in prop_oneof![Just(0x00), Just(0xff)],
        life in prop::collection::vec((any_step(), prop::option::of((0_usize..24, any_tear()))), 1..24),
    ) {
        let (mut medium, mut card) = (Medium::new(SLOTS as u32, blank), Card::new());
        let mut kept = Kept::default();
        let heights: Vec<u64> = life.iter().filter_map(|(step, _)| match step {
            Step::Snapshot(height, _) => Some(*height),
            _ => None,
        }).collect();
        for (step, power) in &life {
            let (at, tear) = power.unwrap_or((usize::MAX - 1, Tear::Old(0)));
            cut((&mut medium, &mut card, &mut kept), step, at, tear, &heights);
        }
    }
}
