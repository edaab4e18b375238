//! A site of somebody else: it serves the pages that a test writes, and notes what it is asked for.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A web server at a port of its own, and so another origin than any node.
pub struct Site {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    is_gone: Arc<AtomicBool>,
}

impl Site {
    /// Serves pages by their paths; everything else is not found.
    pub fn serve(pages: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let site = Self { port, asked: Arc::default(), is_gone: Arc::default() };
        let (asked, is_gone, pages) = (site.asked.clone(), site.is_gone.clone(), Arc::new(pages));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_gone.load(Ordering::Acquire) {
                    return;
                }
                let (asked, pages) = (asked.clone(), pages.clone());
                // Browsers open connections that they may never use.
                thread::spawn(move || {
                    let Some(target) = read_target(&stream) else { return };
                    let page = pages.iter().find(|(path, _)| *path == target);
                    asked.lock().expect("nobody panics with the lock held").push(target);
                    // Whoever does not wait for the answer does not need it.
                    let _ = answer(stream, page.map(|(_, text)| text.as_str()));
                });
            }
        });
        site
    }

    /// An address on the site.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics with the lock held").clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.is_gone.store(true, Ordering::Release);
        // Wakes the thread that listens.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Reads a request, and returns what it is for.
fn read_target(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines();
    let target = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    while lines.next()?.is_ok_and(|line| !line.is_empty()) {}
    Some(target)
}

fn answer(mut stream: TcpStream, page: Option<&str>) -> std::io::Result<()> {
    let (status, text) = page.map_or(("404 Not Found", ""), |text| ("200 OK", text));
    let length = text.len();
    let head = "Content-Type: text/html; charset=utf-8\r\nConnection: close";
    write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{text}")
}
