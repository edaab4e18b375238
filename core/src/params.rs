//! Every limit and genesis value of the ledger, with its unit (last in the name) and its reason.

use core::fmt;
use core::str::FromStr;

use crate::address::AddressPrefix;
use crate::block::Header;
use crate::hash::{Hash32, Tag, sha256, tagged};
use crate::keys::PublicKey;
use crate::pow::CompactTarget;
use crate::units::{Amount, Height, Timestamp};

/// Grains in a mote. Six decimals keep a device's arithmetic in `u64` and amounts readable.
pub const GRAINS_PER_MOTE: u64 = 1_000_000;

/// The least fee of a transaction, in grains: what makes growing the state cost something.
pub const FEE_MIN_GRAINS: u64 = 1_000;

/// The longest memo, in bytes: a SHA-512 digest or an Ed25519 signature fits.
pub const MEMO_MAX_BYTES: usize = 64;

/// The reward of the first blocks, in grains: 10 motes.
pub const REWARD_FIRST_GRAINS: u64 = 10_000_000;

/// Blocks between two halvings of the reward: about four years at one block in ten seconds.
pub const REWARD_HALVING_BLOCKS: u64 = 12_600_000;

/// The most transactions that any block of any network can hold: what the types allow.
pub const BLOCK_TRANSACTIONS_MAX: usize = 1_024;

/// The most transactions in a block of `local`, `test` and `main`, so that a 50 MHz Cortex-M3 checks
/// a full block in less than a block's time.
pub const BLOCK_TRANSACTIONS_DEVICE_MAX: usize = 128;

/// The longest payload of a [`crate::frame`], in bytes: the fullest block that the types allow fits.
pub const FRAME_PAYLOAD_MAX_BYTES: usize = 256 * 1_024;

const _: () = assert!(
    FRAME_PAYLOAD_MAX_BYTES
        >= crate::block::HEADER_MAX_BYTES
            + 2
            + BLOCK_TRANSACTIONS_MAX * crate::transaction::TRANSACTION_MAX_BYTES,
    "every block must fit a record of the log"
);

/// The only version of a header.
pub const HEADER_VERSION: u16 = 1;

/// The interval between blocks that difficulty aims at, in seconds.
pub const BLOCK_SPACING_SECONDS: i64 = 10;

/// Half-life of the difficulty's error, in seconds (see [`crate::pow::asert`]).
pub const HALF_LIFE_SECONDS: i64 = 600;

/// Half-life while a network is young, in seconds, so that it finds its level in about 100 blocks.
pub const HALF_LIFE_YOUNG_SECONDS: i64 = 60;

/// A tip below this height counts as young.
pub const YOUNG_BELOW_BLOCKS: u64 = 1_000;

/// A gap between blocks eases the target by at most this many seconds of idling; the rest is
/// forgiven, since a night of debt would come back as a burst of a thousand blocks.
pub const IDLE_MAX_SECONDS: u64 = 1_800;

/// How many headers the median of times spans (as in Bitcoin).
pub const MEDIAN_HEADERS: usize = 11;

/// Headers whose times a checker must remember: the tip and as many before it as the median spans.
pub const TIMES_REMEMBERED: usize = MEDIAN_HEADERS + 1;

/// How far a block's time may be ahead of the checker's clock, in seconds.
pub const FUTURE_MAX_SECONDS: u64 = 120;

/// Times stay below this many Unix seconds (the year 36812), so that differences fit `i64` with ease.
pub const TIME_LIMIT_SECONDS: u64 = 1 << 40;

/// The time of every genesis block: 2026-01-01T00:00:00Z.
pub const GENESIS_SECONDS: u64 = 1_767_225_600;

/// The deepest path in the account tree: one step per bit of a key.
pub const ACCOUNT_PATH_MAX_STEPS: usize = 256;

/// The most hashes in a frontier or an inclusion path: one per bit of the longest chain's length. Times
/// end below 2^40, and as each is greater than the median of the eleven before it, the median grows by a
/// second every six blocks at the latest: no chain has 2^43 blocks.
pub const LOG_PATH_MAX_HASHES: usize = 43;

/// The most hashes in the frontier of one block's transactions.
pub const BLOCK_PATH_MAX_HASHES: usize = (BLOCK_TRANSACTIONS_MAX.ilog2() + 1) as usize;

/// A replacement in the mempool pays at least this much more, in grains.
pub const REPLACEMENT_MIN_GRAINS: u64 = 1_000;

/// A replacement in the mempool pays at least this much more, in percent of the old fee.
pub const REPLACEMENT_MIN_PERCENT: u64 = 10;

/// The longest name of a group's own local network, in bytes.
pub const GROUP_NAME_MAX_BYTES: usize = 32;

const _: () =
    assert!(6 * TIME_LIMIT_SECONDS <= 1 << LOG_PATH_MAX_HASHES, "a frontier holds the longest chain");
const _: () = assert!(BLOCK_TRANSACTIONS_DEVICE_MAX <= BLOCK_TRANSACTIONS_MAX);
const _: () =
    assert!(MEMO_MAX_BYTES <= u8::MAX as usize, "a memo's length is one byte of the signed message");
const _: () = assert!(GENESIS_SECONDS < TIME_LIMIT_SECONDS);
const _: () =
    assert!(REWARD_FIRST_GRAINS.checked_mul(2 * REWARD_HALVING_BLOCKS).is_some(), "supply fits u64");
const _: () = assert!(HALF_LIFE_YOUNG_SECONDS > 0 && HALF_LIFE_SECONDS >= HALF_LIFE_YOUNG_SECONDS);

/// The name of a group's own local network: 1 to 32 lower-case letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName(heapless::String<GROUP_NAME_MAX_BYTES>);

/// A network: its own genesis, limits and address prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// For laptops and devices at hand: easy to mine, nothing at stake.
    Local,
    /// As `local`, with a genesis that belongs to a group: `local:NAME`.
    Group(GroupName),
    /// For trying things out with others.
    Test,
    /// The network whose motes are meant to last.
    Main,
    /// For tests, benchmarks and the simulator: a fixed target of two attempts.
    Regtest,
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => formatter.write_str("local"),
            Self::Group(GroupName(name)) => write!(formatter, "local:{name}"),
            Self::Test => formatter.write_str("test"),
            Self::Main => formatter.write_str("main"),
            Self::Regtest => formatter.write_str("regtest"),
        }
    }
}

/// A text names no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected local, local:NAME (1 to 32 lower-case letters, digits and hyphens), test, main or regtest")]
pub struct ParseNetworkError;

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "local" => Ok(Self::Local),
            "test" => Ok(Self::Test),
            "main" => Ok(Self::Main),
            "regtest" => Ok(Self::Regtest),
            _ => {
                let name = text.strip_prefix("local:").ok_or(ParseNetworkError)?;
                let is_allowed =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                if name.is_empty() || !name.bytes().all(is_allowed) {
                    return Err(ParseNetworkError);
                }
                heapless::String::try_from(name)
                    .map(|name| Self::Group(GroupName(name)))
                    .map_err(|_| ParseNetworkError)
            }
        }
    }
}

/// Whether difficulty follows the hash rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retarget {
    /// A new target for every block (see [`crate::pow::next_target`]).
    EveryBlock,
    /// Every block has the floor as its target.
    Never,
}

/// What distinguishes one network from another.
#[derive(Clone, Debug)]
pub struct Params {
    network: Network,
    /// The prefix of addresses.
    pub address_prefix: AddressPrefix,
    /// The easiest target.
    pub floor: CompactTarget,
    /// Whether targets follow the hash rate.
    pub retarget: Retarget,
    /// The most transactions in a block.
    pub block_transactions_max: usize,
    genesis: Header,
    genesis_id: Hash32,
}

impl Params {
    /// The parameters of `network`.
    pub fn new(network: Network) -> Self {
        let (address_prefix, floor, retarget, block_transactions_max) = match network {
            // 2^16 attempts: a 50 MHz microcontroller finds a block in seconds.
            Network::Local | Network::Group(_) => {
                (AddressPrefix::Local, 0x1f00_ffff, Retarget::EveryBlock, BLOCK_TRANSACTIONS_DEVICE_MAX)
            }
            Network::Test => {
                (AddressPrefix::Test, 0x1f00_ffff, Retarget::EveryBlock, BLOCK_TRANSACTIONS_DEVICE_MAX)
            }
            // 2^20 attempts: spam has a price even while hardly anybody mines.
            Network::Main => {
                (AddressPrefix::Main, 0x1e0f_ffff, Retarget::EveryBlock, BLOCK_TRANSACTIONS_DEVICE_MAX)
            }
            // 2 attempts, the value that Bitcoin's regtest has.
            Network::Regtest => (AddressPrefix::Local, 0x207f_ffff, Retarget::Never, BLOCK_TRANSACTIONS_MAX),
        };
        let floor = CompactTarget::from_bits(floor);
        let genesis = genesis(&network, floor);
        let genesis_id = genesis.id();
        Self { network, address_prefix, floor, retarget, block_transactions_max, genesis, genesis_id }
    }

    /// The network that these parameters belong to.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The genesis header.
    pub fn genesis(&self) -> &Header {
        &self.genesis
    }

    /// The id of the genesis header, which every signature covers.
    pub fn genesis_id(&self) -> Hash32 {
        self.genesis_id
    }
}

fn genesis(network: &Network, floor: CompactTarget) -> Header {
    let mut name = heapless::String::<{ GROUP_NAME_MAX_BYTES + 8 }>::new();
    // The longest name, `local:` and 32 bytes, fits; a shorter buffer would change a genesis id,
    // which a test pins.
    let _ = fmt::Write::write_fmt(&mut name, format_args!("{network}"));
    Header {
        version: HEADER_VERSION,
        height: Height::GENESIS,
        previous: tagged(Tag::Genesis, &[name.as_bytes()]),
        history_root: sha256(b""),
        transactions_root: sha256(b""),
        transaction_count: 0,
        state_root: Hash32::ZERO,
        miner: PublicKey::from_bytes([0; 32]),
        time: Timestamp::from_seconds(GENESIS_SECONDS),
        target: floor,
        nonce: 0,
    }
}

/// The reward of the block at `height`: 10 motes, halving about every four years; genesis has none.
pub const fn reward(height: Height) -> Amount {
    let halvings = height.get() / REWARD_HALVING_BLOCKS;
    if height.get() == 0 || halvings >= 64 {
        return Amount::ZERO;
    }
    Amount::from_grains(REWARD_FIRST_GRAINS >> halvings)
}
