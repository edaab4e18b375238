//! The mempool against its model.

use super::Choices;
use crate::mempool_model::{SENDERS, Step, run as compare};

/// The most steps of one input: the model looks at everything after each.
const STEPS: usize = 40;

/// Reads a capacity and steps.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let capacity = choices.below(14);
    let mut steps = Vec::new();
    while !choices.is_over() && steps.len() < STEPS {
        steps.push(step(&mut choices));
    }
    compare(capacity, &steps);
}

/// Payments of three senders that wait for each other, replace each other and are mined, in pools with and without
/// room.
pub fn seeds() -> Vec<Vec<u8>> {
    let pays = |sender: u8, offset: u8, thousands: u8| [sender, 2, offset, 5, thousands - 1];
    let story = |capacity: u8| {
        let waiting = [pays(1, 0, 5), pays(1, 0, 1), pays(1, 0, 3), pays(2, 0, 2), pays(2, 0, 6)].concat();
        // Another in the place of the second, which the third waits for.
        let replaced = pays(1, 5, 6);
        let (mined, changed) = ([1, 0, 1], [2, 1, 6, 0]);
        [&[capacity][..], &waiting, &replaced, &mined, &changed, &pays(3, 0, 4), &pays(1, 0, 2)].concat()
    };
    [0, 2, 3, 4, 13].into_iter().map(story).collect()
}

fn step(choices: &mut Choices<'_>) -> Step {
    let sender = choices.below(SENDERS as usize) as u64;
    match choices.byte() % 10 {
        0 => Step::Mine { sender, count: choices.below(4) },
        1 => Step::Change {
            sender,
            balance: choices.number().saturating_mul(2_000),
            back: choices.below(3) as u64,
        },
        kind => {
            // Most are the sender's next one, or replace one.
            let offset = [0, 0, 0, 0, -1, -2, -3, 1, 2][choices.below(9)];
            let amount = choices.number().max(1);
            let fee = match kind {
                2..=5 => 1_000 * (1 + choices.below(6) as u64),
                6 => *choices.of(&[10_000, 10_999, 11_000, 12_099, 12_100, 15_005, u64::MAX]),
                _ => choices.number().max(1_000),
            };
            Step::Insert { sender, offset, amount, fee }
        }
    }
}
