//! The chain as text: a line that is read is written as the same block, and an import of any lines takes valid blocks
//! only.

use std::collections::BTreeMap;
use std::sync::Arc;

use mote::chain_file::{Lines, parse, write};
use mote::store::ledger::{Added, Ledger};
use mote::store::memory::MemoryDisk;
use mote_core::rules::{Clock, Rule};

use super::grove::Grove;
use crate::fixtures::{Chain, account, judge};

/// The bytes are a file.
pub fn run(data: &[u8]) {
    let mut lines = Lines::new(data);
    let grove = Grove::get();
    let mut ledger = None;
    // The chains after the blocks that were taken, by what the fixtures make of them.
    let genesis = grove.params.genesis_id();
    let mut chains = BTreeMap::from([(genesis, grove.chains[&genesis].clone())]);
    while let Ok(Some(line)) = lines.next_line() {
        let line = line.to_owned();
        let Ok(parsed) = parse(lines.number(), &line) else { continue };
        assert_eq!(parsed.id, parsed.block.header.id());
        let mut written = Vec::new();
        write(&mut written, &parsed.block, parsed.network.as_ref()).expect("a vector takes everything");
        let text = String::from_utf8(written).expect("a line is text");
        let again = parse(1, text.trim_end()).expect("what is written can be read");
        assert_eq!((&again.block, &again.network), (&parsed.block, &parsed.network));
        let mut twice = Vec::new();
        write(&mut twice, &again.block, again.network.as_ref()).expect("a vector takes everything");
        assert_eq!(twice, text.into_bytes());
        let ledger = ledger.get_or_insert_with(|| {
            let params = Arc::new(grove.params.clone());
            Ledger::open(MemoryDisk::new(), params, 7, |_| {}).expect("the ledger opens").0
        });
        let before = ledger.tip().work();
        match ledger.add(&parsed.block, Clock::AcceptedBefore) {
            Ok(Added::Known) => assert!(chains.contains_key(&parsed.id), "{} is not known", parsed.id),
            Ok(_) => {
                let parent = chains.get(&parsed.block.header.previous).expect("the parent was taken before");
                let mut chain = Chain::clone(parent);
                let Chain { params, tip, accounts } = &mut chain;
                let judged = judge(params, tip, Clock::AcceptedBefore, &parsed.block, accounts);
                tip.extend(&judged.expect("the ledger takes valid blocks only"));
                chains.insert(parsed.id, Arc::new(chain));
            }
            Err(_) => {}
        }
        assert!(ledger.tip().work() >= before);
    }
    assert!(lines.bytes() <= data.len() as u64);
}

/// Files of some blocks.
pub fn seeds() -> Vec<Vec<u8>> {
    let grove = Grove::get();
    let genesis = mote::block::Block { header: grove.params.genesis().clone(), transactions: Vec::new() };
    let mut file = Vec::new();
    write(&mut file, &genesis, Some(grove.params.network())).expect("a vector takes everything");
    let mut seeds = vec![file.clone()];
    for block in &grove.branches[0][..4] {
        let mut line = Vec::new();
        write(&mut line, block, None).expect("a vector takes everything");
        file.extend_from_slice(&line);
        seeds.push(line);
    }
    seeds.push(file);
    // A chain of somebody else's, the last block of which breaks a rule.
    let mut chain = Chain::new(grove.params.clone());
    let good = chain.block(account(9), Vec::new());
    chain.accept(&good).expect("the block is valid");
    let broken = chain.broken(&chain.block(account(9), Vec::new()), Rule::BlockStateRoot);
    let mut file = Vec::new();
    for block in [good, broken] {
        write(&mut file, &block, None).expect("a vector takes everything");
    }
    seeds.push(file);
    seeds
}
