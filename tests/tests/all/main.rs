//! All integration tests in one binary, so that the workspace is linked once: a module per topic.

mod architecture;
mod attacks;
mod difficulty;
mod nodes;
mod properties;
mod rules;
mod vectors;
