//! The program for the LM3S6965EVB.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod bring_up;

#[cfg(target_os = "none")]
mod device {
    use core::panic::PanicInfo;

    use cortex_m_rt::entry;
    use mote_firmware::board::lm3s6965::{Ethernet, Lm3s6965, stop};

    #[entry]
    fn main() -> ! {
        static mut ETHERNET: Ethernet = Ethernet::new();
        let mut board = Lm3s6965::start(ETHERNET);
        crate::bring_up::run(&mut board)
    }

    #[panic_handler]
    fn panic(info: &PanicInfo<'_>) -> ! {
        stop(info)
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program runs on a microcontroller: cargo device starts it in QEMU");
}
