//! The portable device, whole, on a simulated board: every run is the same, and none takes long.

mod joins;
