use std::convert::Infallible;
use std::net::Ipv4Addr;

use axum::Extension;
use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

const SHORT: Duration = Duration::from_millis(150);
const SOON: Duration = Duration::from_secs(10);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

fn limits() -> ServerLimits {
    ServerLimits {
        header_timeout: SHORT,
        body_timeout: SHORT,
        stall_timeout: SHORT,
        shutdown_timeout: SHORT,
        ..ServerLimits::default()
    }
}

async fn start(limits: ServerLimits) -> Running {
    let endless = || async {
        let drops = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(b"drop\n")));
        Body::from_stream(drops.then(|drop| async {
            sleep(Duration::from_millis(20)).await;
            drop
        }))
    };
    let large = || async { vec![0_u8; 64 * 1024 * 1024] };
    let router = Router::new()
        .route("/who", get(|ConnectInfo(client): ConnectInfo<SocketAddr>| async move { client.to_string() }))
        .route("/echo", post(|body: Bytes| async { body }))
        .route("/endless", get(endless))
        .route("/large", get(large))
        .route("/upgrade", get(upgrade));
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), limits).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel();
    let at_once = |client: SocketAddr, request: &Request<Incoming>| {
        (request.uri() == "/at-once").then(|| Response::new(Body::from(client.to_string())))
    };
    let site = Site { at_once: Arc::new(at_once), router };
    let serving = tokio::spawn(server.serve(site, async { drop(stopped.await) }));
    Running { address, stop, serving }
}

/// Leaves HTTP, and keeps the slot until the client goes.
async fn upgrade(slot: Extension<Slot>, mut request: Request) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut socket = TokioIo::new(upgrade.await.unwrap());
        let _ = socket.read_to_end(&mut Vec::new()).await;
        drop(slot);
    });
    let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    response.header("connection", "upgrade").header("upgrade", "test").body(Body::empty()).unwrap()
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.address).await.unwrap()
}

/// Everything that comes until the connection ends, which it must.
async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(SOON, socket.read_to_end(&mut bytes)).await.expect("the connection does not end");
    // A reset is an end as well.
    drop(read);
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn ask(running: &Running, request: &str) -> String {
    let mut socket = connect(running).await;
    socket.write_all(request.as_bytes()).await.unwrap();
    rest(&mut socket).await
}

#[tokio::test]
async fn what_can_be_answered_at_once_needs_no_handler_and_the_connection_goes_on() {
    let running = start(limits()).await;
    let at_once = "GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    socket.write_all([at_once, at_once, WHO].concat().as_bytes()).await.unwrap();
    let (mut answers, client) = (String::new(), socket.local_addr().unwrap().to_string());
    timeout(SOON, socket.read_to_string(&mut answers)).await.unwrap().unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(answers.matches(&client).count(), 3, "{answers}");
}

#[tokio::test]
async fn handlers_see_who_asks() {
    let running = start(limits()).await;
    let mut socket = connect(&running).await;
    let own = socket.local_addr().unwrap();
    socket.write_all(b"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&own.to_string()), "{answer}");
}

#[tokio::test]
async fn half_open_connections_end() {
    let running = start(limits()).await;
    for beginning in ["", "GET /who HTTP/1.1\r\nHost: ", "GET /who HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let begun = Instant::now();
        ask(&running, beginning).await;
        assert!(begun.elapsed() < SOON / 2, "{beginning:?}");
    }
}

#[tokio::test]
async fn a_header_that_drips_in_ends() {
    let running = start(limits()).await;
    let (mut reader, mut writer) = connect(&running).await.into_split();
    let dripping = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    let mut bytes = Vec::new();
    drop(timeout(SOON, reader.read_to_end(&mut bytes)).await.expect("the connection does not end"));
    dripping.abort();
}

#[tokio::test]
async fn large_headers_are_refused() {
    let running = start(limits()).await;
    let answer = ask(&running, &format!("GET /who HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000))).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn bodies_have_their_time() {
    let running = start(limits()).await;
    let whole = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nwhole";
    assert!(ask(&running, whole).await.ends_with("whole"));
    let half = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nha";
    let answer = ask(&running, half).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn answers_that_nobody_takes_end() {
    let loopback_max = 1;
    let admission = AdmissionLimits { loopback_max, ..AdmissionLimits::default() };
    let running = start(ServerLimits { admission, ..limits() }).await;
    let mut socket = connect(&running).await;
    socket.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // Its slot is free again although it still waits.
    let request = "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let begun = Instant::now();
    while !ask(&running, request).await.starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < SOON);
        sleep(Duration::from_millis(20)).await;
    }
}

/// A connection on which the server is at work for as long as it lasts.
async fn busy(running: &Running) -> TcpStream {
    let mut stream = connect(running).await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 64]).await.unwrap();
    stream
}

const WHO: &str = "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once() {
    let admission = AdmissionLimits { loopback_max: 2, ..AdmissionLimits::default() };
    let running = start(ServerLimits { admission, header_timeout: SOON, ..limits() }).await;
    let held = [busy(&running).await, busy(&running).await];
    assert_eq!(ask(&running, "").await, "");
    drop(held);
    let begun = Instant::now();
    while !ask(&running, WHO).await.starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < SOON);
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn who_keeps_the_server_waiting_makes_room() {
    let admission = AdmissionLimits { loopback_max: 4, ..AdmissionLimits::default() };
    let long = Duration::from_secs(600);
    let (header_timeout, body_timeout) = (long, long);
    let limits = ServerLimits { admission, header_timeout, body_timeout, stall_timeout: long, ..limits() };
    let running = start(limits).await;
    let mut stream = busy(&running).await;
    let mut held = Vec::new();
    for beginning in [
        "",
        "GET /who HTTP/1.1\r\nHost: ",
        "GET /who HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nha",
    ]
    .repeat(8)
    {
        let mut socket = connect(&running).await;
        socket.write_all(beginning.as_bytes()).await.unwrap();
        held.push(socket);
        let answer = ask(&running, WHO).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "after {beginning:?}: {answer:?}");
    }
    // Only what waited for its client has ended.
    stream.read_exact(&mut [0; 64]).await.unwrap();
    rest(&mut held.swap_remove(0)).await;
}

#[tokio::test]
async fn who_has_left_http_keeps_its_place() {
    let admission = AdmissionLimits { loopback_max: 1, ..AdmissionLimits::default() };
    let running = start(ServerLimits { admission, header_timeout: SOON, ..limits() }).await;
    let mut upgraded = connect(&running).await;
    let request = "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n";
    upgraded.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    upgraded.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    assert_eq!(ask(&running, "").await, "", "there is no room that could be made");
}

#[tokio::test]
async fn the_server_ends_in_time_with_streams_open() {
    let running = start(ServerLimits { header_timeout: SOON, ..limits() }).await;
    let _idle = connect(&running).await;
    let mut stream = connect(&running).await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 64]).await.unwrap();
    let begun = Instant::now();
    running.stop.send(()).unwrap();
    timeout(SOON, running.serving).await.unwrap().unwrap();
    assert!(begun.elapsed() < SHORT * 4);
    rest(&mut stream).await;
    assert!(TcpStream::connect(running.address).await.is_err());
}
