//! The threads that search for a nonce. They follow the order that the node gave last, at low
//! priority, and tell of at most one find for each job.

pub mod kernel;
mod meter;
mod pace;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::warn;

pub use meter::Meter;

use self::kernel::Kernel;
use crate::clock::Clock;
use crate::node::{JobId, MiningOrder};
use pace::Pace;

/// The most threads, whatever an order says.
pub const THREADS_MAX: usize = 256;

/// Nonces are handed out in runs of this many: a thread owns the high half of a nonce and counts in
/// the low half.
const RUN: u64 = 1 << 32;

/// The nice value of the threads: everything else on the computer goes first.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The threads; dropping the pool ends them.
pub struct MinerPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    clock: Clock,
    meter: Meter,
    /// Goes up with each change of the orders, so that a thread in search need not take the lock.
    generation: AtomicU64,
    orders: Mutex<Orders>,
    changed: Condvar,
    kernel: Kernel,
    found: Box<dyn Fn(JobId, u64) + Send + Sync>,
}

#[derive(Default)]
struct Orders {
    current: Option<MiningOrder>,
    /// The last job with a find. Its nonce is not looked for a second time.
    found: Option<JobId>,
    is_stopping: bool,
}

/// The order that a thread follows, for as long as the generation stays the same.
struct Assignment {
    order: MiningOrder,
    generation: u64,
}

impl MinerPool {
    /// A pool at rest, which will tell `found` of each find: the job and a nonce.
    pub fn new(clock: Clock, found: impl Fn(JobId, u64) + Send + Sync + 'static) -> Self {
        let shared = Shared {
            clock,
            meter: Meter::new(clock),
            generation: AtomicU64::new(0),
            orders: Mutex::default(),
            changed: Condvar::new(),
            kernel: Kernel::fastest(),
            found: Box::new(found),
        };
        Self { shared: Arc::new(shared), threads: Vec::new() }
    }

    /// Replaces the order; with none, the threads rest.
    pub fn set(&mut self, order: Option<MiningOrder>) {
        let wanted = order.as_ref().map_or(0, |order| order.threads.clamp(1, THREADS_MAX));
        while self.threads.len() < wanted {
            let (shared, index) = (self.shared.clone(), self.threads.len());
            match std::thread::Builder::new()
                .name(format!("miner-{index}"))
                .spawn(move || shared.work(index as u64))
            {
                Ok(thread) => self.threads.push(thread),
                Err(error) => {
                    warn!(%error, "cannot start miner thread {} of {wanted}", index + 1);
                    break;
                }
            }
        }
        let running = self.threads.len();
        // Threads that could not be started must not leave their share of the limit unused.
        let order = order.map(|order| MiningOrder { threads: wanted.min(running), ..order });
        self.shared.change(|orders| orders.current = order);
    }

    /// Attempts a second over the last few seconds.
    pub fn hash_rate(&self) -> f64 {
        self.shared.meter.rate()
    }

    /// The meter behind [`MinerPool::hash_rate`].
    pub fn meter(&self) -> Meter {
        self.shared.meter.clone()
    }
}

impl Drop for MinerPool {
    fn drop(&mut self) {
        self.shared.change(|orders| orders.is_stopping = true);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                warn!("a miner thread had panicked");
            }
        }
    }
}

impl Shared {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        // Nothing under the lock can stop half-way, so the content is whole even after a panic.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Orders)) {
        let mut orders = self.orders();
        change(&mut orders);
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_all();
    }

    fn is_current(&self, generation: u64) -> bool {
        self.generation.load(Ordering::Relaxed) == generation
    }

    /// The life of thread number `index`.
    fn work(&self, index: u64) {
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            warn!(%error, "the miner runs at normal priority");
        }
        let mut pace = Pace::new();
        while let Some(assignment) = self.next_assignment(index) {
            pace.limit(assignment.order.limit, assignment.order.threads);
            self.search(index, &assignment, &mut pace);
        }
    }

    /// Waits until there is work for thread `index`; `None` when the pool stops.
    fn next_assignment(&self, index: u64) -> Option<Assignment> {
        let mut orders = self.orders();
        loop {
            if orders.is_stopping {
                return None;
            }
            if let Some(order) = &orders.current
                && index < order.threads as u64
                && orders.found != Some(order.id)
            {
                let generation = self.generation.load(Ordering::Relaxed);
                return Some(Assignment { order: order.clone(), generation });
            }
            orders = self.changed.wait(orders).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Searches slice by slice until a nonce is found or the orders change.
    fn search(&self, index: u64, Assignment { order, generation }: &Assignment, pace: &mut Pace) {
        let mut nonce = index.wrapping_mul(RUN);
        while self.is_current(*generation) {
            let left_of_run = RUN - nonce % RUN;
            let slice = pace.slice().min(left_of_run);
            let begun = self.clock.elapsed();
            if let Some(found) = self.kernel.search(&order.job, nonce..nonce.saturating_add(slice)) {
                self.report(order.id, *generation, found);
                return;
            }
            let now = self.clock.elapsed();
            let time = now.saturating_sub(begun);
            let rest = match slice {
                0 => Duration::MAX,
                _ => pace.done(slice, time, now),
            };
            self.meter.count(slice, time);
            nonce = nonce.wrapping_add(slice);
            if nonce.is_multiple_of(RUN) && slice > 0 {
                // The run is used up; those right behind it belong to the other threads.
                nonce = nonce.wrapping_add(RUN.wrapping_mul(order.threads as u64 - 1));
            }
            self.rest(*generation, rest);
        }
    }

    fn report(&self, job: JobId, generation: u64, nonce: u64) {
        let is_first = {
            let mut orders = self.orders();
            let is_first = self.is_current(generation) && orders.found != Some(job);
            if is_first {
                orders.found = Some(job);
                self.generation.fetch_add(1, Ordering::Relaxed);
            }
            is_first
        };
        if is_first {
            (self.found)(job, nonce);
        }
    }

    /// Rests for a while, or until the orders change.
    fn rest(&self, generation: u64, time: Duration) {
        if time.is_zero() {
            return;
        }
        let is_same = |_: &mut Orders| self.is_current(generation);
        let guard = self.orders();
        if time == Duration::MAX {
            drop(self.changed.wait_while(guard, is_same));
        } else {
            drop(self.changed.wait_timeout_while(guard, time, is_same));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use mote_core::hash::{Hash32, attempt};
    use mote_core::miner::Job;
    use mote_core::pow::CompactTarget;

    use super::*;
    use crate::node::request::RateLimit;

    const SOON: Duration = Duration::from_secs(10);

    fn job(number: u8, bits: u32) -> Job {
        Job::from_parts(Hash32::from_bytes([number; 32]), CompactTarget::from_bits(bits)).unwrap()
    }

    /// A target that about every second attempt meets, as on regtest.
    const EASY: u32 = 0x207f_ffff;
    /// A target that nobody meets.
    const HOPELESS: u32 = 0x0300_0001;

    fn order(number: u8, bits: u32, threads: usize, limit: RateLimit) -> MiningOrder {
        MiningOrder { id: JobId(number.into()), job: job(number, bits), threads, limit }
    }

    fn pool() -> (MinerPool, mpsc::Receiver<(JobId, u64)>) {
        let (sender, receiver) = mpsc::channel();
        let pool = MinerPool::new(Clock::start(), move |job, nonce| {
            let _ = sender.send((job, nonce));
        });
        (pool, receiver)
    }

    #[test]
    fn each_job_is_found_once() {
        let (mut pool, finds) = pool();
        for number in 0..50 {
            pool.set(Some(order(number, EASY, 3, RateLimit::Unlimited)));
            let (job, nonce) = finds.recv_timeout(SOON).unwrap();
            assert_eq!(job, JobId(number.into()));
            let id = attempt(&Hash32::from_bytes([number; 32]), nonce);
            assert!(CompactTarget::from_bits(EASY).expand().unwrap().is_met_by(&id));
        }
        // The same job again, under another limit, is no second find.
        pool.set(Some(order(49, EASY, 3, RateLimit::PerSecond(1_000_000))));
        assert!(finds.recv_timeout(Duration::from_millis(100)).is_err());
    }

    #[test]
    fn a_new_order_is_followed_at_once() {
        let (mut pool, finds) = pool();
        for limit in [RateLimit::Unlimited, RateLimit::PerSecond(1), RateLimit::PerSecond(0)] {
            pool.set(Some(order(1, HOPELESS, 2, limit)));
            assert!(finds.recv_timeout(Duration::from_millis(50)).is_err());
            pool.set(Some(order(2, EASY, 2, RateLimit::Unlimited)));
            assert_eq!(finds.recv_timeout(SOON).unwrap().0, JobId(2));
            pool.set(Some(order(3, EASY, 1, RateLimit::Unlimited)));
            assert_eq!(finds.recv_timeout(SOON).unwrap().0, JobId(3));
        }
    }

    #[test]
    fn the_limit_holds_for_all_threads_together() {
        let (mut pool, _finds) = pool();
        pool.set(Some(order(1, HOPELESS, 2, RateLimit::PerSecond(10_000))));
        std::thread::sleep(Duration::from_millis(1_500));
        let rate = pool.hash_rate();
        assert!((5_000.0..=12_500.0).contains(&rate), "{rate}");
        pool.set(None);
        std::thread::sleep(Duration::from_millis(100));
        assert!(pool.hash_rate() < rate + 1.0);
    }

    #[test]
    fn a_busy_and_a_resting_pool_end_quickly() {
        for limit in [RateLimit::Unlimited, RateLimit::PerSecond(1), RateLimit::PerSecond(0)] {
            let (mut pool, _finds) = pool();
            pool.set(Some(order(1, HOPELESS, 4, limit)));
            std::thread::sleep(Duration::from_millis(20));
            let begun = Instant::now();
            drop(pool);
            assert!(begun.elapsed() < Duration::from_millis(500));
        }
    }
}
