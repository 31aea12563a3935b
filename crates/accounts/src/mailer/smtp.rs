//! Mail over SMTP (RFC 5321), with TLS from the first byte (RFC 8314), to a server that stands in the register.

use super::{From, Mail, MailError, Mailer, Sending};
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, AsyncTokioStream},
    extension::ClientId,
};
use outbound::Dialler;
use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};

/// How long the whole exchange may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where mail goes.
#[derive(Clone)]
pub struct SmtpSettings {
    /// The server's name.
    pub host: String,
    /// Its port: 465 as a rule.
    pub port: u16,
    /// User and password, where it asks for them.
    pub credentials: Option<(String, String)>,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpSettings({}:{})", self.host, self.port)
    }
}

/// Sends over SMTP.
pub struct Smtp {
    settings: SmtpSettings,
    from: From,
    dialler: Dialler,
}

impl Smtp {
    /// A mailer that hands over to that server.
    #[must_use]
    pub const fn new(settings: SmtpSettings, from: From, dialler: Dialler) -> Self {
        Self { settings, from, dialler }
    }

    async fn hand_over(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.from.write(mail)?;
        let stream = self.dialler.stream(&self.settings.host, self.settings.port).await;
        let stream = stream.map_err(|error| MailError::Unreachable(error.to_string()))?;
        let hello = ClientId::Domain(self.from.domain().to_owned());
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(Dialled(stream)), &hello)
            .await
            .map_err(|error| refused(&error))?;
        if let Some((user, password)) = &self.settings.credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            connection.auth(&[Mechanism::Plain], &credentials).await.map_err(|error| refused(&error))?;
        }
        let sent = connection.send(message.envelope(), &message.formatted()).await;
        let sent = sent.map(|_| ()).map_err(|error| refused(&error));
        connection.abort().await;
        sent
    }
}

/// The code only: servers repeat addresses in their texts.
fn refused(error: &lettre::transport::smtp::Error) -> MailError {
    MailError::Refused(error.status().map_or_else(|| "none".to_owned(), |code| code.to_string()))
}

impl Mailer for Smtp {
    fn send(&self, mail: Mail) -> Sending<'_> {
        Box::pin(async move {
            let late = || MailError::Unreachable("no answer in time".to_owned());
            timeout(PATIENCE, self.hand_over(&mail)).await.unwrap_or_else(|_| Err(late()))
        })
    }
}

/// A connection that `outbound` made.
struct Dialled<S>(S);

impl<S> fmt::Debug for Dialled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialled")
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Dialled<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        // Nobody needs it: the dialler has checked whom it speaks to.
        Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Dialled<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, space)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Dialled<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
