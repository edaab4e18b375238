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

/// None but what the fuzzer finds: a step is a few bytes.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![(0..80).collect()]
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
