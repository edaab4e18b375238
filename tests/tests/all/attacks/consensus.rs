//! Moving a node to a chain that it should not follow, or keeping it from one that it should.

use std::fs;

use mote::chain_file;
use mote::simulation::oracle::Oracle;
use mote::store::disk::FileDisk;
use mote_core::block::Header;
use mote_core::params::{FUTURE_MAX_SECONDS, TIME_LIMIT_SECONDS};
use mote_core::rules::Rule;
use mote_core::state::Account;
use mote_core::units::{Amount, Height, Timestamp};
use mote_core::wire::Message;
use mote_tests::fixtures::{Chain, VecBlock, account, mine, network, pay};
use serde_json::{Value, json};

use super::node::{Node, add, eventually, grow};
use super::peer::{Branch, Peer};

#[test]
fn a_peer_with_another_genesis_is_sent_away() {
    let (node, ..) = Node::with_chain("regtest", 3);
    let before = node.holdings();
    for name in ["local", "test", "main", "local:regtest"] {
        let mut peer = Peer::greeted(node.address(), &network(name));
        assert!(peer.refusal().starts_with("expected the network with genesis"));
        node.is_unharmed(&before);
    }
    // One that pretends to be of this network cannot show a chain with a premine.
    let rich = Account { balance: Amount::from_grains(1_000_000_000_000), nonce: 0 };
    let mut premined = Chain::with(Oracle::with([(account(4), rich)]));
    let mut branch = Branch::default();
    grow(&mut premined, &mut branch, 9);
    let reason = Peer::greeted(node.address(), &node.params).insist(&branch);
    assert_eq!(reason, "headers that do not connect");
    node.is_unharmed(&before);
}

#[test]
fn heights_are_counted() {
    let (node, chain, branch) = Node::with_chain("regtest", 3);
    let before = node.holdings();
    for height in [0, 3, 5, 1_000_000_000, u64::MAX] {
        let mut block = chain.block(account(3), Vec::new());
        block.header.height = Height::new(height);
        mine(&mut block.header);
        let reason = Peer::greeted(node.address(), &node.params).offer_in_vain(&branch.and(block));
        assert!(reason.starts_with("broke rule C2-height"), "{height}: {reason}");
        node.is_unharmed(&before);
    }
}

#[test]
fn times_that_no_clock_shows_are_refused() {
    let (node, chain, branch) = Node::with_chain("regtest", 12);
    let before = node.holdings();
    let at = |time| {
        let mut block = chain.block(account(3), Vec::new());
        block.header.time = Timestamp::from_seconds(time);
        mine(&mut block.header);
        block
    };
    let constant = chain.tip.median_time().seconds();
    for (time, rule) in [
        (0, Rule::HeaderTimeMedian),
        (constant, Rule::HeaderTimeMedian),
        (TIME_LIMIT_SECONDS, Rule::HeaderTimeRange),
        (u64::MAX, Rule::HeaderTimeRange),
    ] {
        let reason = Peer::greeted(node.address(), &node.params).offer_in_vain(&branch.and(at(time)));
        assert!(reason.starts_with(&format!("broke rule {}", rule.id())), "{time}: {reason}");
        node.is_unharmed(&before);
    }
    // Too early is no offence, and no block either.
    let mut peer = Peer::greeted(node.address(), &node.params);
    let now = peer.hello().time;
    for ahead in [2 * FUTURE_MAX_SECONDS, 1_000_000_000] {
        peer.send(&Message::Tip(at(now.plus(ahead).seconds()).header));
        peer.settle();
        node.is_unharmed(&before);
    }
}

#[test]
fn a_chain_file_with_a_time_that_is_none_is_refused_at_its_line() {
    let (mut node, _, branch) = Node::with_chain("regtest", 2);
    let before = node.holdings();
    let text = chain_text(&node, &branch);
    node.kill();
    let time = format!("\"time\":{}", branch.last().header.time.seconds());
    for wrong in
        ["\"time\":-1", "\"time\":9e99", "\"time\":\"now\"", "\"time\":null", "\"time\":1.5", "\"tyme\":1"]
    {
        assert!(text.contains(&time));
        let other = Node::start();
        let edited = other.folder.path().join("edited.jsonl");
        fs::write(&edited, text.replace(&time, wrong)).expect("the folder is writable");
        let mut other = other;
        other.kill();
        let (imported, said) = other.verb(&["import", edited.to_str().expect("a path")]);
        assert!(!imported && said.contains("line 3"), "{wrong}: {said}");
        other.start_again();
        assert_eq!(other.height(), 1, "what is before the bad line is kept");
    }
    node.start_again();
    node.is_unharmed(&before);
}

/// The chain as text.
fn chain_text(node: &Node, branch: &Branch) -> String {
    let genesis = VecBlock { header: node.params.genesis().clone(), transactions: Vec::new() };
    let mut text = Vec::new();
    for block in std::iter::once(&genesis).chain(branch.blocks()) {
        let first = (block.header.height == Height::GENESIS).then(|| node.params.network());
        chain_file::write(&mut text, block, first).expect("memory takes it");
    }
    String::from_utf8(text).expect("it is text")
}

#[test]
fn more_blocks_with_less_work_do_not_win() {
    let node = Node::start_with("local:weight", &[]);
    // Blocks a second apart make every next one harder; those ten seconds apart stay easy.
    let (mut hard, mut hard_branch) = (Chain::new(node.params.clone()), Branch::default());
    for _ in 0..20 {
        let mut block = hard.block(account(1), Vec::new());
        block.header.time = hard.tip.time().plus(1);
        mine(&mut block.header);
        add(&mut hard, &mut hard_branch, block);
    }
    let (mut easy, mut easy_branch) = (Chain::new(node.params.clone()), Branch::default());
    while easy.tip.height() < Height::new(30) {
        let block = easy.block(account(4), Vec::new());
        add(&mut easy, &mut easy_branch, block);
    }
    assert!(easy.tip.work() < hard.tip.work());
    node.learn(&hard_branch);
    let before = node.holdings();
    Peer::greeted(node.address(), &node.params).offer_to_no_effect(&easy_branch);
    node.is_unharmed(&before);
    let resolved = node.post("/api/v1/resolve", &json!({}));
    assert_eq!((resolved.status, &resolved.json()["replaced"]), (200, &json!(false)));
    node.is_unharmed(&before);
    // And the other way round, the heavier one wins though it is shorter.
    let other = Node::start_with("local:weight", &[]);
    other.learn(&easy_branch);
    other.learn(&hard_branch);
    assert_eq!((other.height(), other.balance(account(4))), (20, 0));
}

#[test]
fn a_fork_at_equal_height_ends_with_the_next_block() {
    let (node, mut ours, mut our_branch) = Node::with_chain("regtest", 2);
    let (mut theirs, mut their_branch) = (ours.clone(), our_branch.clone());
    let payment = pay(&node.params, 1, account(3), 1_000_000, 1_000, 0);
    let block = ours.block(account(1), vec![payment.clone()]);
    add(&mut ours, &mut our_branch, block);
    let block = theirs.block(account(2), Vec::new());
    add(&mut theirs, &mut their_branch, block);
    node.learn(&our_branch);
    let before = node.holdings();
    Peer::greeted(node.address(), &node.params).offer_to_no_effect(&their_branch);
    node.is_unharmed(&before);
    let block = theirs.block(account(2), Vec::new());
    add(&mut theirs, &mut their_branch, block);
    node.learn(&their_branch);
    assert_eq!((node.height(), node.balance(account(3))), (4, 0));
    assert_eq!(node.open(), [payment.id().to_string()], "the losing side's payment waits again");
    // Nothing is for ever: the first branch wins once it has more again.
    grow(&mut ours, &mut our_branch, 2);
    node.learn(&our_branch);
    assert_eq!((node.height(), node.balance(account(3)), node.balance(account(2))), (5, 1_000_000, 0));
    assert!(node.open().is_empty());
    let resolved = node.post("/api/v1/resolve", &json!({})).json();
    assert_eq!((&resolved["replaced"], &resolved["to"]["height"]), (&json!(false), &json!(5)));
}

#[test]
fn two_nodes_resolve_a_fork_at_equal_height() {
    let (left, right) = (Node::start(), Node::start());
    for node in [&left, &right] {
        node.make_wallet();
        node.mine();
    }
    assert_ne!(left.status("tip"), right.status("tip"));
    let added = left.post("/api/v1/peers", &json!({"peer": right.address().to_string()}));
    assert_eq!(added.status, 201, "{added:?}");
    for node in [&left, &right] {
        eventually("the other node", || (node.status("peers") == 1).then_some(()));
    }
    let mined = left.mine();
    eventually("the longer chain", || (right.status("tip") == mined["id"]).then_some(()));
    let resolved = right.post("/api/v1/resolve", &json!({})).json();
    assert_eq!((&resolved["replaced"], &resolved["to"]["id"]), (&json!(false), &mined["id"]));
}

#[test]
fn a_node_that_is_its_own_peer_goes_on() {
    let (node, ..) = Node::with_chain("regtest", 2);
    node.make_wallet();
    let own = json!({"peer": node.address().to_string()});
    assert_eq!(node.post("/api/v1/peers", &own).status, 201);
    // The connection shows that it leads back, and is not made again.
    eventually("the insight", || (node.post("/api/v1/peers", &own).status == 422).then_some(()));
    node.post("/api/v1/peers", &own).is_refused(422, "peer-itself");
    assert_eq!((node.status("peers"), node.get("/api/v1/peers").json()), (json!(0), json!([])));
    let mined = node.mine();
    assert_eq!((node.height(), node.status("tip")), (3, mined["id"].clone()));
    let balance = node.get("/api/v1/wallet").json()["balance"].clone();
    assert_eq!(balance, "10", "one reward, not two");
    node.serves_its_chain();
}

#[test]
fn an_amount_that_was_edited_in_the_chain_file_is_noticed() {
    let (mut node, mut chain, mut branch) = Node::with_chain("regtest", 3);
    let block = chain.block(account(1), vec![pay(&node.params, 1, account(3), 0x0012_3456, 1_000, 0)]);
    add(&mut chain, &mut branch, block);
    node.learn(&branch);
    grow(&mut chain, &mut branch, 1);
    node.learn(&branch);
    let before = node.holdings();
    node.kill();
    let log = node.file("log", "");
    let intact = fs::read(&log).expect("the log is readable");
    // The amount as it stands in the block, as a varint.
    let amount = [0xd6, 0xe8, 0x48];
    let at = intact.windows(3).position(|bytes| bytes == amount).expect("the log has the amount");
    let mut edited = intact.clone();
    edited[at + 2] = 0x7f;
    fs::write(&log, edited).expect("the log is writable");
    let (is_sound, said) = node.verb(&["verify"]);
    assert!(!is_sound && said.contains("checksum"), "{said}");
    // Without its index the node reads the whole log, and does not start over damage.
    fs::remove_file(node.file("index", "")).expect("there is an index");
    let said = node.refuses_to_start();
    assert!(said.contains("checksum") && said.contains("log"), "{said}");
    fs::write(&log, intact).expect("the log is writable");
    node.start_again();
    node.is_unharmed(&before);
}

#[test]
fn an_edited_amount_with_a_right_checksum_breaks_the_rules() {
    // Somebody who can write the file can also make its checksums right: here a whole log is written
    // in which one block pays more than its sender signed.
    let (mut node, chain, branch) = Node::with_chain("regtest", 3);
    let before = node.holdings();
    let mut block = chain.block(account(1), vec![pay(&node.params, 1, account(3), 1_000, 1_000, 0)]);
    block.transactions[0].amount = Amount::from_grains(2_000_000);
    let forged = chain.block(account(1), block.transactions.clone());
    node.kill();
    append_to_log(&node, &forged);
    let (is_sound, said) = node.verb(&["verify"]);
    assert!(!is_sound && said.contains("T5-signature"), "{said}");
    let said = node.refuses_to_start();
    assert!(said.contains("T5-signature"), "{said}");
    // The way back is the one that the file's text form offers: its blocks before the forged one.
    let text = node.folder.path().join("chain.jsonl");
    fs::write(&text, chain_text(&node, &branch)).expect("the folder is writable");
    let mut fresh = Node::start();
    fresh.kill();
    let (imported, said) = fresh.verb(&["import", text.to_str().expect("a path")]);
    assert!(imported, "{said}");
    fresh.start_again();
    fresh.is_unharmed(&before);
}

fn append_to_log(node: &Node, block: &VecBlock) {
    use mote::store::log::{Coverage, Identity, KIND_BLOCK, Log, Options, Position, SEGMENT_BYTES};
    let disk = FileDisk::new(node.inner()).expect("the node has a folder");
    let identity = Identity { network: node.params.network().to_string(), genesis: node.params.genesis_id() };
    let options = Options { segment_bytes: SEGMENT_BYTES, coverage: Coverage::Whole, salt: 1 };
    let (mut log, _) = Log::open(disk, "log", &identity, options, Position::START).expect("the log is sound");
    log.append(KIND_BLOCK, &mote_tests::fixtures::wire(block)).expect("the log takes it");
    log.sync().expect("the disk works");
}

#[test]
fn thirty_blocks_in_a_row_become_harder() {
    let node = Node::start_with("local:burst", &[]);
    node.make_wallet();
    let mined: Vec<Value> = (0..30).map(|_| node.mine()).collect();
    let difficulty = |block: &Value| block["difficulty"].as_f64().expect("a number");
    let (first, last) = (difficulty(&mined[0]), difficulty(&mined[29]));
    assert!(last > 3.0 * first, "{first} to {last}");
    assert_eq!((node.height(), node.get("/api/v1/wallet").json()["balance"].clone()), (30, json!("300")));
    let mut previous = node.params.genesis_id().to_string();
    for block in &mined {
        assert_eq!(block["previous"], previous.as_str());
        previous = block["id"].as_str().expect("an id").to_owned();
    }
    node.serves_its_chain();
}

#[test]
fn headers_on_an_invalid_block_are_refused_with_it() {
    let (node, mut chain, branch) = Node::with_chain("regtest", 3);
    let before = node.holdings();
    let mut block = chain.block(account(3), Vec::new());
    block.header.state_root = node.params.genesis_id();
    mine(&mut block.header);
    let forged = branch.and(block.clone());
    let reason = Peer::greeted(node.address(), &node.params).offer_in_vain(&forged);
    assert!(reason.starts_with("broke rule B4-state-root"), "{reason}");
    // The header alone obeys the rules, so the branch goes on for whoever does not check bodies.
    let header = mote_core::rules::check_header(&node.params, &chain.tip, &block.header, chain.clock());
    chain.tip.extend(&header.expect("the header obeys the rules"));
    let next: Header = chain.block(account(3), Vec::new()).header;
    let longer = forged.and(VecBlock { header: next, transactions: Vec::new() });
    let reason = Peer::greeted(node.address(), &node.params).offer_in_vain(&longer);
    assert!(reason.starts_with("broke rule"), "{reason}");
    node.is_unharmed(&before);
}

#[test]
fn an_announced_tip_far_ahead_is_followed_to_its_end() {
    // The peer greeted before it had the chain, so it never claimed any work for it.
    let (node, chain, _) = Node::with_chain("regtest", 1_100);
    assert_eq!((node.height(), node.status("tip")), (1_100, json!(chain.tip.id().to_string())));
}
