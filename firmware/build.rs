//! Tells the linker how the device's memory is laid out.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rerun-if-changed=device.x");
    let for_device = var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none");
    if let (true, Ok(folder)) = (for_device, var("CARGO_MANIFEST_DIR")) {
        // `link.x` comes with cortex-m-rt and includes `memory.x` and `device.x`.
        println!("cargo::rustc-link-search={folder}");
        println!("cargo::rustc-link-arg-bin=mote-firmware=-Tlink.x");
        // Without this, segments are padded to pages of a size that no such processor has.
        println!("cargo::rustc-link-arg-bin=mote-firmware=-nmagic");
    }
}
