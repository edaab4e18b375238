//! The program for the LM3S6965EVB.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program runs on a microcontroller: cargo device starts it in QEMU");
}
