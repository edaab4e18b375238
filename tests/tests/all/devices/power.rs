//! Power cuts at any moment: the device is always somewhere it has been, and never further back than it
//! has said that it remembers.

use std::time::{Duration, Instant};

use mote_core::card::Mines;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::identity;
use mote_tests::devices::host::Host;
use mote_tests::devices::script::Script;
use mote_tests::devices::{Machine, Pace};
use mote_tests::fixtures::regtest;
use mote_tests::random::Random;

/// How often the power is cut.
const ROUNDS: usize = 20;

/// The longest that the power stays on, in milliseconds: a start, and some hundred blocks.
const ON_MAX_MS: u64 = 1_500;

/// How many blocks come in each round.
const BLOCKS: usize = 15;

#[test]
fn power_cuts_at_any_moment_lose_nothing_that_was_said_to_be_saved() {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 60);
    let host = Host::start(branch.clone(), Script::honest());
    let mut machine = Machine::new(Pace::Free);
    machine.provision(&identity("regtest", 1, &[host.port()], Mines::WhenTold));
    let seed = u64::from(std::process::id());
    let mut random = Random::new(seed);
    let mut saved = 0;
    for round in 0..ROUNDS {
        machine.switch_on();
        let until = Instant::now() + Duration::from_millis(random.next_u64() % ON_MAX_MS);
        let (height, id) = machine.hear("where the device starts", started);
        assert!(height >= saved, "seed {seed}, round {round}: it said {saved}, and starts at {height}");
        assert_eq!(id, branch.id_at(height).to_string(), "seed {seed}, round {round}");
        // Blocks come while it starts, catches up and writes.
        branch.grow_with_payments(1, BLOCKS, 1);
        host.announce(branch.clone());
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        machine.cut_power();
        saved = machine.lines().iter().filter_map(|line| saved_height(line)).max().unwrap_or(0);
    }
    assert!(saved > 0, "it never saved anything:\n{}", machine.last_lines());
    machine.switch_on();
    let status = machine.wait_for_tip(&branch.tip().id().to_string());
    assert_eq!(status["state_root"], branch.tip().state_root.to_string().as_str());
    assert_eq!(status["card"]["boots"], ROUNDS as u64 + 1);
}

/// The height and id that a device starts from, where a line says so.
fn started(line: &str) -> Option<(u64, String)> {
    let mut words = line.strip_prefix("started ")?.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
}

/// The height that is on the card, where a line says so.
fn saved_height(line: &str) -> Option<u64> {
    line.strip_prefix("saved ")?.split_whitespace().next()?.parse().ok()
}
