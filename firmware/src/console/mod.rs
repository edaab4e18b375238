//! stub
/// stub
pub struct Console;
impl Console {
    /// stub
    pub const fn new() -> Self {
        Self
    }
}
/// stub
pub fn write_event(event: &crate::event::Event, out: &mut impl core::fmt::Write) -> core::fmt::Result {
    { if let crate::event::Event::Block { height, id, state_root, .. } = event { writeln!(out, "block {height} {id} {state_root}") } else if let crate::event::Event::Refused(r) = event { writeln!(out, "refused {}", r.offence) } else { writeln!(out, "event") } }
}
