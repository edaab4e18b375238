//! Reports to draw and print in tests.

use core::net::{Ipv4Addr, SocketAddrV4};

use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, SecretKey};
use mote_core::params::{Network, Params};
use mote_core::pow::{CompactTarget, Work};
use mote_core::rules::RuleError;
use mote_core::state::Account;
use mote_core::units::{Amount, Height, Moment, Timestamp};

use crate::command::Mining;
use crate::report::{
    CardReport, Cycles, Load, Memory, MiningReport, Offence, PaymentReport, PaymentState, PeerReport,
    PeerState, Prepared, Refused, Report, Stage, TipReport,
};

/// The parameters of a network.
pub fn params(name: &str) -> Params {
    Params::new(name.parse::<Network>().unwrap())
}

/// A key from a seed of equal bytes.
pub fn key(seed: u8) -> PublicKey {
    SecretKey::from_seed(&[seed; 32]).public_key()
}

/// An id of equal bytes.
pub fn id(byte: u8) -> Hash32 {
    Hash32::from_bytes([byte; 32])
}

/// An address of a peer.
pub fn peer(last: u8) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(10, 0, 2, last), 7_700)
}

/// A device at the tip that mines, as on an ordinary day.
pub fn ordinary(params: &Params) -> Report<'_> {
    let now = Timestamp::from_seconds(1_790_000_000);
    Report {
        name: "greenhouse",
        params,
        uptime: Moment::from_millis(3 * 86_400_000),
        clock: Some(now.plus(7)),
        ip: Some(Ipv4Addr::new(10, 0, 2, 15)),
        tip: TipReport {
            id: id(0x3f),
            height: Height::new(1_234_567),
            time: now,
            state_root: id(0x5a),
            work: Work::from_be_bytes(id(0).as_bytes()),
            next_target: CompactTarget::from_bits(0x1f00_ffff),
        },
        stage: Stage::AtTip,
        pace_tenths: 0,
        peers: [
            PeerReport {
                address: Some(peer(2)),
                state: PeerState::Connected,
                height: Some(Height::new(1_234_567)),
                latency_ms: Some(12),
            },
            PeerReport { address: Some(peer(3)), ..PeerReport::default() },
        ],
        refused: None,
        mining: MiningReport {
            switch: Mining::On,
            hash_rate: 8_449,
            attempts: 9_876_543,
            found: 3,
            last: Some(Height::new(1_234_000)),
        },
        key: Some(key(1)),
        account: Some(Account { balance: Amount::from_grains(1_250_500_000), nonce: 4 }),
        prepared: None,
        payments: heapless::Vec::new(),
        fault: None,
        memory: Memory { ram: 65_536, fixed: 31_200, stack_peak: 11_400 },
        load: Load {
            checks: 620,
            mining: 310,
            other: 70,
            cycles: Cycles { all: 1_000_000, checks: 620_000, mining: 310_000 },
        },
        card: CardReport::Present { saved: Height::new(1_234_560), boots: 4 },
    }
}

/// The same with payments of every state, one waiting, and a refused peer.
pub fn busy(params: &Params) -> Report<'_> {
    let mut report = ordinary(params);
    let payment = |grains, seed, state| PaymentReport {
        id: id(seed),
        recipient: key(seed),
        amount: Amount::from_grains(grains),
        state,
    };
    let mined = |height, confirmations_tenths| PaymentState::Mined {
        height: Height::new(height),
        confirmations_tenths,
    };
    for payment in [
        payment(12_500_000, 2, PaymentState::Open),
        payment(1, 3, mined(1_234_561, 34)),
        payment(250_000_000, 4, mined(1_230_000, 9_999)),
        payment(1_000_001, 5, mined(1_000, 12_330_000)),
    ] {
        report.payments.push(payment).unwrap();
    }
    report.refused = Some(Refused {
        peer: peer(3),
        offence: Offence::Block {
            height: Height::new(1_234_568),
            error: RuleError::LedgerBalance { needed: Amount::from_grains(5), balance: Amount::ZERO },
        },
        at: Moment::from_millis(3 * 86_400_000 - 300_000),
    });
    report
}

/// A payment that waits for confirmation.
pub fn prepared() -> Prepared {
    Prepared {
        recipient: key(7),
        amount: Amount::from_grains(12_500_000),
        fee: Amount::from_grains(1_000),
        memo_bytes: 12,
    }
}

/// Everything as large, as long and as far as it can be.
pub fn extreme<'a>(params: &'a Params, name: &'a str) -> Report<'a> {
    let mut report = busy(params);
    let highest = Height::new(u64::MAX);
    report.name = name;
    report.uptime = Moment::from_millis(u64::MAX);
    report.clock = Some(Timestamp::from_seconds(u64::MAX));
    report.ip = Some(Ipv4Addr::BROADCAST);
    report.tip.height = highest;
    report.tip.time = Timestamp::from_seconds(0);
    report.tip.work = Work::from_be_bytes(&[0xff; 32]);
    report.tip.next_target = CompactTarget::from_bits(0x0101_0000);
    report.pace_tenths = u32::MAX;
    report.peers = [PeerReport {
        address: Some(SocketAddrV4::new(Ipv4Addr::BROADCAST, u16::MAX)),
        state: PeerState::Connected,
        height: Some(highest),
        latency_ms: Some(u64::MAX),
    }; 2];
    report.refused = Some(Refused {
        peer: SocketAddrV4::new(Ipv4Addr::BROADCAST, u16::MAX),
        offence: Offence::Block {
            height: highest,
            error: RuleError::BlockTransactionsRoot { got: id(0xff), expected: id(0xee) },
        },
        at: Moment::from_millis(0),
    });
    report.mining.hash_rate = u32::MAX;
    report.mining.found = u32::MAX;
    report.account = Some(Account { balance: Amount::from_grains(u64::MAX), nonce: u64::MAX });
    for payment in &mut report.payments {
        payment.amount = Amount::from_grains(u64::MAX);
        payment.state = PaymentState::Mined { height: highest, confirmations_tenths: u32::MAX };
    }
    report.memory = Memory { ram: u32::MAX, fixed: u32::MAX, stack_peak: u32::MAX };
    report.load = Load {
        checks: u16::MAX,
        mining: u16::MAX,
        other: u16::MAX,
        cycles: Cycles { all: u64::MAX, checks: u64::MAX, mining: u64::MAX },
    };
    report.card = CardReport::Present { saved: highest, boots: u32::MAX };
    report
}
