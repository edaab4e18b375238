//! Real nodes side by side, replayed from the start: who knows which chain, and what becomes of payments.

use std::collections::{BTreeMap, BTreeSet};

use mote_core::hash::Hash32;
use mote_core::params::{FEE_MIN_GRAINS, Network, Params};
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::Amount;

use super::Unfit;
use super::moments::{
    AccountSeen, BlockSeen, Happening, MomentSeen, NodeSeen, PaymentSeen, PeersAnswer, Refusal,
};
use super::people::{Person, called};
use super::scenario::{NODES_MAX, PayStep, STEPS_MAX, Scenario, SignedFor, Step, WAIT_MAX_SECONDS};
use super::world::World;
use crate::node::Node;
use crate::node::request::{Reply, Request, SubmitError};
use crate::node::status::Event;
use crate::store::error::StoreError;
use crate::store::memory::MemoryDisk;

/// Why a scenario has no answer.
#[derive(Debug, thiserror::Error)]
pub enum PeersError {
    /// It is not one of the laboratory's.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A node's store failed, as no memory should.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Replays the scenario. `refusal` says how refusals are told.
pub fn peers(scenario: &Scenario, refusal: fn(SubmitError) -> Refusal) -> Result<PeersAnswer, PeersError> {
    check(scenario)?;
    // What these nodes report is not for the log of the node that runs them.
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), || {
        let mut experiment = Experiment::new(scenario.nodes, refusal)?;
        experiment.observe(Vec::new())?;
        for (number, step) in scenario.steps.iter().enumerate() {
            experiment.step(number, step)?;
        }
        Ok(experiment.answer())
    })
}

fn check(scenario: &Scenario) -> Result<(), Unfit> {
    let Scenario { nodes, steps } = scenario;
    if !(1..=NODES_MAX).contains(nodes) {
        return Err(Unfit::new("nodes", format_args!("expected 1 to {NODES_MAX}, got {nodes}")));
    }
    if steps.len() > STEPS_MAX {
        return Err(Unfit::new("steps", format_args!("expected at most {STEPS_MAX}, got {}", steps.len())));
    }
    for (number, step) in steps.iter().enumerate() {
        let named = match step {
            Step::Mine { node, .. } => vec![*node],
            Step::Cut { a, b } | Step::Join { a, b } => vec![*a, *b],
            Step::Wait { .. } => Vec::new(),
            Step::Pay(PayStep { at, .. }) | Step::Replay { at, .. } => vec![*at],
        };
        if let Some(node) = named.iter().find(|node| *node >= nodes) {
            return Err(Unfit::new("steps", format_args!("step {number}: there is no node {node}")));
        }
        let reason = match step {
            Step::Cut { a, b } | Step::Join { a, b } if a == b => "a node has no network with itself",
            Step::Wait { seconds } if *seconds > WAIT_MAX_SECONDS => "the wait is longer than 60 seconds",
            _ => continue,
        };
        return Err(Unfit::new("steps", format_args!("step {number}: {reason}")));
    }
    Ok(())
}

struct Experiment {
    world: World,
    blocks: BTreeMap<Hash32, BlockSeen>,
    made: BTreeMap<usize, Transaction>,
    moments: Vec<MomentSeen>,
    /// What is open and what is mined at each node.
    known: Vec<Known>,
    refusal: fn(SubmitError) -> Refusal,
}

#[derive(Clone, Default)]
struct Known {
    open: BTreeSet<Hash32>,
    mined: BTreeSet<Hash32>,
}

impl Experiment {
    fn new(nodes: usize, refusal: fn(SubmitError) -> Refusal) -> Result<Self, StoreError> {
        let world = World::new(nodes)?;
        let (blocks, made, moments) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Ok(Self { world, blocks, made, moments, known: vec![Known::default(); nodes], refusal })
    }

    fn step(&mut self, number: usize, step: &Step) -> Result<(), PeersError> {
        let mut happened = Vec::new();
        match step {
            Step::Mine { node, person } => {
                let miner = person.or(Person::ALL.get(*node).copied()).unwrap_or(Person::Ada);
                self.world.request(*node, Request::MineBlock(miner.account()));
            }
            Step::Cut { a, b } => self.world.cut(*a, *b),
            Step::Join { a, b } => self.world.join(*a, *b),
            Step::Wait { seconds } => self.world.pass(1_000 * seconds),
            Step::Pay(pay) => {
                let transaction = self.make(pay)?;
                happened.extend(self.submit(pay.at, transaction.clone()));
                self.made.insert(number, transaction);
            }
            Step::Replay { step, at } => {
                let reason = || format!("step {number}: step {step} made no payment");
                let made = self.made.get(step).cloned().ok_or_else(|| Unfit::new("steps", reason()))?;
                happened.extend(self.submit(*at, made));
            }
        }
        self.world.pass(1_000);
        Ok(self.observe(happened)?)
    }

    fn make(&self, pay: &PayStep) -> Result<Transaction, StoreError> {
        let PayStep { from, to, amount, fee, nonce, at, signer, signed_for } = pay;
        let next = match self.world.node(*at) {
            Some(node) => node.pending(&from.account())?.nonce,
            None => 0,
        };
        let fee = fee.map_or(Amount::from_grains(FEE_MIN_GRAINS), |fee| fee.0);
        let (recipient, nonce) = (to.account(), nonce.unwrap_or(next));
        let payment = Payment { recipient, amount: amount.0, fee, nonce, memo: Memo::new() };
        let signer = signer.unwrap_or(*from).secret();
        let signed = match signed_for {
            SignedFor::Here => payment.sign(&self.world.params, &signer),
            SignedFor::Main => payment.sign(&Params::new(Network::Main), &signer),
        };
        Ok(Transaction { sender: from.account(), ..signed })
    }

    fn submit(&mut self, node: usize, transaction: Transaction) -> Option<Happening> {
        let payment = transaction.id().to_string();
        match self.world.request(node, Request::Submit(transaction))? {
            Reply::Submitted(Ok(_)) => Some(Happening::Taken { node, payment }),
            Reply::Submitted(Err(error)) => {
                Some(Happening::Refused { node, payment, refusal: (self.refusal)(error) })
            }
            _ => None,
        }
    }

    /// Notes what the nodes are like now, and what has happened since they were last looked at.
    fn observe(&mut self, mut happened: Vec<Happening>) -> Result<(), StoreError> {
        for index in 0..self.known.len() {
            let events = self.world.take_events(index);
            happened.extend(events.into_iter().filter_map(|event| happening(index, event)));
        }
        let mut nodes = Vec::with_capacity(self.known.len());
        for (index, node) in self.world.nodes().enumerate() {
            let mut now = Known::default();
            let mempool: Vec<Hash32> = node.mempool().by_priority().map(|entry| entry.id()).collect();
            now.open.extend(&mempool);
            collect(node, &mut self.blocks, &mut now.mined)?;
            if let Some(before) = self.known.get_mut(index) {
                let texts = |ids: Vec<&Hash32>| ids.into_iter().map(Hash32::to_string).collect::<Vec<_>>();
                let returned = texts(before.mined.intersection(&now.open).collect());
                let is_gone = |id: &&Hash32| !now.open.contains(*id) && !now.mined.contains(*id);
                let dropped = texts(before.mined.union(&before.open).filter(is_gone).collect());
                if !returned.is_empty() {
                    happened.push(Happening::Returned { node: index, payments: returned });
                }
                if !dropped.is_empty() {
                    happened.push(Happening::Dropped { node: index, payments: dropped });
                }
                *before = now;
            }
            let mut accounts = Vec::with_capacity(Person::ALL.len());
            for person in Person::ALL {
                let account = node.account(&person.account())?;
                accounts.push(AccountSeen { balance: account.balance.to_string(), nonce: account.nonce });
            }
            let tip = node.ledger().tip();
            nodes.push(NodeSeen {
                tip: tip.id().to_string(),
                height: tip.height().get(),
                work: tip.work().to_string(),
                peers: self.world.peers(index).into_iter().collect(),
                mempool: mempool.iter().map(Hash32::to_string).collect(),
                accounts,
            });
        }
        self.moments.push(MomentSeen { seconds: self.world.millis() / 1_000, nodes, happened });
        Ok(())
    }

    fn answer(self) -> PeersAnswer {
        let mut blocks: Vec<BlockSeen> = self.blocks.into_values().collect();
        blocks.sort_by(|a, b| (a.height, &a.id).cmp(&(b.height, &b.id)));
        let seen = |(step, transaction): (usize, Transaction)| PaymentSeen {
            id: transaction.id().to_string(),
            step,
            from: called(&transaction.sender),
            to: called(&transaction.recipient),
            amount: transaction.amount.to_string(),
            fee: transaction.fee.to_string(),
            nonce: transaction.nonce,
        };
        let payments = self.made.into_iter().map(seen).collect();
        PeersAnswer { blocks, payments, moments: self.moments }
    }
}

/// Adds the blocks of a node's chain, and what is mined in them.
fn collect(
    node: &Node<MemoryDisk>,
    blocks: &mut BTreeMap<Hash32, BlockSeen>,
    mined: &mut BTreeSet<Hash32>,
) -> Result<(), StoreError> {
    for height in 0..=node.ledger().tip().height().get() {
        let Some(id) = node.ledger().id_at(height)? else { continue };
        let Some(block) = node.ledger().block(&id)? else { continue };
        let payments: Vec<Hash32> = block.transactions.iter().map(Transaction::id).collect();
        mined.extend(&payments);
        blocks.entry(id).or_insert_with(|| BlockSeen {
            id: id.to_string(),
            parent: block.header.previous.to_string(),
            height,
            miner: (height > 0).then(|| called(&block.header.miner)),
            payments: payments.iter().map(Hash32::to_string).collect(),
        });
    }
    Ok(())
}

fn happening(node: usize, event: Event) -> Option<Happening> {
    match event {
        Event::Block { id, height, .. } => {
            Some(Happening::Block { node, id: id.to_string(), height: height.get() })
        }
        Event::Reorganisation { from, to, depth } => {
            Some(Happening::Reorganisation { node, from: from.to_string(), to: to.to_string(), depth })
        }
        Event::Transaction { .. } | Event::Peer { .. } | Event::Mining(_) => None,
    }
}
