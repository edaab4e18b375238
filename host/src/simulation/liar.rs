//! What a byzantine node makes of the messages that it should send.
//!
//! It runs a real node and tampers with what leaves it: so it knows all that a node knows, and its lies
//! stand among messages that are right.

use std::collections::VecDeque;

use mote_core::codec;
use mote_core::hash::Hash32;
use mote_core::units::Height;
use mote_core::wire::Message;

use super::network::listed;
use super::random::Random;
use crate::encoding::encoded;

/// How many of its earlier messages it remembers.
const REMEMBERED_MAX: usize = 32;

/// A byzantine node's ways.
#[derive(Debug)]
pub struct Liar {
    random: Random,
    lie_per_mille: u32,
    earlier: VecDeque<Vec<u8>>,
    lies: u64,
}

impl Liar {
    /// One that tampers with so many of a thousand messages.
    pub fn new(random: Random, lie_per_mille: u32) -> Self {
        Self { random, lie_per_mille, earlier: VecDeque::new(), lies: 0 }
    }

    /// How many messages it has tampered with.
    pub fn lies(&self) -> u64 {
        self.lies
    }

    /// What it sends instead of `message` on the connection with this number. Every second connection is
    /// told another story: of a longer chain in the greeting, and of no new tip.
    pub fn tamper(&mut self, connection: u64, mut message: Vec<u8>) -> Vec<Vec<u8>> {
        if connection % 4 < 2
            && let Some(other) = other_story(&message)
        {
            self.lies += 1;
            return other;
        }
        self.earlier.push_back(message.clone());
        if self.earlier.len() > REMEMBERED_MAX {
            self.earlier.pop_front();
        }
        if !self.random.chance(self.lie_per_mille) {
            return vec![message];
        }
        self.lies += 1;
        if let Some(shuffled) = shuffled(&message) {
            return vec![shuffled];
        }
        match self.random.below(5) {
            0 => Vec::new(),
            1 => vec![message.clone(), message],
            2 => {
                message.truncate(self.random.index(message.len()));
                vec![message]
            }
            3 => {
                let earlier = self.random.index(self.earlier.len());
                let earlier = self.earlier.get(earlier).cloned().unwrap_or_default();
                vec![message, earlier]
            }
            _ => {
                let (index, bit) = (self.random.index(message.len()), self.random.below(8));
                if let Some(byte) = message.get_mut(index) {
                    *byte ^= 1 << bit;
                }
                vec![message]
            }
        }
    }
}

/// The same message as it is told to those who shall believe something else; none where that is the same.
fn other_story(message: &[u8]) -> Option<Vec<Vec<u8>>> {
    match codec::decode::<Message>(message).ok()? {
        Message::Hello(mut hello) => {
            hello.height = Height::new(hello.height.get() + 1_000);
            hello.work = hello.work.saturating_mul(1_000);
            Some(vec![encoded(&Message::Hello(hello))])
        }
        Message::Tip(_) | Message::CompactBlock { .. } => Some(Vec::new()),
        _ => None,
    }
}

/// The same new tip with the ids of its payments in another order; none where there is no other.
fn shuffled(message: &[u8]) -> Option<Vec<u8>> {
    let Message::CompactBlock { header, ids } = codec::decode(message).ok()? else { return None };
    let mut ids: Vec<Hash32> = ids.iter().flatten().collect();
    ids.reverse();
    (ids.len() > 1).then(|| listed(&ids, |ids| encoded(&Message::CompactBlock { header, ids })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lies_as_often_as_it_should() {
        let message = vec![255, 1, 2, 3];
        let mut honest = Liar::new(Random::new(1), 0);
        assert!((0..100).all(|connection| honest.tamper(connection, message.clone()) == [message.clone()]));
        let mut liar = Liar::new(Random::new(1), 500);
        for connection in 0..1_000 {
            let _ = liar.tamper(connection, message.clone());
        }
        assert!((400..600).contains(&liar.lies()), "{}", liar.lies());
    }
}
