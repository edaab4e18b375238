//! The card of a device, written by it and by the laptop: whatever became of its sectors, what is read was written, the
//! two readers agree on who the device is, and no number of a start comes twice.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use mote::device::image;
use mote_core::card::{
    IDENTITY_SECTORS, IMAGE_BYTES, Identity, Mines, SECTOR_BYTES, STARTS_SECTORS, STATE_LENGTH, STATE_SECTORS,
};
use mote_core::units::Height;
use mote_firmware::board::Sectors;
use mote_firmware::storage::{Card, CardError};

use super::Choices;
use crate::devices::card::identity;
use crate::fixtures::wire;

/// Bytes of the longest record of an input.
const RECORD_BYTES: usize = 300;

/// The most times that the power comes on.
const LIVES: usize = 6;

/// A medium that a test holds in its hands.
#[derive(Clone, Default)]
struct Medium {
    sectors: BTreeMap<u32, [u8; SECTOR_BYTES]>,
    /// The power is cut during the write of this number; as many bytes of it are new.
    cut: Option<(usize, usize)>,
}

impl Sectors for Medium {
    type Error = ();

    fn count(&self) -> u32 {
        (IMAGE_BYTES / SECTOR_BYTES as u64) as u32
    }

    fn read(&mut self, sector: u32, into: &mut [u8; SECTOR_BYTES]) -> Result<(), ()> {
        *into = self.sectors.get(&sector).copied().unwrap_or([0; SECTOR_BYTES]);
        Ok(())
    }

    fn write(&mut self, sector: u32, from: &[u8; SECTOR_BYTES]) -> Result<(), ()> {
        let durable = match &mut self.cut {
            None => SECTOR_BYTES,
            Some((0, bytes)) => std::mem::take(bytes),
            Some((left, _)) => {
                *left -= 1;
                SECTOR_BYTES
            }
        };
        let into = self.sectors.entry(sector).or_insert([0; SECTOR_BYTES]);
        into[..durable].copy_from_slice(&from[..durable]);
        if durable == SECTOR_BYTES { Ok(()) } else { Err(()) }
    }
}

/// Reads what is written, when the power is cut, and what decays.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    if choices.byte().is_multiple_of(4) {
        read_as_it_stands(choices.rest());
        return;
    }
    let (mut medium, mut history) = (Medium::default(), History::default());
    for _ in 0..=choices.below(LIVES) {
        medium.cut =
            choices.byte().is_multiple_of(2).then(|| (choices.below(12), choices.below(SECTOR_BYTES)));
        live(&mut medium, &mut history, &mut choices);
        medium.cut = None;
    }
    decay(&mut medium, &mut history, &mut choices);
}

/// Cards as they are provisioned and used.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut sector = vec![0; SECTOR_BYTES];
    let mut fixed = [0; SECTOR_BYTES];
    let written = identity("regtest", 1, &[], Mines::WhenTold);
    mote_core::card::write_sector(&mut fixed, mote_core::card::IDENTITY_KIND, &written).expect("it fits");
    sector.copy_from_slice(&fixed);
    let both = [&[0][..], &sector, &sector].concat();
    let used = |seed: u8| (0..90_u8).map(|index| index.wrapping_mul(seed).wrapping_add(1)).collect();
    // Lives that save a record of two sectors, the second and third of which end in the middle of that.
    let uncut = |number: u8| vec![1, 1, 1, number, 1, 20, number, number, number, number, 0, 0];
    let cut = |at: u8, number: u8| [&[0, at, 0, 100][..], &uncut(number)[1..]].concat();
    let lives = |at: u8| [vec![1, 3], uncut(1), cut(at, 2), cut(at + 1, 3), uncut(4)].concat();
    // A bit in each copy of the state is another in the end.
    let decayed = [vec![1, 0], uncut(1), vec![1, 4, 0, 0, 30, 0, 5, 0, 0, 30, 0]].concat();
    [both].into_iter().chain((1..8).map(used)).chain((1..5).map(lives)).chain([decayed]).collect()
}

/// A state: its records, as values.
type State = Vec<(u8, Vec<u8>)>;

/// The records as they stand on the card.
fn written(state: &State) -> State {
    state.iter().map(|(kind, value)| (*kind, wire(value))).collect()
}

/// What a card went through.
#[derive(Default)]
struct History {
    /// What may be read next: the state that was saved last, and those whose saving was cut short since.
    states: Vec<State>,
    /// Every state that was ever to be saved.
    begun: Vec<State>,
    /// Whether the card said of a state that it is saved.
    is_saved: bool,
    /// Whether a state was read.
    is_read: bool,
    /// The numbers of the starts.
    starts: Vec<u32>,
}

impl History {
    fn count(&mut self, start: u32) {
        assert!(self.starts.iter().all(|earlier| *earlier < start), "start {start} after {:?}", self.starts);
        self.starts.push(start);
    }
}

/// A time between power-on and power-off.
fn live(medium: &mut Medium, history: &mut History, choices: &mut Choices<'_>) {
    let mut card = Card::new();
    match card.count_start(medium) {
        Ok(start) => history.count(start),
        Err(error) => assert!(matches!(error, CardError::Write { .. }), "{error}"),
    }
    check_state(&mut card, medium, history);
    for _ in 0..choices.below(3) {
        let records: State = (0..choices.below(5))
            .map(|_| {
                let (kind, length) = (choices.byte() % 0xfe, choices.below(RECORD_BYTES + 1));
                let pattern = choices.array::<4>();
                (kind, pattern.into_iter().cycle().take(length).collect())
            })
            .collect();
        // Where only the last write failed, it may be there all the same.
        history.states.push(records.clone());
        history.begun.push(records.clone());
        let saved = card
            .save(medium, |writer| records.iter().try_for_each(|(kind, value)| writer.record(*kind, value)));
        if saved.is_ok() {
            history.states = vec![records];
            history.is_saved = true;
        }
        let height = Height::new(choices.number() / 64 * 64);
        let value: Vec<u8> = choices.bytes(100).to_vec();
        if card.put_snapshot(medium, height, value.as_slice()).is_ok() {
            let mut buffer = [0; 600];
            let found = card.snapshot(medium, height, &mut buffer).expect("the medium works");
            let found =
                found.map(|bytes| mote_core::codec::decode::<&[u8]>(bytes).expect("it was written so"));
            assert_eq!(found, Some(value.as_slice()));
        }
        if saved.is_err() {
            return;
        }
    }
}

/// The state that is read is the last one that was saved, or one whose saving was cut short.
fn check_state(card: &mut Card, medium: &mut Medium, history: &mut History) {
    let found = RefCell::new(Vec::new());
    let mut buffer = [0; 2 * RECORD_BYTES];
    let loaded = card.load(medium, &mut buffer, |kind, payload| {
        found.borrow_mut().push((kind, payload.to_vec()));
        Ok(())
    });
    let found = found.into_inner();
    match loaded {
        Ok(Some(_)) => {
            let known = history.states.iter().find(|state| written(state) == found).cloned();
            history.states = vec![known.expect("only a state that was saved is read")];
            history.is_read = true;
        }
        Ok(None) => {
            assert!(!history.is_saved && !history.is_read, "a state that was saved is lost");
            history.states.clear();
        }
        Err(error) => panic!("power cuts alone make no damage: {error}"),
    }
}

/// Some bits are others than they were: then all is as it was once, or it is refused.
fn decay(medium: &mut Medium, history: &mut History, choices: &mut Choices<'_>) {
    let places: Vec<u32> = [IDENTITY_SECTORS, STARTS_SECTORS, STATE_SECTORS].concat();
    // CRC-32C notices as many bits in any record that fits these cards.
    for _ in 0..=choices.below(5) {
        let sector = choices.of(&places) + choices.below(4).min(STATE_LENGTH as usize) as u32;
        let bytes = medium.sectors.entry(sector).or_insert([0; SECTOR_BYTES]);
        bytes[choices.below(SECTOR_BYTES)] ^= 1 << (choices.byte() % 8);
    }
    let mut card = Card::new();
    let _ = card.identity(medium);
    let mut buffer = [0; 2 * RECORD_BYTES];
    let mut found = Vec::new();
    let loaded = card.load(medium, &mut buffer, |kind, payload| {
        found.push((kind, payload.to_vec()));
        Ok(())
    });
    match loaded {
        // What stood in the other copy before is an honest answer too, but nothing that nobody wrote.
        Ok(Some(_)) => {
            let is_known = history.begun.iter().any(|state| written(state) == found);
            assert!(is_known, "a state that nobody wrote");
        }
        Ok(None) => assert!(!history.is_saved, "damage is taken for a card without a state"),
        Err(_) => {}
    }
    if let Ok(start) = card.count_start(medium) {
        history.count(start);
    }
}

/// The bytes are the two sectors of an identity; device and laptop read the same.
fn read_as_it_stands(bytes: &[u8]) {
    let mut medium = Medium::default();
    let mut parts = bytes.chunks(SECTOR_BYTES);
    for at in IDENTITY_SECTORS {
        let mut sector = [0; SECTOR_BYTES];
        let part = parts.next().unwrap_or_default();
        sector[..part.len()].copy_from_slice(part);
        medium.sectors.insert(at, sector);
    }
    let by_device: Result<Identity, CardError> = Card::new().identity(&mut medium);
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder")).path();
    let path = folder.join(format!("{:?}.img", std::thread::current().id()));
    let mut whole = vec![0; (IDENTITY_SECTORS[1] as usize + 1) * SECTOR_BYTES];
    for (sector, bytes) in &medium.sectors {
        whole[*sector as usize * SECTOR_BYTES..][..SECTOR_BYTES].copy_from_slice(bytes);
    }
    fs::write(&path, whole).expect("the folder is writable");
    match (by_device, image::read(&path)) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(_), Err(_)) => {}
        (device, laptop) => panic!("the device: {device:?}, the laptop: {laptop:?}"),
    }
}
