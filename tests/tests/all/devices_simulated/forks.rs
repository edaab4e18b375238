//! Branches that take the place of what was validated, near and far below the tip.

use mote_core::card::Mines;
use mote_core::rules::Rule;
use mote_tests::devices::simulated::{Bench, Running};

use super::{Branch, chain, longer, rival};

/// The peer goes over to a branch that leaves its own so many blocks below the tip; the branch.
fn turns(device: &mut Running<'_>, from: &Branch, depth: u64) -> Branch {
    let branch = rival(from, from.height() - depth, depth as usize + 1);
    device.forget_lines();
    device.peer(0).show(branch.clone());
    device.until_tip(&branch);
    let said = device.printed("reorganised");
    let expected = format!("reorganised {} to ", from.height());
    assert!(said.len() == 1 && said[0].starts_with(&expected), "depth {depth}: {said:?}");
    branch
}

#[test]
fn a_device_goes_back_to_any_depth() {
    let mut branch = chain(300);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        for depth in [1, 2, 7, 8, 9, 23, 24, 25, 26, 79, 80, 81, 100, 200, 280] {
            branch = turns(device, &branch, depth);
        }
        assert!(!device.has_printed("refused"), "{}", device.seen());
    });
    // All that was kept on the card is of use after a power cut, whichever branch it belongs to.
    bench.switch_on(|device| {
        device.until_tip(&branch);
        assert_eq!(device.printed("block "), Vec::<String>::new(), "nothing had to be checked again");
        for depth in [3, 100, 250] {
            branch = turns(device, &branch, depth);
        }
    });
}

#[test]
fn a_device_without_a_card_goes_back_to_genesis() {
    let mut branch = chain(150);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench
        .card
        .as_ref()
        .expect("there is a card")
        .borrow_mut()
        .set_fault(mote_tests::devices::simulated::Fault::RefuseFrom(2));
    bench.switch_on(|device| {
        device.until_tip(&branch);
        for depth in [80, 81, 140] {
            branch = turns(device, &branch, depth);
        }
    });
}

/// The snapshots of a branch that was left are named to peers and are of no use to them.
#[test]
fn a_branch_comes_back_after_it_was_left() {
    let first = chain(220);
    let mut bench = Bench::beside(first.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&first);
        let second = rival(&first, 50, 180);
        device.peer(0).show(second.clone());
        device.until_tip(&second);
        let mut third = first.clone();
        third.grow_with_payments(1, 15, 1);
        device.peer(0).show(third.clone());
        device.until_tip(&third);
        let fourth = rival(&second, 200, 60);
        device.peer(0).show(fourth.clone());
        device.until_tip(&fourth);
    });
}

/// The peer goes over to another branch while its headers are looked at, and while blocks are checked.
#[test]
fn a_peer_may_change_its_mind_at_any_moment() {
    let first = chain(60);
    let second = rival(&first, 20, 45);
    for turn in (0..260).step_by(9) {
        let mut bench = Bench::beside(first.clone(), Mines::WhenTold);
        bench.switch_on(|device| {
            device.until("it is connected", |device| device.peer(0).connected() == 1);
            for _ in 0..turn {
                device.step();
            }
            device.peer(0).show(second.clone());
            device.until_tip(&second);
            assert!(!device.has_printed("refused"), "turn {turn}: {}", device.seen());
        });
    }
}

/// Two peers take turns in having most work while the device is still busy with the other.
#[test]
fn two_peers_may_outdo_each_other_at_any_moment() {
    let first = chain(60);
    let (second, third) = (rival(&first, 40, 25), rival(&first, 10, 60));
    for turn in (0..400).step_by(17) {
        let mut bench = Bench::between(first.clone(), first.up_to(30), Mines::WhenTold);
        bench.switch_on(|device| {
            device.until("it is connected", |device| device.peer(0).connected() == 1);
            for _ in 0..turn {
                device.step();
            }
            device.peer(1).show(second.clone());
            for _ in 0..turn {
                device.step();
            }
            device.peer(0).show(third.clone());
            device.until_tip(&third);
            assert!(!device.has_printed("refused"), "turn {turn}: {}", device.seen());
        });
    }
}

/// The goal of a branch is what its peer had when its headers were looked at: it has more by then.
#[test]
fn a_branch_may_grow_while_it_is_checked() {
    let first = chain(100);
    let mut second = rival(&first, 40, 70);
    let mut bench = Bench::beside(first.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&first);
        device.peer(0).show(second.clone());
        device.forget_lines();
        while !device.has_printed("reorganised") {
            second = longer(&second);
            device.peer(0).show(second.clone());
            device.pass(25);
            assert!(second.height() < 400, "it never comes to an end: {}", device.seen());
        }
        device.until_tip(&second);
        // Every block of the branch was checked once.
        assert_eq!(device.printed("block ").len(), second.height() as usize - 40);
    });
}

#[test]
fn a_heavier_branch_that_breaks_a_rule_changes_nothing() {
    let first = chain(150);
    let mut bench = Bench::between(first.clone(), first.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&first);
        device.until("both are connected", |device| device.peer(1).connected() == 1);
        for fork in [149, 120, 30] {
            let mut bad = rival(&first, fork, (150 - fork) as usize);
            bad.append_broken(Rule::BlockStateRoot, device.bench.now());
            device.forget_lines();
            device.peer(1).show(bad);
            device.until("it is refused", |device| device.has_printed("refused 10.0.2.2:7701 B4-state-root"));
            device.peer(1).show(first.clone());
            device.until_tip(&first);
            assert!(!device.has_printed("reorganised"), "{}", device.seen());
        }
        let first = longer(&first);
        device.peer(0).show(first.clone());
        device.until_tip(&first);
    });
}
