//! A way around the gate: the application's port, open at the machine's other addresses too, as where an application was
//! bound to all of them.

use outbound::upstream::reach;
use std::{io, net::SocketAddr};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// The open doors. Dropping it closes them.
#[derive(Debug)]
pub struct Around {
    doors: Vec<SocketAddr>,
    _accepting: JoinSet<()>,
}

impl Around {
    /// Opens the port of the application at `upstream` on every address of the machine but loopback.
    ///
    /// # Errors
    /// The machine has no such address, or none of them can be opened.
    pub async fn open(upstream: SocketAddr) -> io::Result<Self> {
        let (mut doors, mut accepting) = (Vec::new(), JoinSet::new());
        let mut failed = io::Error::new(io::ErrorKind::AddrNotAvailable, "the machine has no address but loopback");
        for address in reach::own_addresses()? {
            let door = SocketAddr::new(address, upstream.port());
            match TcpListener::bind(door).await {
                Ok(listener) => {
                    doors.push(door);
                    accepting.spawn(accept(listener, upstream));
                }
                Err(error) => failed = error,
            }
        }
        if doors.is_empty() { Err(failed) } else { Ok(Self { doors, _accepting: accepting }) }
    }

    /// Whether a connection to one of them comes about.
    pub async fn bites(&self) -> bool {
        for door in &self.doors {
            if reach::is_open(*door).await {
                return true;
            }
        }
        false
    }
}

#[expect(clippy::disallowed_methods, reason = "the way around is what is rehearsed")]
async fn accept(listener: TcpListener, upstream: SocketAddr) {
    let mut passing = JoinSet::new();
    while let Ok((mut caller, _)) = listener.accept().await {
        passing.spawn(async move {
            if let Ok(mut application) = TcpStream::connect(upstream).await {
                let _ = copy_bidirectional(&mut caller, &mut application).await;
            }
        });
        while passing.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_door_leads_to_the_application_until_it_is_closed() {
        let application = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = application.local_addr().unwrap();
        let Ok(around) = Around::open(place).await else {
            eprintln!("this machine has no address but loopback: nothing to try");
            return;
        };
        assert!(around.bites().await);
        let door = around.doors[0];
        drop(application.accept().await.unwrap());
        let ask = async {
            #[expect(clippy::disallowed_methods, reason = "tests dial by hand")]
            let mut caller = TcpStream::connect(door).await.unwrap();
            caller.write_all(b"hi").await.unwrap();
            let mut back = [0; 2];
            caller.read_exact(&mut back).await.unwrap();
            back
        };
        let answer = async {
            let (mut stream, _) = application.accept().await.unwrap();
            let mut got = [0; 2];
            stream.read_exact(&mut got).await.unwrap();
            stream.write_all(&got).await.unwrap();
        };
        let (back, ()) = tokio::join!(ask, answer);
        assert_eq!(&back, b"hi");
        drop(around);
        tokio::task::yield_now().await;
        assert!(!reach::is_open(door).await);
    }
}
