//! Judging the signatures of whole blocks: together, on all cores, and none that was judged before.
//!
//! What is consensus stays in the core: it alone makes a [`CheckedTransaction`], and whatever is refused here it
//! judges again one by one.
//!
//! | module | what it is |
//! | --- | --- |
//! | `batch` | the equation that holds where all signatures are valid |
//! | [`kernel`] | how its sum is worked out |
//! | `workers` | threads that take a share each |

mod batch;
pub mod kernel;
mod workers;

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, InspectedTransaction, Signatures};

use self::batch::Claim;
use self::kernel::Kernel;
use self::workers::Workers;

/// A share of this many signatures is worth waking a thread for.
const SHARE_MIN: usize = 16;

/// Transactions that were checked before, such as those of a mempool.
pub trait Known {
    /// The one with this id.
    fn get(&self, id: &Hash32) -> Option<CheckedTransaction<'_>>;
}

/// Where none was checked before.
impl Known for () {
    fn get(&self, _: &Hash32) -> Option<CheckedTransaction<'_>> {
        None
    }
}

impl Known for HashMap<Hash32, CheckedTransaction<'_>> {
    fn get(&self, id: &Hash32) -> Option<CheckedTransaction<'_>> {
        self.get(id).copied()
    }
}

/// Judges signatures in batches on all cores. Its threads start when there is enough for them to do.
pub struct Verifier {
    kernel: Kernel,
    cores: NonZero<usize>,
    workers: OnceLock<Workers>,
    judged: AtomicU64,
}

impl Verifier {
    /// One that uses the fastest kernel and all cores.
    pub fn new() -> Self {
        Self::with(Kernel::fastest(), available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// One that uses this kernel and this many cores.
    pub fn with(kernel: Kernel, cores: NonZero<usize>) -> Self {
        Self { kernel, cores, workers: OnceLock::new(), judged: AtomicU64::new(0) }
    }

    /// How many signatures it was asked about so far.
    pub fn judged(&self) -> u64 {
        self.judged.load(Ordering::Relaxed)
    }

    fn workers(&self) -> &Workers {
        self.workers.get_or_init(|| Workers::start(self.kernel, self.cores.get() - 1))
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Signatures for Verifier {
    fn are_signed(&self, params: &Params, transactions: &[InspectedTransaction<'_>]) -> bool {
        self.judged.fetch_add(transactions.len() as u64, Ordering::Relaxed);
        let shares = self.cores.get().min(transactions.len() / SHARE_MIN).max(1);
        let claims = |share: &[InspectedTransaction<'_>]| -> Vec<Claim> {
            share.iter().map(|inspected| Claim::of(params, inspected.transaction())).collect()
        };
        let mut shares = transactions.chunks(transactions.len().div_ceil(shares).max(1));
        let Some(own) = shares.next() else { return true };
        let others: Vec<_> = shares.map(|share| self.workers().judge(claims(share))).collect();
        let own = batch::are_valid(self.kernel, &claims(own));
        others.into_iter().all(|answer| answer.wait()) && own
    }
}
