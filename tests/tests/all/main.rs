//! All integration tests in one binary, so that the workspace is linked once: a module per topic.

mod abuse;
mod architecture;
mod attacks;
mod browser;
mod checkpoint;
mod crashes;
mod devices;
mod devices_simulated;
mod difficulty;
mod documents;
mod fuzz;
mod mutations;
mod network;
mod nodes;
mod properties;
mod rules;
mod scale;
mod signatures;
mod signed_checkpoints;
mod simulation;
mod vectors;
mod walkthrough;
