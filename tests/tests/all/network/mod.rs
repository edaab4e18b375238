//! Real nodes over real sockets: many who mine, branches that lose, peers that are silent or whose
//! clocks are wrong, and clients that ask all at once or twice.

mod branches;
mod clients;
mod peers;
