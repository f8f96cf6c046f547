//! Connections that are let go: a peer that does not take its answer, or trickles its next request, keeps one
//! no longer than a busy one would. (The server's own timeouts end a first head after 5 s and idleness after
//! 15 s, a body has 10 s of its own; nothing there bounds the writing of an answer.)

use actix_web::dev::{Extensions, ServiceRequest};
use actix_web::rt;
use actix_web::rt::net::TcpStream;
use std::any::Any;
use std::cell::Cell;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// From an answer to the next whole head of a request: time to take the answer, be idle, and ask again.
const LONGEST: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_secs(3);

/// What is known of one connection.
pub struct Connection {
    socket: std::net::TcpStream,
    /// Since when it is the peer's turn; `None` while a request is worked on.
    peers_turn: Cell<Option<Instant>>,
}

impl Connection {
    /// Called for every new connection.
    pub fn watch(io: &dyn Any, extensions: &mut Extensions) {
        let socket = io.downcast_ref::<TcpStream>().and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
        let Some(socket) = socket else { return };
        let connection = Rc::new(Self { socket: socket.into(), peers_turn: Cell::new(Some(Instant::now())) });
        let seen = Rc::downgrade(&connection);
        extensions.insert(connection);
        rt::spawn(async move {
            loop {
                rt::time::sleep(LOOK).await;
                let Some(connection) = seen.upgrade() else { return };
                if connection.peers_turn.get().is_some_and(|since| since.elapsed() > LONGEST) {
                    metrics::counter!("duebook_slow_connections_total").increment(1);
                    let _ = connection.socket.shutdown(Shutdown::Both);
                    return;
                }
            }
        });
    }
    /// The peer took part of an answer that is sent in pieces.
    pub fn taken(&self) {
        if self.peers_turn.get().is_some() {
            self.peers_turn.set(Some(Instant::now()));
        }
    }
    /// The head of a request is here: it is our turn until the guard is dropped.
    pub fn our_turn(request: &ServiceRequest) -> Option<OurTurn> {
        let connection = Rc::clone(request.conn_data::<Rc<Self>>()?);
        connection.peers_turn.set(None);
        Some(OurTurn(connection))
    }
}

/// A request is worked on.
pub struct OurTurn(Rc<Connection>);
impl Drop for OurTurn {
    fn drop(&mut self) {
        self.0.peers_turn.set(Some(Instant::now()));
    }
}
