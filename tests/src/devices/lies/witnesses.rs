//! Witnesses that prove nothing, or come in another order than they must. The block is sound.

use mote_core::codec::decode;
use mote_core::state::{Account, Proof, ProofOf, ProofRef, STEP_BYTES};
use mote_core::transaction::Transaction;
use mote_core::units::Amount;
use mote_core::wire::Message;

use super::{Ground, Lie};
use crate::devices::branch::borrow;
use crate::devices::script::{Out, Script, all as as_they_are};
use crate::fixtures::wire;

const FORGED: &[&str] = &["forged"];
const ORDER: &[&str] = &["out of order"];

/// Where the first transaction of a witness stands among its messages, and where the second.
const FIRST: usize = 1;
const SECOND: usize = 2;

pub fn all(ground: &Ground) -> Vec<Lie> {
    let id = ground.longer.tip().id();
    let stranger = ground.base.get(&ground.base.tip().id()).expect("it is the branch's own").witness.clone();
    let change = |name: &str, reasons, change: fn(&mut Vec<Vec<u8>>)| {
        let script = Script::witness(id, move |mut messages| {
            change(&mut messages);
            as_they_are(messages)
        });
        ground.lie(name, reasons, script)
    };
    let forge = |name: &str, forge: fn(&mut Parts)| {
        let script = Script::witness(id, move |mut messages| {
            let mut parts = Parts::read(&messages[FIRST]);
            forge(&mut parts);
            messages[FIRST] = parts.write();
            as_they_are(messages)
        });
        ground.lie(name, FORGED, script)
    };
    vec![
        forge("a sibling that is another", |parts| *last(&mut parts.sender.path) ^= 1),
        forge("a sibling of the recipient that is another", |parts| *last(&mut parts.recipient.path) ^= 1),
        forge("a leaf that holds more", |parts| {
            let leaf = parts.sender.leaf.as_mut().expect("the sender has an account");
            let balance = Amount::from_grains(leaf.account.balance.grains() + 1_000_000);
            leaf.account = Account { balance, ..leaf.account };
        }),
        forge("a leaf with another nonce", |parts| {
            parts.sender.leaf.as_mut().expect("the sender has an account").account.nonce += 1;
        }),
        forge("no leaf", |parts| parts.sender.leaf = None),
        forge("a path that is too short", |parts| {
            let length = parts.sender.path.len() - STEP_BYTES;
            parts.sender.path.truncate(length);
        }),
        forge("a path that ends within a step", |parts| {
            parts.sender.path.pop();
        }),
        forge("a path in the wrong order", |parts| {
            let mut steps: Vec<&[u8]> = parts.sender.path.chunks(STEP_BYTES).collect();
            steps.reverse();
            parts.sender.path = steps.concat();
        }),
        forge("the proofs of sender and recipient exchanged", |parts| {
            std::mem::swap(&mut parts.sender, &mut parts.recipient);
        }),
        forge("the recipient's account as it was before the debit", |parts| {
            parts.recipient = parts.sender.clone();
        }),
        change("the miner's proof is another account's", FORGED, |messages| {
            let parts = Parts::read(&messages[FIRST]);
            let proof = parts.recipient.as_proof();
            *messages.last_mut().expect("a witness ends") = wire(&Message::WitnessEnd(Some(borrow(&proof))));
        }),
        change("no proof of the miner", &["the witness ends before", "out of order"], |messages| {
            *messages.last_mut().expect("a witness ends") = wire(&Message::WitnessEnd(None));
        }),
        change("transactions in another order", &["forged", "L1-nonce"], |messages| {
            messages.swap(FIRST, SECOND);
        }),
        change("a transaction twice", &["forged", "L1-nonce"], |messages| {
            messages.insert(SECOND, messages[FIRST].clone());
        }),
        change("a transaction is missing", &["B2-transaction-count", "forged"], |messages| {
            messages.remove(SECOND);
        }),
        change("the end comes first", &["B2-transaction-count", "forged", "out of order"], |messages| {
            let end = messages.pop().expect("a witness ends");
            messages.insert(FIRST, end);
        }),
        change("a transaction before the start", ORDER, |messages| messages.swap(0, FIRST)),
        change("the start twice", ORDER, |messages| messages.insert(1, messages[0].clone())),
        change("no start", ORDER, |messages| {
            messages.remove(0);
        }),
        change("another header in the start", ORDER, |messages| {
            let Ok(Message::WitnessStart(mut header)) = decode::<Message<'_>>(&messages[0]) else {
                panic!("a witness starts")
            };
            header.nonce ^= 1;
            messages[0] = wire(&Message::WitnessStart(header));
        }),
        ground.lie(
            "the witness of another block",
            ORDER,
            Script::witness(id, move |_| as_they_are(stranger.clone())),
        ),
        ground.lie(
            "a second witness behind the first",
            &["unrequested", "out of order"],
            Script::witness(id, |messages| as_they_are([messages.clone(), messages].concat())),
        ),
        ground.lie(
            "a witness without an end",
            &["out of order", "B1-capacity", "B2-transaction-count", "forged", "L1-nonce"],
            Script::witness(id, |messages| {
                let mut outs = as_they_are(messages[..=SECOND].to_vec());
                outs.extend((0..200).map(|_| Out::Message(messages[SECOND].clone())));
                outs
            }),
        ),
    ]
}

/// A transaction of a witness, taken apart.
struct Parts {
    transaction: Transaction,
    sender: Loose,
    recipient: Loose,
}

/// A proof whose path can be changed in any way.
#[derive(Clone)]
struct Loose {
    leaf: Option<mote_core::state::Leaf>,
    path: Vec<u8>,
}

impl Loose {
    fn of(proof: &ProofRef<'_>) -> Self {
        Self { leaf: proof.leaf, path: proof.path.to_vec() }
    }

    fn lend(&self) -> ProofRef<'_> {
        ProofOf { leaf: self.leaf, path: &self.path }
    }

    fn as_proof(&self) -> Proof {
        decode(&wire(&self.lend())).expect("it is the wire form of a proof")
    }
}

impl Parts {
    fn read(message: &[u8]) -> Self {
        match decode::<Message<'_>>(message) {
            Ok(Message::WitnessTransaction { transaction, sender, recipient }) => {
                Self { transaction, sender: Loose::of(&sender), recipient: Loose::of(&recipient) }
            }
            other => panic!("expected a transaction, got {other:?}"),
        }
    }

    fn write(self) -> Vec<u8> {
        let (sender, recipient) = (self.sender.lend(), self.recipient.lend());
        wire(&Message::WitnessTransaction { transaction: self.transaction.clone(), sender, recipient })
    }
}

fn last(bytes: &mut [u8]) -> &mut u8 {
    bytes.last_mut().expect("a path has steps")
}
