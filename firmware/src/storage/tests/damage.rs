//! Flipped bits and sectors that cannot be read.

use mote_core::card::{IDENTITY_SECTORS, SNAPSHOT_SECTOR, STARTS_SECTORS, STATE_SECTORS};
use mote_core::units::Height;

use super::super::{Card, CardError, Part};
use super::medium::Medium;
use super::{identity, load, provision, save, state};
use crate::board::SECTOR_BYTES;

/// Flips each bit of some sectors in turn.
fn flips(medium: &Medium, first: u32, sectors: u32) -> impl Iterator<Item = Medium> {
    let bits = sectors as usize * SECTOR_BYTES * 8;
    (0..bits).map(move |bit| {
        let mut medium = medium.clone();
        let (sector, bit) = (first as usize + bit / (8 * SECTOR_BYTES), bit % (8 * SECTOR_BYTES));
        medium.sectors[sector][bit / 8] ^= 1 << (bit % 8);
        medium
    })
}

#[test]
fn a_flipped_bit_in_a_state_is_noticed() {
    let (mut card, mut medium) = (Card::new(), Medium::new(0, 0));
    let states = [state(1, &[300, 76, 80, 20]), state(2, &[300, 76, 80, 20])];
    save(&mut card, &mut medium, &states[0]).unwrap();
    // The first one stands there twice.
    for at in STATE_SECTORS {
        for mut medium in flips(&medium, at, 2) {
            assert_eq!(load(&mut Card::new(), &mut medium), Ok(Some(states[0].clone())));
        }
    }
    save(&mut card, &mut medium, &states[1]).unwrap();
    let mut noticed = 0;
    for mut medium in flips(&medium, STATE_SECTORS[1], 2) {
        let found = load(&mut Card::new(), &mut medium).unwrap().unwrap();
        assert!(states.contains(&found));
        noticed += usize::from(found == states[0]);
    }
    // All but those behind the end: five lengths and the generation take a byte or two each.
    assert!(noticed >= (300 + 76 + 80 + 20 + 6 * 9 + 6) * 8, "{noticed}");
    // With both copies damaged there is nothing left, and that is not the same as a new card.
    for at in STATE_SECTORS {
        medium.sectors[at as usize][30] ^= 4;
    }
    assert_eq!(load(&mut Card::new(), &mut medium), Err(CardError::Damaged { part: Part::State }));
    // Yet the card can be used again.
    save(&mut Card::new(), &mut medium, &states[0]).unwrap();
    assert_eq!(load(&mut Card::new(), &mut medium), Ok(Some(states[0].clone())));
}

#[test]
fn a_flipped_bit_in_the_identity_is_survived() {
    let mut medium = Medium::new(0, 0);
    provision(&mut medium, &identity("cellar"));
    for at in IDENTITY_SECTORS {
        for mut medium in flips(&medium, at, 1) {
            assert_eq!(Card::new().identity(&mut medium), Ok(identity("cellar")));
        }
    }
    let mut both = medium.clone();
    both.sectors[IDENTITY_SECTORS[0] as usize][20] ^= 1;
    for mut medium in flips(&both, IDENTITY_SECTORS[1], 1) {
        let found = Card::new().identity(&mut medium);
        let is_damaged = found == Err(CardError::Damaged { part: Part::Identity });
        assert!(is_damaged || found == Ok(identity("cellar")), "{found:?}");
    }
    // A sector that another program has overwritten does not make the other one void, nor the card blank.
    medium.sectors[IDENTITY_SECTORS[0] as usize] = [0; SECTOR_BYTES];
    assert_eq!(Card::new().identity(&mut medium), Ok(identity("cellar")));
    medium.sectors[IDENTITY_SECTORS[1] as usize][15] ^= 1;
    assert_eq!(Card::new().identity(&mut medium), Err(CardError::Damaged { part: Part::Identity }));
}

#[test]
fn a_flipped_bit_never_repeats_a_start() {
    let mut medium = Medium::new(0, 0);
    for expected in 1..=3 {
        assert_eq!(Card::new().count_start(&mut medium), Ok(expected));
        for at in STARTS_SECTORS {
            for mut medium in flips(&medium, at, 1) {
                assert_eq!(Card::new().count_start(&mut medium), Ok(expected + 1));
            }
        }
    }
    for at in STARTS_SECTORS {
        medium.sectors[at as usize][9] ^= 1;
    }
    assert_eq!(Card::new().count_start(&mut medium), Err(CardError::Damaged { part: Part::Starts }));
}

#[test]
fn a_flipped_bit_in_a_snapshot_makes_it_none() {
    let (mut medium, height) = (Medium::new(1, 0), Height::new(70));
    medium.sectors.extend([[0; SECTOR_BYTES]; 8]);
    let value = [9_u8; 31];
    Card::new().put_snapshot(&mut medium, height, &value).unwrap();
    let mut noticed = 0;
    for mut medium in flips(&medium, SNAPSHOT_SECTOR + 8, 1) {
        let mut buffer = [0; 64];
        let found = Card::new().snapshot(&mut medium, height, &mut buffer).unwrap();
        assert!(found.is_none_or(|found| found == value));
        noticed += usize::from(found.is_none());
    }
    assert_eq!(noticed, (9 + 1 + 31) * 8);
    // The slot of one height is not that of another that shares it.
    let other = Height::new(70 + 4_096 * 64);
    assert_eq!(Card::new().snapshot(&mut medium, other, &mut [0; 64]), Ok(None));
}

#[test]
fn a_bad_sector_costs_no_more_than_its_copy() {
    let (mut card, mut medium) = (Card::new(), Medium::new(0, 0));
    provision(&mut medium, &identity(""));
    let states = [state(1, &[1_000]), state(2, &[1_000])];
    for state in &states {
        save(&mut card, &mut medium, state).unwrap();
    }
    assert_eq!(card.count_start(&mut medium), Ok(1));
    for (at, expected) in [(STATE_SECTORS[1] + 2, 0), (STATE_SECTORS[0], 1)] {
        medium.bad = [at, IDENTITY_SECTORS[0], STARTS_SECTORS[1]].into();
        assert_eq!(load(&mut Card::new(), &mut medium), Ok(Some(states[expected].clone())));
        assert_eq!(Card::new().identity(&mut medium), Ok(identity("")));
        assert_eq!(Card::new().count_start(&mut medium.clone()), Ok(2));
    }
    medium.bad = [STATE_SECTORS[0], STATE_SECTORS[1] + 1].into();
    assert_eq!(load(&mut Card::new(), &mut medium), Err(CardError::Read { sector: STATE_SECTORS[0] }));
}
