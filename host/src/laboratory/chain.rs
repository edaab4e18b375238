//! A short chain: a change in one block is a change of all that come after it.

use mote_core::hash::Hash32;
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::block::{JudgedBlock, look};
use super::ground::{self, BLOCKS, Place, Trees, params};
use super::people::Person;
use super::{Unfit, search};
use crate::block::{self, Block};
use crate::forms::{HexBytes, Text};

/// The longest block of a chain, in bytes: so many of them fit a request.
pub const BLOCK_MAX_BYTES: usize = 4_096;

/// A chain, and what to do with it before it is judged.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = LaboratoryChainRequest)]
#[serde(deny_unknown_fields)]
pub struct ChainRequest {
    /// The blocks behind the genesis block, each in hex; the untouched chain where they are not given.
    #[schema(value_type = Option<Vec<String>>)]
    pub blocks: Option<Vec<Text<HexBytes>>>,
    /// What to do; nothing where it is not given.
    pub action: Option<Action>,
}

/// Something that is done to one block of a chain.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = LaboratoryChainAction)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub enum Action {
    /// Makes the block anew on the block before it as that stands: its links and roots, and a nonce.
    Mine {
        /// The block's height.
        height: usize,
    },
    /// Writes another time into the header.
    Time {
        /// The block's height.
        height: usize,
        /// Unix seconds.
        seconds: u64,
    },
    /// Writes another miner into the header.
    Miner {
        /// The block's height.
        height: usize,
        /// Who gets the reward.
        person: Person,
    },
    /// Writes another amount into a payment.
    Amount {
        /// The block's height.
        height: usize,
        /// The payment's place in the block, from 0.
        payment: usize,
        /// The amount in motes.
        #[schema(value_type = String, example = "12.5")]
        amount: Text<Amount>,
    },
    /// Writes another memo into a payment.
    Memo {
        /// The block's height.
        height: usize,
        /// The payment's place in the block, from 0.
        payment: usize,
        /// At most 64 bytes.
        text: String,
    },
    /// Has the sender of a payment sign it again, as only the sender could.
    Sign {
        /// The block's height.
        height: usize,
        /// The payment's place in the block, from 0.
        payment: usize,
    },
}

/// A chain, block for block.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryChain)]
pub struct ChainAnswer {
    /// The id of the genesis block.
    pub genesis: String,
    /// The blocks behind it, each judged as the child of the one before as that stands.
    pub blocks: Vec<JudgedBlock>,
    /// How many attempts were made; 0 where nothing was mined.
    pub attempts: u64,
    /// Whether mining found a nonce; null where nothing was mined.
    pub found: Option<bool>,
}

/// Does what is asked for, and judges every block.
pub fn chain(request: &ChainRequest) -> Result<ChainAnswer, Unfit> {
    let mut blocks = read(request)?;
    let (mut attempts, mut found) = (0, None);
    match &request.action {
        None => {}
        Some(Action::Mine { height }) => {
            let (nonce, is_found) = mine(&mut blocks, *height)?;
            attempts = if is_found { nonce + 1 } else { search::ATTEMPTS_MAX };
            found = Some(is_found);
        }
        Some(action) => change(&mut blocks, action)?,
    }
    let (mut trees, mut place) = (Trees::default(), Place::first());
    let mut judged = Vec::with_capacity(blocks.len());
    for (below, bytes) in blocks.iter().enumerate() {
        let (block, next) = look(&mut trees, &place, below + 1, bytes);
        judged.push(block);
        match next {
            Some((_, next)) => place = next,
            // Nothing can follow on what is no block.
            None => break,
        }
    }
    let genesis: Hash32 = params().genesis_id();
    Ok(ChainAnswer { genesis: genesis.to_string(), blocks: judged, attempts, found })
}

fn read(request: &ChainRequest) -> Result<Vec<Vec<u8>>, Unfit> {
    let Some(given) = &request.blocks else {
        return Ok(ground::blocks().iter().map(block::encode).collect());
    };
    let longest = given.iter().map(|Text(HexBytes(bytes))| bytes.len()).max().unwrap_or(0);
    if !(1..=BLOCKS).contains(&given.len()) || longest > BLOCK_MAX_BYTES {
        let reason = format!("expected 1 to {BLOCKS} blocks of at most {BLOCK_MAX_BYTES} bytes");
        return Err(Unfit::new("blocks", reason));
    }
    Ok(given.iter().map(|Text(HexBytes(bytes))| bytes.clone()).collect())
}

/// Makes the block at `height` anew; its nonce, and whether that is a good one.
fn mine(blocks: &mut [Vec<u8>], height: usize) -> Result<(u64, bool), Unfit> {
    let (mut trees, mut place) = (Trees::default(), Place::first());
    for below in 1..height {
        let bytes = at(blocks, below)?;
        let (_, next) = look(&mut trees, &place, below, bytes);
        let reason = || format!("the block at height {below} is none, and nothing can follow on it");
        (_, place) = next.ok_or_else(|| Unfit::new("blocks", reason()))?;
    }
    let bytes = at(blocks, height)?;
    let mut block = decode(bytes)?;
    let found = ground::rebuild(&mut trees, &place, &mut block);
    *bytes = block::encode(&block);
    Ok((block.header.nonce, found))
}

/// Changes a block without mining it again.
fn change(blocks: &mut [Vec<u8>], action: &Action) -> Result<(), Unfit> {
    let (Action::Mine { height }
    | Action::Time { height, .. }
    | Action::Miner { height, .. }
    | Action::Amount { height, .. }
    | Action::Memo { height, .. }
    | Action::Sign { height, .. }) = action;
    let bytes = at(blocks, *height)?;
    let mut block = decode(bytes)?;
    match action {
        Action::Mine { .. } => {}
        Action::Time { seconds, .. } => block.header.time = Timestamp::from_seconds(*seconds),
        Action::Miner { person, .. } => block.header.miner = person.account(),
        Action::Amount { payment, amount, .. } => paid(&mut block, *payment)?.amount = amount.0,
        Action::Memo { payment, text, .. } => {
            let memo = Memo::from_slice(text.as_bytes());
            let reason = || format!("expected at most 64 bytes, got {}", text.len());
            paid(&mut block, *payment)?.memo = memo.map_err(|_| Unfit::new("text", reason()))?;
        }
        Action::Sign { payment, .. } => sign(paid(&mut block, *payment)?)?,
    }
    *bytes = block::encode(&block);
    Ok(())
}

fn sign(transaction: &mut Transaction) -> Result<(), Unfit> {
    let nobody = || Unfit::new("payment", "its sender is nobody of the laboratory, so nobody can sign it");
    let sender = Person::of(&transaction.sender).ok_or_else(nobody)?;
    let Transaction { recipient, amount, fee, nonce, memo, .. } = transaction.clone();
    *transaction = Payment { recipient, amount, fee, nonce, memo }.sign(params(), &sender.secret());
    Ok(())
}

fn at(blocks: &mut [Vec<u8>], height: usize) -> Result<&mut Vec<u8>, Unfit> {
    let count = blocks.len();
    let block = height.checked_sub(1).and_then(|below| blocks.get_mut(below));
    block.ok_or_else(|| {
        Unfit::new("height", format_args!("expected a number from 1 to {count}, got {height}"))
    })
}

fn decode(bytes: &[u8]) -> Result<Block, Unfit> {
    block::decode(bytes)
        .map_err(|error| Unfit::new("blocks", format_args!("these bytes are no block: {error}")))
}

fn paid(block: &mut Block, payment: usize) -> Result<&mut Transaction, Unfit> {
    let count = block.transactions.len();
    let reason = || format!("there is no payment {payment}, the block has {count}");
    block.transactions.get_mut(payment).ok_or_else(|| Unfit::new("payment", reason()))
}
