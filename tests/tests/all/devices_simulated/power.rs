//! Power that is cut in the middle of any write to the card.

use mote_core::address::Address;
use mote_core::card::Mines;
use mote_core::keys::SecretKey;
use mote_tests::devices::simulated::{Bench, Fault, Medium, Running, device_seed};
use mote_tests::fixtures::{account, pay};

use super::{Branch, chain, rival};

/// What happens between power-on and the cut: blocks with a snapshot among them, a payment, a
/// reorganisation, a switch.
struct Day {
    morning: Branch,
    noon: Branch,
    rivals: Branch,
    night: Branch,
}

impl Day {
    fn new() -> Self {
        let mut morning = chain(58);
        let own = SecretKey::from_seed(&device_seed(1)).public_key();
        let payment = pay(morning.params(), 1, own, 5_000_000, 1_000, morning.nonce(1));
        morning.extend(1, vec![payment]);
        let mut noon = morning.clone();
        noon.grow(1, 7);
        let rivals = rival(&noon, 62, 6);
        let mut night = rivals.clone();
        night.grow(4, 3);
        Self { morning, noon, rivals, night }
    }

    /// The card of a device that was switched off in the morning.
    fn card(&self) -> Medium {
        let mut bench = Bench::beside(self.morning.clone(), Mines::WhenTold);
        bench.switch_on(|device| {
            device.until_tip(&self.morning);
            device.until("it is saved", |device| device.has_printed("saved 59"));
        });
        bench.card.as_ref().expect("there is a card").borrow().clone()
    }

    /// Lives through the day, or as much of it as there is power for; whether the payment left.
    fn live(&self, device: &mut Running<'_>) -> bool {
        device.pass(300);
        device.peer(0).show(self.noon.clone());
        device.pass(400);
        let address = Address::new(self.noon.params().address_prefix, account(60));
        device.type_line(&format!("pay {address} 1.5"));
        device.pass(100);
        device.type_line("confirm");
        device.pass(200);
        device.peer(0).show(self.rivals.clone());
        device.pass(400);
        // A switch is kept; blocks of the device's own would make every day another one.
        device.peer(0).holds = Some("GetTemplateWitness");
        device.type_line("mine on");
        device.pass(100);
        device.type_line("mine off");
        device.pass(200);
        device.peer(0).show(self.night.clone());
        device.pass(300);
        !device.peer(0).paid.is_empty()
    }

    fn ids(&self) -> Vec<String> {
        let branches = [&self.noon, &self.night];
        branches.iter().flat_map(|branch| branch.shown()).map(|shown| shown.header.id().to_string()).collect()
    }
}

#[test]
fn power_may_be_cut_in_any_write() {
    let day = Day::new();
    let (card, ids) = (day.card(), day.ids());
    let mut bench = Bench::with_card(Some(card.clone()));
    bench.add_peer(day.morning.clone());
    assert!(bench.switch_on(|device| day.live(device)));
    let writes = bench.card.as_ref().expect("there is a card").borrow().writes();
    let before = card.writes();
    let mut kept = 0;
    for write in 0..writes - before {
        for bytes in [0, 9, 300, 512] {
            let mut torn = card.clone();
            torn.set_fault(Fault::CutAt { write, bytes });
            let mut bench = Bench::with_card(Some(torn));
            bench.add_peer(day.morning.clone());
            let has_left = bench.switch_on(|device| day.live(device));
            assert!(bench.card.as_ref().expect("a card").borrow().is_cut(), "write {write} never came");
            bench.card.as_ref().expect("there is a card").borrow_mut().set_fault(Fault::None);
            bench.peer(0).show(day.night.clone());
            bench.peer(0).paid.clear();
            bench.peer(0).holds = Some("GetTemplateWitness");
            bench.switch_on(|device| {
                let at = format!("{bytes} bytes of write {write}");
                let started = device.printed("started ").remove(0);
                let words: Vec<&str> = started.split(' ').collect();
                let height: u64 = words[1].parse().expect("a height");
                assert!(height >= 59 && ids.contains(&words[2].to_owned()), "{at}: {started}");
                let status = device.until_tip(&day.night);
                assert!(status["fault"].is_null(), "{at}: {status:#}");
                let payments = status["payments"].as_array().map_or(0, Vec::len);
                kept += payments;
                // What left was remembered before.
                assert!(!has_left || payments == 1, "{at}: the payment is forgotten");
                assert_eq!(device.printed("refused"), Vec::<String>::new(), "{at}");
                if payments == 1 {
                    device.until("it is told again", |device| device.peer(0).paid.len() == 1);
                }
            });
        }
    }
    assert!(kept > 0, "no cut came after the payment");
}

/// The snapshots are read when a branch leaves the chain far below: one that was torn is as none.
#[test]
fn a_torn_snapshot_is_as_good_as_none() {
    let branch = chain(200);
    let deep = rival(&branch, 70, 140);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        device.pass(500);
    });
    for sector in 0..8 {
        for snapshot in [1, 2] {
            let mut torn = bench.card.as_ref().expect("there is a card").borrow().clone();
            torn.damage(mote_core::card::SNAPSHOT_SECTOR + snapshot * 8 + sector);
            let mut other = Bench::with_card(Some(torn));
            other.add_peer(deep.clone());
            other.switch_on(|device| {
                device.until_tip(&deep);
            });
        }
    }
}
