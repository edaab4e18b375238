//! What people do with a coin, done with real processes: paying each other, restarting, losing the
//! network and finding it again, joining late, and the same from the command line.

mod command_line;
mod receipts;

use mote_tests::processes::{Launch, Node, PATIENCE, wait_for_one_tip, wait_until};
use std::time::Duration;

/// How long a node may take to end, as its operator was promised.
const END: Duration = Duration::from_secs(2);

/// Ends a node as its operator would and starts it again.
pub fn restart(node: &mut Node) {
    let ended = node.terminate();
    assert_eq!(ended.status.code(), Some(0), "{}", node.log());
    assert!(ended.took < END, "ending took {:?}", ended.took);
    node.start();
}

fn wait_for_balance(node: &Node, balance: &str) {
    wait_until(&format!("the balance is {balance}"), PATIENCE, || {
        let wallet = node.api().wallet();
        if wallet.balance == balance { Ok(()) } else { Err(format!("{wallet:?}")) }
    });
}

#[test]
fn two_people_pay_restart_part_and_agree_again() {
    let [mut first, mut second] = [(); 2].map(|()| Launch::on("local").behind_wire().start());
    first.add_peer(&second);
    for node in [&first, &second] {
        node.wait("both know each other", |status| status.peers == 1);
    }
    first.api().create_wallet();
    let payee = second.api().create_wallet().address;
    first.api().mine();
    first.api().send(&payee, "5");
    first.api().mine();
    wait_for_balance(&second, "5");
    wait_for_balance(&first, "15");

    let before = [&first, &second].map(|node| (node.api().status().tip, node.api().wallet()));
    restart(&mut first);
    restart(&mut second);
    let after = [&first, &second].map(|node| (node.api().status().tip, node.api().wallet()));
    assert_eq!(before, after);
    for node in [&first, &second] {
        node.wait("both find each other again", |status| status.peers == 1);
    }

    let cut = [&first, &second].map(Node::wire);
    cut.iter().for_each(|wire| wire.cut());
    for node in [&first, &second] {
        node.wait("both see that the network is gone", |status| status.peers == 0);
    }
    let lost = first.api().send(&payee, "1").id;
    first.api().mine();
    assert_eq!(first.api().transaction_status(&lost).as_deref(), Some("mined"));
    second.api().mine_many(3);
    assert_eq!(second.api().transaction_status(&lost), None);
    let winning = second.api().status().tip;
    cut.iter().for_each(|wire| wire.mend());
    assert_eq!(wait_for_one_tip(&[&first, &second]), 5);
    assert_eq!(first.api().status().tip, winning);
    for node in [&first, &second] {
        wait_until("the losing side's payment is open on both sides", PATIENCE, || {
            match node.api().transaction_status(&lost) {
                Some(status) if status == "open" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    }
    second.api().mine();
    assert_eq!(wait_for_one_tip(&[&first, &second]), 6);
    assert_eq!(first.api().transaction_status(&lost).as_deref(), Some("mined"));
    // Two payments, four blocks, and the fee of the payment that it mined.
    wait_for_balance(&second, "46.001");
    wait_for_balance(&first, "13.999");

    let third = Launch::on("local").start();
    third.add_peer(&first);
    assert_eq!(wait_for_one_tip(&[&first, &second, &third]), 6);
    assert_eq!(third.api().balance(&payee), "46.001");
    assert_eq!(third.api().transaction_status(&lost).as_deref(), Some("mined"));
}

#[test]
fn the_far_end_of_a_line_hears_of_blocks_and_transactions() {
    let [left, middle, right] = [false, true, false].map(|is_middle| match is_middle {
        true => Launch::regtest().start(),
        false => Launch::regtest().behind_wire().start(),
    });
    for (count, end) in [(1, &left), (2, &right)] {
        middle.add_peer(end);
        middle.wait("the middle has the end as a peer", |status| status.peers == count);
        end.wait("the end has the middle as a peer", |status| status.peers == 1);
        // From now on nobody else reaches it.
        end.wire().close();
    }
    let payee = right.api().create_wallet().address;
    left.api().create_wallet();
    left.api().mine();
    assert_eq!(wait_for_one_tip(&[&left, &right]), 1);
    let id = left.api().send(&payee, "2.5").id;
    wait_until("the far end knows the transaction", PATIENCE, || {
        right.api().transaction_status(&id).ok_or_else(|| format!("{:?}", right.api().status()))
    });
    left.api().mine();
    wait_for_balance(&right, "2.5");
    for (node, peers) in [(&left, 1), (&middle, 2), (&right, 1)] {
        assert_eq!(node.api().status().peers, peers, "the line is still a line: {:?}", node.api().peers());
    }
}
