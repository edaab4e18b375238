//! What stands beside the main chain: the other blocks of a height, and the branches.

use axum::Json;
use axum::extract::State;
use mote_core::hash::Hash32;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::blocks::{BlockSummary, unknown};
use super::error::Problem;
use super::extract::{LIMIT_DEFAULT, LIMIT_MAX, Query, Segment, number_within};
use super::lookup::{self, BlockName};
use crate::node::Node;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::lookup::{BlockEntry, Branch};

/// How many blocks of a branch are named.
const IDS_MAX: usize = 32;

/// How many blocks of all branches are looked at for one answer, and before others get their turn at the
/// node: a few milliseconds.
const STEPS_MAX: usize = 8_192;
const SLICE_STEPS: usize = 256;

/// How many branches are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// How many branches at most, the main chain counted, 1 to 100; 20 where it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// What is known of a branch. A block that breaks a rule is never stored, so there is no branch of those.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BranchStatus {
    /// It is the chain of most work.
    Main,
    /// It obeys every rule and has no more work than the main chain.
    Stale,
}

/// A branch, named by its last block.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Branch)]
pub struct BranchJson {
    /// Id of its last block.
    id: String,
    /// That block's height.
    height: u64,
    /// That block's time in Unix seconds.
    time: u64,
    /// The work of its chain from genesis on, in attempts, hexadecimal.
    work: String,
    /// Whether it is the main chain.
    status: BranchStatus,
    /// Height of the last block that it has in common with the main chain; null where it is so long that
    /// nobody looked.
    fork_height: Option<u64>,
    /// How many of its blocks are not on the main chain; null where `fork_height` is.
    length: Option<u64>,
    /// Ids of these blocks, the last first, at most 32.
    blocks: Vec<String>,
}

/// A branch that is followed down to the main chain.
struct Followed {
    end: BlockEntry,
    /// The block to be looked at next.
    at: Hash32,
    ids: Vec<Hash32>,
    fork_height: Option<u64>,
}

impl Followed {
    fn new(end: BlockEntry) -> Self {
        Self { at: end.id, end, ids: Vec::new(), fork_height: None }
    }

    fn into_json(self) -> BranchJson {
        let Self { end, ids, fork_height, .. } = self;
        let height = end.header.height.get();
        BranchJson {
            id: end.id.to_string(),
            height,
            time: end.header.time.seconds(),
            work: end.work.to_string(),
            status: if end.branch == Branch::Main { BranchStatus::Main } else { BranchStatus::Stale },
            fork_height,
            length: fork_height.map(|fork| height.saturating_sub(fork)),
            blocks: ids.iter().map(Hash32::to_string).collect(),
        }
    }
}

/// The ends of all branches that are stored, the main chain among them, highest first.
#[utoipa::path(
    get, path = "/api/v1/branches", tag = "chain", params(Count),
    responses((status = 200, body = Vec<BranchJson>), (status = 400, description = "malformed"))
)]
pub async fn list<D: Disk>(
    State(app): State<App<D>>,
    Query(count): Query<Count>,
) -> Result<Json<Vec<BranchJson>>, Problem> {
    let limit = number_within("limit", count.limit.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)?;
    let mut branches = app.0.handle.view(move |node| ends(node, limit)).await??;
    for _ in 0..STEPS_MAX / SLICE_STEPS {
        if branches.iter().all(|branch| branch.fork_height.is_some()) {
            break;
        }
        branches = app.0.handle.view(move |node| follow(node, branches, SLICE_STEPS)).await??;
    }
    Ok(Json(branches.into_iter().map(Followed::into_json).collect()))
}

/// The other stored blocks at the height of a block, as summaries: those that lost to it, or for one
/// that lost also the one on the main chain.
#[utoipa::path(
    get, path = "/api/v1/blocks/{block}/siblings", tag = "chain",
    params((
        "block" = String, Path, pattern = "^([0-9]{1,20}|[0-9a-f]{64})$",
        description = "a height on the main chain, or the id of any block",
    )),
    responses(
        (status = 200, body = Vec<BlockSummary>),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found"),
    )
)]
pub async fn siblings<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
) -> Result<Json<Vec<BlockSummary>>, Problem> {
    let name = BlockName::parse(&text)?;
    let found = app.0.handle.view(move |node| others(node, name)).await??.ok_or_else(|| unknown(name))?;
    let prefix = app.0.params.address_prefix;
    let summary =
        |(entry, confirmations): &(BlockEntry, u64)| BlockSummary::new(prefix, entry, *confirmations);
    Ok(Json(found.iter().map(summary).collect()))
}

/// The blocks at the height of a block, itself left out, the one of the main chain first.
fn others<D: Disk>(node: &Node<D>, name: BlockName) -> Result<Option<Vec<(BlockEntry, u64)>>, StoreError> {
    let Some((block, _)) = lookup::entry(node, name)? else { return Ok(None) };
    let height = block.header.height.get();
    let ids = node.ledger().id_at(height)?.into_iter().chain(node.ledger().aside(height, LIMIT_MAX)?);
    let entries =
        ids.filter(|id| *id != block.id).map(|id| lookup::entry(node, BlockName::Id(id)).transpose());
    entries.flatten().collect::<Result<_, _>>().map(Some)
}

/// The tip and the last blocks of the branches, highest first and the tip before its equals.
fn ends<D: Disk>(node: &Node<D>, limit: usize) -> Result<Vec<Followed>, StoreError> {
    let ledger = node.ledger();
    let tip = ledger.header(&ledger.tip().id())?;
    let mut ends: Vec<BlockEntry> = tip.into_iter().chain(ledger.branch_ends(limit - 1)?).collect();
    ends.sort_by_key(|end| std::cmp::Reverse(end.header.height));
    Ok(ends.into_iter().map(Followed::new).collect())
}

/// Follows the branches down by up to `steps` blocks together.
fn follow<D: Disk>(
    node: &Node<D>,
    mut branches: Vec<Followed>,
    mut steps: usize,
) -> Result<Vec<Followed>, StoreError> {
    for branch in &mut branches {
        while branch.fork_height.is_none() && steps > 0 {
            steps -= 1;
            let Some(entry) = node.ledger().header(&branch.at)? else { break };
            if entry.branch == Branch::Main {
                branch.fork_height = Some(entry.header.height.get());
                break;
            }
            if branch.ids.len() < IDS_MAX {
                branch.ids.push(entry.id);
            }
            branch.at = entry.header.previous;
        }
    }
    Ok(branches)
}
