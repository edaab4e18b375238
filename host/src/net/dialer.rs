//! From the address of a peer to an open connection, or to the reason why there is none. What answers there
//! may be anything: it gets a bounded time and a bounded number of bytes, and is never followed elsewhere.

use std::fmt::Display;
use std::io;

use mote_core::wire::SUBPROTOCOL;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{self, Error, client::IntoClientRequest};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{Arrival, Network, PeerLimits, connection};
use crate::node::request::PeerAddress;
use crate::node::status::Direction;

/// How many of the addresses of a name are tried.
const ADDRESSES_MAX: usize = 4;

/// Connects to a peer and serves the connection until it ends.
pub(super) async fn dial(network: Network, address: PeerAddress) {
    let limits = network.limits();
    let Some(room) = network.room(Direction::Outbound) else {
        return fail(&network, address, "there are too many connections").await;
    };
    match timeout(limits.dial_timeout, open(limits, &address)).await {
        Ok(Ok(socket)) => connection::serve(network, room, socket, Direction::Outbound, address).await,
        Ok(Err(error)) => fail(&network, address, error).await,
        Err(_) => fail(&network, address, "it did not answer as a peer in time").await,
    }
}

async fn fail(network: &Network, address: PeerAddress, reason: impl Display) {
    // A driver that is gone has no use for it.
    let _ = network.arrive(Arrival::DialFailed { address, reason: reason.to_string() }).await;
}

/// Why no connection came of an address.
#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error("its name is not known: {0}")]
    Name(io::Error),
    #[error("its name has no address")]
    NoAddress,
    #[error("it does not take connections: {0}")]
    Connect(io::Error),
    #[error("it answered as something else: {0}")]
    Handshake(Box<Error>),
    #[error("it answered with status {0} instead of a peer's handshake")]
    Status(tungstenite::http::StatusCode),
}

async fn open(limits: &PeerLimits, address: &PeerAddress) -> Result<WebSocketStream<TcpStream>, DialError> {
    let socket = connect(limits, &address.to_string()).await?;
    let request = request(address).map_err(|error| DialError::Handshake(Box::new(error)))?;
    match client_async_with_config(request, socket, Some(connection::config())).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(DialError::Status(response.status())),
        Err(error) => Err(DialError::Handshake(Box::new(error))),
    }
}

async fn connect(limits: &PeerLimits, host_and_port: &str) -> Result<TcpStream, DialError> {
    let timed_out = |_| io::Error::from(io::ErrorKind::TimedOut);
    let addresses = timeout(limits.connect_timeout, lookup_host(host_and_port)).await;
    let addresses = addresses.map_err(timed_out).flatten().map_err(DialError::Name)?;
    let mut last = DialError::NoAddress;
    for address in addresses.take(ADDRESSES_MAX) {
        let connecting = timeout(limits.connect_timeout, TcpStream::connect(address)).await;
        let set_up = |socket: TcpStream| socket.set_nodelay(true).map(|()| socket);
        match connecting.map_err(timed_out).flatten().and_then(set_up) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = DialError::Connect(error),
        }
    }
    Err(last)
}

fn request(address: &PeerAddress) -> Result<Request, Error> {
    let mut request = format!("ws://{address}/peer").into_client_request()?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    Ok(request)
}

#[cfg(test)]
mod tests;
