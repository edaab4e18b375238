//! The course of the chain in as many points as a chart has room for.

use axum::Json;
use axum::extract::State;
use mote_core::units::Amount;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::course::Step;
use super::error::Problem;
use super::extract::{Query, number_within};
use super::lookup::sum;
use crate::store::disk::Disk;

/// How many blocks a chart covers where nobody says: an hour's.
const BLOCKS_DEFAULT: usize = 360;

/// How many blocks a chart covers at most: those of sixteen hours.
const BLOCKS_MAX: usize = 5_760;

/// How many points a chart has where nobody says, and at most.
const POINTS_DEFAULT: usize = 120;
const POINTS_MAX: usize = 240;

/// What a chart is to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// How many of the last blocks, 1 to 5760; 360 where it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 5760)]
    blocks: Option<String>,
    /// How many points at most, 1 to 240; 120 where it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 240)]
    points: Option<String>,
}

/// Some blocks that follow on each other, taken together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChartPoint)]
pub struct PointJson {
    /// Height of the last of the blocks.
    height: u64,
    /// Its time in Unix seconds.
    time: u64,
    /// How many blocks there are.
    blocks: u64,
    /// Seconds from one block to the next on average; never below 0, though clocks differ. Null for the
    /// first block of a chain alone, since the genesis block's time says nothing.
    interval: Option<f64>,
    /// How many attempts a block took on average, by the targets.
    difficulty: f64,
    /// Attempts a second of the whole network, by the targets and the times; null where no time passed.
    hash_rate: Option<f64>,
    /// How many transactions the blocks have.
    transactions: u64,
    /// What these paid in fees, in motes.
    #[schema(example = "0.025")]
    fees: String,
}

/// The course of the last blocks of the main chain, gathered into points, newest first. The genesis
/// block, which nobody mined, is in none.
#[utoipa::path(
    get, path = "/api/v1/charts", tag = "chain", params(Range),
    responses((status = 200, body = Vec<PointJson>), (status = 400, description = "malformed"))
)]
pub async fn charts<D: Disk>(
    State(app): State<App<D>>,
    Query(range): Query<Range>,
) -> Result<Json<Vec<PointJson>>, Problem> {
    let blocks = number_within("blocks", range.blocks.as_deref(), BLOCKS_DEFAULT, BLOCKS_MAX)?;
    let points = number_within("points", range.points.as_deref(), POINTS_DEFAULT, POINTS_MAX)?;
    // The parent of the oldest block tells when that one was begun.
    let steps = app.0.course.last(&app.0.handle, blocks + 1).await?;
    Ok(Json(gather(&steps, blocks, points)))
}

/// Gathers the first `blocks` of `steps`, newest first, into at most `points` points.
fn gather(steps: &[Step], blocks: usize, points: usize) -> Vec<PointJson> {
    let mined = steps.iter().take(blocks).filter(|step| step.height > 0).count();
    let size = mined.div_ceil(points).max(1);
    let (mut gathered, mut from) = (Vec::new(), 0);
    while from < mined {
        let to = (from + size).min(mined);
        gathered.extend(point(steps.get(from..to).unwrap_or_default(), steps.get(to)));
        from = to;
    }
    gathered
}

/// The point of some blocks, newest first, and of the one before them.
fn point(blocks: &[Step], before: Option<&Step>) -> Option<PointJson> {
    let (last, first) = (blocks.first()?, blocks.last()?);
    let work_since = |begin: &Step| last.work.saturating_sub(begin.work).as_f64();
    let count = blocks.len() as u64;
    // A chain begins when its first block is mined, not at the genesis block's time.
    let (begin, timed) = match before {
        Some(before) if before.height > 0 => (before, count),
        _ => (first, count - 1),
    };
    let seconds = last.time.since(begin.time) as f64;
    let hash_rate = work_since(begin) / seconds;
    Some(PointJson {
        height: last.height,
        time: last.time.seconds(),
        blocks: count,
        interval: (timed > 0).then(|| seconds / timed as f64),
        difficulty: before.map_or(0.0, work_since) / count as f64,
        hash_rate: (timed > 0 && hash_rate.is_finite()).then_some(hash_rate),
        transactions: blocks.iter().map(|step| u64::from(step.transactions)).sum(),
        fees: blocks.iter().map(|step| step.fees).fold(Amount::ZERO, sum).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::hash::Hash32;
    use mote_core::pow::Work;
    use mote_core::units::Timestamp;

    /// A chain down from `height`, ten seconds and 100 attempts a block, one transaction in each.
    fn chain(height: u64) -> Vec<Step> {
        let work = |height: u64| {
            let mut bytes = [0; 32];
            bytes[24..].copy_from_slice(&(100 * height).to_be_bytes());
            Work::from_be_bytes(&bytes)
        };
        let step = |height: u64| Step {
            previous: Hash32::ZERO,
            height,
            time: Timestamp::from_seconds(if height == 0 { 1 } else { 1_000_000 + 10 * height }),
            work: work(height),
            transactions: u32::from(height > 0),
            fees: Amount::from_grains(if height > 0 { 1_000 } else { 0 }),
        };
        (0..=height).rev().map(step).collect()
    }

    #[test]
    fn blocks_are_gathered_from_the_newest_on() {
        let points = gather(&chain(10), 10, 4);
        let seen: Vec<_> = points.iter().map(|point| (point.height, point.blocks)).collect();
        assert_eq!(seen, [(10, 3), (7, 3), (4, 3), (1, 1)]);
        for point in &points[..3] {
            assert_eq!((point.interval, point.difficulty, point.hash_rate), (Some(10.0), 100.0, Some(10.0)));
            assert_eq!((point.transactions, point.fees.as_str()), (3, "0.003"));
        }
        // When the first block was begun nobody knows.
        assert_eq!((points[3].interval, points[3].hash_rate, points[3].difficulty), (None, None, 100.0));
        assert_eq!(gather(&chain(10)[..5], 4, 240).len(), 4);
        assert!(gather(&chain(0), 10, 4).is_empty());
    }

    #[test]
    fn the_first_block_counts_where_others_follow() {
        let points = gather(&chain(3), 10, 1);
        assert_eq!((points[0].blocks, points[0].interval, points[0].hash_rate), (3, Some(10.0), Some(10.0)));
        assert_eq!(points[0].difficulty, 100.0);
    }

    #[test]
    fn clocks_that_go_back_make_no_negative_times() {
        let mut steps = chain(3);
        steps[0].time = Timestamp::from_seconds(1_000_001);
        let points = gather(&steps[..2], 1, 1);
        assert_eq!((points[0].interval, points[0].hash_rate), (Some(0.0), None));
    }
}
