//! Judging the signatures of whole blocks: together, on all cores, and none that was judged before.
//!
//! What is consensus stays in the core: it alone makes a [`CheckedTransaction`], and whatever is refused here it
//! judges again one by one.
//!
//! | module | what it is |
//! | --- | --- |
//! | `batch` | the equation that holds where all signatures are valid |
//! | [`kernel`] | how its sum is worked out |

mod batch;
pub mod kernel;

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, InspectedTransaction, Signatures};

use self::batch::Claim;
use self::kernel::Kernel;
use crate::workers::Workers;

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

/// Judges all signatures that it is asked about as one batch, on the thread that asks. Copies count together.
#[derive(Clone)]
pub struct Alone {
    kernel: Kernel,
    judged: Arc<AtomicU64>,
}

impl Alone {
    fn count(&self, transactions: &[InspectedTransaction<'_>]) {
        self.judged.fetch_add(transactions.len() as u64, Ordering::Relaxed);
    }
}

impl Signatures for Alone {
    fn are_signed(&self, params: &Params, transactions: &[InspectedTransaction<'_>]) -> bool {
        self.count(transactions);
        batch::are_valid(self.kernel, &claims(params, transactions))
    }
}

/// Judges signatures in batches on all cores.
pub struct Verifier {
    alone: Alone,
    workers: Workers,
}

impl Verifier {
    /// One that uses the fastest kernel and all cores.
    pub fn new() -> Self {
        Self::with(Kernel::fastest(), available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// One that uses this kernel and this many cores.
    pub fn with(kernel: Kernel, cores: NonZero<usize>) -> Self {
        Self { alone: Alone { kernel, judged: Arc::default() }, workers: Workers::new(cores) }
    }

    /// How many signatures it was asked about so far, [`Verifier::alone`] included.
    pub fn judged(&self) -> u64 {
        self.alone.judged.load(Ordering::Relaxed)
    }

    /// The same on one core, for a job of the [`Verifier::workers`].
    pub fn alone(&self) -> Alone {
        self.alone.clone()
    }

    /// Its threads, which can do other things as well.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Signatures for Verifier {
    fn are_signed(&self, params: &Params, transactions: &[InspectedTransaction<'_>]) -> bool {
        self.alone.count(transactions);
        let shares = self.workers.cores().get().min(transactions.len() / SHARE_MIN).max(1);
        let mut shares = transactions.chunks(transactions.len().div_ceil(shares).max(1));
        let Some(own) = shares.next() else { return true };
        let kernel = self.alone.kernel;
        let judge = |share: &[InspectedTransaction<'_>]| {
            let claims = claims(params, share);
            self.workers.run(move || batch::are_valid(kernel, &claims))
        };
        let others: Vec<_> = shares.map(judge).collect();
        let own = batch::are_valid(kernel, &claims(params, own));
        others.into_iter().all(|answer| answer.wait()) && own
    }
}

fn claims(params: &Params, transactions: &[InspectedTransaction<'_>]) -> Vec<Claim> {
    transactions.iter().map(|inspected| Claim::of(params, inspected.transaction())).collect()
}
