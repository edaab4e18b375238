//! The card under power cuts, torn sectors, flipped bits and bad sectors.

mod cuts;
mod damage;
mod medium;

use std::vec;
use std::vec::Vec;

use mote_core::card::{
    IDENTITY_KIND, IDENTITY_SECTORS, Identity, Mines, STATE_LENGTH, STATE_SECTORS, write_sector,
};
use mote_core::codec;
use mote_core::units::Height;

use super::{Card, CardError, Part};
use crate::board::SECTOR_BYTES;
use medium::Medium;

/// A state as tests keep it.
type State = Vec<(u8, Vec<u8>)>;

/// A state of so many records whose bytes all depend on `seed`.
fn state(seed: u8, lengths: &[usize]) -> State {
    let record = |(index, length): (usize, &usize)| {
        let byte = |at: usize| (at as u8).wrapping_mul(7).wrapping_add(seed).wrapping_add(index as u8);
        (index as u8, (0..*length).map(byte).collect())
    };
    lengths.iter().enumerate().map(record).collect()
}

fn save(card: &mut Card, medium: &mut Medium, state: &State) -> Result<u32, CardError> {
    card.save(medium, |writer| {
        state.iter().try_for_each(|(kind, payload)| writer.record(*kind, payload.as_slice()))
    })
}

fn load(card: &mut Card, medium: &mut Medium) -> Result<Option<State>, CardError> {
    let (mut state, mut buffer) = (State::new(), vec![0; 32_768]);
    let generation = card.load(medium, &mut buffer, |kind, payload| {
        state.push((kind, codec::decode::<&[u8]>(payload)?.to_vec()));
        Ok(())
    })?;
    Ok(generation.map(|_| state))
}

fn identity(name: &str) -> Identity {
    Identity {
        network: "local".try_into().unwrap(),
        name: name.try_into().unwrap(),
        seed: Some([1; 32]),
        entropy: [2; 32],
        peers: heapless::Vec::new(),
        mines: Mines::WhenTold,
    }
}

fn provision(medium: &mut Medium, identity: &Identity) {
    for at in IDENTITY_SECTORS {
        write_sector(&mut medium.sectors[at as usize], IDENTITY_KIND, identity).unwrap();
    }
}

#[test]
fn a_blank_card_says_so() {
    for blank in [0x00, 0xff] {
        let (mut card, mut medium) = (Card::new(), Medium::new(1, blank));
        assert_eq!(card.identity(&mut medium), Err(CardError::Blank));
        assert_eq!(load(&mut card, &mut medium), Ok(None));
        assert_eq!(card.snapshot(&mut medium, Height::GENESIS, &mut [0; 64]), Ok(None));
        assert_eq!(card.count_start(&mut medium), Ok(1));
    }
}

#[test]
fn what_was_written_comes_back() {
    let mut medium = Medium::new(2, 0);
    provision(&mut medium, &identity("attic"));
    let mut generation = 0;
    for (round, lengths) in [&[][..], &[0], &[500, 600], &[76; 80], &[24_000]].into_iter().enumerate() {
        let (mut card, round) = (Card::new(), round as u32);
        assert_eq!(card.identity(&mut medium), Ok(identity("attic")));
        assert_eq!(card.count_start(&mut medium), Ok(round + 1));
        // With what the card remembers of itself, and without.
        for seed in [1, 2] {
            let state = state(seed, lengths);
            generation += 1;
            assert_eq!(save(&mut card, &mut medium, &state), Ok(generation));
            assert_eq!(load(&mut card, &mut medium), Ok(Some(state.clone())));
            assert_eq!(load(&mut Card::new(), &mut medium), Ok(Some(state)));
        }
        card.put_snapshot(&mut medium, Height::new(64), &[round as u8; 32]).unwrap();
        let mut buffer = [0; 256];
        assert_eq!(
            card.snapshot(&mut medium, Height::new(64), &mut buffer),
            Ok(Some(&[round as u8; 32][..]))
        );
    }
}

#[test]
fn a_generation_may_wrap_around() {
    let mut medium = Medium::new(0, 0);
    for (at, generation) in STATE_SECTORS.into_iter().zip([u32::MAX - 1, u32::MAX]) {
        // As a save does it, without the four thousand million before it.
        let mut bytes = vec![0; SECTOR_BYTES];
        let mut rest = bytes.as_mut_slice();
        let payload = |sink: &mut dyn FnMut(&[u8])| codec::encode_into(&generation, sink);
        let salt = mote_core::frame::write_pieces(&mut rest, 0, 0xfe, &payload).unwrap();
        mote_core::frame::write(&mut rest, salt, 0xff, &[]).unwrap();
        medium.sectors[at as usize].copy_from_slice(&bytes);
    }
    let mut card = Card::new();
    for (seed, generation) in [(1, 0), (2, 1), (3, 2)] {
        assert_eq!(save(&mut card, &mut medium, &state(seed, &[9])), Ok(generation));
        assert_eq!(load(&mut Card::new(), &mut medium), Ok(Some(state(seed, &[9]))));
    }
}

#[test]
fn what_has_no_room_is_refused_and_changes_nothing() {
    let (mut card, mut medium) = (Card::new(), Medium::new(1, 0));
    let before = state(1, &[100]);
    save(&mut card, &mut medium, &before).unwrap();
    let limit = STATE_LENGTH as usize * SECTOR_BYTES;
    // Start, one record with its length before it, end: three frames, the generation and three bytes.
    let largest = limit - 3 * 9 - 1 - 3;
    let error = Err(CardError::TooLong { limit });
    for (lengths, expected) in
        [(&[largest + 1][..], error), (&[300; 100], error), (&[30_000], error), (&[largest], Ok(2))]
    {
        assert_eq!(save(&mut card, &mut medium, &state(2, lengths)), expected);
        let found = if expected.is_ok() { state(2, lengths) } else { before.clone() };
        assert_eq!(load(&mut Card::new(), &mut medium), Ok(Some(found)));
    }
    let reserved = card.save(&mut medium, |writer| writer.record(0xfe, &0));
    assert_eq!(reserved, Err(CardError::Kind { kind: 0xfe, limit: 0xfe }));
    let mut small = [0; 50];
    assert_eq!(card.load(&mut medium, &mut small, |_, _| Ok(())), Err(CardError::TooLong { limit: 50 }));

    let too_long = CardError::TooLong { limit: 8 * SECTOR_BYTES - 9 };
    let long = vec![1_u8; 4_085];
    medium.restart();
    assert_eq!(card.put_snapshot(&mut medium, Height::new(7), &long.as_slice()), Err(too_long));
    assert_eq!(medium.writes, 0);
    assert_eq!(card.put_snapshot(&mut medium, Height::new(7), &&long[1..]), Ok(()));
    assert_eq!(card.snapshot(&mut medium, Height::new(7), &mut small), Err(CardError::TooLong { limit: 50 }));
}

#[test]
fn a_card_that_is_too_small_says_what_is_missing() {
    let (mut card, mut medium) = (Card::new(), Medium::new(0, 0));
    let count = medium.sectors.len() as u32;
    let height = Height::new(64 * 3);
    let missing = CardError::TooSmall { count, sector: count + 24 };
    assert_eq!(card.put_snapshot(&mut medium, height, &1_u8), Err(missing));
    medium.sectors.truncate(20);
    assert_eq!(card.count_start(&mut medium), Err(CardError::TooSmall { count: 20, sector: 24 }));
}

#[test]
fn a_number_of_starts_never_ends_silently() {
    let (mut card, mut medium) = (Card::new(), Medium::new(0, 0));
    for at in mote_core::card::STARTS_SECTORS {
        write_sector(&mut medium.sectors[at as usize], mote_core::card::STARTS_KIND, &u32::MAX).unwrap();
    }
    assert_eq!(card.count_start(&mut medium), Err(CardError::Damaged { part: Part::Starts }));
}
