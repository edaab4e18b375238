//! Signed checkpoints, as the file of a node and as what its operator adds: only what somebody signed for this network
//! is taken, what binds the chain has a named key, and a restart keeps all of it.

use mote::checkpoint::{Checkpoint, ReadCheckpoint, SIGNATURE_CONTEXT};
use mote::node::checkpoints::{CHECKPOINTS_FILE, CheckpointError, Standing};
use mote::node::request::{Reply, Request};
use mote::node::{Input, Node, Now, Output, Ticket};
use mote::store::disk::Disk;
use mote::store::memory::MemoryDisk;
use mote_core::address::Address;
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, Signature, verify};
use mote_core::rules::Clock;
use mote_core::units::{Height, Moment, Timestamp};
use serde_json::Value;

use super::Choices;
use super::grove::Grove;
use super::host_node::start;
use crate::fixtures::{account, key};
use crate::vectors::bytes;

/// How many accounts, from 1 on, the operator names.
const NAMED: u64 = 2;

/// Blocks of the chain that the node follows: a few above the first fork of the grove.
const HEIGHT: usize = 5;

/// The most checkpoints of an input.
const CHECKPOINTS: usize = 6;

/// Reads a text, or checkpoints that somebody signed and some of which are then changed.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let text = if choices.byte().is_multiple_of(4) {
        choices.rest().to_vec()
    } else {
        (0..CHECKPOINTS).map_while(|_| (!choices.is_over()).then(|| line(&mut choices))).flatten().collect()
    };
    read_the_file(&text);
    if let Ok(text) = str::from_utf8(&text) {
        add_one_by_one(text);
    }
}

/// Files as nodes write them, and lists of decisions.
pub fn seeds() -> Vec<Vec<u8>> {
    let signed = |number: u64, height: u64| {
        let grove = Grove::get();
        let block = grove.branches[0][height as usize - 1].header.id();
        let genesis = grove.params.genesis_id();
        Checkpoint::sign(genesis, Height::new(height), block, &key(number)).line(grove.params.address_prefix)
    };
    let file = format!("\0{}\n{}\n{}\n", signed(1, 2), signed(2, 9), signed(3, 4));
    // A bit of the signature is another.
    let changed = |place: u8| vec![1, 7, 0, 0, 200, 1, place, 0, 0];
    let decided = |branch: u8| [1].into_iter().chain((0..6).flat_map(move |n| [n * 2, branch, n % 3, 0]));
    [file.into_bytes(), b"\0{\"genesis\":\"\"}\n".to_vec()]
        .into_iter()
        .chain((0..3).map(|branch| decided(branch).collect()))
        .chain((60..70).map(changed))
        .collect()
}

/// A line of a file, with its end.
fn line(choices: &mut Choices<'_>) -> Vec<u8> {
    let grove = Grove::get();
    let height = choices.below(14);
    let block = match grove.branches.get(choices.below(grove.branches.len() + 1)) {
        Some(branch) => branch[height.saturating_sub(1).min(branch.len() - 1)].header.id(),
        None => Hash32::from_bytes([choices.byte(); 32]),
    };
    let signer = 1 + choices.below(NAMED as usize + 1) as u64;
    let how = choices.byte();
    let genesis = if how == 255 { block } else { grove.params.genesis_id() };
    let height = Height::new(if how == 254 { choices.number() } else { height as u64 });
    let signed = Checkpoint::sign(genesis, height, block, &key(signer));
    let mut line = signed.line(grove.params.address_prefix).into_bytes();
    if (200..250).contains(&how) {
        choices.mutate(&mut line);
    }
    line.push(b'\n');
    line
}

/// A node on the first branch of the grove that follows the named keys, and what it says of their file.
fn node(disk: &MemoryDisk) -> (Node<MemoryDisk>, Result<(), CheckpointError>) {
    let mut node = start(disk, |ledger| {
        for block in &Grove::get().branches[0][..HEIGHT] {
            ledger.add(block, Clock::AcceptedBefore).expect("the block is valid");
        }
    });
    let named = node.name_checkpoint_keys((1..=NAMED).map(account).collect());
    (node, named)
}

fn read_the_file(text: &[u8]) {
    let disk = MemoryDisk::new();
    disk.replace(CHECKPOINTS_FILE, text).expect("the disk is whole");
    let (node, named) = node(&disk);
    let lines = || str::from_utf8(text).unwrap_or_default().lines();
    match named {
        Ok(()) => {
            assert!(str::from_utf8(text).is_ok(), "bytes that are no text are taken");
            let mut expected: Vec<_> = lines().map(plain).collect();
            assert!(expected.iter().all(Option::is_some), "a line that is no checkpoint is taken");
            expected
                .sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.as_ref().map(|found| found.height)));
            let kept = node.checkpoints().into_iter().map(|(checkpoint, _)| Some(checkpoint));
            assert_eq!(kept.collect::<Vec<_>>(), expected);
            check(&node);
        }
        Err(CheckpointError::File { line, reason, .. }) => {
            let is_plain = lines().nth(line - 1).is_some_and(is_written_so);
            assert!(!is_plain || str::from_utf8(text).is_err(), "line {line} is refused: {reason}");
        }
        Err(error) => panic!("{error}"),
    }
}

fn add_one_by_one(text: &str) {
    let disk = MemoryDisk::new();
    let (mut node, named) = node(&disk);
    named.expect("there is no file");
    let now = Now { time: Timestamp::from_seconds(1_767_312_000), moment: Moment::from_millis(0) };
    for line in text.lines() {
        let before = node.checkpoints();
        let Ok(read) = serde_json::from_str::<ReadCheckpoint>(line) else {
            assert!(!is_written_so(line), "{line} is not read");
            continue;
        };
        let ticket = Ticket(1);
        node.handle(now, Input::Request(ticket, Request::AddCheckpoint(read)));
        let added = node.commit(now).find_map(|output| match output {
            Output::Reply(_, Reply::CheckpointAdded(added)) => Some(added),
            _ => None,
        });
        let plain = plain(line);
        let is_named = |checkpoint: &Checkpoint| (1..=NAMED).any(|number| account(number) == checkpoint.key);
        match added.expect("every request is answered") {
            Ok((checkpoint, standing)) => {
                assert_eq!(plain.as_ref(), Some(&checkpoint));
                assert!(is_named(&checkpoint), "the key of {checkpoint:?} is not named");
                assert!(node.checkpoints().contains(&(checkpoint, standing)));
                check(&node);
                continue;
            }
            Err(CheckpointError::Equivocal { height, first, second }) => {
                let both = [first, second].map(|block| {
                    node.checkpoints().iter().any(|(kept, standing)| {
                        (kept.height, kept.block, *standing) == (height, block, Standing::Equivocal)
                    })
                });
                assert_eq!(both, [true, true], "what shows the two votes is not kept");
                check(&node);
                continue;
            }
            Err(CheckpointError::Invalid(error)) => assert!(plain.is_none(), "{line}: {error}"),
            Err(CheckpointError::UnknownKey) => assert!(!is_named(&plain.expect("it is signed"))),
            Err(CheckpointError::Conflict(conflict)) => {
                let refused = plain.expect("it is signed");
                assert_ne!(id_at(&node, refused.height), Some(refused.block), "{conflict}");
            }
            Err(error) => panic!("{error}"),
        }
        assert_eq!(node.checkpoints(), before, "a refused checkpoint changed what is kept");
    }
    let kept = node.checkpoints();
    drop(node);
    let (again, named) = self::node(&disk);
    named.expect("what a node writes it can read");
    assert_eq!(again.checkpoints(), kept, "after a restart");
}

fn id_at(node: &Node<MemoryDisk>, height: Height) -> Option<Hash32> {
    node.ledger().id_at(height.get()).expect("the disk is whole")
}

/// What must be so of what is kept, whatever came before.
fn check(node: &Node<MemoryDisk>) {
    let kept = node.checkpoints();
    for (checkpoint, standing) in &kept {
        let is_named = (1..=NAMED).any(|number| account(number) == checkpoint.key);
        let is_equivocal = kept.iter().any(|(other, _)| {
            (other.key, other.height) == (checkpoint.key, checkpoint.height)
                && other.block != checkpoint.block
        });
        let there = id_at(node, checkpoint.height);
        match standing {
            Standing::Unnamed => assert!(!is_named),
            Standing::Equivocal => assert!(is_named && is_equivocal),
            Standing::Held => assert_eq!(there, Some(checkpoint.block)),
            Standing::Ahead => assert_eq!(there, None),
            Standing::Conflict => assert_ne!(there, Some(checkpoint.block)),
        }
        let is_binding = matches!(standing, Standing::Held | Standing::Ahead);
        assert!(!is_binding || (is_named && !is_equivocal), "{checkpoint:?} is {standing:?}");
    }
}

/// The checkpoint in a line, read by the words of its documentation.
fn plain(line: &str) -> Option<Checkpoint> {
    let value: Value = serde_json::from_str(line).ok()?;
    let fields = value.as_object().filter(|fields| fields.len() == 5)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let params = &Grove::get().params;
    let address: Address = text("key")?.parse().ok()?;
    let height = fields.get("height")?.as_u64().filter(|height| *height > 0)?;
    let block: Hash32 = text("block")?.parse().ok()?;
    let signature = text("signature").filter(|text| text.len() == 128 && text.is_ascii())?;
    let is_hex = signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    let signature = is_hex.then(|| Signature::from_bytes(bytes(signature).try_into().expect("64 bytes")))?;
    let genesis = params.genesis_id();
    if text("genesis")? != genesis.to_string() || address.prefix() != params.address_prefix {
        return None;
    }
    let key: PublicKey = address.public_key();
    let message = [SIGNATURE_CONTEXT, genesis.as_bytes(), &height.to_le_bytes(), block.as_bytes()].concat();
    let checkpoint = Checkpoint { genesis, height: Height::new(height), block, key, signature };
    verify(&key, &message, &signature).then_some(checkpoint)
}

/// Whether a line is a checkpoint just as it is written, which must be taken.
fn is_written_so(line: &str) -> bool {
    plain(line).is_some_and(|checkpoint| checkpoint.line(Grove::get().params.address_prefix) == line)
}
