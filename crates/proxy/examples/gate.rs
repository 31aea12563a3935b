//! The edge and the proxy alone, in front of one application, for measurements and for trying an application out: no
//! database, no sign-in, one member whose bearer token is written to `DATA/token`. Not for service.
//!
//!     gate --upstream http://127.0.0.1:3000 --listen 127.0.0.1:8443 --data-dir DATA [--open /api/]…

#![expect(clippy::print_stdout, reason = "it says where it serves")]

use ingress::{Caller, Doors, Failure, Gate, Tls, gate::Later};
use kernel::{Clock, PersonId, SystemClock, TenantId, access::TeamRole};
use outbound::upstream::{Limits, Upstream};
use proxy::{Proxy, Settings};
use std::{error::Error, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Knows one member, by one token.
struct OneMember {
    token: String,
    caller: Caller,
}

impl Gate for OneMember {
    fn bearer<'a>(&'a self, token: &'a str) -> Later<'a, std::result::Result<Option<Caller>, Failure>> {
        Box::pin(async move { Ok((token == self.token).then_some(self.caller)) })
    }

    fn operator(&self, _: &str) -> bool {
        false
    }
}

#[derive(Default)]
struct Arguments {
    upstream: String,
    listen: String,
    data: PathBuf,
    open: Vec<String>,
}

fn arguments() -> Result<Arguments> {
    let mut said = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or("every argument takes a value")?;
        match word.as_str() {
            "--upstream" => said.upstream = value,
            "--listen" => said.listen = value,
            "--data-dir" => said.data = value.into(),
            "--open" => said.open.push(value),
            other => return Err(format!("no such argument: {other}").into()),
        }
    }
    Ok(said)
}

#[tokio::main]
async fn main() -> Result<()> {
    let said = arguments()?;
    let listen: SocketAddr = said.listen.parse()?;
    std::fs::create_dir_all(&said.data)?;
    let (tls, _) = Tls::development(&said.data, &[], SystemClock.now())?;
    let main = TcpListener::bind(listen).await?;
    let url = format!("https://localhost:{}", main.local_addr()?.port());
    let open = said.open.iter().map(|path| path.parse()).collect::<std::result::Result<Vec<_>, _>>()?;
    let settings = Settings::new(&url, Arc::new(SystemClock))?.open(open);
    let upstream = Upstream::new(said.upstream.parse()?, Limits::default());
    let signer = identity::jwt::Signer::random()?;
    let proxy = Proxy::new(upstream, Arc::new(signer), settings, None);
    let token = format!("wbt_{}", identity::random::token()?);
    std::fs::write(said.data.join("token"), &token)?;
    let caller = Caller::by_token(TenantId::new(), PersonId::new(), TeamRole::Owner, None);
    let gate: Arc<dyn Gate> = Arc::new(OneMember { token, caller });
    let router = proxy.table().router(&gate)?;
    let settings = ingress::Settings::new(&url)?;
    println!("{url}");
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    ingress::serve(Doors { main, plain: None }, router, tls, settings, stop).await?;
    Ok(())
}
