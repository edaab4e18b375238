//! The deadlines of one connection. They follow each other, request by request, and hardly any is ever reached. So
//! the runtime is asked for one alarm that serves them all, and is put off when it goes off too early, instead of
//! for one more with each request.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

type Pending = Option<Pin<Box<tokio::time::Sleep>>>;

/// The timer of one connection, for one deadline at a time.
#[derive(Clone, Debug, Default)]
pub struct Alarm(Arc<Mutex<Pending>>);

/// Waits for a deadline.
struct Deadline {
    deadline: Instant,
    alarm: Alarm,
}

impl Timer for Alarm {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Deadline { deadline, alarm: self.clone() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline.into();
        let mut pending = self.alarm.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = pending.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(context).is_ready() {
            if sleep.deadline() == deadline {
                *pending = None;
                return Poll::Ready(());
            }
            // It was set for an earlier deadline.
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl Sleep for Deadline {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    const LONG: Duration = Duration::from_secs(600);
    const SHORT: Duration = Duration::from_millis(30);

    fn is_pending(sleep: &mut Pin<Box<dyn Sleep>>) -> bool {
        sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[tokio::test]
    async fn a_deadline_is_kept_whatever_the_one_before_was() {
        for before in [None, Some(Duration::ZERO), Some(SHORT / 2), Some(LONG)] {
            let alarm = Alarm::default();
            if let Some(before) = before {
                // Nobody waits for this one any more.
                let _ = is_pending(&mut alarm.sleep(before));
            }
            for _ in 0..2 {
                let begun = Instant::now();
                alarm.sleep(SHORT).await;
                assert!(begun.elapsed() >= SHORT, "{before:?}: {:?}", begun.elapsed());
            }
        }
    }

    #[tokio::test]
    async fn one_alarm_serves_many_deadlines() {
        let alarm = Alarm::default();
        assert!(is_pending(&mut alarm.sleep(SHORT)));
        let first = alarm.0.lock().unwrap().as_ref().map(|sleep| sleep.deadline());
        for _ in 0..100 {
            assert!(is_pending(&mut alarm.sleep(LONG)));
        }
        assert_eq!(alarm.0.lock().unwrap().as_ref().map(|sleep| sleep.deadline()), first);
    }
}
