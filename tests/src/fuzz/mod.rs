//! Everything that reads bytes from outside, as functions of any bytes that panic where a property does not hold:
//! for the fuzzer (`tests/fuzz/run`), and for the test that runs every input that was kept.

mod choices;
mod codec;
mod grove;
mod host_node;

pub use choices::Choices;

/// Something that reads bytes from outside.
pub struct Target {
    /// Its name, which is that of its file and of the folder of its inputs.
    pub name: &'static str,
    /// Reads the bytes, and panics where it does so wrongly.
    pub run: fn(&[u8]),
    /// Real inputs, made by whoever writes them.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "codec", run: codec::run, seeds: codec::seeds },
    Target { name: "host_node", run: host_node::run, seeds: host_node::seeds },
];
