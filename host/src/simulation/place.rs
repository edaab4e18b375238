//! One node of the world with its disk, its clock and its miner.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use mote_core::hash::sha256;
use mote_core::keys::SecretKey;
use mote_core::params::Params;
use mote_core::units::{Moment, Timestamp};

use super::disk::SimulatedDisk;
use super::knobs::Planted;
use super::rot::Rotten;
use crate::node::request::{MiningSettings, PeerAddress, RateLimit, Switch};
use crate::node::{MiningOrder, Node, Now, Options};
use crate::store::error::StoreError;
use crate::store::journal::{Journal, JournalLimits};
use crate::store::ledger::Ledger;
use crate::store::segment::Identity;

/// Where the world's clock starts: long after genesis.
pub const START_SECONDS: u64 = 1_800_000_000;

/// How many open transactions a node keeps.
pub const MEMPOOL_TRANSACTIONS: usize = 256;

/// Small files, so that a world of minutes begins and removes many.
pub const JOURNAL: JournalLimits = JournalLimits { segment_bytes: 4_096, segments: 64, transactions: 512 };

/// The port at which every node listens.
const PORT: u16 = 7_700;

/// One node of the world.
pub struct Place {
    /// Its number.
    pub number: usize,
    /// The node; none while it is off.
    pub node: Option<Node<SimulatedDisk>>,
    /// Its disk, which outlives it.
    pub disk: SimulatedDisk,
    /// What its miner searches.
    pub order: Option<MiningOrder>,
    /// How far its clock is off, in seconds.
    pub skew_seconds: i64,
    /// Its share of the hash rate, against the other shares.
    pub rate: u64,
    /// Counts the changes of its rate, so that what was drawn for an old one is not taken for the present one's.
    pub rate_changes: u64,
    /// Counts its starts, so that what was meant for an earlier life does not reach a later one.
    pub life: u64,
    /// Whether what it sends is tampered with.
    pub is_byzantine: bool,
    /// Whether its disk is full, or does not sync or write: then it may not start until that is repaired.
    pub is_broken: bool,
    /// Whether it has left.
    pub is_gone: bool,
    /// Which of its files have lost bits.
    pub rotten: Rotten,
}

impl Place {
    /// A node that is off.
    pub fn new(number: usize, planted: Option<Planted>) -> Self {
        Self {
            number,
            node: None,
            disk: SimulatedDisk::new(planted),
            order: None,
            skew_seconds: 0,
            rate: 1,
            rate_changes: 0,
            life: 0,
            is_byzantine: false,
            is_broken: false,
            is_gone: false,
            rotten: Rotten::default(),
        }
    }

    /// What its clocks show.
    pub fn now(&self, millis: u64) -> Now {
        let seconds = (START_SECONDS + millis / 1_000).saturating_add_signed(self.skew_seconds);
        Now { time: Timestamp::from_seconds(seconds), moment: Moment::from_millis(millis) }
    }

    /// Starts the node over its disk.
    pub fn start(&mut self, params: &Arc<Params>) -> Result<(), StoreError> {
        self.life += 1;
        let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
        let salt = self.life as u32;
        let (ledger, _) = Ledger::open(self.disk.clone(), params.clone(), salt, |_| {})?;
        let (journal, open) =
            Journal::open(self.disk.clone(), &identity, JOURNAL, salt, ledger.journal_end())?;
        let mining = MiningSettings {
            miner: Some(key(self.number).public_key()),
            switch: Switch::On,
            threads: 1,
            limit: RateLimit::Unlimited,
        };
        let options = Options {
            port: PORT,
            nonce: greeting_nonce(self.number, self.life),
            mining,
            mempool_capacity: MEMPOOL_TRANSACTIONS,
        };
        let open = (journal, open.transactions);
        self.node = Some(Node::new(self.disk.clone(), ledger, open, params.clone(), options)?);
        Ok(())
    }
}

/// The key of the account that a node mines for and pays from.
pub fn key(place: usize) -> SecretKey {
    SecretKey::from_seed(&seed(place))
}

/// The seed of that key.
pub fn seed(place: usize) -> [u8; 32] {
    *sha256(&(place as u64).to_le_bytes()).as_bytes()
}

/// By what a node or device would recognise itself in this life.
pub fn greeting_nonce(place: usize, life: u64) -> u64 {
    (life << 32) | (place as u64 + 1)
}

/// Where a node listens: each is in a network group of its own, as those of different people are.
pub fn address(place: usize) -> PeerAddress {
    let [.., high, low] = (place as u32).to_be_bytes();
    PeerAddress::from_ip(IpAddr::V4(Ipv4Addr::new(20 + high, low, 0, 1)), PORT)
}

/// The node that listens at an address.
pub fn place_at(address: &PeerAddress, nodes: usize) -> Option<usize> {
    let Some(IpAddr::V4(ip)) = address.ip() else { return None };
    let [high, low, ..] = ip.octets();
    let place = usize::from(high.checked_sub(20)?) << 8 | usize::from(low);
    (place < nodes && self::address(place) == *address).then_some(place)
}
