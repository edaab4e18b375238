//! A block whose bytes can be changed: what they say, which rules they break, what mining it again takes.

use mote_core::codec::DecodeError;
use mote_core::params::Params;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::anatomy::{self, Field};
use super::ground::{Place, Trees, blocks};
use super::hash::leading_zeros;
use super::judge::{Broken, StageOutcome, Verdict, judge, judge_alone};
use super::{Unfit, search};
use crate::block::{self, Block};
use crate::forms::{HexBytes, Text, hex};

/// The longest block that is judged, in bytes: in hex it fits a request.
pub const BLOCK_MAX_BYTES: usize = 32_000;

/// The place of the block in the laboratory's chain: its height.
const HEIGHT: usize = 3;

/// A block of the laboratory, or what somebody made of it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = LaboratoryBlockRequest)]
#[serde(deny_unknown_fields)]
pub struct BlockRequest {
    /// The block's bytes in hex; the untouched block where they are not given.
    #[schema(value_type = Option<String>, pattern = "^([0-9a-f]{2})*$", max_length = 64_000)]
    pub bytes: Option<Text<HexBytes>>,
    /// What is known besides the block.
    #[serde(default)]
    pub place: Known,
}

/// What a block is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = LaboratoryKnown)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// The laboratory's chain below, and its accounts.
    #[default]
    Laboratory,
    /// Nothing but the rules of this node's network: for a block of its chain.
    Alone,
}

/// A block at its place in the laboratory's chain.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryBlock)]
pub struct JudgedBlock {
    /// The height of its place, or what its header says where it has none.
    pub height: u64,
    /// Its bytes in hex.
    pub bytes: String,
    /// Its fields as far as they can be read.
    pub fields: Vec<Field>,
    /// Why the bytes are no block; null where they are one.
    pub malformed: Option<String>,
    /// Its id; null where the bytes are no block.
    pub id: Option<String>,
    /// With how many zero bits the id begins.
    pub zero_bits: u32,
    /// What the id must not be above, 64 hexadecimal digits; null where the header's target is none.
    pub target: Option<String>,
    /// How many attempts a block of its target takes on average, at most 2^64 - 1; 0 where it has none.
    pub expected_attempts: u64,
    /// The work of the chain up to and including the block, in attempts, hexadecimal; null where the chain is not
    /// known.
    pub work: Option<String>,
    /// How each stage of judging it went.
    pub stages: Vec<StageOutcome>,
    /// Every broken rule, in the order in which a node comes upon them; a node stops at the first.
    pub broken: Vec<Broken>,
    /// Whether every rule holds that can be judged; one that is judged alone may still not fit its chain.
    pub valid: bool,
}

/// What came of mining.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryMinedBlock)]
pub struct MinedBlock {
    /// The block with the nonce that was found, or as it was.
    pub block: JudgedBlock,
    /// Whether a nonce was found.
    pub found: bool,
    /// How many attempts were made.
    pub attempts: u64,
}

/// Judges the block. `params` are those of this node's network.
pub fn show(request: &BlockRequest, params: &Params) -> Result<JudgedBlock, Unfit> {
    Ok(look_at(request.place, params, &bytes(request)?))
}

/// Searches a nonce for the block as it stands.
pub fn mine(request: &BlockRequest, params: &Params) -> Result<MinedBlock, Unfit> {
    let bytes = bytes(request)?;
    let mut block = block::decode(&bytes)
        .map_err(|error| Unfit::new("bytes", format_args!("they are no block: {error}")))?;
    let found = search::mine(&mut block.header);
    let attempts = if found { block.header.nonce + 1 } else { search::ATTEMPTS_MAX };
    let block = look_at(request.place, params, &block::encode(&block));
    Ok(MinedBlock { block, found, attempts })
}

fn look_at(known: Known, params: &Params, bytes: &[u8]) -> JudgedBlock {
    match known {
        Known::Laboratory => {
            let (mut trees, place) = ground();
            look(&mut trees, &place, HEIGHT, bytes).0
        }
        Known::Alone => {
            let decoded = block::decode(bytes);
            let verdict =
                decoded.as_ref().map_or_else(|_| Verdict::of_bytes(), |block| judge_alone(params, block));
            let height = decoded.as_ref().map_or(0, |block| block.header.height.get());
            describe(bytes, &decoded, height, verdict)
        }
    }
}

fn bytes(request: &BlockRequest) -> Result<Vec<u8>, Unfit> {
    match &request.bytes {
        Some(Text(HexBytes(bytes))) if bytes.len() > BLOCK_MAX_BYTES => {
            let got = bytes.len();
            Err(Unfit::new("bytes", format_args!("expected at most {BLOCK_MAX_BYTES} bytes, got {got}")))
        }
        Some(Text(HexBytes(bytes))) => Ok(bytes.clone()),
        None => Ok(blocks().get(HEIGHT - 1).map(block::encode).unwrap_or_default()),
    }
}

/// The place behind the untouched blocks below.
fn ground() -> (Trees, Place) {
    let (mut trees, mut place) = (Trees::default(), Place::first());
    for block in blocks().iter().take(HEIGHT - 1) {
        let verdict = judge(&mut trees, &place, block);
        place = place.behind(&block.header, verdict.accounts);
    }
    (trees, place)
}

/// Looks at the bytes as the next block at `place`; the place behind it, where they are a block.
pub(super) fn look(
    trees: &mut Trees,
    place: &Place,
    height: usize,
    bytes: &[u8],
) -> (JudgedBlock, Option<(Block, Place)>) {
    let decoded = block::decode(bytes);
    let verdict = decoded.as_ref().map_or_else(|_| Verdict::of_bytes(), |block| judge(trees, place, block));
    let next = decoded.as_ref().ok().map(|block| place.behind(&block.header, verdict.accounts));
    let is_executed = verdict.accounts.is_some();
    let mut judged = describe(bytes, &decoded, height as u64, verdict);
    judged.valid &= is_executed;
    judged.work = next.as_ref().map(|next| next.tip.work().to_string());
    (judged, decoded.ok().zip(next))
}

fn describe(
    bytes: &[u8],
    decoded: &Result<Block, DecodeError>,
    height: u64,
    verdict: Verdict,
) -> JudgedBlock {
    let header = decoded.as_ref().ok().map(|block| &block.header);
    let id = header.map(|header| header.id());
    let target = header.and_then(|header| header.target.expand());
    JudgedBlock {
        height,
        bytes: hex(bytes),
        fields: anatomy::fields(bytes),
        malformed: decoded.as_ref().err().map(ToString::to_string),
        id: id.map(|id| id.to_string()),
        zero_bits: id.map_or(0, |id| leading_zeros(id.as_bytes())),
        target: target.map(|target| hex(&target.to_be_bytes())),
        expected_attempts: target.map_or(0, |target| target.work().saturating_u64()),
        work: None,
        valid: decoded.is_ok() && verdict.broken.is_empty(),
        stages: verdict.stages,
        broken: verdict.broken,
    }
}
