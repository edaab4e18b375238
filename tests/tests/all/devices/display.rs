//! The display, read by screenshot: it shows what the device's own pages make of what its status says.

use std::net::{Ipv4Addr, SocketAddrV4};

use mote_core::address::Address;
use mote_core::card::Mines;
use mote_core::hash::Hash32;
use mote_core::pow::{CompactTarget, Work};
use mote_core::state::Account;
use mote_core::units::{Amount, Height, Moment, Timestamp};
use mote_firmware::command::Mining;
use mote_firmware::display::Pages;
use mote_firmware::report::{
    CardReport, Load, Memory, MiningReport, PeerReport, PeerState, Report, Stage, TipReport,
};
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::identity;
use mote_tests::devices::host::Host;
use mote_tests::devices::script::Script;
use mote_tests::devices::{Button, Machine, Pace, Screen};
use mote_tests::fixtures::regtest;
use mote_tests::processes::{PATIENCE, wait_until};
use serde_json::Value;

/// How many pages there are.
const PAGES: usize = 6;

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn bytes(value: &Value) -> [u8; 32] {
    let digits = text(value);
    let digits = format!("{digits:0>64}");
    std::array::from_fn(|index| {
        u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).expect("hexadecimal digits")
    })
}

/// Draws what a device shows that is at the tip of its only peer and says this.
fn draw(pages: &mut Pages, status: &Value) -> Screen {
    let params = regtest();
    let peer = &status["peers"][0];
    let connected = PeerReport {
        address: Some(text(&peer["address"]).parse::<SocketAddrV4>().expect("an address")),
        state: PeerState::Connected,
        height: peer["height"].as_u64().map(Height::new),
        latency_ms: peer["latency_ms"].as_u64(),
    };
    let memory = |name: &str| number(&status["memory"][name]) as u32;
    let load = |name: &str| number(&status["load"][name]) as u16;
    let address: Address = text(&status["address"]).parse().expect("an address");
    let balance: Amount = text(&status["balance"]).parse().expect("an amount");
    let target = u32::from_str_radix(text(&status["target"]), 16).expect("hexadecimal digits");
    let report = Report {
        name: text(&status["name"]),
        params: &params,
        uptime: Moment::from_millis(1_000 * number(&status["uptime_seconds"])),
        clock: status["clock"].as_u64().map(Timestamp::from_seconds),
        ip: Some(text(&status["ip"]).parse::<Ipv4Addr>().expect("an address")),
        tip: TipReport {
            id: Hash32::from_bytes(bytes(&status["tip"])),
            height: Height::new(number(&status["height"])),
            time: Timestamp::from_seconds(number(&status["tip_time"])),
            state_root: Hash32::from_bytes(bytes(&status["state_root"])),
            work: Work::from_be_bytes(&bytes(&status["work"])),
            next_target: CompactTarget::from_bits(target),
        },
        stage: Stage::AtTip,
        pace_tenths: 0,
        peers: [connected, PeerReport::default()],
        refused: None,
        mining: MiningReport { switch: Mining::Off, hash_rate: 0, attempts: 0, found: 0, last: None },
        key: Some(address.public_key()),
        account: Some(Account { balance, nonce: number(&status["nonce"]) }),
        prepared: None,
        payments: Default::default(),
        fault: None,
        memory: Memory { ram: memory("ram"), fixed: memory("fixed"), stack_peak: memory("stack_peak") },
        load: Load {
            checks: load("checks"),
            mining: load("mining"),
            other: load("other"),
            cycles: Default::default(),
        },
        card: CardReport::Present {
            saved: Height::new(number(&status["card"]["saved"])),
            boots: number(&status["card"]["boots"]) as u32,
        },
    };
    let _ = pages.draw(&report);
    Screen::of_bits(pages.pixels())
}

#[test]
fn every_page_shows_what_the_status_says() {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 12);
    let host = Host::start(branch.clone(), Script::honest());
    let mut machine = Machine::new(Pace::Free);
    machine.provision(&identity("regtest", 6, &[host.port()], Mines::WhenTold));
    machine.switch_on();
    machine.wait("everything is known", |status| {
        status["card"]["saved"] == 12
            && status["balance"].is_string()
            && status["peers"][0]["latency_ms"].is_u64()
    });
    for page in 0..PAGES {
        wait_until("the display shows the page", PATIENCE, || {
            let (status, screen) = (machine.status(), machine.screen());
            let mut pages = Pages::new();
            (0..page).for_each(|_| pages.next());
            let drawn = draw(&mut pages, &status);
            match drawn.differs_in(&screen) {
                0 => Ok(()),
                count => Err(format!("{count} pixels differ:\n{screen:?}\n{drawn:?}\n{status}")),
            }
        });
        machine.press(Button::Down);
    }
    for _ in 0..PAGES {
        machine.press(Button::Up);
    }
}
