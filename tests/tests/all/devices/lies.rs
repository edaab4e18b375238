//! A device between a host that lies and an honest one: it names the lie, drops the liar, and goes on
//! with what is true.

use mote_core::card::Mines;
use mote_core::rules::Rule;
use mote_tests::devices::card::identity;
use mote_tests::devices::host::Host;
use mote_tests::devices::lies::{Ground, Lie};
use mote_tests::devices::script::Script;
use mote_tests::devices::{Machine, Pace};
use mote_tests::fixtures::regtest;
use mote_tests::processes::{PATIENCE, wait_until};

/// One device, its two peers, and what they start from.
pub struct Trial {
    ground: Ground,
    liar: Host,
    honest: Host,
    machine: Machine,
}

impl Trial {
    /// What starts from this ground.
    pub fn new(ground: Ground) -> Self {
        let liar = Host::start(ground.base.clone(), Script::honest());
        let honest = Host::start(ground.base.clone(), Script::honest());
        Self { ground, liar, honest, machine: Machine::new(Pace::Free) }
    }

    /// Tells the device each of these lies; what it took wrongly.
    pub fn tell(&mut self, lies: &[Lie]) {
        let wrong: Vec<String> = lies
            .iter()
            .filter_map(|lie| self.tell_one(lie).err().map(|reason| format!("{}: {reason}", lie.name)))
            .collect();
        assert!(wrong.is_empty(), "{} of {} lies:\n{}", wrong.len(), lies.len(), wrong.join("\n"));
    }

    fn tell_one(&mut self, lie: &Lie) -> Result<(), String> {
        self.honest.become_another(self.ground.base.clone(), Script::honest());
        self.liar.become_another(lie.branch.clone(), lie.script.clone());
        self.machine.put_in_new_card(&identity(
            "regtest",
            1,
            &[self.liar.port(), self.honest.port()],
            Mines::WhenTold,
        ));
        self.machine.switch_on();
        let outcome = self.is_found_out(lie);
        self.machine.cut_power();
        outcome
    }

    fn is_found_out(&self, lie: &Lie) -> Result<(), String> {
        match lie.reasons {
            [] => wait_until("the host breaks off", PATIENCE, || match self.liar.broken_off() {
                0 => Err(self.machine.last_lines()),
                _ => Ok(()),
            }),
            reasons => self.is_named(reasons)?,
        }
        self.honest.announce(lie.truth.clone());
        let tip = lie.truth.tip().id().to_string();
        let status = self.machine.try_wait(PATIENCE, |status| status["tip"] == tip.as_str())?;
        if lie.reasons.is_empty() && status["refused"].is_object() {
            return Err(format!("what may happen to honest hosts is no offence: {}", status["refused"]));
        }
        let root = lie.truth.tip().state_root.to_string();
        if status["state_root"] != root.as_str() {
            return Err(format!("expected the state {root}, got {}", status["state_root"]));
        }
        let blamed = self.honest.partings();
        if blamed.is_empty() { Ok(()) } else { Err(format!("the honest host was left: {blamed:?}")) }
    }
}

impl Trial {
    /// The device names the lie by one of these words, and the liar by its address.
    fn is_named(&self, reasons: &[&str]) -> Result<(), String> {
        let status = self.machine.try_wait(PATIENCE, |status| status["refused"].is_object())?;
        let refused = &status["refused"];
        let reason = refused["reason"].as_str().unwrap_or_default();
        if !reasons.iter().any(|expected| reason.contains(expected)) {
            return Err(format!("expected one of {reasons:?}, got {reason}"));
        }
        let liar = format!(":{}", self.liar.port());
        match refused["peer"].as_str() {
            Some(peer) if peer.ends_with(&liar) => Ok(()),
            _ => Err(format!("the honest host was blamed: {refused}")),
        }
    }
}

#[test]
fn a_device_refuses_a_block_that_breaks_any_rule() {
    let mut trial = Trial::new(Ground::new(regtest()));
    let lies = trial.ground.broken_rules(trial.honest.now());
    assert_eq!(lies.len(), Rule::ALL.len() - 1);
    trial.tell(&lies);
}

#[test]
fn a_device_refuses_a_forged_witness() {
    let mut trial = Trial::new(Ground::new(regtest()));
    let lies = trial.ground.forged_witnesses();
    trial.tell(&lies);
}

#[test]
fn a_device_refuses_what_no_honest_peer_says() {
    let mut trial = Trial::new(Ground::new(regtest()));
    let lies = trial.ground.broken_protocol();
    trial.tell(&lies);
}

#[test]
fn a_device_refuses_what_is_no_websocket() {
    let mut trial = Trial::new(Ground::new(regtest()));
    let lies = trial.ground.broken_sockets();
    trial.tell(&lies);
}

#[test]
fn a_device_goes_on_with_another_peer_where_one_breaks_off() {
    let mut trial = Trial::new(Ground::new(regtest()));
    let lies = trial.ground.broken_off();
    trial.tell(&lies);
}
