//! The listener of the node's one port: HTTP for people and programs, WebSockets for peers. It bounds what
//! a connection may cost before a handler ever sees a request.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{Response, StatusCode};
use futures_util::future::{Either, ready};
use futures_util::{StreamExt, stream};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{debug, warn};

use super::admission::{Admission, AdmissionLimits, MakingRoom, Slot};
use super::alarm::Alarm;
use super::stall::StallGuard;

/// What a connection may cost.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// How many there may be.
    pub admission: AdmissionLimits,
    /// How long a client may take for the header of a request, and rest between two requests.
    pub header_timeout: Duration,
    /// The largest header of a request, in bytes.
    pub header_max_bytes: usize,
    /// How long a client may take for the body of a request.
    pub body_timeout: Duration,
    /// How long a client may take no bytes while some wait for it.
    pub stall_timeout: Duration,
    /// How long open connections may go on once the server is to end.
    pub shutdown_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            admission: AdmissionLimits::default(),
            header_timeout: Duration::from_secs(10),
            header_max_bytes: 16 * 1024,
            body_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_millis(1_200),
        }
    }
}

/// What a server serves.
#[derive(Clone)]
pub struct Site {
    /// Asked first, with the client's address.
    pub at_once: AtOnce,
    /// Everything that takes a handler.
    pub router: Router,
}

/// Answers a request without a handler, where that is possible.
pub type AtOnce = Arc<dyn Fn(SocketAddr, &Request<Incoming>) -> Option<Response<Body>> + Send + Sync>;

impl From<Router> for Site {
    fn from(router: Router) -> Self {
        Self { at_once: Arc::new(|_, _| None), router }
    }
}

/// How much of what a client has not taken yet the system keeps for it, in bytes; Linux doubles it. Left alone it
/// would keep megabytes, and the node would write as much for each client that asks and never reads.
const SEND_BUFFER_BYTES: u32 = 128 * 1024;

/// How many connections may wait to be taken.
const BACKLOG: u32 = 1_024;

/// How long to wait where no connection can be taken, which mostly means that files are used up.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound listener.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: ServerLimits,
}

impl Server {
    /// Binds the port. From here on connections wait; they are served by [`Server::serve`].
    pub async fn bind(address: SocketAddr, limits: ServerLimits) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        // Connections have it from the listener.
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, limits })
    }

    /// The bound address, with the port that was chosen where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then gives open requests a moment. Handlers find the client's address
    /// as [`ConnectInfo<SocketAddr>`]. Upgraded connections have left the server's hands by then.
    pub async fn serve(self, site: impl Into<Site>, shutdown: impl Future<Output = ()>) {
        let site = site.into();
        let admission = Admission::new(self.limits.admission);
        let (stop, stopping) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (socket, client) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(%error, "cannot take a connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(slot) = admission.admit(client.ip()).await else {
                debug!(%client, "there are too many connections");
                continue;
            };
            let connection = Connection { client, slot, limits: self.limits.clone() };
            connections.spawn(connection.serve(socket, site.clone(), stopping.clone()));
        }
        drop(self.listener);
        drop(stop);
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if timeout(self.limits.shutdown_timeout, all_ended).await.is_err() {
            // Streams of events never end by themselves.
            connections.shutdown().await;
        }
    }
}

struct Connection {
    client: SocketAddr,
    slot: Slot,
    limits: ServerLimits,
}

impl Connection {
    async fn serve(self, socket: TcpStream, site: Site, mut stopping: watch::Receiver<()>) {
        if let Err(error) = socket.set_nodelay(true) {
            debug!(%error, client = %self.client, "small messages may be late");
        }
        let mut builder = http1::Builder::new();
        builder
            .timer(Alarm::default())
            .header_read_timeout(self.limits.header_timeout)
            .max_buf_size(self.limits.header_max_bytes);
        let router = TowerToHyperService::new(site.router);
        let service = service_fn(|request| self.respond(&site.at_once, &router, request));
        let socket = TokioIo::new(StallGuard::new(socket, self.limits.stall_timeout));
        let mut serving = pin!(builder.serve_connection(socket, service).with_upgrades());
        let served = tokio::select! {
            served = &mut serving => served,
            () = self.slot.told_to_leave() => {
                debug!(client = %self.client, "a connection makes room for another one");
                return;
            }
            // The other end is dropped, never sent to.
            _ = stopping.changed() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = served {
            debug!(%error, client = %self.client, "a connection ended early");
        }
    }

    fn respond(
        &self,
        at_once: &AtOnce,
        router: &TowerToHyperService<Router>,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<TurnBody>, MakingRoom>> + use<> {
        let begun = self.slot.is_servers_turn();
        let responding = begun.map(|()| {
            if let Some(response) = at_once(self.client, &request) {
                return Either::Left(ready(Ok(response)));
            }
            request.extensions_mut().insert(ConnectInfo(self.client));
            // A connection that becomes a WebSocket keeps its slot.
            request.extensions_mut().insert(self.slot.clone());
            let (deadline, slot) = (Instant::now() + self.limits.body_timeout, self.slot.clone());
            Either::Right(router.call(request.map(|body| in_time(body, deadline, slot))))
        });
        let slot = self.slot.clone();
        async move {
            let Ok(response) = responding?.await;
            // The turn stays with the server where the connection has left HTTP: then there is none to be dropped.
            let is_last = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            let turn = (!is_last).then(|| Turn(slot));
            Ok(response.map(|body| TurnBody { body, _turn: turn }))
        }
    }
}

/// A body whose reader gets an error where the client is too slow. While it waits, it is the client's turn.
fn in_time(body: Incoming, deadline: Instant, slot: Slot) -> Body {
    if hyper::body::Body::is_end_stream(&body) {
        return Body::empty();
    }
    let chunks = stream::unfold(Some(Body::new(body).into_data_stream()), move |chunks| {
        let slot = slot.clone();
        async move {
            let mut chunks = chunks?;
            slot.is_clients_turn();
            let next = timeout_at(deadline, chunks.next()).await;
            if let Err(error) = slot.is_servers_turn() {
                return Some((Err(axum::Error::new(error)), None));
            }
            match next {
                Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
                Ok(Some(Err(error))) => Some((Err(error), None)),
                Ok(None) => None,
                Err(_) => Some((Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut))), None)),
            }
        }
    });
    Body::from_stream(chunks)
}

/// The body of an answer. Once all of it has been handed over to be sent, it is the client's turn: to take it,
/// and to ask again.
struct TurnBody {
    body: Body,
    _turn: Option<Turn>,
}

/// Ends the server's turn when it is dropped.
struct Turn(Slot);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.is_clients_turn();
    }
}

impl hyper::body::Body for TurnBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
