//! The course of the main chain, block by block: what charts are drawn from. What was read once is
//! kept, since a block never changes; so the same question a block later costs one look-up.

use std::collections::{HashMap, VecDeque};

use mote_core::hash::Hash32;
use mote_core::pow::Work;
use mote_core::units::{Amount, Timestamp};
use tokio::sync::Mutex;

use super::error::Problem;
use super::lookup::sum;
use crate::node::Node;
use crate::node::handle::Handle;
use crate::store::disk::Disk;
use crate::store::error::StoreError;

/// How many blocks are kept: more than any chart shows, about a megabyte.
const KEPT_BLOCKS: usize = 8_192;

/// How many blocks, and transactions among them, are read before others get their turn at the node: a
/// few milliseconds.
const SLICE_BLOCKS: usize = 128;
const SLICE_TRANSACTIONS: u32 = 1_024;

/// A block as a step of its chain.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The parent's id.
    pub previous: Hash32,
    /// How many blocks lie below.
    pub height: u64,
    /// The block's time.
    pub time: Timestamp,
    /// The work of the chain up to and including the block.
    pub work: Work,
    /// How many transactions the block has.
    pub transactions: u32,
    /// What they paid in fees.
    pub fees: Amount,
}

/// The steps that were read, one reader at a time: what the first reads the next need not.
#[derive(Default)]
pub struct Course(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    steps: HashMap<Hash32, Step>,
    /// Their ids, the oldest reading first.
    order: VecDeque<Hash32>,
}

impl Course {
    /// The last `count` blocks of the main chain, newest first; fewer where the genesis block is among them.
    pub async fn last<D: Disk>(&self, handle: &Handle<D>, count: usize) -> Result<Vec<Step>, Problem> {
        let mut kept = self.0.lock().await;
        // A chain is followed by the ids of parents, so a reorganisation meanwhile mixes nothing.
        let mut at = handle.view(|node| node.ledger().tip().id()).await?;
        let mut found = Vec::with_capacity(count);
        while found.len() < count {
            if !kept.steps.contains_key(&at) {
                let limit = (count - found.len()).min(SLICE_BLOCKS);
                let read = handle.view(move |node| read(node, at, limit)).await??;
                read.into_iter().for_each(|(id, step)| kept.insert(id, step));
            }
            let Some(step) = kept.steps.get(&at) else { break };
            found.push(*step);
            at = step.previous;
            if step.height == 0 {
                break;
            }
        }
        Ok(found)
    }
}

impl Kept {
    fn insert(&mut self, id: Hash32, step: Step) {
        if self.steps.insert(id, step).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > KEPT_BLOCKS
            && let Some(oldest) = self.order.pop_front()
        {
            self.steps.remove(&oldest);
        }
    }
}

/// Block `at` and those below it, as many as belong into one slice.
fn read<D: Disk>(node: &Node<D>, at: Hash32, limit: usize) -> Result<Vec<(Hash32, Step)>, StoreError> {
    let (mut at, mut steps, mut transactions) = (at, Vec::new(), 0_u32);
    while steps.len() < limit {
        let Some(entry) = node.ledger().header(&at)? else { break };
        let header = entry.header;
        transactions = transactions.saturating_add(header.transaction_count);
        if transactions > SLICE_TRANSACTIONS && !steps.is_empty() {
            break;
        }
        let block = if header.transaction_count == 0 { None } else { node.ledger().block(&at)? };
        let fees = block.iter().flat_map(|block| &block.transactions).map(|transaction| transaction.fee);
        let step = Step {
            previous: header.previous,
            height: header.height.get(),
            time: header.time,
            work: entry.work,
            transactions: header.transaction_count,
            fees: fees.fold(Amount::ZERO, sum),
        };
        steps.push((at, step));
        if step.height == 0 {
            break;
        }
        at = step.previous;
    }
    Ok(steps)
}
