//! Threads for what can be done side by side or ahead of time. Whoever waits for an answer on which nobody has begun
//! works it out itself, so that everything gets done where there is not a single thread as well.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// Threads that work beside those who ask. They start with the first job, and end some time after this is dropped.
pub struct Workers {
    cores: NonZero<usize>,
    jobs: OnceLock<Sender<Arc<dyn Job>>>,
}

impl Workers {
    /// As many threads as keep so many cores busy together with the one that asks. Where the system has no room for
    /// a thread there is one less.
    pub fn new(cores: NonZero<usize>) -> Self {
        Self { cores, jobs: OnceLock::new() }
    }

    /// How many cores they are meant for.
    pub fn cores(&self) -> NonZero<usize> {
        self.cores
    }

    /// Has work done by whichever thread is free first. Jobs are begun in the order in which they came.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        let stage = Mutex::new(Stage::Waiting(Box::new(work)));
        let task = Arc::new(Task { stage, done: Condvar::new() });
        let jobs = self.jobs.get_or_init(|| start(self.cores.get() - 1));
        // Without a thread nobody takes it, and it is done by whoever waits for it.
        let _ = jobs.send(task.clone());
        Answer(task)
    }
}

fn start(count: usize) -> Sender<Arc<dyn Job>> {
    let (jobs, taken) = channel();
    let taken = Arc::new(Mutex::new(taken));
    for _ in 0..count {
        let taken = taken.clone();
        let _ = thread::Builder::new().name("worker".to_owned()).spawn(move || work(&taken));
    }
    jobs
}

fn work(jobs: &Mutex<Receiver<Arc<dyn Job>>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        job.attempt();
    }
}

/// An answer to come.
pub struct Answer<T>(Arc<Task<T>>);

impl<T> Answer<T> {
    /// Whether it is there.
    pub fn is_ready(&self) -> bool {
        matches!(*self.0.stage(), Stage::Done(_))
    }

    /// Works it out on this thread, unless somebody has begun to; whether that was done.
    pub fn work_out(&self) -> bool {
        self.0.attempt()
    }

    /// Waits for it. Panics where working it out did.
    pub fn wait(self) -> T {
        self.0.attempt();
        let mut stage = self.0.stage();
        loop {
            match std::mem::replace(&mut *stage, Stage::Begun) {
                Stage::Done(outcome) => return outcome.unwrap_or_else(|panic| resume_unwind(panic)),
                earlier => *stage = earlier,
            }
            stage = self.0.done.wait(stage).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Something to do, whatever its answer.
trait Job: Send + Sync {
    /// Does it unless somebody has begun to; whether that was done.
    fn attempt(&self) -> bool;
}

struct Task<T> {
    stage: Mutex<Stage<T>>,
    done: Condvar,
}

/// How far a task is.
enum Stage<T> {
    Waiting(Box<dyn FnOnce() -> T + Send>),
    Begun,
    Done(thread::Result<T>),
}

impl<T> Task<T> {
    fn stage(&self) -> MutexGuard<'_, Stage<T>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Option<Box<dyn FnOnce() -> T + Send>> {
        let mut stage = self.stage();
        match std::mem::replace(&mut *stage, Stage::Begun) {
            Stage::Waiting(work) => Some(work),
            later => {
                *stage = later;
                None
            }
        }
    }

    fn attempt(&self) -> bool {
        let Some(work) = self.begin() else { return false };
        // What the work has left half done is dropped with it.
        let outcome = catch_unwind(AssertUnwindSafe(work));
        *self.stage() = Stage::Done(outcome);
        self.done.notify_all();
        true
    }
}

impl<T: Send> Job for Task<T> {
    fn attempt(&self) -> bool {
        self.attempt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    fn workers(cores: usize) -> Workers {
        Workers::new(NonZero::new(cores).unwrap())
    }

    #[test]
    fn every_answer_is_that_of_its_job() {
        for cores in 1..5 {
            let workers = workers(cores);
            for count in 0..40_usize {
                let answers: Vec<_> = (0..count).map(|number| workers.run(move || 3 * number)).collect();
                // Some are worked out here, be it that others are at it.
                (0..count).filter(|number| number % (1 + cores) == 0).for_each(|number| {
                    answers[count - 1 - number].work_out();
                });
                assert!(answers.into_iter().map(Answer::wait).eq((0..count).map(|number| 3 * number)));
            }
        }
    }

    #[test]
    fn a_job_is_done_once_and_by_the_one_who_asks_where_nobody_else_is_there() {
        let workers = workers(1);
        let answer = workers.run(|| thread::current().id());
        assert!(!answer.is_ready());
        assert!(answer.work_out() && answer.is_ready() && !answer.work_out());
        assert_eq!(answer.wait(), thread::current().id());
        assert_eq!(workers.run(|| thread::current().id()).wait(), thread::current().id());
    }

    #[test]
    fn jobs_are_done_at_the_same_time() {
        // The first is done by the worker, as only then the two can meet.
        let (workers, meeting) = (workers(2), Arc::new(Barrier::new(2)));
        let there = meeting.clone();
        let answer = workers.run(move || there.wait().is_leader());
        let is_leader = meeting.wait().is_leader();
        assert!(!answer.work_out());
        assert_ne!(answer.wait(), is_leader);
    }

    #[test]
    fn a_panic_is_that_of_whoever_waits_and_ends_no_thread() {
        let workers = workers(2);
        for _ in 0..8 {
            let answer: Answer<()> = workers.run(|| panic!("planted"));
            let panic = catch_unwind(AssertUnwindSafe(|| answer.wait())).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"planted"));
        }
        let meeting = Arc::new(Barrier::new(2));
        let there = meeting.clone();
        let answer = workers.run(move || there.wait().is_leader());
        let is_leader = meeting.wait().is_leader();
        assert_ne!(answer.wait(), is_leader);
    }

    #[test]
    fn answers_outlive_the_workers() {
        let answers: Vec<_> = {
            let workers = workers(3);
            (0..100).map(|number| workers.run(move || number)).collect()
        };
        assert!(answers.into_iter().map(Answer::wait).eq(0..100));
    }
}
