//! What the node knows, for whoever shows it: display, console and page read nothing else.

use core::net::{Ipv4Addr, SocketAddrV4};

use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::pow::{CompactTarget, Work};
use mote_core::rules::{Rule, RuleError};
use mote_core::state::Account;
use mote_core::units::{Amount, Height, Moment, Timestamp};

use crate::command::Mining;

/// Connections to full nodes that are kept.
pub const PEERS: usize = 2;

/// Own payments that are watched.
pub const OWN_PAYMENTS: usize = 4;

/// Everything that can be shown, as it is at one moment.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The device's name, empty where it has none.
    pub name: &'a str,
    /// The network and its limits.
    pub params: &'a Params,
    /// Time since power-on.
    pub uptime: Moment,
    /// The device's clock; none before a peer told the time.
    pub clock: Option<Timestamp>,
    /// The device's own address in its network; none before one was assigned.
    pub ip: Option<Ipv4Addr>,
    /// The last validated block.
    pub tip: TipReport,
    /// What the node is doing.
    pub stage: Stage,
    /// Headers or blocks a second, as of late, in tenths, while it judges or validates; 0 where unknown.
    pub pace_tenths: u32,
    /// The connections.
    pub peers: [PeerReport; PEERS],
    /// The last peer that was dropped, and why.
    pub refused: Option<Refused>,
    /// The miner.
    pub mining: MiningReport,
    /// The device's account; none without a key.
    pub key: Option<PublicKey>,
    /// What the account holds, proven at the tip; none while that is not proven.
    pub account: Option<Account>,
    /// A payment that waits for confirmation.
    pub prepared: Option<Prepared>,
    /// Own payments, newest first.
    pub payments: heapless::Vec<PaymentReport, OWN_PAYMENTS>,
    /// What is wrong, the worst first.
    pub fault: Option<Fault>,
    /// How much memory is in use.
    pub memory: Memory,
    /// Where the processor's work goes.
    pub load: Load,
    /// The card.
    pub card: CardReport,
}

impl Report<'_> {
    /// How many seconds are left until the stage's goal is reached, where that can be said.
    pub fn seconds_left(&self) -> Option<u64> {
        let (height, goal) = self.stage.progress()?;
        (self.pace_tenths > 0).then(|| goal.above(height).saturating_mul(10) / u64::from(self.pace_tenths))
    }

    /// How many peers have greeted.
    pub fn peers_connected(&self) -> usize {
        self.peers.iter().filter(|peer| peer.state == PeerState::Connected).count()
    }
}

/// The last validated block.
#[derive(Clone, Copy, Debug)]
pub struct TipReport {
    /// Its id.
    pub id: Hash32,
    /// Its height.
    pub height: Height,
    /// When its miner says that it was made.
    pub time: Timestamp,
    /// The root of the accounts after it.
    pub state_root: Hash32,
    /// The work of the whole chain.
    pub work: Work,
    /// The target of the next block.
    pub next_target: CompactTarget,
}

/// What the node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has no address in its network yet.
    NoNetwork,
    /// No peer has greeted yet.
    NoPeer,
    /// It follows the headers that a peer shows, to see how much work they stand for.
    Judging {
        /// The height that was followed to.
        height: Height,
        /// The height that the peer claims.
        claimed: Height,
    },
    /// It checks the blocks of a branch that is known to have more work.
    Validating {
        /// The height that was validated.
        height: Height,
        /// The height of the branch's last known header.
        goal: Height,
    },
    /// No peer shows more work than the device has checked.
    AtTip,
}

impl Stage {
    /// The stage's name, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoNetwork => "no-network",
            Self::NoPeer => "no-peer",
            Self::Judging { .. } => "judging",
            Self::Validating { .. } => "validating",
            Self::AtTip => "at-tip",
        }
    }

    /// How far the stage is, and where it ends.
    pub const fn progress(self) -> Option<(Height, Height)> {
        match self {
            Self::Judging { height, claimed } => Some((height, claimed)),
            Self::Validating { height, goal } => Some((height, goal)),
            Self::NoNetwork | Self::NoPeer | Self::AtTip => None,
        }
    }

    /// How far the stage is in permille, rounded down, so that only what is done shows as done.
    pub fn permille(self) -> Option<u16> {
        let (height, goal) = self.progress()?;
        // A thousandth is ten bits; what is cut off cannot be seen in one.
        let cut = 10_u32.saturating_sub(goal.get().leading_zeros());
        let (done, all) = (height.get().min(goal.get()) >> cut, goal.get() >> cut);
        let permille = done.saturating_mul(1_000).checked_div(all).unwrap_or(1_000);
        let limit = if height < goal { 999 } else { 1_000 };
        Some(permille.min(limit) as u16)
    }
}

/// A connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeerReport {
    /// Where the peer is; none where the slot is unused.
    pub address: Option<SocketAddrV4>,
    /// How far the connection is.
    pub state: PeerState,
    /// The height that the peer claims; none before it has greeted.
    pub height: Option<Height>,
    /// How long a ping takes there and back, in milliseconds.
    pub latency_ms: Option<u64>,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerState {
    /// Waiting for the next attempt.
    #[default]
    Waiting,
    /// Opening the connection.
    Connecting,
    /// Open, but the peer has not greeted.
    Greeting,
    /// Open.
    Connected,
}

impl PeerState {
    /// The state's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::Greeting => "greeting",
            Self::Connected => "connected",
        }
    }
}

/// A peer that was dropped for something that no honest peer does.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// Where the peer is.
    pub peer: SocketAddrV4,
    /// What it did.
    pub offence: Offence,
    /// When it was dropped.
    pub at: Moment,
}

/// What a peer did that no honest peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Offence {
    /// It broke the peer protocol, or sent a header that breaks a rule.
    #[error(transparent)]
    Peer(mote_core::peer::Offence),
    /// A block broke a rule.
    #[error("block {height}: {error}")]
    Block {
        /// The block's height.
        height: Height,
        /// The rule.
        error: RuleError,
    },
    /// A witness did not show what its block does.
    #[error("block {height}: {error}")]
    Witness {
        /// The block's height.
        height: Height,
        /// What is wrong with it.
        error: mote_core::state::WitnessError,
    },
    /// A witness came in another order than it must, or was not the one that was asked for.
    #[error("witness out of order: expected {expected}, got {got}")]
    Order {
        /// What had to come.
        expected: &'static str,
        /// What came.
        got: &'static str,
    },
    /// The headers that a peer showed stand for less work than it claimed.
    #[error("claimed work {claimed}, showed {shown}")]
    Work {
        /// What its headers stand for.
        shown: Work,
        /// What it claimed.
        claimed: Work,
    },
    /// The headers that a peer showed do not follow from anything that was asked for.
    #[error("headers that follow from no block that was named to the peer: {got}")]
    Unlinked {
        /// The parent of the first header.
        got: Hash32,
    },
    /// A peer's own chain is further ahead of its own clock than any node would accept.
    #[error("its clock says {clock}, its chain is at {chain}")]
    Clock {
        /// What the peer says the time is.
        clock: Timestamp,
        /// The time of its newest header.
        chain: Timestamp,
    },
    /// What came is no WebSocket connection (RFC 6455) of this protocol.
    #[error("not a WebSocket of this protocol: {0}")]
    WebSocket(&'static str),
}

impl Offence {
    /// The rule of consensus that was broken, where it was one.
    pub const fn rule(&self) -> Option<Rule> {
        match self {
            Self::Peer(mote_core::peer::Offence::Rule(error)) | Self::Block { error, .. } => {
                Some(error.rule())
            }
            _ => None,
        }
    }

    /// What it was in a word, for programs: the rule's id where a rule of consensus was broken.
    pub const fn name(&self) -> &'static str {
        use mote_core::peer::Offence as Of;
        match self {
            Self::Peer(Of::Rule(error)) | Self::Block { error, .. } => error.rule().id(),
            Self::Peer(Of::TooLarge { .. }) => "too-large",
            Self::Peer(Of::Malformed(_)) => "malformed",
            Self::Peer(Of::NoGreeting) => "no-greeting",
            Self::Peer(Of::GreetedTwice) => "greeted-twice",
            Self::Peer(Of::Version { .. }) => "version",
            Self::Peer(Of::Network { .. }) => "network",
            Self::Peer(Of::MessageMax { .. }) => "message-max",
            Self::Peer(Of::Itself) => "itself",
            Self::Peer(Of::Unrequested(_)) => "unrequested",
            Self::Peer(Of::TooMany { .. }) => "too-many",
            Self::Peer(Of::Place { .. }) => "place",
            Self::Witness { .. } => "witness",
            Self::Order { .. } => "order",
            Self::Work { .. } => "work",
            Self::Unlinked { .. } => "unlinked",
            Self::Clock { .. } => "clock",
            Self::WebSocket(_) => "websocket",
        }
    }
}

/// The miner.
#[derive(Clone, Copy, Debug)]
pub struct MiningReport {
    /// Whether it is switched on.
    pub switch: Mining,
    /// Attempts a second, as of late; 0 while it waits.
    pub hash_rate: u32,
    /// Attempts since power-on.
    pub attempts: u64,
    /// Blocks found since power-on.
    pub found: u32,
    /// The height of the last block found.
    pub last: Option<Height>,
}

/// A payment that waits for confirmation.
#[derive(Clone, Copy, Debug)]
pub struct Prepared {
    /// Who is paid.
    pub recipient: PublicKey,
    /// How much, without the fee.
    pub amount: Amount,
    /// The fee.
    pub fee: Amount,
    /// How many bytes of memo it carries.
    pub memo_bytes: usize,
}

/// One of the device's own payments.
#[derive(Clone, Copy, Debug)]
pub struct PaymentReport {
    /// Its id.
    pub id: Hash32,
    /// Who is paid.
    pub recipient: PublicKey,
    /// How much, without the fee.
    pub amount: Amount,
    /// Where it is.
    pub state: PaymentState,
}

/// Where a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// Not in a block yet.
    Open,
    /// In a validated block.
    Mined {
        /// The block's height.
        height: Height,
        /// The work upon it, that block's included, in tenths of a block at the highest difficulty that
        /// was validated in the last day.
        confirmations_tenths: u32,
    },
}

/// What is wrong. A fault is shown over everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// The chain's difficulty fell to less than a sixteenth of what was validated in the last day.
    #[error("the chain has less than a sixteenth of the work of the last day")]
    DifficultyFell,
    /// The device's clock disagrees with most of its peers by more than two minutes.
    #[error("the clock disagrees with most peers by more than two minutes")]
    ClockDisagrees,
    /// The card could not be read or written; nothing will be remembered over a power cut.
    #[error("the card could not be read or written")]
    CardFailed,
    /// The card belongs to no device, or was damaged.
    #[error("the card is that of no device, or was damaged")]
    CardUnreadable,
    /// Checks take longer than blocks take to come.
    #[error("checks are {blocks} blocks behind")]
    FallingBehind {
        /// How many blocks are known that are not checked.
        blocks: u64,
    },
    /// The last peer was dropped for breaking a rule, and no other one is there.
    #[error("the last peer broke a rule, and there is no other")]
    NoHonestPeer,
}

impl Fault {
    /// The fault's name, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DifficultyFell => "difficulty-fell",
            Self::ClockDisagrees => "clock-disagrees",
            Self::CardFailed => "card-failed",
            Self::CardUnreadable => "card-unreadable",
            Self::FallingBehind { .. } => "falling-behind",
            Self::NoHonestPeer => "no-honest-peer",
        }
    }

    /// What its owner can do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::DifficultyFell => "Wait before you trust a payment, and add a peer that you trust.",
            Self::ClockDisagrees => "Restart to take the time anew, and check the clocks of your nodes.",
            Self::CardFailed => "Nothing is remembered: replace the card and restart.",
            Self::CardUnreadable => "Provision a card with mote device provision and restart.",
            Self::FallingBehind { .. } => "Switch mining off and wait: no check is skipped.",
            Self::NoHonestPeer => "Provision the card with the address of another node.",
        }
    }
}

/// How much memory is in use, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// RAM of the board.
    pub ram: u32,
    /// Static variables.
    pub fixed: u32,
    /// The deepest that the stack has been.
    pub stack_peak: u32,
}

/// Where the processor's work went since power-on, in permille of the time that it was awake.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    /// Checking headers and blocks.
    pub checks: u16,
    /// Mining.
    pub mining: u16,
    /// Everything else: network, card, display, page.
    pub other: u16,
    /// The same in the board's units.
    pub cycles: Cycles,
}

/// Work since power-on, in units of the board: cycles of its processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cycles {
    /// All of it.
    pub all: u64,
    /// Checking headers and blocks.
    pub checks: u64,
    /// Mining.
    pub mining: u64,
}

/// The card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardReport {
    /// None was in at power-on.
    None,
    /// It works.
    Present {
        /// The height of the newest state that it holds.
        saved: Height,
        /// How often the device was switched on with it.
        boots: u32,
    },
    /// It failed and is no longer used.
    Failed,
}
