//! The program for the LM3S6965EVB.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod program {
    use core::panic::PanicInfo;

    use cortex_m_rt::entry;
    use mote_firmware::board::lm3s6965::{Ethernet, Lm3s6965, panicked};
    use mote_firmware::device::{Memory, with_device};
    use mote_firmware::net::Sockets;

    #[entry]
    fn main() -> ! {
        static mut ETHERNET: Ethernet = Ethernet::EMPTY;
        static mut SOCKETS: Sockets<'static> = Sockets::new();
        static mut MEMORY: Memory = Memory::new();
        with_device(&mut Lm3s6965::start(ETHERNET), SOCKETS, MEMORY, |device| device.run())
    }

    #[panic_handler]
    fn panic(_: &PanicInfo<'_>) -> ! {
        panicked()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program runs on a microcontroller: cargo device starts it in QEMU");
}
