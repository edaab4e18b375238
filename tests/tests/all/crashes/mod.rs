//! What may happen to a node's process and its disk. Whatever was acknowledged is there afterwards, and
//! what cannot be kept is never acknowledged.

mod disk;
mod folder;
mod kills;
