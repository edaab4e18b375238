//! The program for the LM3S6965EVB.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod program {
    use core::panic::PanicInfo;

    use cortex_m_rt::entry;
    use mote_firmware::board::lm3s6965::{Ethernet, Lm3s6965, stop};
    use mote_firmware::device::Device;
    use mote_firmware::net::{Buffers, NO_SOCKETS, Sockets};

    #[entry]
    fn main() -> ! {
        static mut ETHERNET: Ethernet = Ethernet::EMPTY;
        static mut SOCKETS: Sockets = NO_SOCKETS;
        static mut BUFFERS: Buffers = Buffers::new();
        Device::start(Lm3s6965::start(ETHERNET), (SOCKETS, BUFFERS)).run()
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
